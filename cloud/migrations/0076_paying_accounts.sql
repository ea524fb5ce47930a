-- Accounts that another one pays for: what falls due of them stands on its invoices.
ALTER TABLE accounts
    ADD COLUMN payer_id uuid,
    -- The local day from which on it pays.
    ADD COLUMN paid_since date,
    ADD CONSTRAINT accounts_payer_is_another CHECK (payer_id <> id),
    ADD CONSTRAINT accounts_paid_since_a_day CHECK ((payer_id IS NULL) = (paid_since IS NULL)),
    ADD FOREIGN KEY (tenant_id, payer_id) REFERENCES accounts (tenant_id, id);
CREATE INDEX accounts_by_payer ON accounts (tenant_id, payer_id) WHERE payer_id IS NOT NULL;

-- One level, one currency, one billing day in one time zone. Whoever changes a payer holds both accounts locked.
CREATE FUNCTION payer_can_pay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.payer_id IS NOT NULL AND (
        EXISTS (SELECT FROM accounts c WHERE c.tenant_id = NEW.tenant_id AND c.payer_id = NEW.id)
        OR NOT EXISTS (SELECT FROM accounts p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.payer_id AND p.payer_id IS NULL
                       AND (p.currency, p.time_zone, p.billing_day) = (NEW.currency, NEW.time_zone, NEW.billing_day))) THEN
        RAISE EXCEPTION 'account % cannot pay for account %', NEW.payer_id, NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'accounts_payer_can_pay';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER accounts_payer_can_pay BEFORE INSERT OR UPDATE OF payer_id ON accounts FOR EACH ROW EXECUTE FUNCTION payer_can_pay();

-- For which account a line is; null = the one that is billed.
ALTER TABLE invoice_lines
    ADD COLUMN account_id uuid,
    ADD FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id);

-- Whose debt an unpaid hold is for; null = the line's own account's. A line may be held for both.
ALTER TABLE holds
    ADD COLUMN debtor_id uuid,
    ADD CONSTRAINT holds_for_a_debt_are_unpaid CHECK (debtor_id IS NULL OR kind = 'unpaid'),
    ADD FOREIGN KEY (tenant_id, debtor_id) REFERENCES accounts (tenant_id, id);
DROP INDEX holds_unpaid_once;
CREATE UNIQUE INDEX holds_unpaid_once ON holds (tenant_id, subscription_id, debtor_id) NULLS NOT DISTINCT WHERE kind = 'unpaid' AND released_at IS NULL;
CREATE INDEX holds_by_debtor ON holds (tenant_id, debtor_id) WHERE debtor_id IS NOT NULL AND released_at IS NULL;
