-- name: known_batches
SELECT tenant, batch FROM history.batch WHERE (tenant, batch) IN (
    SELECT * FROM unnest(%(tenants)s::text[], %(batches)s::text[])
)

-- name: add_batches
INSERT INTO history.batch (tenant, batch)
SELECT * FROM unnest(%(tenants)s::text[], %(batches)s::text[])
ON CONFLICT DO NOTHING

-- name: prune_batches
DELETE FROM history.batch WHERE stored_at < now() - make_interval(secs => %(age_s)s)

-- name: add_segment
INSERT INTO history.segment (id, tenant, day, file, first, last, rows, bytes, paths, packed, kept, alone)
VALUES (%(id)s, %(tenant)s, %(day)s, %(file)s, %(first)s, %(last)s, %(rows)s, %(bytes)s, %(paths)s, %(packed)s, %(kept)s,
    %(alone)s)

-- name: add_duplicates
INSERT INTO history.tally (tenant, duplicates) VALUES (%(tenant)s, %(duplicates)s)
ON CONFLICT (tenant) DO UPDATE SET duplicates = tally.duplicates + excluded.duplicates

-- name: add_refused
INSERT INTO history.refused (digest, subject, reason, data) VALUES (%(digest)s, %(subject)s, %(reason)s, %(data)s)
ON CONFLICT (digest, subject) DO UPDATE SET times = refused.times + 1

-- name: overlapping
SELECT id, tenant, day, file, first, last, rows, bytes, paths, packed, kept, alone, object,
    moved_at IS NOT NULL AS moved FROM history.segment
WHERE tenant = %(tenant)s AND retired_at IS NULL AND last >= %(start)s AND first < %(end)s
ORDER BY first, id

-- name: journals
SELECT file FROM history.journal ORDER BY opened_at, file

-- name: add_journal
INSERT INTO history.journal (file) VALUES (%(file)s)

-- name: end_journal
DELETE FROM history.journal WHERE file = %(file)s

-- name: counting
SELECT id, tenant, day, segment.file, first, last, rows, bytes, paths, packed, kept, alone, object,
    moved_at IS NOT NULL AS moved, journal.files AS journals
FROM (SELECT coalesce(array_agg(file ORDER BY opened_at, file), '{}') AS files FROM history.journal) AS journal
LEFT JOIN history.segment AS segment
    ON tenant = %(tenant)s AND retired_at IS NULL AND last >= %(start)s AND first < %(end)s
ORDER BY first, id

-- name: live
SELECT id, tenant, day, file, first, last, rows, bytes, paths, packed, kept, alone, object, moved_at IS NOT NULL AS moved,
    extract(epoch FROM now() - max(stored_at) OVER (PARTITION BY tenant, kept, day))::float8 AS quiet_s
FROM history.segment WHERE retired_at IS NULL ORDER BY tenant, kept, day, first, id

-- name: retire
UPDATE history.segment SET retired_at = now() WHERE id = ANY(%(ids)s) AND retired_at IS NULL

-- name: long_retired
SELECT id, file, object <> '' AS stored FROM history.segment WHERE retired_at < now() - make_interval(secs => %(grace_s)s)

-- name: forget
DELETE FROM history.segment WHERE id = ANY(%(ids)s) AND retired_at IS NOT NULL

-- name: named
SELECT file FROM history.segment WHERE file = ANY(%(files)s)

-- name: stats
SELECT coalesce(sum(rows), 0)::bigint AS samples, count(*) AS segments, coalesce(sum(bytes), 0)::bigint AS bytes,
    min(first) AS oldest, max(last) AS newest,
    coalesce((SELECT duplicates FROM history.tally WHERE tally.tenant = %(tenant)s), 0) AS duplicates,
    (SELECT coalesce(array_agg(file), '{}') FROM history.journal) AS journals
FROM history.segment WHERE tenant = %(tenant)s AND retired_at IS NULL

-- name: tenants
SELECT DISTINCT tenant FROM history.segment WHERE retired_at IS NULL ORDER BY tenant

-- name: of_tenant
SELECT id, tenant, day, file, first, last, rows, bytes, paths, packed, kept, alone, object,
    moved_at IS NOT NULL AS moved FROM history.segment
WHERE tenant = %(tenant)s AND retired_at IS NULL ORDER BY id

-- name: add_dropped
INSERT INTO history.dropped
    (id, tenant, kept, day, segments, rows, bytes, paths, first, last, archive, dropped, dropped_by)
VALUES (%(id)s, %(tenant)s, %(kept)s, %(day)s, %(segments)s, %(rows)s, %(bytes)s, %(paths)s, %(first)s, %(last)s,
    %(archive)s, %(dropped)s, %(dropped_by)s)

-- name: dropped
SELECT id, kept, day, segments, rows, bytes, cardinality(paths) AS signals, first, last, archive, dropped, dropped_by, restored
FROM history.dropped WHERE tenant = %(tenant)s ORDER BY dropped DESC, id DESC

-- name: dropped_of
SELECT id FROM history.dropped
WHERE tenant = %(tenant)s AND restored IS NULL AND last >= %(start)s AND first < %(end)s AND paths && %(paths)s::text[]
ORDER BY first, id

-- name: mark_restored
UPDATE history.dropped SET restored = %(now)s WHERE tenant = %(tenant)s AND id = %(id)s AND restored IS NULL

-- name: intend
UPDATE history.segment SET object = %(sha256)s WHERE id = %(id)s AND retired_at IS NULL AND moved_at IS NULL

-- name: moved
UPDATE history.segment SET moved_at = now() WHERE id = %(id)s AND retired_at IS NULL AND object = %(sha256)s

-- name: moved_days
SELECT DISTINCT tenant, kept, day FROM history.segment WHERE moved_at IS NOT NULL

-- name: moved_among
SELECT file FROM history.segment WHERE moved_at IS NOT NULL AND file = ANY(%(files)s)

-- name: objects
SELECT file, bytes, moved_at IS NOT NULL AND retired_at IS NULL AS counts FROM history.segment WHERE object <> '' ORDER BY file

-- name: owner
SELECT id, EXISTS (SELECT FROM history.segment WHERE moved_at IS NOT NULL) AS used FROM history.owner
