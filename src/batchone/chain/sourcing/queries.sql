-- name: set_variant
INSERT INTO sourcing.variants (tenant, product, variant, module, reorder_at, lot)
VALUES (%(tenant)s, %(product)s, %(variant)s, %(module)s, %(reorder_at)s, %(lot)s)
ON CONFLICT (tenant, product, variant) DO UPDATE
SET module = excluded.module, reorder_at = excluded.reorder_at, lot = excluded.lot;

-- name: retire_variants
UPDATE sourcing.variants SET reorder_at = -1
WHERE tenant = %(tenant)s AND product = %(product)s AND variant <> ALL(%(variants)s);

-- name: forget_suppliers
DELETE FROM sourcing.suppliers WHERE tenant = %(tenant)s AND product = %(product)s AND module = ANY(%(modules)s);

-- name: add_supplier
INSERT INTO sourcing.suppliers (tenant, product, module, supplier, name, lead_s, moq, on_time)
VALUES (%(tenant)s, %(product)s, %(module)s, %(supplier)s, %(name)s, %(lead_s)s, %(moq)s, %(on_time)s);

-- name: add_lot
INSERT INTO sourcing.lots (tenant, product, variant, lot, supplier, call_off, at, received, free)
VALUES (%(tenant)s, %(product)s, %(variant)s, %(lot)s, %(supplier)s, %(call_off)s, %(at)s, %(quantity)s, %(quantity)s)
ON CONFLICT DO NOTHING;

-- name: lock_variants
SELECT variant FROM sourcing.variants
WHERE tenant = %(tenant)s AND product = %(product)s AND variant = ANY(%(variants)s)
ORDER BY variant FOR UPDATE;

-- name: levels
SELECT v.product, v.module, v.variant, v.reorder_at, v.lot,
    coalesce(l.free, 0)::int AS free, coalesce(l.allocated, 0)::int AS allocated,
    coalesce(c.quantity, 0)::int AS on_order, coalesce(n.missing, 0)::int AS waiting
FROM sourcing.variants v
LEFT JOIN LATERAL (
    SELECT sum(free) AS free, sum(allocated) AS allocated FROM sourcing.lots
    WHERE tenant = v.tenant AND product = v.product AND variant = v.variant AND (free > 0 OR allocated > 0)) l ON true
LEFT JOIN LATERAL (
    SELECT sum(quantity) AS quantity FROM sourcing.call_offs
    WHERE tenant = v.tenant AND product = v.product AND variant = v.variant
        AND state <> 'received' AND state <> 'overdue') c ON true
LEFT JOIN LATERAL (
    SELECT sum(quantity - allocated - consumed) AS missing FROM sourcing.needs
    WHERE tenant = v.tenant AND product = v.product AND variant = v.variant AND allocated + consumed < quantity) n ON true
WHERE v.tenant = %(tenant)s AND (%(product)s::text IS NULL OR v.product = %(product)s)
    AND (%(variants)s::text[] IS NULL OR v.variant = ANY(%(variants)s))
ORDER BY v.product, v.module, v.variant;

-- name: suppliers
SELECT s.module, s.supplier, s.name, s.lead_s, s.moq, s.on_time,
    EXISTS (SELECT 1 FROM sourcing.call_offs c WHERE c.tenant = s.tenant AND c.supplier = s.supplier
        AND c.product = s.product AND c.module = s.module AND c.state = 'overdue') AS owing,
    d.due, d.kept
FROM sourcing.suppliers s
CROSS JOIN LATERAL (
    SELECT count(*)::int AS due, (count(*) FILTER (WHERE c.received <= c.needed))::int AS kept FROM sourcing.call_offs c
    WHERE c.tenant = s.tenant AND c.supplier = s.supplier AND c.product = s.product AND c.module = s.module
        AND c.sent > %(since)s AND (c.received IS NOT NULL OR c.needed <= %(now)s)) d
WHERE s.tenant = %(tenant)s AND s.product = %(product)s AND s.module = ANY(%(modules)s);

-- name: supplies
SELECT id, supplier, variant, quantity, expected, expected + lead_s * %(grace)s * interval '1 second' AS deadline
FROM sourcing.call_offs
WHERE tenant = %(tenant)s AND product = %(product)s AND variant = ANY(%(variants)s)
    AND state <> 'received' AND state <> 'overdue'
ORDER BY expected, id;

-- name: free_lots
SELECT id, variant, lot, supplier, free FROM sourcing.lots
WHERE tenant = %(tenant)s AND product = %(product)s AND variant = ANY(%(variants)s) AND free > 0
ORDER BY variant, id;

-- name: waiting
SELECT order_id, item, op, module, variant, quantity - allocated - consumed AS missing, expected FROM sourcing.needs
WHERE tenant = %(tenant)s AND product = %(product)s AND variant = ANY(%(variants)s) AND allocated + consumed < quantity
ORDER BY promised, number, place, op, variant;

-- name: add_order
INSERT INTO sourcing.orders (tenant, id) VALUES (%(tenant)s, %(order)s) ON CONFLICT DO NOTHING;

-- name: add_operation
INSERT INTO sourcing.operations (tenant, item, op, order_id, missing)
VALUES (%(tenant)s, %(item)s, %(op)s, %(order)s, %(missing)s);

-- name: add_need
INSERT INTO sourcing.needs (tenant, item, op, variant, product, module, order_id, promised, number, place, quantity)
VALUES (%(tenant)s, %(item)s, %(op)s, %(variant)s, %(product)s, %(module)s, %(order)s, %(promised)s, %(number)s, %(place)s,
    %(quantity)s);

-- name: add_allocation
INSERT INTO sourcing.allocations (tenant, item, op, variant, lot, quantity)
VALUES (%(tenant)s, %(item)s, %(op)s, %(variant)s, %(lot)s, %(quantity)s);

-- name: take_from_lot
UPDATE sourcing.lots SET free = free - %(quantity)s, allocated = allocated + %(quantity)s WHERE id = %(lot)s;

-- name: give_to_need
UPDATE sourcing.needs SET allocated = allocated + %(quantity)s
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND variant = %(variant)s;

-- name: give_to_operations
UPDATE sourcing.operations o SET missing = o.missing - t.quantity
FROM unnest(%(items)s::text[], %(ops)s::text[], %(quantities)s::int[]) AS t (item, op, quantity)
WHERE o.tenant = %(tenant)s AND o.item = t.item AND o.op = t.op
RETURNING o.item, o.op, o.missing = 0 AS complete, o.finished;

-- name: expect_need
UPDATE sourcing.needs SET expected = %(at)s
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND variant = %(variant)s;

-- name: expect_operations
WITH dates AS (
    SELECT n.item, n.op, max(n.expected) AS at FROM sourcing.needs n
    JOIN unnest(%(items)s::text[], %(ops)s::text[]) AS t (item, op) ON n.item = t.item AND n.op = t.op
    WHERE n.tenant = %(tenant)s AND n.allocated + n.consumed < n.quantity
    GROUP BY n.item, n.op)
UPDATE sourcing.operations o SET expected = d.at FROM dates d
WHERE o.tenant = %(tenant)s AND o.item = d.item AND o.op = d.op AND o.expected IS DISTINCT FROM d.at AND d.at IS NOT NULL
RETURNING o.order_id, o.item, o.op, o.expected;

-- name: needs_of_operation
SELECT product, variant FROM sourcing.needs
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s ORDER BY variant;

-- name: finish_operation
UPDATE sourcing.operations SET finished = true
WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND NOT finished;

-- name: consume
WITH used AS (
    UPDATE sourcing.allocations SET consumed = true
    WHERE tenant = %(tenant)s AND item = %(item)s AND op = %(op)s AND NOT consumed
    RETURNING variant, lot, quantity),
lots AS (
    UPDATE sourcing.lots l SET allocated = l.allocated - u.quantity, consumed = l.consumed + u.quantity
    FROM (SELECT lot, sum(quantity)::int AS quantity FROM used GROUP BY lot) u WHERE l.id = u.lot)
UPDATE sourcing.needs n SET allocated = n.allocated - u.quantity, consumed = n.consumed + u.quantity
FROM (SELECT variant, sum(quantity)::int AS quantity FROM used GROUP BY variant) u
WHERE n.tenant = %(tenant)s AND n.item = %(item)s AND n.op = %(op)s AND n.variant = u.variant;

-- name: add_call_off
INSERT INTO sourcing.call_offs
    (tenant, id, product, module, variant, supplier, supplier_name, quantity, lead_s, sent, needed, expected)
VALUES
    (%(tenant)s, %(id)s, %(product)s, %(module)s, %(variant)s, %(supplier)s, %(supplier_name)s, %(quantity)s, %(lead_s)s,
     %(sent)s, %(needed)s, %(needed)s);

-- name: call_off
SELECT * FROM sourcing.call_offs WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: call_offs
SELECT * FROM sourcing.call_offs
WHERE tenant = %(tenant)s AND (%(state)s = '' OR state = %(state)s) AND (%(supplier)s = '' OR supplier = %(supplier)s)
ORDER BY sent {direction}, id {direction} LIMIT %(limit)s;

-- name: confirm_call_off
UPDATE sourcing.call_offs SET state = 'confirmed', confirmed_for = %(at)s, expected = %(at)s, late_told = false
WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: receive_call_off
UPDATE sourcing.call_offs SET state = 'received', received = %(at)s, lot = %(lot)s
WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: overdue_call_off
UPDATE sourcing.call_offs SET state = 'overdue' WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: tell_late
UPDATE sourcing.call_offs SET late_told = true WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: late_call_offs
SELECT tenant, id FROM sourcing.call_offs
WHERE state <> 'received' AND state <> 'overdue' AND expected <= %(now)s
    AND (NOT late_told OR expected + lead_s * %(grace)s * interval '1 second' <= %(now)s)
ORDER BY sent, id;
