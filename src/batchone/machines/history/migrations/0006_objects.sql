-- A segment whose file has gone to the object store, under the same name: `object` is the SHA-256 of its bytes and is set
-- before they go, `moved_at` (the database's own time) once they were read back. From then on the file in the historian's
-- folder is a copy that may go and come.
ALTER TABLE history.segment ADD COLUMN object text NOT NULL DEFAULT '', ADD COLUMN moved_at timestamptz;
CREATE INDEX segment_moved ON history.segment (tenant, kept, day) WHERE moved_at IS NOT NULL;

-- Whose catalogue this is: an object store is claimed by one.
CREATE TABLE history.owner AS SELECT gen_random_uuid()::text AS id;
