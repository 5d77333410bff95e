CREATE TABLE enterprises.tenants (
    id text PRIMARY KEY,
    name text NOT NULL,
    added timestamptz NOT NULL
);

-- `password` is an Argon2id hash in its usual text form; without one a person signs in by link or token only.
CREATE TABLE enterprises.people (
    tenant text NOT NULL REFERENCES enterprises.tenants,
    id text NOT NULL,
    name text NOT NULL,
    role text NOT NULL CHECK (role IN ('customer', 'planner', 'operator', 'engineer', 'supplier', 'admin')),
    party text NOT NULL,
    password text,
    active boolean NOT NULL DEFAULT true,
    added timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);

-- Of every secret only its SHA-256 is kept: who reads this table cannot sign in with it. 256 random bits need no salt.
CREATE TABLE enterprises.sessions (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    csrf text NOT NULL,
    tenant text NOT NULL,
    person text NOT NULL,
    opened timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    FOREIGN KEY (tenant, person) REFERENCES enterprises.people
);
CREATE INDEX sessions_by_expiry ON enterprises.sessions (expires);
CREATE INDEX sessions_by_person ON enterprises.sessions (tenant, person);

CREATE TABLE enterprises.links (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    tenant text NOT NULL,
    person text NOT NULL,
    issued timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    FOREIGN KEY (tenant, person) REFERENCES enterprises.people
);
CREATE INDEX links_by_expiry ON enterprises.links (expires);

CREATE TABLE enterprises.tokens (
    digest bytea PRIMARY KEY CHECK (length(digest) = 32),
    tenant text NOT NULL,
    person text NOT NULL,
    label text NOT NULL,
    issued timestamptz NOT NULL,
    issued_by text NOT NULL,
    revoked timestamptz,
    FOREIGN KEY (tenant, person) REFERENCES enterprises.people
);
CREATE INDEX tokens_by_person ON enterprises.tokens (tenant, person);

-- Attempts to sign in since the last one that succeeded. Not tied to people: a name that nobody has is counted like any
-- other, so that being throttled tells nothing about whether somebody of that name exists.
CREATE TABLE enterprises.attempts (
    tenant text NOT NULL,
    person text NOT NULL,
    attempts int NOT NULL,
    latest timestamptz NOT NULL,
    barred_until timestamptz NOT NULL,
    PRIMARY KEY (tenant, person)
);
CREATE INDEX attempts_by_time ON enterprises.attempts (latest);

-- The record of what was done: `hash` is the SHA-256 of `before` (the hash of the tenant's previous line) and of this line.
CREATE TABLE enterprises.audit (
    tenant text NOT NULL,
    seq bigint NOT NULL CHECK (seq > 0),
    time timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    key text NOT NULL,
    outcome text NOT NULL,
    details jsonb NOT NULL,
    before bytea NOT NULL CHECK (length(before) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (tenant, seq)
);

-- Where each tenant's record ends; locking its row lets one line be added at a time.
CREATE TABLE enterprises.audit_ends (
    tenant text PRIMARY KEY,
    seq bigint NOT NULL,
    hash bytea NOT NULL
);

CREATE FUNCTION enterprises.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit record is only ever added to' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER audit_is_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON enterprises.audit
    FOR EACH STATEMENT EXECUTE FUNCTION enterprises.refuse_change();
