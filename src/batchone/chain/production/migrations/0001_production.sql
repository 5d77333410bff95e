-- Items to be made, their operations as they stand now, and every job that was ever given to a machine for them.
CREATE TABLE production.items (
    tenant text NOT NULL,
    item text NOT NULL,
    order_id text NOT NULL,
    product text NOT NULL,
    version text NOT NULL,
    configuration text NOT NULL,
    priority int NOT NULL,
    serial text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'in_production', 'held', 'finished')),
    choices jsonb NOT NULL,
    planned_at timestamptz NOT NULL,
    started timestamptz,
    finished timestamptz,
    PRIMARY KEY (tenant, item)
);
CREATE INDEX items_by_order ON production.items (tenant, order_id);
CREATE UNIQUE INDEX items_by_serial ON production.items (tenant, serial) WHERE serial <> '';
CREATE INDEX items_by_finish ON production.items (tenant, finished) WHERE finished IS NOT NULL;

-- One row an operation: its present run. Earlier runs live on as jobs.
CREATE TABLE production.operations (
    tenant text NOT NULL,
    item text NOT NULL,
    op text NOT NULL,
    run int NOT NULL DEFAULT 1,
    place int NOT NULL,
    after text[] NOT NULL,
    duration_s double precision NOT NULL,
    setup_key text NOT NULL,
    program text NOT NULL,
    parameters jsonb NOT NULL,
    needs_material boolean NOT NULL,
    has_material boolean NOT NULL DEFAULT false,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'released', 'done')),
    PRIMARY KEY (tenant, item, op)
);

CREATE TABLE production.jobs (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    item text NOT NULL,
    order_id text NOT NULL,
    op text NOT NULL,
    run int NOT NULL,
    equipment text NOT NULL,
    position int,
    program text NOT NULL,
    parameters jsonb NOT NULL,
    seconds double precision NOT NULL,
    setup_key text NOT NULL,
    setup_s double precision NOT NULL,
    facts jsonb NOT NULL,
    state text NOT NULL DEFAULT 'released' CHECK (state IN ('released', 'started', 'finished', 'failed', 'withdrawn')),
    confirmed boolean NOT NULL DEFAULT false,
    cleared boolean NOT NULL DEFAULT false,
    released timestamptz NOT NULL,
    started timestamptz,
    finished timestamptz,
    energy_kwh double precision,
    reason text NOT NULL DEFAULT ''
);
-- The promise that nothing is made twice: a run of an operation has one job, unless the machine never took it.
CREATE UNIQUE INDEX jobs_once ON production.jobs (tenant, item, op, run) WHERE state <> 'withdrawn';
CREATE INDEX jobs_open ON production.jobs (tenant, equipment) WHERE state IN ('released', 'started') OR NOT cleared;
CREATE INDEX jobs_by_item ON production.jobs (tenant, item);
CREATE INDEX jobs_by_release ON production.jobs (tenant, released);

CREATE TABLE production.measurements (
    tenant text NOT NULL,
    job text NOT NULL REFERENCES production.jobs,
    item text NOT NULL,
    op text NOT NULL,
    check_id text NOT NULL,
    name jsonb NOT NULL,
    value double precision,
    unit text NOT NULL,
    low double precision,
    high double precision,
    passed boolean,
    time timestamptz NOT NULL,
    PRIMARY KEY (job, check_id)
);
CREATE INDEX measurements_by_item ON production.measurements (tenant, item);

CREATE TABLE production.lots (
    tenant text NOT NULL,
    item text NOT NULL,
    op text NOT NULL,
    module text NOT NULL,
    variant text NOT NULL,
    lot text NOT NULL,
    supplier text NOT NULL,
    quantity int NOT NULL,
    PRIMARY KEY (tenant, item, op, module, variant, lot)
);

CREATE TABLE production.holds (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    item text NOT NULL,
    check_id text NOT NULL,
    reason jsonb NOT NULL,
    since timestamptz NOT NULL,
    released timestamptz,
    decision text NOT NULL DEFAULT ''
);
CREATE INDEX holds_by_item ON production.holds (tenant, item);

-- The setup that each equipment stands at.
CREATE TABLE production.setups (
    tenant text NOT NULL,
    equipment text NOT NULL,
    setup_key text NOT NULL,
    PRIMARY KEY (tenant, equipment)
);

CREATE TABLE production.serials (
    tenant text NOT NULL,
    product text NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (tenant, product)
);

-- Commands of people that were carried out, so that the same key does nothing again.
CREATE TABLE production.commands (
    tenant text NOT NULL,
    key text NOT NULL,
    subject text NOT NULL,
    PRIMARY KEY (tenant, key)
);
