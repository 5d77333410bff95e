-- Every fact ever said, in order; `published` turns true when the bus has stored it. The table is also the log from
-- which any projection can be recounted, so rows are never changed otherwise and never deleted by the platform.
CREATE TABLE kernel.outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id text NOT NULL UNIQUE,
    tenant text NOT NULL,
    name text NOT NULL,
    version int NOT NULL,
    time timestamptz NOT NULL,
    actor text NOT NULL,
    body jsonb NOT NULL,
    published boolean NOT NULL DEFAULT false
);
CREATE INDEX outbox_unpublished ON kernel.outbox (seq) WHERE NOT published;
CREATE INDEX outbox_by_name ON kernel.outbox (tenant, name, time);

-- What each consumer has already handled.
CREATE TABLE kernel.inbox (
    consumer text NOT NULL,
    fact text NOT NULL,
    PRIMARY KEY (consumer, fact)
);
