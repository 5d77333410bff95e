-- A price and two dates offered. `owner` is the customer who may order it; empty when staff asked.
CREATE TABLE sales.promises (
    tenant text NOT NULL,
    id text NOT NULL,
    owner text NOT NULL,
    actor text NOT NULL,
    configuration text NOT NULL,
    product text NOT NULL,
    choices jsonb NOT NULL,
    quantity int NOT NULL CHECK (quantity BETWEEN 1 AND 1000),
    priority int NOT NULL,
    unit_price numeric NOT NULL,
    price numeric NOT NULL,
    currency text NOT NULL,
    p50 timestamptz NOT NULL,
    p90 timestamptz NOT NULL CHECK (p90 >= p50),
    transit_s double precision NOT NULL,
    plan int NOT NULL,
    reservation text NOT NULL,
    reasons jsonb NOT NULL,
    given timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Order numbers of a year, without gaps: the row is raised in the transaction that places the order.
CREATE TABLE sales.counters (
    tenant text NOT NULL,
    year int NOT NULL,
    last int NOT NULL,
    PRIMARY KEY (tenant, year)
);

CREATE TABLE sales.orders (
    tenant text NOT NULL,
    id text NOT NULL,
    number text NOT NULL,
    customer_id text NOT NULL,
    customer_name text NOT NULL,
    customer_town text NOT NULL,
    configuration text NOT NULL,
    product text NOT NULL,
    choices jsonb NOT NULL,
    quantity int NOT NULL,
    priority int NOT NULL,
    price numeric NOT NULL,
    currency text NOT NULL,
    promise text NOT NULL,
    p50 timestamptz NOT NULL,
    p90 timestamptz NOT NULL,
    transit_s double precision NOT NULL,
    placed timestamptz NOT NULL,
    placed_by text NOT NULL,
    key text NOT NULL,
    search text NOT NULL,
    -- From here on: how the order stands, from the facts of others.
    status text NOT NULL DEFAULT 'placed',
    plan int NOT NULL DEFAULT 0,
    planned_delivery timestamptz,
    late_since timestamptz,
    started timestamptz,
    taken timestamptz,
    delivered timestamptz,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, number),
    UNIQUE (tenant, promise),
    UNIQUE (tenant, placed_by, key)
);
CREATE INDEX orders_by_customer ON sales.orders (tenant, customer_id);
CREATE INDEX orders_by_placed ON sales.orders (tenant, placed);

CREATE TABLE sales.items (
    tenant text NOT NULL,
    id text NOT NULL,
    order_id text NOT NULL,
    place int NOT NULL,
    held boolean NOT NULL DEFAULT false,
    held_changed timestamptz NOT NULL DEFAULT '-infinity',
    finished boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, order_id, place),
    FOREIGN KEY (tenant, order_id) REFERENCES sales.orders (tenant, id)
);
