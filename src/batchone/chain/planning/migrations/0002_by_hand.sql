-- What-if branches: the plan with changes (`changes`, JSON; the first `applied` of them count, the others were undone), and what
-- came of planning it: `result` as its contract, `placed` the plan itself, compressed JSON of [operation, equipment, track,
-- setup start, start, end] in seconds since 1970, `seen` how many changes it was planned with.
CREATE TABLE planning.branches (
    tenant text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    made timestamptz NOT NULL,
    made_by text NOT NULL,
    key text NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'thrown_away')),
    changes jsonb NOT NULL,
    applied int NOT NULL,
    last_key text NOT NULL DEFAULT '',
    stale boolean NOT NULL DEFAULT true,
    result jsonb,
    placed bytea,
    plan int,
    PRIMARY KEY (tenant, id)
);
CREATE UNIQUE INDEX branches_by_key ON planning.branches (tenant, key);
CREATE UNIQUE INDEX branches_open_name ON planning.branches (tenant, lower(name)) WHERE state = 'open';
CREATE INDEX branches_newest ON planning.branches (tenant, made DESC);

-- Operations that stay where a planner put them, as long as no machine has them and they are the same run.
CREATE TABLE planning.pins (
    tenant text NOT NULL,
    item text NOT NULL,
    op text NOT NULL,
    run int NOT NULL,
    equipment text NOT NULL,
    position int NOT NULL,
    start timestamptz NOT NULL,
    pinned_by text NOT NULL,
    plan int NOT NULL,
    PRIMARY KEY (tenant, item, op)
);

-- Hours decided beside the calendars of packs: overtime (opened) or a time at which equipment is closed.
CREATE TABLE planning.hours (
    tenant text NOT NULL,
    target text NOT NULL,
    opened boolean NOT NULL,
    start timestamptz NOT NULL,
    ends timestamptz NOT NULL,
    decided_by text NOT NULL,
    plan int NOT NULL,
    PRIMARY KEY (tenant, target, opened, start, ends)
);
CREATE INDEX hours_to_come ON planning.hours (tenant, ends);
