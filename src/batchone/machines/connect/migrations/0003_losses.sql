-- How many samples of a connection were said to be lost, so that a restart says only what was lost since.
CREATE TABLE connect.lost (
    tenant text NOT NULL,
    connection text NOT NULL,
    samples bigint NOT NULL,
    PRIMARY KEY (tenant, connection)
);
