-- Under which Idempotency-Key of its asker a promise was given. Empty: none.
ALTER TABLE sales.promises ADD COLUMN key text NOT NULL DEFAULT '';
CREATE UNIQUE INDEX promises_by_key ON sales.promises (tenant, actor, key) WHERE key <> '';

-- What customers were told when their dates moved; what was promised first stays with the order.
CREATE TABLE sales.notices (
    tenant text NOT NULL,
    order_id text NOT NULL,
    plan int NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL CHECK (kind IN ('later', 'earlier')),
    old_p50 timestamptz NOT NULL,
    old_p90 timestamptz NOT NULL,
    p50 timestamptz NOT NULL,
    p90 timestamptz NOT NULL,
    reasons jsonb NOT NULL,
    PRIMARY KEY (tenant, order_id, plan),
    FOREIGN KEY (tenant, order_id) REFERENCES sales.orders (tenant, id)
);
