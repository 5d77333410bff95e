-- Whether no other segment that counts holds one of its samples: sealing looks for them. Of segments from before nobody knows.
ALTER TABLE history.segment ADD COLUMN alone boolean NOT NULL DEFAULT false;
