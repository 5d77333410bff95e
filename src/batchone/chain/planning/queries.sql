-- name: add_order
INSERT INTO planning.orders (tenant, order_id, number, product, due, weight, placed, items, promised_finish, likely_finish, sure_finish,
  promised)
VALUES (%(tenant)s, %(order)s, %(number)s, %(product)s, %(due)s, %(weight)s, %(placed)s, %(items)s, %(finish)s, %(likely)s, %(sure)s,
  %(promised)s)
ON CONFLICT DO NOTHING

-- name: add_item
INSERT INTO planning.items (tenant, item, order_id) VALUES (%(tenant)s, %(item)s, %(order)s) ON CONFLICT DO NOTHING

-- name: add_operation
INSERT INTO planning.operations (tenant, item, op, order_id, place, class, after, duration_s, setup_key, attended,
  needs, waits, equipment, position, setup_start, start, ends, also)
VALUES (%(tenant)s, %(item)s, %(op)s, %(order)s, %(place)s, %(class)s, %(after)s, %(duration_s)s, %(setup_key)s, %(attended)s,
  %(needs)s, %(waits)s, %(equipment)s, %(position)s, %(setup_start)s, %(start)s, %(ends)s, %(also)s)
ON CONFLICT DO NOTHING

-- name: one_moment
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY

-- name: open_operations
SELECT json_agg(x.op ORDER BY x.n)::text AS page FROM (
  SELECT row_number() OVER (ORDER BY o.order_id, o.item, o.place) AS n,
    json_build_array(o.item, o.op, o.order_id, o.run, o.class, o.after, o.duration_s, o.setup_key, o.attended,
      extract(epoch FROM o.material_at), i.held, o.state, o.equipment, o.position, extract(epoch FROM o.setup_start),
      extract(epoch FROM o.start), extract(epoch FROM o.ends), o.needs, o.waits, o.also,
      CASE WHEN o.waits = '[]' THEN NULL ELSE (
        SELECT json_object_agg(p.op, extract(epoch FROM p.ends)) FROM planning.operations p
        WHERE p.tenant = o.tenant AND p.item = o.item AND p.op = ANY(o.after) AND p.state = 'done') END) AS op
  FROM planning.operations o JOIN planning.items i ON i.tenant = o.tenant AND i.item = o.item
  WHERE o.tenant = %(tenant)s AND o.state <> 'done'
    AND (%(tracks)s::text[] IS NULL OR o.equipment || '/' || o.position = ANY(%(tracks)s))) x
GROUP BY x.n / 2000 ORDER BY x.n / 2000

-- name: open_orders
SELECT * FROM planning.orders WHERE tenant = %(tenant)s AND finished IS NULL ORDER BY placed, order_id

-- name: equipment
SELECT * FROM planning.equipment WHERE tenant = %(tenant)s

-- name: set_equipment
INSERT INTO planning.equipment (tenant, equipment, state, since) VALUES (%(tenant)s, %(equipment)s, %(state)s, %(since)s)
ON CONFLICT (tenant, equipment) DO UPDATE SET state = excluded.state, since = excluded.since

-- name: set_key
INSERT INTO planning.equipment (tenant, equipment, state, since, setup_key) VALUES (%(tenant)s, %(equipment)s, 'running', %(at)s, %(key)s)
ON CONFLICT (tenant, equipment) DO UPDATE SET setup_key = excluded.setup_key

-- name: material
UPDATE planning.operations SET material_at = %(at)s WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s

-- name: released
UPDATE planning.operations SET state = 'released', equipment = %(equipment)s, also = %(also)s
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND run = %(run)s AND state = 'planned'

-- name: started
UPDATE planning.operations SET state = 'running', equipment = %(equipment)s, position = coalesce(%(position)s, position),
  setup_start = %(at)s, start = %(at)s, ends = %(ends)s
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND run = %(run)s AND state IN ('planned', 'released')
RETURNING setup_key

-- name: finished
UPDATE planning.operations SET state = 'done', start = %(started)s, setup_start = %(started)s, ends = %(at)s
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND run = %(run)s

-- name: again
UPDATE planning.operations SET state = 'planned', run = %(run)s, start = NULL, setup_start = NULL, ends = NULL, equipment = NULL,
  position = NULL, also = '[]'
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND run < %(run)s

-- name: held
UPDATE planning.items SET held = %(held)s WHERE tenant = %(tenant)s AND item = %(item)s

-- name: item_finished
UPDATE planning.items SET finished = true WHERE tenant = %(tenant)s AND item = %(item)s

-- name: order_finished
UPDATE planning.orders o SET finished = %(at)s
WHERE tenant = %(tenant)s AND order_id = %(order)s AND finished IS NULL AND NOT EXISTS (
  SELECT 1 FROM planning.items i WHERE i.tenant = o.tenant AND i.order_id = o.order_id AND NOT i.finished)
RETURNING promised, promised_finish, likely_finish, sure_finish, finished

-- name: place
UPDATE planning.operations SET equipment = %(equipment)s, position = %(position)s, setup_start = %(setup_start)s,
  start = %(start)s, ends = %(ends)s, also = %(also)s
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND run = %(run)s AND state = 'planned'

-- name: next_number
SELECT coalesce(max(number), 0) + 1 AS number FROM planning.plans WHERE tenant = %(tenant)s

-- name: add_plan
INSERT INTO planning.plans (tenant, number, made, why, method, operations, orders, late_orders, tardiness_s, makespan_s, setup_s,
  bound, solve_s, rules_broken, changes)
VALUES (%(tenant)s, %(number)s, %(made)s, %(why)s, %(method)s, %(operations)s, %(orders)s, %(late_orders)s, %(tardiness_s)s,
  %(makespan_s)s, %(setup_s)s, %(bound)s, %(solve_s)s, %(rules_broken)s, %(changes)s)

-- name: plans
SELECT number, made, why, method, operations, orders, late_orders, tardiness_s, makespan_s, setup_s, bound, solve_s,
  rules_broken
FROM planning.plans WHERE tenant = %(tenant)s ORDER BY number DESC LIMIT %(limit)s

-- name: finishes
SELECT order_id, max(ends) AS finish FROM planning.operations
WHERE tenant = %(tenant)s AND order_id = ANY(%(orders)s) AND ends IS NOT NULL GROUP BY order_id

-- name: said_finish
UPDATE planning.orders SET said_finish = %(finish)s WHERE tenant = %(tenant)s AND order_id = %(order)s

-- name: window
SELECT o.*, (x.due < f.finish) AS late
FROM planning.operations o
JOIN planning.orders x ON x.tenant = o.tenant AND x.order_id = o.order_id
LEFT JOIN LATERAL (SELECT max(ends) AS finish FROM planning.operations e
  WHERE e.tenant = o.tenant AND e.order_id = o.order_id) f ON true
WHERE o.tenant = %(tenant)s AND o.start IS NOT NULL AND o.start < %(until)s AND o.ends > %(since)s
ORDER BY o.start LIMIT %(limit)s

-- name: of_order
SELECT o.*, (x.due < f.finish) AS late
FROM planning.operations o
JOIN planning.orders x ON x.tenant = o.tenant AND x.order_id = o.order_id
LEFT JOIN LATERAL (SELECT max(ends) AS finish FROM planning.operations e
  WHERE e.tenant = o.tenant AND e.order_id = o.order_id) f ON true
WHERE o.tenant = %(tenant)s AND o.order_id = %(order)s AND o.start IS NOT NULL
ORDER BY o.start, o.item, o.place

-- name: dispatch
SELECT o.item, o.order_id, o.op, o.run, o.equipment, o.setup_start, o.start, o.also
FROM planning.operations o JOIN planning.items i ON i.tenant = o.tenant AND i.item = o.item
WHERE o.tenant = %(tenant)s AND o.state = 'planned' AND o.setup_start <= %(until)s AND NOT i.held
ORDER BY o.start, o.item, o.place

-- name: reserve
INSERT INTO planning.reservations (id, tenant, configuration, quantity, expires, placed, given, finish, likely, sure)
VALUES (%(id)s, %(tenant)s, %(configuration)s, %(quantity)s, %(expires)s, %(placed)s, %(given)s, %(finish)s, %(likely)s, %(sure)s)

-- name: move_reservation
UPDATE planning.reservations SET placed = %(placed)s WHERE tenant = %(tenant)s AND id = %(id)s

-- name: reservations
SELECT * FROM planning.reservations WHERE tenant = %(tenant)s AND expires > %(now)s ORDER BY expires

-- name: take_reservation
DELETE FROM planning.reservations WHERE tenant = %(tenant)s AND id = %(id)s RETURNING *

-- name: expire_reservations
DELETE FROM planning.reservations WHERE tenant = %(tenant)s AND expires <= %(now)s

-- name: outcomes
SELECT promised, promised_finish, likely_finish, sure_finish, finished FROM planning.orders
WHERE tenant = %(tenant)s AND finished IS NOT NULL AND likely_finish IS NOT NULL ORDER BY finished DESC LIMIT %(limit)s

-- name: items_of
SELECT item FROM planning.items WHERE tenant = %(tenant)s AND order_id = %(order)s ORDER BY item

-- name: promised
SELECT order_id, due, placed, likely_finish, sure_finish, moved_likely, moved_sure FROM planning.orders
WHERE tenant = %(tenant)s AND order_id = ANY(%(orders)s) AND finished IS NULL AND likely_finish IS NOT NULL

-- name: say_moved
UPDATE planning.orders SET moved_likely = %(likely)s, moved_sure = %(sure)s WHERE tenant = %(tenant)s AND order_id = %(order)s

-- name: plan_numbered
SELECT number, made, why, method, operations, orders, late_orders, tardiness_s, makespan_s, setup_s, bound, solve_s,
  rules_broken
FROM planning.plans WHERE tenant = %(tenant)s AND number = %(number)s

-- name: plan_changes
SELECT number, changes FROM planning.plans WHERE tenant = %(tenant)s AND number <= %(number)s ORDER BY number

-- name: orders_named
SELECT order_id, due, weight FROM planning.orders WHERE tenant = %(tenant)s AND order_id = ANY(%(orders)s)

-- name: operations_named
SELECT item, op, order_id FROM planning.operations WHERE tenant = %(tenant)s AND item = ANY(%(items)s)

-- name: add_branch
INSERT INTO planning.branches (tenant, id, name, made, made_by, key, changes, applied)
VALUES (%(tenant)s, %(id)s, %(name)s, %(made)s, %(made_by)s, %(key)s, %(changes)s, %(applied)s)
ON CONFLICT DO NOTHING RETURNING id

-- name: branch
SELECT * FROM planning.branches WHERE tenant = %(tenant)s AND id = %(id)s

-- name: branch_for_update
SELECT * FROM planning.branches WHERE tenant = %(tenant)s AND id = %(id)s FOR UPDATE

-- name: branch_of_key
SELECT * FROM planning.branches WHERE tenant = %(tenant)s AND key = %(key)s

-- name: branches
SELECT * FROM planning.branches WHERE tenant = %(tenant)s ORDER BY (state = 'open') DESC, made DESC LIMIT %(limit)s

-- name: set_branch
UPDATE planning.branches SET changes = %(changes)s, applied = %(applied)s, last_key = %(last_key)s, stale = %(stale)s,
  result = %(result)s, placed = %(placed)s
WHERE tenant = %(tenant)s AND id = %(id)s AND state = 'open' RETURNING id

-- name: close_branch
UPDATE planning.branches SET state = %(state)s, plan = %(plan)s, replaced = %(replaced)s
WHERE tenant = %(tenant)s AND id = %(id)s AND state = 'open' RETURNING id

-- name: newest_accepted
SELECT id FROM planning.branches WHERE tenant = %(tenant)s AND state = 'accepted' AND back IS NULL ORDER BY plan DESC LIMIT 1

-- name: set_back
UPDATE planning.branches SET back = %(number)s
WHERE tenant = %(tenant)s AND id = %(id)s AND state = 'accepted' AND back IS NULL RETURNING id

-- name: drop_pins_of
DELETE FROM planning.pins WHERE tenant = %(tenant)s AND plan = %(plan)s

-- name: drop_hours_of
DELETE FROM planning.hours WHERE tenant = %(tenant)s AND plan = %(plan)s

-- name: pins
SELECT p.* FROM planning.pins p
JOIN planning.operations o ON o.tenant = p.tenant AND o.item = p.item AND o.op = p.op AND o.run = p.run AND o.state = 'planned'
WHERE p.tenant = %(tenant)s ORDER BY p.start, p.item, p.op

-- name: set_pin
INSERT INTO planning.pins (tenant, item, op, run, equipment, position, start, pinned_by, plan)
VALUES (%(tenant)s, %(item)s, %(op)s, %(run)s, %(equipment)s, %(position)s, %(start)s, %(by)s, %(plan)s)
ON CONFLICT (tenant, item, op) DO UPDATE SET run = excluded.run, equipment = excluded.equipment, position = excluded.position,
  start = excluded.start, pinned_by = excluded.pinned_by, plan = excluded.plan

-- name: drop_pin
DELETE FROM planning.pins WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s RETURNING item

-- name: drop_old_pins
DELETE FROM planning.pins p USING planning.operations o
WHERE p.tenant = %(tenant)s AND o.tenant = p.tenant AND o.item = p.item AND o.op = p.op AND (o.state = 'done' OR o.run <> p.run)

-- name: hours
SELECT * FROM planning.hours WHERE tenant = %(tenant)s AND ends > %(now)s ORDER BY start, target

-- name: add_hours
INSERT INTO planning.hours (tenant, target, opened, start, ends, decided_by, plan)
VALUES (%(tenant)s, %(target)s, %(opened)s, %(start)s, %(ends)s, %(by)s, %(plan)s) ON CONFLICT DO NOTHING

-- name: set_weight
UPDATE planning.orders SET weight = %(weight)s WHERE tenant = %(tenant)s AND order_id = %(order)s AND finished IS NULL
