-- What the chosen options need after the last item is finished, before a carrier may take the items.
ALTER TABLE sales.promises ADD COLUMN lead_s double precision NOT NULL DEFAULT 0;
ALTER TABLE sales.orders ADD COLUMN lead_s double precision NOT NULL DEFAULT 0;
