-- The name that a person gave to what they asked for; promises of one inquiry replace one another. Empty: none.
ALTER TABLE sales.promises ADD COLUMN inquiry text NOT NULL DEFAULT '';
CREATE INDEX promises_by_inquiry ON sales.promises (tenant, actor, inquiry) WHERE inquiry <> '';
