-- name: newest
SELECT version, text FROM twin.things WHERE tenant = %(tenant)s ORDER BY version DESC LIMIT 1

-- name: one
SELECT version, text FROM twin.things WHERE tenant = %(tenant)s AND version = %(version)s

-- name: editions
SELECT version, by, at, note FROM twin.things WHERE tenant = %(tenant)s ORDER BY version DESC

-- name: add
INSERT INTO twin.things (tenant, version, text, note, by, at)
VALUES (%(tenant)s, %(version)s, %(text)s, %(note)s, %(by)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: add_state
INSERT INTO twin.state (tenant, equipment, at, state) VALUES (%(tenant)s, %(equipment)s, %(at)s, %(state)s)
ON CONFLICT (tenant, equipment, at) DO UPDATE SET state = excluded.state

-- name: state_at
SELECT state, at FROM twin.state WHERE tenant = %(tenant)s AND equipment = %(equipment)s AND at <= %(time)s
ORDER BY at DESC LIMIT 1
