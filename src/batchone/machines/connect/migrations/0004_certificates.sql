-- Certificates that servers showed, and what became of each. Times are real time, as those in certificates.
CREATE TABLE connect.certificate (
    tenant text NOT NULL,
    server text NOT NULL,
    fingerprint text NOT NULL,
    der bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'approved', 'replaced', 'revoked')),
    first_seen timestamptz NOT NULL,
    last_seen timestamptz NOT NULL,
    by text NOT NULL DEFAULT '',
    at timestamptz,
    PRIMARY KEY (tenant, server, fingerprint)
);
CREATE UNIQUE INDEX certificate_approved ON connect.certificate (tenant, server) WHERE state = 'approved';
