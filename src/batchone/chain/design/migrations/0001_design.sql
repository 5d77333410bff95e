-- Installed packs: the text of their files by name, never changed after they were stored.
CREATE TABLE design.packs (
    tenant text NOT NULL,
    pack text NOT NULL,
    version text NOT NULL,
    rank int[] NOT NULL,            -- the version as numbers, to order by
    product text NOT NULL,
    hash text NOT NULL,
    files jsonb NOT NULL,
    installed timestamptz NOT NULL,
    installed_by text NOT NULL,
    PRIMARY KEY (tenant, pack, version)
);
CREATE INDEX packs_by_product ON design.packs (tenant, product, rank DESC);

-- Frozen configurations; `json` rather than `jsonb` keeps options in the pack's order.
CREATE TABLE design.configurations (
    tenant text NOT NULL,
    id text NOT NULL,
    product text NOT NULL,
    pack text NOT NULL,
    version text NOT NULL,
    picks json NOT NULL,
    choices json NOT NULL,
    price numeric NOT NULL,
    currency text NOT NULL,
    lead_s double precision NOT NULL,
    completed timestamptz NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, pack, version) REFERENCES design.packs (tenant, pack, version)
);
