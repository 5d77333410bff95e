-- name: add_order
INSERT INTO planning.orders (tenant, order_id, product, due, weight, placed, items, promised_finish)
VALUES (%(tenant)s, %(order)s, %(product)s, %(due)s, %(weight)s, %(placed)s, %(items)s, %(finish)s)
ON CONFLICT DO NOTHING

-- name: add_item
INSERT INTO planning.items (tenant, item, order_id) VALUES (%(tenant)s, %(item)s, %(order)s) ON CONFLICT DO NOTHING

-- name: add_operation
INSERT INTO planning.operations (tenant, item, op, order_id, place, class, after, duration_s, setup_key, attended,
  equipment, position, setup_start, start, ends)
VALUES (%(tenant)s, %(item)s, %(op)s, %(order)s, %(place)s, %(class)s, %(after)s, %(duration_s)s, %(setup_key)s, %(attended)s,
  %(equipment)s, %(position)s, %(setup_start)s, %(start)s, %(ends)s)
ON CONFLICT DO NOTHING

-- name: open_operations
SELECT o.*, i.held FROM planning.operations o JOIN planning.items i ON i.tenant = o.tenant AND i.item = o.item
WHERE o.tenant = %(tenant)s AND o.state <> 'done'
ORDER BY o.order_id, o.item, o.place

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
UPDATE planning.operations SET state = 'released', equipment = %(equipment)s
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
  position = NULL
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND run < %(run)s

-- name: held
UPDATE planning.items SET held = %(held)s WHERE tenant = %(tenant)s AND item = %(item)s

-- name: item_finished
UPDATE planning.items SET finished = true WHERE tenant = %(tenant)s AND item = %(item)s

-- name: order_finished
UPDATE planning.orders o SET finished = %(at)s
WHERE tenant = %(tenant)s AND order_id = %(order)s AND finished IS NULL AND NOT EXISTS (
  SELECT 1 FROM planning.items i WHERE i.tenant = o.tenant AND i.order_id = o.order_id AND NOT i.finished)

-- name: place
UPDATE planning.operations SET equipment = %(equipment)s, position = %(position)s, setup_start = %(setup_start)s,
  start = %(start)s, ends = %(ends)s
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND run = %(run)s AND state = 'planned'

-- name: next_number
SELECT coalesce(max(number), 0) + 1 AS number FROM planning.plans WHERE tenant = %(tenant)s

-- name: add_plan
INSERT INTO planning.plans (tenant, number, made, why, method, operations, orders, late_orders, tardiness_s, makespan_s, setup_s,
  bound, solve_s, changes)
VALUES (%(tenant)s, %(number)s, %(made)s, %(why)s, %(method)s, %(operations)s, %(orders)s, %(late_orders)s, %(tardiness_s)s,
  %(makespan_s)s, %(setup_s)s, %(bound)s, %(solve_s)s, %(changes)s)

-- name: plans
SELECT number, made, why, method, operations, orders, late_orders, tardiness_s, makespan_s, setup_s, bound, solve_s
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
SELECT o.item, o.order_id, o.op, o.run, o.equipment, o.setup_start, o.start
FROM planning.operations o JOIN planning.items i ON i.tenant = o.tenant AND i.item = o.item
WHERE o.tenant = %(tenant)s AND o.state = 'planned' AND o.setup_start <= %(until)s AND NOT i.held
ORDER BY o.start, o.item, o.place

-- name: reserve
INSERT INTO planning.reservations (id, tenant, configuration, quantity, expires, placed)
VALUES (%(id)s, %(tenant)s, %(configuration)s, %(quantity)s, %(expires)s, %(placed)s)

-- name: reservations
SELECT * FROM planning.reservations WHERE tenant = %(tenant)s AND expires > %(now)s ORDER BY expires

-- name: take_reservation
DELETE FROM planning.reservations WHERE tenant = %(tenant)s AND id = %(id)s RETURNING *

-- name: expire_reservations
DELETE FROM planning.reservations WHERE tenant = %(tenant)s AND expires <= %(now)s

-- name: outcomes
SELECT extract(epoch FROM finished - promised_finish)::float8 AS late_s FROM planning.orders
WHERE tenant = %(tenant)s AND finished IS NOT NULL ORDER BY finished DESC LIMIT %(limit)s
