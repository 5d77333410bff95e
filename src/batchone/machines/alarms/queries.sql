-- name: standing
SELECT path, "limit", holds, since_us, began_with, raised FROM alarms.standing WHERE tenant = %(tenant)s

-- name: judged
SELECT path, until_us FROM alarms.judged WHERE tenant = %(tenant)s

-- name: put_standing
INSERT INTO alarms.standing (tenant, path, "limit", holds, since_us, began_with, raised)
SELECT %(tenant)s, * FROM unnest(%(paths)s::text[], %(limits)s::text[], %(holds)s::boolean[], %(since_us)s::bigint[],
    %(began_with)s::float8[], %(raised)s::boolean[])
ON CONFLICT (tenant, path, "limit") DO UPDATE SET holds = excluded.holds, since_us = excluded.since_us,
    began_with = excluded.began_with, raised = excluded.raised

-- name: put_judged
INSERT INTO alarms.judged (tenant, path, until_us)
SELECT %(tenant)s, * FROM unnest(%(paths)s::text[], %(until_us)s::bigint[])
ON CONFLICT (tenant, path) DO UPDATE SET until_us = greatest(judged.until_us, excluded.until_us)

-- name: drop_standing
DELETE FROM alarms.standing WHERE tenant = %(tenant)s
    AND (path, "limit") IN (SELECT * FROM unnest(%(paths)s::text[], %(limits)s::text[]))

-- name: lasting
SELECT path, "limit" FROM alarms.alarm WHERE tenant = %(tenant)s AND returned IS NULL
    AND (path, "limit") IN (SELECT * FROM unnest(%(paths)s::text[], %(limits)s::text[]))

-- name: supersede
UPDATE alarms.alarm AS a SET ended = came.at FROM unnest(%(paths)s::text[], %(limits)s::text[], %(at)s::timestamptz[])
    AS came (path, "limit", at)
WHERE a.tenant = %(tenant)s AND a.path = came.path AND a."limit" = came."limit" AND a.returned IS NOT NULL AND a.ended IS NULL

-- name: add
INSERT INTO alarms.alarm (id, tenant, path, equipment, "limit", priority, bound, value, unit, name, raised, returned, ended,
    suppressed)
SELECT a.id, %(tenant)s, a.path, a.equipment, a."limit", a.priority, a.bound, a.value, a.unit, a.name::jsonb, a.raised,
    a.returned, a.ended, coalesce(s.kind, CASE WHEN e.equipment IS NOT NULL THEN 'suppressed_by_design' END, '')
FROM unnest(%(ids)s::text[], %(paths)s::text[], %(equipment)s::text[], %(limits)s::text[], %(priorities)s::text[],
    %(bounds)s::float8[], %(values)s::float8[], %(units)s::text[], %(names)s::text[], %(raised)s::timestamptz[],
    %(returned)s::timestamptz[], %(ended)s::timestamptz[])
    AS a (id, path, equipment, "limit", priority, bound, value, unit, name, raised, returned, ended)
LEFT JOIN alarms.suppression AS s ON s.tenant = %(tenant)s AND s.path = a.path AND s."limit" = a."limit" AND s.ended IS NULL
    AND (s.until IS NULL OR s.until > %(now)s)
LEFT JOIN alarms.equipment AS e ON e.tenant = %(tenant)s AND e.equipment = a.equipment AND e.state = ANY(%(design)s::text[])
    AND a."limit" IN ('low_low', 'low', 'high', 'high_high')
ON CONFLICT (tenant, path, "limit") WHERE returned IS NULL DO NOTHING
RETURNING id, suppressed

-- name: return
UPDATE alarms.alarm AS a SET returned = over.at, ended = CASE WHEN a.acknowledged IS NULL THEN NULL ELSE over.at END
FROM unnest(%(paths)s::text[], %(limits)s::text[], %(at)s::timestamptz[]) AS over (path, "limit", at)
WHERE a.tenant = %(tenant)s AND a.path = over.path AND a."limit" = over."limit" AND a.returned IS NULL
RETURNING a.id, a.path, a.equipment, a.returned

-- name: acknowledge
UPDATE alarms.alarm SET acknowledged = %(at)s, acknowledged_by = %(by)s,
    ended = CASE WHEN returned IS NULL THEN NULL ELSE coalesce(ended, %(at)s) END
WHERE tenant = %(tenant)s AND id = %(id)s AND acknowledged IS NULL

-- name: find
SELECT a.*, s.until, CASE WHEN a.ended IS NULL THEN
        coalesce(s.kind, CASE WHEN e.equipment IS NOT NULL THEN 'suppressed_by_design' END) END AS held
FROM alarms.alarm AS a
LEFT JOIN alarms.suppression AS s ON s.tenant = a.tenant AND s.path = a.path AND s."limit" = a."limit" AND s.ended IS NULL
    AND (s.until IS NULL OR s.until > %(now)s)
LEFT JOIN alarms.equipment AS e ON e.tenant = a.tenant AND e.equipment = a.equipment AND e.state = ANY(%(design)s::text[])
    AND a."limit" IN ('low_low', 'low', 'high', 'high_high')
WHERE a.tenant = %(tenant)s
    AND (%(id)s = '' OR a.id = %(id)s)
    AND (%(show)s = 'all' OR a.ended IS NULL AND (%(show)s = 'suppressed') = (s.kind IS NOT NULL OR e.equipment IS NOT NULL))
    AND (%(equipment)s = '' OR a.equipment = %(equipment)s)
    AND (%(path)s = '' OR a.path = %(path)s)
    AND (%(limit)s = '' OR a."limit" = %(limit)s)
    AND (%(priority)s = '' OR a.priority = %(priority)s)
    AND (%(since)s::timestamptz IS NULL OR a.raised >= %(since)s::timestamptz)
    AND (%(until)s::timestamptz IS NULL OR a.raised < %(until)s::timestamptz)
ORDER BY CASE WHEN %(show)s <> 'all' THEN
        4 * (a.priority = 'alarm')::int + 2 * (a.returned IS NULL)::int + (a.acknowledged IS NULL)::int END DESC,
    a.raised DESC, a.id DESC
LIMIT %(most)s

-- name: occurred
SELECT 1 FROM alarms.alarm WHERE tenant = %(tenant)s AND path = %(path)s AND "limit" = %(limit)s LIMIT 1

-- name: suppressed
SELECT path, "limit", kind, since, until, by, reason FROM alarms.suppression
WHERE tenant = %(tenant)s AND ended IS NULL AND (until IS NULL OR until > %(now)s) ORDER BY id DESC

-- name: end_suppression
UPDATE alarms.suppression SET ended = %(at)s, ended_by = %(by)s
WHERE tenant = %(tenant)s AND path = %(path)s AND "limit" = %(limit)s AND ended IS NULL AND (%(kind)s = '' OR kind = %(kind)s)
RETURNING kind, until

-- name: put_suppression
INSERT INTO alarms.suppression (tenant, path, "limit", kind, since, until, by, reason)
VALUES (%(tenant)s, %(path)s, %(limit)s, %(kind)s, %(since)s, %(until)s, %(by)s, %(reason)s)

-- name: expire
UPDATE alarms.suppression SET ended = until, ended_by = %(by)s WHERE tenant = %(tenant)s AND ended IS NULL AND until <= %(now)s
RETURNING path, "limit", kind, since, until, by, reason

-- name: put_equipment
INSERT INTO alarms.equipment (tenant, equipment, state, since) VALUES (%(tenant)s, %(equipment)s, %(state)s, %(since)s)
ON CONFLICT (tenant, equipment) DO UPDATE SET state = excluded.state, since = excluded.since
WHERE excluded.since >= equipment.since

-- name: put_loss
INSERT INTO alarms.loss (tenant, connection, last) VALUES (%(tenant)s, %(connection)s, %(at)s)
ON CONFLICT (tenant, connection) DO UPDATE SET last = greatest(loss.last, excluded.last)

-- name: end_losses
DELETE FROM alarms.loss WHERE tenant = %(tenant)s AND last <= %(before)s RETURNING connection, last

-- name: editions_now
SELECT DISTINCT ON (path, "limit") path, "limit", version, settings, rationale, by, at, why FROM alarms.limit_edition
WHERE tenant = %(tenant)s ORDER BY path, "limit", version DESC

-- name: editions
SELECT version, settings, rationale, by, at, why FROM alarms.limit_edition
WHERE tenant = %(tenant)s AND path = %(path)s AND "limit" = %(limit)s ORDER BY version DESC

-- name: put_edition
INSERT INTO alarms.limit_edition (tenant, path, "limit", version, settings, rationale, by, at, why)
VALUES (%(tenant)s, %(path)s, %(limit)s, %(version)s, %(settings)s::jsonb, %(rationale)s::jsonb, %(by)s, %(at)s, %(why)s)
ON CONFLICT DO NOTHING

-- name: raisings
SELECT path, "limit", raised, returned, acknowledged FROM alarms.alarm
WHERE tenant = %(tenant)s AND raised >= %(start)s AND raised < %(end)s AND suppressed = '' ORDER BY raised, id

-- name: raised_names
SELECT DISTINCT ON (path, "limit") path, equipment, "limit", priority, bound, unit, name FROM alarms.alarm
WHERE tenant = %(tenant)s AND raised >= %(start)s AND raised < %(end)s AND suppressed = '' ORDER BY path, "limit", raised DESC

-- name: counts
SELECT count(*) FILTER (WHERE a.raised >= %(start)s AND a.raised < %(end)s AND a.suppressed <> '') AS raised_suppressed,
    count(*) FILTER (WHERE held IS NULL AND a.raised <= %(stale)s AND (a.returned IS NULL OR a.returned > %(end)s)) AS stale,
    count(*) FILTER (WHERE a.ended IS NULL AND held = 'shelved') AS shelved,
    count(*) FILTER (WHERE a.ended IS NULL AND held = 'suppressed_by_design') AS suppressed_by_design,
    count(*) FILTER (WHERE a.ended IS NULL AND held = 'out_of_service') AS out_of_service
FROM alarms.alarm AS a
LEFT JOIN alarms.suppression AS s ON s.tenant = a.tenant AND s.path = a.path AND s."limit" = a."limit" AND s.ended IS NULL
    AND (s.until IS NULL OR s.until > %(now)s)
LEFT JOIN alarms.equipment AS e ON e.tenant = a.tenant AND e.equipment = a.equipment AND e.state = ANY(%(design)s::text[])
    AND a."limit" IN ('low_low', 'low', 'high', 'high_high')
CROSS JOIN LATERAL (SELECT coalesce(s.kind, CASE WHEN e.equipment IS NOT NULL THEN 'suppressed_by_design' END) AS held) AS h
WHERE a.tenant = %(tenant)s AND (a.ended IS NULL OR a.raised < %(end)s AND (a.returned > %(end)s OR a.raised >= %(start)s))
