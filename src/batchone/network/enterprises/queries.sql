-- name: add_tenant
INSERT INTO enterprises.tenants (id, name, added) VALUES (%(tenant)s, %(name)s, %(now)s) ON CONFLICT DO NOTHING

-- name: tenant
SELECT id, name FROM enterprises.tenants WHERE id = %(tenant)s

-- name: add_person
INSERT INTO enterprises.people (tenant, id, name, role, party, password, added)
VALUES (%(tenant)s, %(person)s, %(name)s, %(role)s, %(party)s, %(password)s, %(now)s) ON CONFLICT DO NOTHING

-- name: person
SELECT tenant, id, name, role, party, password, active FROM enterprises.people WHERE tenant = %(tenant)s AND id = %(person)s

-- name: person_held
SELECT tenant, id, name, role, party, password, active FROM enterprises.people WHERE tenant = %(tenant)s AND id = %(person)s
FOR NO KEY UPDATE

-- name: people
SELECT tenant, id, name, role, party, active FROM enterprises.people WHERE tenant = %(tenant)s ORDER BY id

-- name: set_password
UPDATE enterprises.people SET password = %(password)s WHERE tenant = %(tenant)s AND id = %(person)s

-- name: set_active
UPDATE enterprises.people SET active = %(active)s WHERE tenant = %(tenant)s AND id = %(person)s

-- name: forget_old_attempts
DELETE FROM enterprises.attempts WHERE latest < %(before)s

-- name: open_attempts
INSERT INTO enterprises.attempts (tenant, person, attempts, latest, barred_until)
VALUES (%(tenant)s, %(person)s, 0, %(now)s, %(now)s) ON CONFLICT DO NOTHING

-- name: attempts
SELECT attempts, barred_until FROM enterprises.attempts WHERE tenant = %(tenant)s AND person = %(person)s FOR UPDATE

-- name: count_attempt
UPDATE enterprises.attempts SET attempts = %(attempts)s, latest = %(now)s, barred_until = %(barred_until)s
WHERE tenant = %(tenant)s AND person = %(person)s

-- name: forget_attempts
DELETE FROM enterprises.attempts WHERE tenant = %(tenant)s AND person = %(person)s

-- name: open_session
INSERT INTO enterprises.sessions (digest, csrf, tenant, person, opened, expires)
VALUES (%(digest)s, %(csrf)s, %(tenant)s, %(person)s, %(now)s, %(expires)s)

-- name: session
SELECT s.csrf, s.opened, s.expires, p.tenant, p.id, p.name, p.role, p.party
FROM enterprises.sessions s JOIN enterprises.people p ON p.tenant = s.tenant AND p.id = s.person
WHERE s.digest = %(digest)s AND s.expires > %(now)s AND p.active

-- name: prolong_session
UPDATE enterprises.sessions SET expires = %(expires)s WHERE digest = %(digest)s

-- name: end_session
DELETE FROM enterprises.sessions s USING enterprises.people p
WHERE s.digest = %(digest)s AND p.tenant = s.tenant AND p.id = s.person
RETURNING p.tenant, p.id, p.name, p.role, p.party

-- name: end_sessions_of
DELETE FROM enterprises.sessions WHERE tenant = %(tenant)s AND person = %(person)s

-- name: forget_old_sessions
DELETE FROM enterprises.sessions WHERE expires <= %(now)s

-- name: add_link
INSERT INTO enterprises.links (digest, tenant, person, issued, expires)
VALUES (%(digest)s, %(tenant)s, %(person)s, %(now)s, %(expires)s)

-- name: link
SELECT l.expires, p.tenant, p.id, p.name, p.role, p.party
FROM enterprises.links l JOIN enterprises.people p ON p.tenant = l.tenant AND p.id = l.person
WHERE l.digest = %(digest)s AND p.active

-- name: end_links_of
DELETE FROM enterprises.links WHERE tenant = %(tenant)s AND person = %(person)s

-- name: forget_old_links
DELETE FROM enterprises.links WHERE expires < %(before)s

-- name: add_token
INSERT INTO enterprises.tokens (digest, tenant, person, label, issued, issued_by)
VALUES (%(digest)s, %(tenant)s, %(person)s, %(label)s, %(now)s, %(issued_by)s)

-- name: token
SELECT p.tenant, p.id, p.name, p.role, p.party
FROM enterprises.tokens t JOIN enterprises.people p ON p.tenant = t.tenant AND p.id = t.person
WHERE t.digest = %(digest)s AND t.revoked IS NULL AND p.active

-- name: revoke_tokens
UPDATE enterprises.tokens SET revoked = %(now)s
WHERE tenant = %(tenant)s AND person = %(person)s AND label = %(label)s AND revoked IS NULL

-- name: open_audit
INSERT INTO enterprises.audit_ends (tenant, seq, hash) VALUES (%(tenant)s, 0, %(hash)s) ON CONFLICT DO NOTHING

-- name: lock_audit_end
SELECT seq, hash FROM enterprises.audit_ends WHERE tenant = %(tenant)s FOR UPDATE

-- name: audit_end
SELECT seq, hash FROM enterprises.audit_ends WHERE tenant = %(tenant)s

-- name: move_audit_end
UPDATE enterprises.audit_ends SET seq = %(seq)s, hash = %(hash)s WHERE tenant = %(tenant)s

-- name: add_audit
INSERT INTO enterprises.audit (tenant, seq, time, actor, role, action, subject, key, outcome, details, before, hash)
VALUES (%(tenant)s, %(seq)s, %(time)s, %(actor)s, %(role)s, %(action)s, %(subject)s, %(key)s, %(outcome)s,
    %(details)s::jsonb, %(before)s, %(hash)s)

-- name: newest_audit
SELECT tenant, seq, time, actor, role, action, subject, key, outcome, details, before, hash
FROM enterprises.audit WHERE tenant = %(tenant)s ORDER BY seq DESC LIMIT %(limit)s

-- name: audit_after
SELECT tenant, seq, time, actor, role, action, subject, key, outcome, details, before, hash
FROM enterprises.audit WHERE tenant = %(tenant)s AND seq > %(after)s ORDER BY seq LIMIT %(limit)s
