-- The state of each equipment as it was last said in a fact, so that a restart says only what changed meanwhile.
CREATE TABLE connect.equipment (
    tenant text NOT NULL,
    equipment text NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, equipment)
);

-- What was sent with each job that a machine may still know, to compare its read-back with. The parameters are their
-- canonical JSON as text, because a checksum is taken of it, and `jsonb` would write numbers anew.
CREATE TABLE connect.sent (
    tenant text NOT NULL,
    equipment text NOT NULL,
    job text NOT NULL,
    program text NOT NULL,
    parameters text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, equipment, job)
);

-- Commands that people gave, by their idempotency key: what was asked, and the answer once there is one.
CREATE TABLE connect.command (
    tenant text NOT NULL,
    person text NOT NULL,
    key text NOT NULL,
    request text NOT NULL,
    answer text,
    recorded boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, person, key)
);
CREATE INDEX command_by_age ON connect.command (at);
