-- name: add_promise
INSERT INTO sales.promises
    (tenant, id, owner, actor, configuration, product, choices, quantity, priority, unit_price, price, currency,
     p50, p90, lead_s, transit_s, plan, reservation, reasons, given, expires, inquiry, key)
VALUES
    (%(tenant)s, %(id)s, %(owner)s, %(actor)s, %(configuration)s, %(product)s, %(choices)s, %(quantity)s, %(priority)s,
     %(unit_price)s, %(price)s, %(currency)s, %(p50)s, %(p90)s, %(lead_s)s, %(transit_s)s, %(plan)s, %(reservation)s,
     %(reasons)s, %(given)s, %(expires)s, %(inquiry)s, %(key)s);

-- name: lock_inquiry
SELECT id FROM sales.promises
WHERE tenant = %(tenant)s AND actor = %(actor)s AND inquiry = %(inquiry)s AND inquiry <> '' AND expires > %(now)s
ORDER BY id FOR UPDATE;

-- name: replace_promises
UPDATE sales.promises p SET expires = %(now)s
WHERE p.tenant = %(tenant)s AND p.id = ANY(%(ids)s)
  AND NOT EXISTS (SELECT 1 FROM sales.orders o WHERE o.tenant = p.tenant AND o.promise = p.id)
RETURNING p.id, p.reservation;

-- name: promise
SELECT * FROM sales.promises WHERE tenant = %(tenant)s AND id = %(id)s;

-- name: promise_for_update
SELECT * FROM sales.promises WHERE tenant = %(tenant)s AND id = %(id)s FOR UPDATE;

-- name: promise_of_key
SELECT * FROM sales.promises WHERE tenant = %(tenant)s AND actor = %(actor)s AND key = %(key)s;

-- name: order_for_notice
SELECT id, p50, p90, lead_s, transit_s, delivered, taken FROM sales.orders WHERE tenant = %(tenant)s AND id = %(order)s FOR UPDATE;

-- name: last_notice
SELECT plan, p50, p90 FROM sales.notices WHERE tenant = %(tenant)s AND order_id = %(order)s ORDER BY plan DESC LIMIT 1;

-- name: add_notice
INSERT INTO sales.notices (tenant, order_id, plan, at, kind, old_p50, old_p90, p50, p90, reasons)
VALUES (%(tenant)s, %(order)s, %(plan)s, %(at)s, %(kind)s, %(old_p50)s, %(old_p90)s, %(p50)s, %(p90)s, %(reasons)s)
ON CONFLICT DO NOTHING;

-- name: notices
SELECT * FROM sales.notices WHERE tenant = %(tenant)s AND order_id = ANY(%(orders)s) ORDER BY plan DESC;

-- name: lock_key
SELECT pg_advisory_xact_lock(hashtextextended(%(tenant)s || ' ' || %(person)s || ' ' || %(key)s, 0));

-- name: order_of_key
SELECT id, promise FROM sales.orders WHERE tenant = %(tenant)s AND placed_by = %(person)s AND key = %(key)s;

-- name: order_of_promise
SELECT id FROM sales.orders WHERE tenant = %(tenant)s AND promise = %(promise)s;

-- name: next_number
INSERT INTO sales.counters (tenant, year, last) VALUES (%(tenant)s, %(year)s, 1)
ON CONFLICT (tenant, year) DO UPDATE SET last = sales.counters.last + 1
RETURNING last;

-- name: add_order
INSERT INTO sales.orders
    (tenant, id, number, customer_id, customer_name, customer_town, configuration, product, choices, quantity, priority,
     price, currency, promise, p50, p90, lead_s, transit_s, placed, placed_by, key, search)
VALUES
    (%(tenant)s, %(id)s, %(number)s, %(customer_id)s, %(customer_name)s, %(customer_town)s, %(configuration)s, %(product)s,
     %(choices)s, %(quantity)s, %(priority)s, %(price)s, %(currency)s, %(promise)s, %(p50)s, %(p90)s, %(lead_s)s,
     %(transit_s)s, %(placed)s, %(placed_by)s, %(key)s, %(search)s);

-- name: add_item
INSERT INTO sales.items (tenant, id, order_id, place) VALUES (%(tenant)s, %(id)s, %(order)s, %(place)s);

-- name: order
SELECT o.*, ARRAY(SELECT i.id FROM sales.items i WHERE i.tenant = o.tenant AND i.order_id = o.id ORDER BY i.place) AS items
FROM sales.orders o
WHERE o.tenant = %(tenant)s AND (o.id = %(order)s OR o.number = %(order)s);

-- name: orders
SELECT o.*, ARRAY(SELECT i.id FROM sales.items i WHERE i.tenant = o.tenant AND i.order_id = o.id ORDER BY i.place) AS items
FROM sales.orders o
WHERE {where}
ORDER BY {sort}
OFFSET %(offset)s LIMIT %(limit)s;

-- name: count_orders
SELECT count(*) AS total FROM sales.orders o WHERE {where};

-- name: orders_where
o.tenant = %(tenant)s
AND (%(customer)s = '' OR o.customer_id = %(customer)s)
AND (%(status)s = ''
     OR o.status = %(status)s
     OR (%(status)s = 'open' AND o.status <> 'delivered')
     OR (%(status)s = 'late' AND coalesce(o.delivered, o.planned_delivery) > o.p90))
AND NOT EXISTS (SELECT 1 FROM unnest(%(words)s::text[]) AS word WHERE strpos(o.search, word) = 0)

-- name: plan_orders
UPDATE sales.orders o
SET plan = %(number)s,
    planned_delivery = f.finish + (o.lead_s + o.transit_s) * interval '1 second',
    late_since = CASE
        WHEN f.finish + (o.lead_s + o.transit_s) * interval '1 second' > o.p90 THEN coalesce(o.late_since, %(at)s)
    END
FROM unnest(%(orders)s::text[], %(finishes)s::timestamptz[]) AS f (id, finish)
WHERE o.tenant = %(tenant)s AND o.id = f.id AND o.plan <= %(number)s AND o.taken IS NULL AND o.delivered IS NULL
RETURNING o.id, o.status;

-- name: start_order
UPDATE sales.orders SET started = %(at)s WHERE tenant = %(tenant)s AND id = %(order)s AND started IS NULL;

-- name: hold_item
UPDATE sales.items SET held = %(held)s, held_changed = %(at)s
WHERE tenant = %(tenant)s AND id = %(item)s AND order_id = %(order)s AND held_changed <= %(at)s;

-- name: finish_item
UPDATE sales.items SET finished = true, held = false
WHERE tenant = %(tenant)s AND id = %(item)s AND order_id = %(order)s AND NOT finished;

-- name: take_order
UPDATE sales.orders
SET taken = %(at)s,
    planned_delivery = coalesce(%(expected)s, planned_delivery),
    late_since = CASE WHEN coalesce(%(expected)s, planned_delivery) > p90 THEN coalesce(late_since, %(at)s) END
WHERE tenant = %(tenant)s AND id = %(order)s AND taken IS NULL;

-- name: deliver_order
UPDATE sales.orders SET delivered = %(at)s WHERE tenant = %(tenant)s AND id = %(order)s AND delivered IS NULL;

-- name: progress
SELECT o.status, o.quantity, o.planned_delivery IS NOT NULL AS planned, o.started IS NOT NULL AS started,
    o.taken IS NOT NULL AS taken, o.delivered IS NOT NULL AS delivered,
    (SELECT count(*) FROM sales.items i WHERE i.tenant = o.tenant AND i.order_id = o.id AND i.held) AS held,
    (SELECT count(*) FROM sales.items i WHERE i.tenant = o.tenant AND i.order_id = o.id AND i.finished) AS finished
FROM sales.orders o WHERE o.tenant = %(tenant)s AND o.id = %(order)s;

-- name: set_status
UPDATE sales.orders SET status = %(status)s WHERE tenant = %(tenant)s AND id = %(order)s;

-- name: count_news
SELECT count(DISTINCT n.order_id) AS orders FROM sales.notices n
JOIN sales.orders o ON o.tenant = n.tenant AND o.id = n.order_id
WHERE n.tenant = %(tenant)s AND n.read IS NULL AND o.customer_id = %(customer)s;

-- name: read_notices
UPDATE sales.notices SET read = %(at)s WHERE tenant = %(tenant)s AND order_id = %(order)s AND read IS NULL RETURNING plan;

-- name: contact
SELECT email, language FROM sales.contacts WHERE tenant = %(tenant)s AND customer = %(customer)s;

-- name: forget_contact
DELETE FROM sales.contacts WHERE tenant = %(tenant)s AND customer = %(customer)s;

-- name: add_contact
INSERT INTO sales.contacts (tenant, customer, email, language)
VALUES (%(tenant)s, %(customer)s, %(email)s, %(language)s)
ON CONFLICT (tenant, customer) DO UPDATE SET email = excluded.email, language = excluded.language;

-- name: add_outgoing
INSERT INTO sales.outgoing (tenant, order_id, plan, channel, since, due)
SELECT o.tenant, o.id, %(plan)s, %(channel)s, %(now)s, %(now)s FROM sales.orders o
WHERE o.tenant = %(tenant)s AND o.id = %(order)s
  AND (%(channel)s <> 'email'
       OR EXISTS (SELECT 1 FROM sales.contacts c WHERE c.tenant = o.tenant AND c.customer = o.customer_id))
ON CONFLICT DO NOTHING;

-- name: claim_outgoing
WITH mine AS (
    SELECT tenant, order_id, plan, channel FROM sales.outgoing
    WHERE state = 'waiting' AND due <= %(now)s AND channel = ANY(%(channels)s)
    ORDER BY due LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
UPDATE sales.outgoing g SET due = %(until)s, attempts = g.attempts + 1
FROM mine m
JOIN sales.notices n ON n.tenant = m.tenant AND n.order_id = m.order_id AND n.plan = m.plan
JOIN sales.orders o ON o.tenant = m.tenant AND o.id = m.order_id
LEFT JOIN sales.contacts c ON c.tenant = o.tenant AND c.customer = o.customer_id
WHERE g.tenant = m.tenant AND g.order_id = m.order_id AND g.plan = m.plan AND g.channel = m.channel
RETURNING g.tenant, g.order_id, g.plan, g.channel, g.since, g.attempts, o.number, o.customer_id, o.customer_name,
    o.customer_town, c.email, c.language, n.at, n.kind, n.old_p50, n.old_p90, n.p50, n.p90, n.reasons, n.read,
    EXISTS (SELECT 1 FROM sales.notices l WHERE l.tenant = g.tenant AND l.order_id = g.order_id AND l.plan > g.plan) AS replaced;

-- name: settle_outgoing
UPDATE sales.outgoing SET state = %(state)s, due = %(due)s, fault = %(fault)s
WHERE tenant = %(tenant)s AND order_id = %(order)s AND plan = %(plan)s AND channel = %(channel)s AND state = 'waiting';

-- name: outgoing
SELECT g.*, o.number FROM sales.outgoing g JOIN sales.orders o ON o.tenant = g.tenant AND o.id = g.order_id
WHERE g.tenant = %(tenant)s AND (%(state)s = '' OR g.state = %(state)s)
ORDER BY g.since DESC, g.order_id, g.channel LIMIT %(limit)s;

-- name: outgoing_standing
SELECT (count(*) FILTER (WHERE state = 'waiting' AND fault <> ''))::int AS waiting,
    (count(*) FILTER (WHERE state = 'failed'))::int AS failed,
    (array_agg(fault ORDER BY due DESC) FILTER (WHERE fault <> '' AND state IN ('waiting', 'failed')))[1] AS fault
FROM sales.outgoing WHERE tenant = %(tenant)s AND since > %(since)s;
