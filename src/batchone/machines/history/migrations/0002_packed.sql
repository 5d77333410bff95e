-- Merged segments have a shape of their own; those from before have the plain one, and become packed when they are merged.
ALTER TABLE history.segment ADD COLUMN packed boolean NOT NULL DEFAULT false;
