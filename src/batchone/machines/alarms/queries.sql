-- name: standing
SELECT path, "limit", holds, since_us, began_with, raised FROM alarms.standing WHERE tenant = %(tenant)s

-- name: judged
SELECT path, until_us FROM alarms.judged WHERE tenant = %(tenant)s

-- name: put_standing
INSERT INTO alarms.standing (tenant, path, "limit", holds, since_us, began_with, raised)
VALUES (%(tenant)s, %(path)s, %(limit)s, %(holds)s, %(since_us)s, %(began_with)s, %(raised)s)
ON CONFLICT (tenant, path, "limit") DO UPDATE SET holds = excluded.holds, since_us = excluded.since_us,
    began_with = excluded.began_with, raised = excluded.raised

-- name: put_judged
INSERT INTO alarms.judged (tenant, path, until_us) VALUES (%(tenant)s, %(path)s, %(until_us)s)
ON CONFLICT (tenant, path) DO UPDATE SET until_us = greatest(judged.until_us, excluded.until_us)

-- name: drop_standing
DELETE FROM alarms.standing WHERE tenant = %(tenant)s AND path = %(path)s AND "limit" = %(limit)s

-- name: supersede
UPDATE alarms.alarm SET ended = %(at)s
WHERE tenant = %(tenant)s AND path = %(path)s AND "limit" = %(limit)s AND returned IS NOT NULL AND ended IS NULL

-- name: add
INSERT INTO alarms.alarm (id, tenant, path, equipment, "limit", priority, bound, value, unit, name, raised)
VALUES (%(id)s, %(tenant)s, %(path)s, %(equipment)s, %(limit)s, %(priority)s, %(bound)s, %(value)s, %(unit)s,
    %(name)s::jsonb, %(at)s)
ON CONFLICT (tenant, path, "limit") WHERE returned IS NULL DO NOTHING

-- name: return
UPDATE alarms.alarm SET returned = %(at)s, ended = CASE WHEN acknowledged IS NULL THEN NULL ELSE %(at)s END
WHERE tenant = %(tenant)s AND path = %(path)s AND "limit" = %(limit)s AND returned IS NULL
RETURNING id, equipment

-- name: acknowledge
UPDATE alarms.alarm SET acknowledged = %(at)s, acknowledged_by = %(by)s,
    ended = CASE WHEN returned IS NULL THEN NULL ELSE coalesce(ended, %(at)s) END
WHERE tenant = %(tenant)s AND id = %(id)s AND acknowledged IS NULL

-- name: get
SELECT * FROM alarms.alarm WHERE tenant = %(tenant)s AND id = %(id)s

-- name: active
SELECT * FROM alarms.alarm WHERE tenant = %(tenant)s AND ended IS NULL AND (%(equipment)s = '' OR equipment = %(equipment)s)
ORDER BY (priority = 'alarm') DESC, (returned IS NULL) DESC, (acknowledged IS NULL) DESC, raised DESC, id DESC

-- name: history
SELECT * FROM alarms.alarm WHERE tenant = %(tenant)s AND (%(equipment)s = '' OR equipment = %(equipment)s)
ORDER BY raised DESC, id DESC LIMIT %(limit)s
