-- A table analysed while it had few rows, each of another tenant, has the database believe that nearly every row is of a tenant
-- of its own, until it is analysed anew. Any index that begins with the tenant then looks as good as the one of the whole key:
-- postings looked for their entries through all entries of the tenant. What is said here of the tenants of a table holds from its
-- next analysis on.
CREATE OR REPLACE FUNCTION isolate_by_tenant(target regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s OWNER TO weir_owner', target);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY tenant ON %s FOR ALL TO weir_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))',
        target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO weir_app', target);
    EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id SET (n_distinct = 20)', target);
END $$;

DO $$
DECLARE
    target regclass;
BEGIN
    FOR target IN SELECT polrelid FROM pg_policy WHERE polname = 'tenant' LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN tenant_id SET (n_distinct = 20)', target);
    END LOOP;
END $$;

-- A connection that wrote to an empty table kept the plan of its questions however large the table grew, until the next analysis. Where
-- another index has the key's columns, too, as that of entries by their day has, the question is planned anew each time: once a
-- statement, whatever it writes.
DO $$
DECLARE
    made text := pg_get_functiondef('ledger_postings_refer'::regproc);
BEGIN
    made := regexp_replace(made, 'IF (EXISTS \(SELECT FROM \(SELECT DISTINCT tenant_id, entry_id FROM written\) w[^;]*?OFFSET 0\)\))\s+THEN',
                           E'EXECUTE $ask$SELECT \\1$ask$ INTO missing;\n    IF missing THEN');
    made := regexp_replace(made, '\mBEGIN\M', E'DECLARE\n    missing boolean;\nBEGIN');
    ASSERT made LIKE '%entry_id FROM written%INTO missing%';
    EXECUTE made;
END $$;
