-- The catalogue: a file holds samples only if a row names it. `retired_at` is set when a merged segment has taken its
-- place; the file stays for a while, for readers that are under way. Times of samples are plant time; `stored_at` and
-- `retired_at` are the database's own time, because files and the stream age in real time.
CREATE TABLE history.segment (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    day date NOT NULL,
    file text NOT NULL UNIQUE,
    first timestamptz NOT NULL,
    last timestamptz NOT NULL,
    rows bigint NOT NULL CHECK (rows > 0),
    bytes bigint NOT NULL,
    paths int NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    retired_at timestamptz
);
CREATE INDEX segment_by_time ON history.segment (tenant, last, first) WHERE retired_at IS NULL;
CREATE INDEX segment_retired ON history.segment (retired_at) WHERE retired_at IS NOT NULL;

-- The batches that have been stored, kept for longer than the stream could deliver them again.
CREATE TABLE history.batch (
    tenant text NOT NULL,
    batch text NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, batch)
);
CREATE INDEX batch_by_age ON history.batch (stored_at);

-- Samples that came more than once and were dropped.
CREATE TABLE history.tally (
    tenant text PRIMARY KEY,
    duplicates bigint NOT NULL
);

-- Messages that are no batch of samples, kept for a person to look at.
CREATE TABLE history.refused (
    digest text NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    data bytea NOT NULL,
    times bigint NOT NULL DEFAULT 1,
    refused_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (digest, subject)
);
