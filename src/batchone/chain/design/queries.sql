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
    (tenant, id, product, pack, version, picks, choices, price, currency, lead_s, completed, actor)
VALUES
    (%(tenant)s, %(id)s, %(product)s, %(pack)s, %(version)s, %(picks)s, %(choices)s, %(price)s, %(currency)s, %(lead_s)s,
     %(completed)s, %(actor)s);

-- name: configuration
SELECT * FROM design.configurations WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: lock_key
SELECT pg_advisory_xact_lock(hashtextextended('design ' || %(tenant)s || ' ' || %(person)s || ' ' || %(key)s, 0));

-- name: configuration_of_key
SELECT configuration FROM design.completion_keys WHERE tenant = %(tenant)s AND person = %(person)s AND key = %(key)s;

-- name: keep_key
INSERT INTO design.completion_keys (tenant, person, key, configuration)
VALUES (%(tenant)s, %(person)s, %(key)s, %(configuration)s);
