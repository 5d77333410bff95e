-- What customers brought to the values that they chose: option to text, or to the digest of a picture.
ALTER TABLE design.configurations ADD COLUMN contents jsonb NOT NULL DEFAULT '{}';

-- Choices under way. `history` has the states to go back and forth between, `position` is the one that holds.
CREATE TABLE design.choosing (
    tenant text NOT NULL,
    id text NOT NULL,
    person text NOT NULL,
    product text NOT NULL,
    revision int NOT NULL,
    history json NOT NULL,
    position int NOT NULL,
    changed timestamptz NOT NULL,
    PRIMARY KEY (tenant, id)
);
CREATE INDEX choosing_by_person ON design.choosing (tenant, person, changed DESC);

-- Saved configurations; whoever has the token may read them.
CREATE TABLE design.saved (
    token text PRIMARY KEY,
    tenant text NOT NULL,
    person text NOT NULL,
    name text NOT NULL,
    product text NOT NULL,
    version text NOT NULL,
    choices json NOT NULL,
    contents jsonb NOT NULL,
    saved timestamptz NOT NULL,
    forked_from text NOT NULL
);
CREATE INDEX saved_by_person ON design.saved (tenant, person, saved DESC);

CREATE TABLE design.votes (
    token text NOT NULL REFERENCES design.saved (token),
    tenant text NOT NULL,
    person text NOT NULL,
    voted timestamptz NOT NULL,
    PRIMARY KEY (token, tenant, person)
);

-- Customers' pictures; their content lies in files that are called by the digest.
CREATE TABLE design.pictures (
    tenant text NOT NULL,
    digest text NOT NULL,
    person text NOT NULL,
    format text NOT NULL,
    size int NOT NULL,
    width int NOT NULL,
    height int NOT NULL,
    kept timestamptz NOT NULL,
    PRIMARY KEY (tenant, digest, person)
);
