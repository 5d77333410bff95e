-- When the customer opened the page of the order after being told; null: unread.
ALTER TABLE sales.notices ADD COLUMN read timestamptz;
CREATE INDEX notices_unread ON sales.notices (tenant, order_id) WHERE read IS NULL;

-- Where a customer wants to be told, and in which language.
CREATE TABLE sales.contacts (
    tenant text NOT NULL,
    customer text NOT NULL,
    email text NOT NULL,
    language text NOT NULL,
    PRIMARY KEY (tenant, customer)
);

-- Notices on their way out: one row for each channel that was open when the customer was told. Times are of people's clock.
CREATE TABLE sales.outgoing (
    tenant text NOT NULL,
    order_id text NOT NULL,
    plan int NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'webhook')),
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'failed', 'dropped')),
    since timestamptz NOT NULL,
    due timestamptz NOT NULL,
    attempts int NOT NULL DEFAULT 0,
    fault text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant, order_id, plan, channel),
    FOREIGN KEY (tenant, order_id, plan) REFERENCES sales.notices (tenant, order_id, plan)
);
CREATE INDEX outgoing_due ON sales.outgoing (due) WHERE state = 'waiting';
