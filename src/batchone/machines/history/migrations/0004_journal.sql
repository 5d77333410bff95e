-- Files that hold the newest samples of all tenants until they are sealed into segments. `opened_at` is the database's time.
CREATE TABLE history.journal (
    file text PRIMARY KEY,
    opened_at timestamptz NOT NULL DEFAULT now()
);
