-- A plan that is stored stays as it is, and in the history for as long as there is one: any plan is rebuilt from the changes of
-- all before it, so none of them may go.
CREATE FUNCTION planning.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'plans are only ever added to' USING ERRCODE = 'restrict_violation';
END
$$;

-- How many rules the judge found a plan to break; not known of plans that were made before plans were judged.
ALTER TABLE planning.plans ADD COLUMN rules_broken int;

CREATE TRIGGER plans_are_only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON planning.plans
    FOR EACH STATEMENT EXECUTE FUNCTION planning.refuse_change();

-- What people call an order.
ALTER TABLE planning.orders ADD COLUMN number text;

-- What accepting a branch wrote over (JSON: the pins and the weights that there were before), and the plan that took it back.
ALTER TABLE planning.branches ADD COLUMN replaced jsonb;
ALTER TABLE planning.branches ADD COLUMN back int;
