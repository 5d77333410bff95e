-- How long a segment is kept goes by the class that its signals had when they were stored. What was brought back from the
-- archive is in a class of its own, so that it does not go again at once.
ALTER TABLE history.segment ADD COLUMN kept text NOT NULL DEFAULT 'standard'
    CHECK (kept IN ('short', 'standard', 'long', 'restored'));

-- Days that were dropped, each with the folder of the archive that holds it; an empty one means that there is none. All times
-- are plant time.
CREATE TABLE history.dropped (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    kept text NOT NULL,
    day date NOT NULL,
    segments int NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    paths text[] NOT NULL,
    first timestamptz NOT NULL,
    last timestamptz NOT NULL,
    archive text NOT NULL,
    dropped timestamptz NOT NULL,
    dropped_by text NOT NULL,
    restored timestamptz
);
CREATE INDEX dropped_by_time ON history.dropped (tenant, last, first);
