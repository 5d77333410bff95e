-- The dates that a promise told: the finish that insertion found, and the p50 and p90 finish that were made of it. What is learnt
-- from finished orders rests on them. `moved_*`: what was last told of an order whose dates moved.
ALTER TABLE planning.reservations ADD COLUMN finish timestamptz;
ALTER TABLE planning.reservations ADD COLUMN likely timestamptz;
ALTER TABLE planning.reservations ADD COLUMN sure timestamptz;
ALTER TABLE planning.reservations ADD COLUMN given timestamptz;

ALTER TABLE planning.orders ADD COLUMN likely_finish timestamptz;
ALTER TABLE planning.orders ADD COLUMN sure_finish timestamptz;
ALTER TABLE planning.orders ADD COLUMN promised timestamptz;
ALTER TABLE planning.orders ADD COLUMN moved_likely timestamptz;
ALTER TABLE planning.orders ADD COLUMN moved_sure timestamptz;
