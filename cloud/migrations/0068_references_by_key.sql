-- What events refer to is asked once a statement, as invoices and books have it since 0063: a run writes hundreds at once, and a
-- question a row took four fifths of the time. Accounts are never deleted, and their keys never change.
ALTER TABLE events DROP CONSTRAINT events_tenant_id_fkey, DROP CONSTRAINT events_tenant_id_account_id_fkey;

CREATE FUNCTION events_refer() RETURNS trigger LANGUAGE plpgsql
    SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
BEGIN
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id FROM written) w
               WHERE NOT EXISTS (SELECT FROM tenants t WHERE t.tenant_id = w.tenant_id))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what events refers to is not there', CONSTRAINT = 'events_tenant_id_fkey';
    END IF;
    IF EXISTS (SELECT FROM (SELECT DISTINCT tenant_id, account_id FROM written) w
               WHERE w.account_id IS NOT NULL AND NOT EXISTS (SELECT FROM accounts t WHERE t.tenant_id = w.tenant_id AND t.id = w.account_id))
    THEN
        RAISE foreign_key_violation USING
            MESSAGE = 'what events refers to is not there', CONSTRAINT = 'events_tenant_id_account_id_fkey';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER events_refer AFTER INSERT ON events
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION events_refer();

-- Each is looked up by its whole key. As a join, of a young table all rows of the tenant were read and compared with all that is
-- written, and a connection kept that plan however large the table grew; a question with OFFSET is never made a join.
DO $$
DECLARE
    asks regprocedure;
    made text;
BEGIN
    FOR asks IN SELECT oid::regprocedure FROM pg_proc WHERE proname LIKE '%\_refer' AND pronamespace = 'public'::regnamespace ORDER BY proname LOOP
        made := regexp_replace(pg_get_functiondef(asks), '(NOT EXISTS \(SELECT FROM [^()]*)\)', '\1 OFFSET 0)', 'g');
        ASSERT made LIKE '%OFFSET 0%';
        EXECUTE made;
    END LOOP;
END $$;
