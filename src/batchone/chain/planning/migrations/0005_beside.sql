-- What an operation takes beside its machine and how long it waits: `needs` are classes of tools and skills, `waits` a list of
-- [predecessor, least seconds, most seconds or null]. `also` is what the plan in force gives it, and, once a machine has it, what
-- it holds: [tool or people, track], those of its needs in their order and last that of its setup crew. Changes of plans end in it.
ALTER TABLE planning.operations ADD COLUMN needs text[] NOT NULL DEFAULT '{}';
ALTER TABLE planning.operations ADD COLUMN waits jsonb NOT NULL DEFAULT '[]';
ALTER TABLE planning.operations ADD COLUMN also jsonb NOT NULL DEFAULT '[]';
