-- Connections declared beside those of packs, each version a whole text in its canonical form; never changed.
CREATE TABLE connect.sources (
    tenant text NOT NULL,
    version int NOT NULL CHECK (version > 0),
    text text NOT NULL,
    note text NOT NULL,
    by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, version)
);
