-- What machines told that nothing declares, or that could not be read: counted by path, for a person to judge. Bounded by who
-- writes it, see quarantine/store.py. Times are plant time.
CREATE TABLE connect.quarantine (
    tenant text NOT NULL,
    connection text NOT NULL,
    path text NOT NULL,
    reason text NOT NULL CHECK (reason IN ('undeclared', 'unreadable')),
    count bigint NOT NULL,
    first timestamptz NOT NULL,
    last timestamptz NOT NULL,
    value double precision,
    what text NOT NULL,
    dismissed_by text NOT NULL DEFAULT '',
    dismissed timestamptz,
    PRIMARY KEY (tenant, connection, path, reason)
);
