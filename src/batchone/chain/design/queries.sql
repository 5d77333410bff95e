-- name: lock_packs
SELECT pg_advisory_xact_lock(hashtextextended('design.packs ' || %(tenant)s, 0));

-- name: add_pack
INSERT INTO design.packs (tenant, pack, version, rank, product, hash, files, installed, installed_by)
VALUES (%(tenant)s, %(pack)s, %(version)s, %(rank)s, %(product)s, %(hash)s, %(files)s, %(installed)s, %(installed_by)s);

-- name: pack_key
SELECT pack, version, hash FROM design.packs WHERE tenant = %(tenant)s AND pack = %(pack)s AND version = %(version)s;

-- name: newest
SELECT pack, version, hash FROM design.packs WHERE tenant = %(tenant)s AND product = %(product)s ORDER BY rank DESC LIMIT 1;

-- name: of_version
SELECT pack, version, hash FROM design.packs
WHERE tenant = %(tenant)s AND product = %(product)s AND version = %(version)s;

-- name: every_newest
SELECT DISTINCT ON (product) pack, version, hash FROM design.packs
WHERE tenant = %(tenant)s ORDER BY product, rank DESC;

-- name: files
SELECT files FROM design.packs WHERE hash = %(hash)s LIMIT 1;

-- name: add_configuration
INSERT INTO design.configurations
    (tenant, id, product, pack, version, picks, choices, price, currency, lead_s, completed, actor, contents)
VALUES
    (%(tenant)s, %(id)s, %(product)s, %(pack)s, %(version)s, %(picks)s, %(choices)s, %(price)s, %(currency)s, %(lead_s)s,
     %(completed)s, %(actor)s, %(contents)s);

-- name: configuration
SELECT * FROM design.configurations WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: lock_key
SELECT pg_advisory_xact_lock(hashtextextended('design ' || %(tenant)s || ' ' || %(person)s || ' ' || %(key)s, 0));

-- name: configuration_of_key
SELECT configuration FROM design.completion_keys WHERE tenant = %(tenant)s AND person = %(person)s AND key = %(key)s;

-- name: keep_key
INSERT INTO design.completion_keys (tenant, person, key, configuration)
VALUES (%(tenant)s, %(person)s, %(key)s, %(configuration)s);

-- name: add_choosing
INSERT INTO design.choosing (tenant, id, person, product, revision, history, position, changed)
VALUES (%(tenant)s, %(id)s, %(person)s, %(product)s, 1, %(history)s, 0, %(changed)s);

-- name: forget_choosing
DELETE FROM design.choosing WHERE (tenant, id) IN (
    SELECT tenant, id FROM design.choosing WHERE tenant = %(tenant)s AND person = %(person)s
    ORDER BY changed DESC, id DESC OFFSET %(kept)s
);

-- name: choosing
SELECT * FROM design.choosing WHERE tenant = %(tenant)s AND id = %(id)s AND person = %(person)s;

-- name: change_choosing
UPDATE design.choosing
SET revision = revision + 1, history = %(history)s, position = %(position)s, changed = %(changed)s
WHERE tenant = %(tenant)s AND id = %(id)s AND person = %(person)s AND revision = %(revision)s;

-- name: add_saved
INSERT INTO design.saved (token, tenant, person, name, product, version, choices, contents, saved, forked_from)
VALUES (%(token)s, %(tenant)s, %(person)s, %(name)s, %(product)s, %(version)s, %(choices)s, %(contents)s, %(saved)s,
        %(forked_from)s);

-- name: count_saved
SELECT count(*) AS n FROM design.saved WHERE tenant = %(tenant)s AND person = %(person)s;

-- name: saved_by
SELECT s.*, (SELECT count(*) FROM design.votes v WHERE v.token = s.token) AS votes,
    EXISTS (SELECT 1 FROM design.votes v WHERE v.token = s.token AND v.tenant = %(tenant)s AND v.person = %(person)s) AS voted
FROM design.saved s WHERE s.tenant = %(tenant)s AND s.person = %(person)s ORDER BY s.saved DESC, s.token;

-- name: saved_of
SELECT s.*, (SELECT count(*) FROM design.votes v WHERE v.token = s.token) AS votes,
    EXISTS (SELECT 1 FROM design.votes v WHERE v.token = s.token AND v.tenant = %(tenant)s AND v.person = %(person)s) AS voted
FROM design.saved s WHERE s.token = %(token)s;

-- name: add_vote
INSERT INTO design.votes (token, tenant, person, voted) VALUES (%(token)s, %(tenant)s, %(person)s, %(voted)s)
ON CONFLICT DO NOTHING;

-- name: take_vote
DELETE FROM design.votes WHERE token = %(token)s AND tenant = %(tenant)s AND person = %(person)s;

-- name: add_picture
INSERT INTO design.pictures (tenant, digest, person, format, size, width, height, kept)
VALUES (%(tenant)s, %(digest)s, %(person)s, %(format)s, %(size)s, %(width)s, %(height)s, %(kept)s)
ON CONFLICT DO NOTHING;

-- name: count_pictures
SELECT count(*) AS n FROM design.pictures WHERE tenant = %(tenant)s AND person = %(person)s AND digest <> %(digest)s;

-- name: picture
SELECT digest, format, size, width, height FROM design.pictures WHERE tenant = %(tenant)s AND digest = %(digest)s LIMIT 1;
