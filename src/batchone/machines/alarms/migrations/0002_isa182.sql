-- A connection that lost samples is an alarm, too. `suppressed` says why an alarm was not shown when it was raised.
ALTER TABLE alarms.alarm DROP CONSTRAINT alarm_limit_check;
ALTER TABLE alarms.alarm ADD CONSTRAINT alarm_limit_check
    CHECK ("limit" IN ('low_low', 'low', 'high', 'high_high', 'offline', 'broken', 'lost'));
ALTER TABLE alarms.alarm ADD COLUMN suppressed text NOT NULL DEFAULT ''
    CHECK (suppressed IN ('', 'shelved', 'suppressed_by_design', 'out_of_service'));
CREATE INDEX alarm_of_key ON alarms.alarm (tenant, path, "limit", raised DESC);

-- Who set which alarm aside, why, until when at most (null: until it is put back), and when that ended (null: it lasts).
CREATE TABLE alarms.suppression (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    path text NOT NULL,
    "limit" text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('shelved', 'out_of_service')),
    since timestamptz NOT NULL,
    until timestamptz CHECK ((until IS NULL) = (kind = 'out_of_service')),
    by text NOT NULL,
    reason text NOT NULL,
    ended timestamptz,
    ended_by text NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX suppression_lasting ON alarms.suppression (tenant, path, "limit") WHERE ended IS NULL;

-- The state of each equipment as last said, by which the limits of its signals may be suppressed.
CREATE TABLE alarms.equipment (
    tenant text NOT NULL,
    equipment text NOT NULL,
    state text NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (tenant, equipment)
);

-- When each connection lost samples last, while its alarm stands.
CREATE TABLE alarms.loss (
    tenant text NOT NULL,
    connection text NOT NULL,
    last timestamptz NOT NULL,
    PRIMARY KEY (tenant, connection)
);

-- Changes of limits; the newest version counts, a null means as declared.
CREATE TABLE alarms.limit_edition (
    tenant text NOT NULL,
    path text NOT NULL,
    "limit" text NOT NULL CHECK ("limit" IN ('low_low', 'low', 'high', 'high_high')),
    version int NOT NULL CHECK (version > 0),
    settings jsonb NOT NULL,
    rationale jsonb NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    why text NOT NULL,
    PRIMARY KEY (tenant, path, "limit", version)
);
