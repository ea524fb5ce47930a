-- The accounts a run still has to look at, some at a time: whoever locks a row bills its accounts in the same transaction, so
-- several workers are at it at once and none waits for another. Rows are gone when the run is over.
CREATE TABLE billing_batches (
    tenant_id uuid NOT NULL REFERENCES tenants,
    run_id    uuid NOT NULL,
    number    integer NOT NULL,
    accounts  uuid[] NOT NULL CONSTRAINT billing_batches_are_not_empty CHECK (cardinality(accounts) > 0),
    done_at   timestamptz,
    PRIMARY KEY (tenant_id, run_id, number),
    FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id)
);
SELECT isolate_by_tenant('billing_batches');
-- A run at work has no row that every account goes through; what it issued is counted where it is.
-- One that is at work now has no list: whoever started it starts it again, and nobody is billed twice.
UPDATE billing_runs SET status = 'failed', finished_at = now(),
    error = left(concat_ws('; ', error, 'stopped by an upgrade; start it again'), 4000)
WHERE status = 'running';
ALTER TABLE billing_runs DROP COLUMN last_account_id, DROP COLUMN invoices_issued;

-- An entry and its postings are written by one statement, and judged as a whole when it ends: nothing is read again, however
-- many there are. No statement adds an amount to an entry without what balances it.
DROP TRIGGER ledger_entries_balance ON ledger_postings;
DROP FUNCTION ledger_entry_balances();
CREATE FUNCTION ledger_entries_balance() RETURNS trigger
    LANGUAGE plpgsql AS $$
DECLARE
    odd uuid;
BEGIN
    SELECT p.entry_id INTO odd FROM written p GROUP BY p.tenant_id, p.entry_id, p.currency HAVING sum(p.amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % does not balance', odd
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_balance';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_balance AFTER INSERT ON ledger_postings
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_balance();

DROP TRIGGER ledger_entries_have_postings ON ledger_entries;
DROP FUNCTION ledger_entry_has_postings();
-- The index is used however young the table is: a plan is kept for as long as the connection.
CREATE FUNCTION ledger_entries_have_postings() RETURNS trigger
    LANGUAGE plpgsql SET enable_seqscan TO off SET enable_hashjoin TO off SET enable_mergejoin TO off AS $$
DECLARE
    odd uuid;
BEGIN
    SELECT e.id INTO odd FROM written e
    WHERE (SELECT count(*) FROM ledger_postings p WHERE p.tenant_id = e.tenant_id AND p.entry_id = e.id) < 2 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % has fewer than two postings', odd
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_have_postings';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_entries_have_postings AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION ledger_entries_have_postings();
