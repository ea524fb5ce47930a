-- Double entry. Entries are facts: written once, balanced per currency, never changed.
CREATE TABLE ledger_entries (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    posted_on    date NOT NULL,
    posted_at    timestamptz NOT NULL,
    source_kind  text NOT NULL,
    source_id    uuid NOT NULL,
    posting_kind text NOT NULL,
    description  text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    -- One business fact is posted once, however often it is tried.
    CONSTRAINT ledger_entries_source_once UNIQUE (tenant_id, source_kind, source_id, posting_kind)
);
CREATE INDEX ledger_entries_by_day ON ledger_entries (tenant_id, posted_on, id);
SELECT isolate_by_tenant('ledger_entries');
SELECT append_only('ledger_entries');

-- Debits are positive, credits negative. `account_id` is the subscriber's account where the ledger account keeps one each.
CREATE TABLE ledger_postings (
    tenant_id      uuid NOT NULL REFERENCES tenants,
    entry_id       uuid NOT NULL,
    position       smallint NOT NULL,
    ledger_account text NOT NULL,
    account_id     uuid,
    currency       char(3) NOT NULL,
    amount         numeric(18,4) NOT NULL CONSTRAINT ledger_postings_are_not_zero CHECK (amount <> 0),
    PRIMARY KEY (tenant_id, entry_id, position),
    FOREIGN KEY (tenant_id, entry_id) REFERENCES ledger_entries (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
CREATE INDEX ledger_postings_by_account ON ledger_postings (tenant_id, account_id, ledger_account) WHERE account_id IS NOT NULL;
SELECT isolate_by_tenant('ledger_postings');
SELECT append_only('ledger_postings');

CREATE FUNCTION ledger_entry_balances() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM ledger_postings p
        WHERE p.tenant_id = NEW.tenant_id AND p.entry_id = NEW.entry_id
        GROUP BY p.currency HAVING sum(p.amount) <> 0
    ) THEN
        RAISE EXCEPTION 'ledger entry % does not balance', NEW.entry_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_balance';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_entries_balance AFTER INSERT ON ledger_postings
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_balances();

CREATE FUNCTION ledger_entry_has_postings() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM ledger_postings p WHERE p.tenant_id = NEW.tenant_id AND p.entry_id = NEW.id) < 2 THEN
        RAISE EXCEPTION 'ledger entry % has fewer than two postings', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_entries_have_postings';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER ledger_entries_have_postings AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION ledger_entry_has_postings();
