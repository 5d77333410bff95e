-- What the chosen options of an order need after its last item is finished, before a carrier may take the items.
ALTER TABLE logistics.orders ADD COLUMN lead_s double precision NOT NULL DEFAULT 0;
