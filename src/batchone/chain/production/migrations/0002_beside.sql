-- What an operation takes beside its machine and how long it waits: `needs` are classes of tools and skills, `waits` a list of
-- [predecessor, least seconds, most seconds or null]. A job's `also` is what it holds: [tool or people, number from 0], those of its
-- needs in their order and last the crew of its setup, which is free again when the setup is over.
ALTER TABLE production.operations ADD COLUMN needs text[] NOT NULL DEFAULT '{}';
ALTER TABLE production.operations ADD COLUMN waits jsonb NOT NULL DEFAULT '[]';
ALTER TABLE production.jobs ADD COLUMN also jsonb NOT NULL DEFAULT '[]';
