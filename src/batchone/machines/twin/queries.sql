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
