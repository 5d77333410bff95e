CREATE TABLE logistics.carriers (
    tenant text NOT NULL,
    product text NOT NULL,
    carrier text NOT NULL,
    place int NOT NULL,
    name jsonb NOT NULL,
    transit_s double precision NOT NULL CHECK (transit_s >= 0),
    PRIMARY KEY (tenant, product, carrier)
);

CREATE TABLE logistics.orders (
    tenant text NOT NULL,
    id text NOT NULL,
    product text NOT NULL,
    priority int NOT NULL,
    promised timestamptz NOT NULL,
    items text[] NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Finished items, also those whose order is not known here yet.
CREATE TABLE logistics.finished (
    tenant text NOT NULL,
    item text NOT NULL,
    order_id text NOT NULL,
    PRIMARY KEY (tenant, item)
);
CREATE INDEX finished_of_order ON logistics.finished (tenant, order_id);

-- An order has one shipment.
CREATE TABLE logistics.shipments (
    tenant text NOT NULL,
    id text NOT NULL,
    order_id text NOT NULL,
    items text[] NOT NULL,
    carrier text NOT NULL,
    carrier_name jsonb NOT NULL,
    transit_s double precision NOT NULL,
    state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'in_transit', 'delivered')),
    ready timestamptz NOT NULL,
    taken timestamptz,
    expected timestamptz,
    delivered timestamptz,
    PRIMARY KEY (tenant, id),
    UNIQUE (tenant, order_id)
);
CREATE INDEX shipments_by_state ON logistics.shipments (tenant, state, ready);
