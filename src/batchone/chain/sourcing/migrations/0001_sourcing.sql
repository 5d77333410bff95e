-- The catalogue, from the packs: what is bought, and from whom. A variant's row is also the lock under which its stock,
-- needs and call-offs change; several are always locked in the order of their ids.
CREATE TABLE sourcing.variants (
    tenant text NOT NULL,
    product text NOT NULL,
    variant text NOT NULL,
    module text NOT NULL,
    reorder_at int NOT NULL,
    lot int NOT NULL,
    PRIMARY KEY (tenant, product, variant)
);

CREATE TABLE sourcing.suppliers (
    tenant text NOT NULL,
    product text NOT NULL,
    module text NOT NULL,
    supplier text NOT NULL,
    name text NOT NULL,
    lead_s double precision NOT NULL,
    moq int NOT NULL,
    on_time double precision NOT NULL,
    PRIMARY KEY (tenant, product, module, supplier)
);

CREATE TABLE sourcing.call_offs (
    tenant text NOT NULL,
    id text NOT NULL,
    product text NOT NULL,
    module text NOT NULL,
    variant text NOT NULL,
    supplier text NOT NULL,
    supplier_name text NOT NULL,
    quantity int NOT NULL CHECK (quantity > 0),
    lead_s double precision NOT NULL,
    sent timestamptz NOT NULL,
    needed timestamptz NOT NULL,
    expected timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'sent' CHECK (state IN ('sent', 'confirmed', 'announced', 'received', 'overdue')),
    confirmed_for timestamptz,
    received timestamptz,
    lot text,
    late_told boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX call_offs_open ON sourcing.call_offs (tenant, product, variant) WHERE state <> 'received';
CREATE INDEX call_offs_of_supplier ON sourcing.call_offs (tenant, supplier, sent);

-- Material is conserved, lot by lot. The opening stock comes as lots without a call-off, once for each variant.
CREATE TABLE sourcing.lots (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    product text NOT NULL,
    variant text NOT NULL,
    lot text NOT NULL,
    supplier text NOT NULL,
    call_off text NOT NULL,
    at timestamptz NOT NULL,
    received int NOT NULL CHECK (received > 0),
    free int NOT NULL CHECK (free >= 0),
    allocated int NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    consumed int NOT NULL DEFAULT 0 CHECK (consumed >= 0),
    CHECK (received = free + allocated + consumed)
);
CREATE UNIQUE INDEX lots_once ON sourcing.lots (tenant, product, variant, call_off);
CREATE INDEX lots_in_store ON sourcing.lots (tenant, product, variant, id) WHERE free > 0 OR allocated > 0;

CREATE TABLE sourcing.orders (
    tenant text NOT NULL,
    id text NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- An item's operation that needs material, and how many units it misses. `finished` once its job is done: from then on what it gets is consumed at once.
CREATE TABLE sourcing.operations (
    tenant text NOT NULL,
    item text NOT NULL,
    op text NOT NULL,
    order_id text NOT NULL,
    expected timestamptz,
    missing int NOT NULL CHECK (missing >= 0),
    finished boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, item, op)
);

-- `promised`, `number`, `place` and `op` are the turn in which waiting needs are served.
CREATE TABLE sourcing.needs (
    tenant text NOT NULL,
    item text NOT NULL,
    op text NOT NULL,
    variant text NOT NULL,
    product text NOT NULL,
    module text NOT NULL,
    order_id text NOT NULL,
    promised timestamptz NOT NULL,
    number text NOT NULL,
    place int NOT NULL,
    quantity int NOT NULL CHECK (quantity > 0),
    allocated int NOT NULL DEFAULT 0 CHECK (allocated >= 0),
    consumed int NOT NULL DEFAULT 0 CHECK (consumed >= 0),
    expected timestamptz,
    PRIMARY KEY (tenant, item, op, variant),
    CHECK (allocated + consumed <= quantity)
);
CREATE INDEX needs_waiting ON sourcing.needs (tenant, product, variant, promised, number, place, op)
    WHERE allocated + consumed < quantity;

CREATE TABLE sourcing.allocations (
    tenant text NOT NULL,
    item text NOT NULL,
    op text NOT NULL,
    variant text NOT NULL,
    lot bigint NOT NULL REFERENCES sourcing.lots (id),
    quantity int NOT NULL CHECK (quantity > 0),
    consumed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, item, op, variant, lot)
);
