-- name: add_item
INSERT INTO production.items (tenant, item, order_id, product, version, configuration, priority, choices, planned_at)
VALUES (%(tenant)s, %(item)s, %(order)s, %(product)s, %(version)s, %(configuration)s, %(priority)s, %(choices)s, %(at)s)
ON CONFLICT DO NOTHING

-- name: add_operation
INSERT INTO production.operations (tenant, item, op, place, after, duration_s, setup_key, program, parameters, needs_material,
  needs, waits)
VALUES (%(tenant)s, %(item)s, %(op)s, %(place)s, %(after)s, %(duration_s)s, %(setup_key)s, %(program)s, %(parameters)s, %(needs_material)s,
  %(needs)s, %(waits)s)
ON CONFLICT DO NOTHING

-- name: add_lot
INSERT INTO production.lots (tenant, item, op, module, variant, lot, supplier, quantity)
VALUES (%(tenant)s, %(item)s, %(op)s, %(module)s, %(variant)s, %(lot)s, %(supplier)s, %(quantity)s)
ON CONFLICT (tenant, item, op, module, variant, lot) DO UPDATE SET quantity = production.lots.quantity + excluded.quantity

-- name: material_complete
UPDATE production.operations SET has_material = true WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s

-- name: ready
SELECT o.*, i.order_id, i.choices, i.product, i.version,
  CASE WHEN o.waits = '[]' THEN NULL ELSE (
    SELECT json_object_agg(j.op, extract(epoch FROM j.finished) ORDER BY j.finished) FROM production.jobs j
    WHERE j.tenant = o.tenant AND j.item = o.item AND j.op = ANY(o.after) AND j.state = 'finished') END AS ended
FROM production.operations o JOIN production.items i ON i.tenant = o.tenant AND i.item = o.item
WHERE o.tenant = %(tenant)s AND o.item = ANY(%(items)s) AND o.state = 'waiting'
  AND (o.has_material OR NOT o.needs_material) AND i.state IN ('planned', 'in_production')
  AND NOT EXISTS (
    SELECT 1 FROM production.operations p
    WHERE p.tenant = o.tenant AND p.item = o.item AND p.op = ANY(o.after) AND p.state <> 'done')

-- name: open_counts
SELECT equipment, count(*) AS jobs FROM production.jobs
WHERE tenant = %(tenant)s AND state IN ('released', 'started') GROUP BY equipment

-- name: holding
SELECT j.also, cardinality(o.needs) AS needs,
  j.state = 'started' AND j.started + make_interval(secs => j.setup_s) <= %(now)s AS set_up
FROM production.jobs j JOIN production.operations o ON o.tenant = j.tenant AND o.item = j.item AND o.op = j.op
WHERE j.tenant = %(tenant)s AND j.state IN ('released', 'started') AND j.also <> '[]'

-- name: was_held_for
SELECT 1 AS held FROM production.holds WHERE tenant = %(tenant)s AND item = %(item)s AND check_id = %(check_id)s

-- name: add_job
INSERT INTO production.jobs (id, tenant, item, order_id, op, run, equipment, program, parameters, seconds, setup_key, setup_s, facts, released, also)
VALUES (%(id)s, %(tenant)s, %(item)s, %(order)s, %(op)s, %(run)s, %(equipment)s, %(program)s, %(parameters)s, %(seconds)s,
        %(setup_key)s, %(setup_s)s, %(facts)s, %(at)s, %(also)s)
ON CONFLICT DO NOTHING

-- name: operation_state
UPDATE production.operations SET state = %(state)s WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s

-- name: operation_again
UPDATE production.operations SET state = 'waiting', run = run + 1
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s
RETURNING run

-- name: setup_of
SELECT setup_key FROM production.setups WHERE tenant = %(tenant)s AND equipment = %(equipment)s

-- name: set_setup
INSERT INTO production.setups (tenant, equipment, setup_key) VALUES (%(tenant)s, %(equipment)s, %(setup_key)s)
ON CONFLICT (tenant, equipment) DO UPDATE SET setup_key = excluded.setup_key

-- name: job
SELECT * FROM production.jobs WHERE id = %(id)s AND tenant = %(tenant)s

-- name: job_for_update
SELECT j.*, i.product, i.version FROM production.jobs j JOIN production.items i ON i.tenant = j.tenant AND i.item = j.item
WHERE j.id = %(id)s AND j.tenant = %(tenant)s FOR UPDATE OF j

-- name: unconfirmed
SELECT * FROM production.jobs WHERE tenant = %(tenant)s AND state = 'released' AND NOT confirmed ORDER BY released

-- name: uncleared_equipment
SELECT DISTINCT equipment FROM production.jobs WHERE tenant = %(tenant)s AND (state IN ('released', 'started') OR NOT cleared)

-- name: uncleared
SELECT id FROM production.jobs
WHERE tenant = %(tenant)s AND equipment = %(equipment)s AND state IN ('finished', 'failed') AND NOT cleared
ORDER BY finished

-- name: confirm_job
UPDATE production.jobs SET confirmed = true WHERE id = %(id)s

-- name: start_job
UPDATE production.jobs SET state = 'started', confirmed = true, started = %(started)s, position = %(position)s WHERE id = %(id)s

-- name: end_job
UPDATE production.jobs SET state = %(state)s, confirmed = true, started = %(started)s, finished = %(finished)s,
  position = coalesce(%(position)s, position), energy_kwh = %(energy_kwh)s, reason = %(reason)s, cleared = %(cleared)s
WHERE id = %(id)s

-- name: clear_job
UPDATE production.jobs SET cleared = true WHERE id = %(id)s

-- name: add_measurement
INSERT INTO production.measurements (tenant, job, item, op, check_id, name, value, unit, low, high, passed, time)
VALUES (%(tenant)s, %(job)s, %(item)s, %(op)s, %(check_id)s, %(name)s, %(value)s, %(unit)s, %(low)s, %(high)s, %(passed)s, %(time)s)
ON CONFLICT DO NOTHING

-- name: next_serial
INSERT INTO production.serials (tenant, product, last) VALUES (%(tenant)s, %(product)s, 1)
ON CONFLICT (tenant, product) DO UPDATE SET last = production.serials.last + 1
RETURNING last

-- name: item_started
UPDATE production.items SET state = 'in_production', started = %(at)s, serial = %(serial)s
WHERE tenant = %(tenant)s AND item = %(item)s AND state = 'planned'

-- name: item_state
UPDATE production.items SET state = %(state)s WHERE tenant = %(tenant)s AND item = %(item)s

-- name: item_finished
UPDATE production.items SET state = 'finished', finished = %(at)s WHERE tenant = %(tenant)s AND item = %(item)s

-- name: item
SELECT * FROM production.items WHERE tenant = %(tenant)s AND (item = %(item)s OR serial = %(item)s)

-- name: item_for_update
SELECT * FROM production.items WHERE tenant = %(tenant)s AND item = %(item)s FOR UPDATE

-- name: items_of_order
SELECT item FROM production.items WHERE tenant = %(tenant)s AND order_id = %(order)s ORDER BY item

-- name: items_begun
SELECT item FROM production.items
WHERE tenant = %(tenant)s AND item > %(after)s AND serial <> '' ORDER BY item LIMIT %(limit)s

-- name: operations_of_item
SELECT op, run, state FROM production.operations WHERE tenant = %(tenant)s AND item = %(item)s ORDER BY place

-- name: open_operations
SELECT count(*) AS open FROM production.operations WHERE tenant = %(tenant)s AND item = %(item)s AND state <> 'done'

-- name: energy_of_item
SELECT coalesce(sum(energy_kwh), 0) AS energy FROM production.jobs WHERE tenant = %(tenant)s AND item = %(item)s

-- name: jobs_of_item
SELECT * FROM production.jobs WHERE tenant = %(tenant)s AND item = %(item)s AND state <> 'withdrawn' ORDER BY released, id

-- name: lots_of_item
SELECT * FROM production.lots WHERE tenant = %(tenant)s AND item = %(item)s ORDER BY op, module, lot

-- name: measurements_of_item
SELECT * FROM production.measurements WHERE tenant = %(tenant)s AND item = %(item)s ORDER BY time, check_id

-- name: holds_of_item
SELECT * FROM production.holds WHERE tenant = %(tenant)s AND item = %(item)s ORDER BY since

-- name: add_hold
INSERT INTO production.holds (id, tenant, item, check_id, reason, since)
VALUES (%(id)s, %(tenant)s, %(item)s, %(check_id)s, %(reason)s, %(at)s)

-- name: release_holds
UPDATE production.holds SET released = %(at)s, decision = %(decision)s
WHERE tenant = %(tenant)s AND item = %(item)s AND released IS NULL AND (%(hold)s = '' OR id = %(hold)s)

-- name: item_not_held
UPDATE production.items SET state = 'in_production'
WHERE tenant = %(tenant)s AND item = %(item)s AND state = 'held' AND NOT EXISTS (
  SELECT 1 FROM production.holds h WHERE h.tenant = %(tenant)s AND h.item = %(item)s AND h.released IS NULL)

-- name: failed_before
SELECT count(DISTINCT job) AS times FROM production.measurements
WHERE tenant = %(tenant)s AND item = %(item)s AND check_id = %(check_id)s AND passed = false

-- name: jobs
SELECT * FROM production.jobs
WHERE tenant = %(tenant)s AND (%(state)s = '' OR state = %(state)s) AND (%(equipment)s = '' OR equipment = %(equipment)s)
ORDER BY released DESC, id DESC LIMIT %(limit)s

-- name: stations
SELECT * FROM production.jobs WHERE tenant = %(tenant)s AND state IN ('released', 'started') ORDER BY equipment, position, released

-- name: finished_since
SELECT finished FROM production.items WHERE tenant = %(tenant)s AND finished >= %(since)s ORDER BY finished

-- name: add_command
INSERT INTO production.commands (tenant, key, subject) VALUES (%(tenant)s, %(key)s, %(subject)s) ON CONFLICT DO NOTHING

-- name: command
SELECT subject FROM production.commands WHERE tenant = %(tenant)s AND key = %(key)s
