-- Through which day books are closed is asked once an ISP and statement, not once an entry.

CREATE OR REPLACE FUNCTION ledger_entries_are_of_open_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('books ' || tenant_id, 0)) FROM (SELECT DISTINCT tenant_id FROM added) AS whose;
    IF EXISTS (SELECT FROM (SELECT tenant_id, min(posted_on) AS first FROM added GROUP BY tenant_id) whose
               WHERE first <= books_closed_through(tenant_id)) THEN
        RAISE EXCEPTION 'the books are closed on the day of an entry'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_are_of_open_days';
    END IF;
    RETURN NULL;
END $$;
