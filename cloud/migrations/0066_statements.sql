-- Which decision about closed days is in force follows from the order they were made in: whoever closes waits for all who post
-- and then for whoever else closes, so the numbers below are given in the order of commits, which ids are not.
ALTER TABLE ledger_closings ADD COLUMN turn bigint;
UPDATE ledger_closings c SET turn = known.place
FROM (SELECT tenant_id, id, row_number() OVER (ORDER BY id) AS place FROM ledger_closings) known
WHERE c.tenant_id = known.tenant_id AND c.id = known.id;
ALTER TABLE ledger_closings ALTER COLUMN turn SET NOT NULL;
ALTER TABLE ledger_closings ALTER COLUMN turn ADD GENERATED ALWAYS AS IDENTITY;
SELECT setval(pg_get_serial_sequence('ledger_closings', 'turn'), (SELECT coalesce(max(turn), 0) + 1 FROM ledger_closings), false);
CREATE UNIQUE INDEX ledger_closings_in_turn ON ledger_closings (tenant_id, turn);

CREATE OR REPLACE FUNCTION books_closed_through(tenant uuid) RETURNS date
    LANGUAGE sql STABLE AS
$$ SELECT through FROM ledger_closings WHERE tenant_id = tenant ORDER BY turn DESC LIMIT 1 $$;
