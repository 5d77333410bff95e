-- Every change of an equipment's state, in plant time, so that one can ask how it was.
CREATE TABLE twin.state (
    tenant text NOT NULL,
    equipment text NOT NULL,
    at timestamptz NOT NULL,
    state text NOT NULL,
    PRIMARY KEY (tenant, equipment, at)
);
