-- What was frozen under an Idempotency-Key of a person: asked again, it is answered again.
CREATE TABLE design.completion_keys (
    tenant text NOT NULL,
    person text NOT NULL,
    key text NOT NULL,
    configuration text NOT NULL,
    PRIMARY KEY (tenant, person, key)
);
