-- name: forget_carriers
DELETE FROM logistics.carriers WHERE tenant = %(tenant)s AND product = %(product)s;

-- name: add_carrier
INSERT INTO logistics.carriers (tenant, product, carrier, place, name, transit_s)
VALUES (%(tenant)s, %(product)s, %(carrier)s, %(place)s, %(name)s, %(transit_s)s);

-- name: carriers
SELECT carrier, name, transit_s FROM logistics.carriers
WHERE tenant = %(tenant)s AND product = %(product)s ORDER BY place;

-- name: add_order
INSERT INTO logistics.orders (tenant, id, product, priority, promised, lead_s, items)
VALUES (%(tenant)s, %(order)s, %(product)s, %(priority)s, %(promised)s, %(lead_s)s, %(items)s)
ON CONFLICT DO NOTHING;

-- name: add_finished
INSERT INTO logistics.finished (tenant, item, order_id) VALUES (%(tenant)s, %(item)s, %(order)s) ON CONFLICT DO NOTHING;

-- name: complete_order
SELECT o.product, o.priority, o.promised, o.lead_s, o.items FROM logistics.orders o
WHERE o.tenant = %(tenant)s AND o.id = %(order)s
    AND NOT EXISTS (SELECT 1 FROM unnest(o.items) AS i (item)
        WHERE NOT EXISTS (SELECT 1 FROM logistics.finished f WHERE f.tenant = o.tenant AND f.item = i.item));

-- name: add_shipment
INSERT INTO logistics.shipments (tenant, id, order_id, items, carrier, carrier_name, transit_s, ready)
VALUES (%(tenant)s, %(id)s, %(order)s, %(items)s, %(carrier)s, %(carrier_name)s, %(transit_s)s, %(ready)s)
ON CONFLICT DO NOTHING;

-- name: shipment_for_update
SELECT * FROM logistics.shipments WHERE tenant = %(tenant)s AND id = %(shipment)s FOR UPDATE;

-- name: shipments
SELECT * FROM logistics.shipments
WHERE tenant = %(tenant)s AND (%(order)s = '' OR order_id = %(order)s) AND (%(carrier)s = '' OR carrier = %(carrier)s)
    AND CASE %(state)s
        WHEN '' THEN true
        WHEN 'waiting' THEN state = 'ready' AND ready > %(now)s
        ELSE state = %(state)s AND ready <= %(now)s
    END
ORDER BY ready {direction}, id {direction} LIMIT %(limit)s;

-- name: take_shipment
UPDATE logistics.shipments
SET state = 'in_transit', taken = %(at)s, expected = %(at)s + transit_s * interval '1 second'
WHERE tenant = %(tenant)s AND id = %(shipment)s
RETURNING *;

-- name: deliver_shipment
UPDATE logistics.shipments SET state = 'delivered', delivered = %(at)s
WHERE tenant = %(tenant)s AND id = %(shipment)s
RETURNING *;
