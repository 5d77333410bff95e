-- name: equipment
SELECT equipment, state FROM connect.equipment WHERE tenant = %(tenant)s

-- name: put_equipment
INSERT INTO connect.equipment (tenant, equipment, state, at) VALUES (%(tenant)s, %(equipment)s, %(state)s, %(at)s)
ON CONFLICT (tenant, equipment) DO UPDATE SET state = excluded.state, at = excluded.at

-- name: sent
SELECT equipment, job, program, parameters FROM connect.sent WHERE tenant = %(tenant)s

-- name: put_sent
INSERT INTO connect.sent (tenant, equipment, job, program, parameters, at)
VALUES (%(tenant)s, %(equipment)s, %(job)s, %(program)s, %(parameters)s, %(at)s)
ON CONFLICT (tenant, equipment, job) DO UPDATE
SET program = excluded.program, parameters = excluded.parameters, at = excluded.at

-- name: drop_sent
DELETE FROM connect.sent WHERE tenant = %(tenant)s AND equipment = %(equipment)s AND job = %(job)s

-- name: claim_command
INSERT INTO connect.command (tenant, person, key, request, at)
VALUES (%(tenant)s, %(person)s, %(key)s, %(request)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: command
SELECT request, answer, recorded FROM connect.command
WHERE tenant = %(tenant)s AND person = %(person)s AND key = %(key)s

-- name: answer_command
UPDATE connect.command SET answer = %(answer)s
WHERE tenant = %(tenant)s AND person = %(person)s AND key = %(key)s

-- name: record_command
UPDATE connect.command SET recorded = true
WHERE tenant = %(tenant)s AND person = %(person)s AND key = %(key)s

-- name: forget_commands
DELETE FROM connect.command WHERE tenant = %(tenant)s AND at < %(before)s

-- name: newest_sources
SELECT version, text FROM connect.sources WHERE tenant = %(tenant)s ORDER BY version DESC LIMIT 1

-- name: sources
SELECT version, text FROM connect.sources WHERE tenant = %(tenant)s AND version = %(version)s

-- name: sources_editions
SELECT version, by, at, note FROM connect.sources WHERE tenant = %(tenant)s ORDER BY version DESC

-- name: add_sources
INSERT INTO connect.sources (tenant, version, text, note, by, at)
VALUES (%(tenant)s, %(version)s, %(text)s, %(note)s, %(by)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: lost
SELECT samples FROM connect.lost WHERE tenant = %(tenant)s AND connection = %(connection)s FOR UPDATE

-- name: put_lost
INSERT INTO connect.lost (tenant, connection, samples) VALUES (%(tenant)s, %(connection)s, %(samples)s)
ON CONFLICT (tenant, connection) DO UPDATE SET samples = excluded.samples

-- name: see_certificate
INSERT INTO connect.certificate (tenant, server, fingerprint, der, state, first_seen, last_seen)
VALUES (%(tenant)s, %(server)s, %(fingerprint)s, %(der)s, 'waiting', %(at)s, %(at)s)
ON CONFLICT (tenant, server, fingerprint) DO UPDATE SET last_seen = excluded.last_seen

-- name: forget_certificates
DELETE FROM connect.certificate WHERE tenant = %(tenant)s AND state = 'waiting' AND (server, fingerprint) IN (
    SELECT server, fingerprint FROM connect.certificate
    WHERE tenant = %(tenant)s AND server = %(server)s AND state = 'waiting'
    ORDER BY fingerprint = %(fingerprint)s DESC, last_seen DESC, fingerprint OFFSET %(keep)s
)

-- name: certificates_of
SELECT server, fingerprint, der, state, first_seen, last_seen, by, at FROM connect.certificate
WHERE tenant = %(tenant)s AND server = %(server)s FOR UPDATE

-- name: certificates
SELECT server, fingerprint, der, state, first_seen, last_seen, by, at FROM connect.certificate
WHERE tenant = %(tenant)s ORDER BY server, state <> 'approved', first_seen DESC

-- name: judge_certificate
UPDATE connect.certificate SET state = %(state)s, by = %(by)s, at = %(at)s
WHERE tenant = %(tenant)s AND server = %(server)s AND fingerprint = %(fingerprint)s

-- name: replace_certificate
UPDATE connect.certificate SET state = 'replaced', by = %(by)s, at = %(at)s
WHERE tenant = %(tenant)s AND server = %(server)s AND state = 'approved'

-- name: quarantine
SELECT connection, path, reason, count, first, last, value, what, dismissed_by, dismissed FROM connect.quarantine
WHERE tenant = %(tenant)s ORDER BY dismissed IS NOT NULL, connection, count DESC, path, reason

-- name: quarantine_known
SELECT connection, path, reason FROM connect.quarantine WHERE tenant = %(tenant)s AND (connection, path, reason) IN (
    SELECT * FROM unnest(%(connections)s::text[], %(paths)s::text[], %(reasons)s::text[])
)

-- name: quarantine_sizes
SELECT connection, reason, count(*) AS paths FROM connect.quarantine
WHERE tenant = %(tenant)s AND path <> %(others)s GROUP BY connection, reason

-- name: count_quarantine
INSERT INTO connect.quarantine (tenant, connection, path, reason, count, first, last, value, what)
VALUES (%(tenant)s, %(connection)s, %(path)s, %(reason)s, %(count)s, %(first)s, %(last)s, %(value)s, %(what)s)
ON CONFLICT (tenant, connection, path, reason) DO UPDATE
SET count = quarantine.count + excluded.count, last = excluded.last, value = excluded.value, what = excluded.what

-- name: judge_quarantine
UPDATE connect.quarantine SET dismissed_by = %(by)s, dismissed = %(at)s
WHERE tenant = %(tenant)s AND connection = %(connection)s AND path = %(path)s

-- name: forget_quarantine
DELETE FROM connect.quarantine
WHERE tenant = %(tenant)s AND connection = %(connection)s AND path = %(path)s AND reason = 'undeclared'
