-- What is to be planned: every operation of every open item, where the plan in force has put it, and how it stands.
CREATE TABLE planning.orders (
    tenant text NOT NULL,
    order_id text NOT NULL,
    product text NOT NULL,
    due timestamptz NOT NULL,
    weight int NOT NULL,
    placed timestamptz NOT NULL,
    items int NOT NULL,
    promised_finish timestamptz NOT NULL,
    said_finish timestamptz,
    finished timestamptz,
    PRIMARY KEY (tenant, order_id)
);
CREATE INDEX orders_open ON planning.orders (tenant) WHERE finished IS NULL;
CREATE INDEX orders_finished ON planning.orders (tenant, finished) WHERE finished IS NOT NULL;

CREATE TABLE planning.items (
    tenant text NOT NULL,
    item text NOT NULL,
    order_id text NOT NULL,
    held boolean NOT NULL DEFAULT false,
    finished boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, item)
);
CREATE INDEX items_of_order ON planning.items (tenant, order_id);

CREATE TABLE planning.operations (
    tenant text NOT NULL,
    item text NOT NULL,
    op text NOT NULL,
    order_id text NOT NULL,
    run int NOT NULL DEFAULT 1,
    place int NOT NULL,
    class text NOT NULL,
    after text[] NOT NULL,
    duration_s int NOT NULL,
    setup_key text,
    attended boolean NOT NULL,
    material_at timestamptz,
    state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'released', 'running', 'done')),
    equipment text,
    position int,
    setup_start timestamptz,
    start timestamptz,
    ends timestamptz,
    PRIMARY KEY (tenant, item, op)
);
CREATE INDEX operations_open ON planning.operations (tenant, start) WHERE state <> 'done';
CREATE INDEX operations_in_time ON planning.operations (tenant, start, ends);
CREATE INDEX operations_of_order ON planning.operations (tenant, order_id);

-- Plans are numbered and never change. `changes` holds what each differs in from the one before: [item, op, run, equipment,
-- position, setup start, start, end], compressed JSON, so that any plan can be rebuilt from the first on.
CREATE TABLE planning.plans (
    tenant text NOT NULL,
    number int NOT NULL,
    made timestamptz NOT NULL,
    why text NOT NULL,
    method text NOT NULL,
    operations int NOT NULL,
    orders int NOT NULL,
    late_orders int NOT NULL,
    tardiness_s bigint NOT NULL,
    makespan_s bigint NOT NULL,
    setup_s bigint NOT NULL,
    bound double precision,
    solve_s double precision NOT NULL,
    changes bytea NOT NULL,
    PRIMARY KEY (tenant, number)
);

-- Capacity held for promises that are not yet orders.
CREATE TABLE planning.reservations (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    configuration text NOT NULL,
    quantity int NOT NULL,
    expires timestamptz NOT NULL,
    placed jsonb NOT NULL
);
CREATE INDEX reservations_by_expiry ON planning.reservations (tenant, expires);

CREATE TABLE planning.equipment (
    tenant text NOT NULL,
    equipment text NOT NULL,
    state text NOT NULL,
    since timestamptz NOT NULL,
    setup_key text,
    PRIMARY KEY (tenant, equipment)
);
