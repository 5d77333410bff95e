-- An occurrence of an alarm. It stands while `returned` is null, and ends when it is both over and acknowledged, or when
-- the same condition came again (`ended`). Times of the plant; `value` is the one that began the condition.
CREATE TABLE alarms.alarm (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    path text NOT NULL,
    equipment text NOT NULL,
    "limit" text NOT NULL CHECK ("limit" IN ('low_low', 'low', 'high', 'high_high', 'offline', 'broken')),
    priority text NOT NULL CHECK (priority IN ('alarm', 'warning')),
    bound float8,
    value float8,
    unit text NOT NULL,
    name jsonb NOT NULL,
    raised timestamptz NOT NULL,
    returned timestamptz,
    acknowledged timestamptz,
    acknowledged_by text NOT NULL DEFAULT '',
    ended timestamptz
);
CREATE UNIQUE INDEX alarm_standing ON alarms.alarm (tenant, path, "limit") WHERE returned IS NULL;
CREATE INDEX alarm_active ON alarms.alarm (tenant, equipment) WHERE ended IS NULL;
CREATE INDEX alarm_newest ON alarms.alarm (tenant, raised DESC);

-- How each rule stood when it last changed, so that a restart goes on from there. Source times in microseconds.
CREATE TABLE alarms.standing (
    tenant text NOT NULL,
    path text NOT NULL,
    "limit" text NOT NULL,
    holds boolean NOT NULL,
    since_us bigint NOT NULL,
    began_with float8 NOT NULL,
    raised boolean NOT NULL,
    PRIMARY KEY (tenant, path, "limit")
);

-- Up to which source time a path's samples have been judged, noted when a rule of the path changed.
CREATE TABLE alarms.judged (
    tenant text NOT NULL,
    path text NOT NULL,
    until_us bigint NOT NULL,
    PRIMARY KEY (tenant, path)
);
