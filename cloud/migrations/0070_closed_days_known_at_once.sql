-- A function in PL/pgSQL keeps the plan of what it asks; one in SQL makes it anew in every statement that calls it.
CREATE OR REPLACE FUNCTION books_closed_through(tenant uuid) RETURNS date LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT through FROM ledger_closings WHERE tenant_id = tenant ORDER BY turn DESC LIMIT 1);
END $$;

-- An entry that has one posting has two: none is of nothing, and all that a statement writes of an entry add up to nothing.
CREATE OR REPLACE FUNCTION ledger_entries_have_postings() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    odd uuid;
BEGIN
    SELECT e.id INTO odd FROM written e
    WHERE NOT EXISTS (SELECT FROM ledger_postings p WHERE p.tenant_id = e.tenant_id AND p.entry_id = e.id OFFSET 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % has fewer than two postings', odd
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_have_postings';
    END IF;
    RETURN NULL;
END $$;
