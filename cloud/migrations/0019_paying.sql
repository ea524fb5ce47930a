-- Paying by card, by bank transfer and in cash. Money is posted once for each fact that brought it: an attempt that
-- succeeded, an entry of a bank statement, or a sum that waited in suspense until somebody knew whose it was.
ALTER TABLE tenants
    ADD COLUMN bank_holder text NOT NULL DEFAULT '',
    ADD COLUMN bank_iban   text NOT NULL DEFAULT '',
    ADD COLUMN bank_bic    text NOT NULL DEFAULT '';

-- A tenant's own account with a payment provider. The secrets are sealed under the installation's key.
CREATE TABLE payment_providers (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    provider        text NOT NULL CONSTRAINT payment_providers_exist CHECK (provider IN ('stripe')),
    publishable_key text NOT NULL,
    secret_key      bytea NOT NULL,
    -- The last letters of the key, so that people recognise it.
    secret_hint     text NOT NULL,
    webhook_secret  bytea,
    enabled         boolean NOT NULL,
    -- Everything the provider has from before this instant was looked at.
    listed_until    timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider)
);
SELECT isolate_by_tenant('payment_providers');

-- What a provider calls an account.
CREATE TABLE payers (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    account_id uuid NOT NULL,
    provider   text NOT NULL,
    reference  text NOT NULL,
    PRIMARY KEY (tenant_id, account_id, provider),
    CONSTRAINT payers_reference_unique UNIQUE (tenant_id, provider, reference),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
SELECT isolate_by_tenant('payers');
SELECT append_only('payers');

-- A method the provider keeps for an account. Of a card only what is printed on a receipt.
CREATE TABLE payment_methods (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    account_id uuid NOT NULL,
    provider   text NOT NULL,
    reference  text NOT NULL,
    brand      text NOT NULL,
    last4      text NOT NULL CONSTRAINT payment_methods_keep_four_digits CHECK (length(last4) <= 4),
    exp_month  smallint,
    exp_year   smallint,
    -- Invoices are charged to it by themselves.
    autopay    boolean NOT NULL,
    saved_at   timestamptz NOT NULL,
    removed_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payment_methods_reference_unique UNIQUE (tenant_id, provider, reference),
    CONSTRAINT payment_methods_removed_do_not_pay CHECK (removed_at IS NULL OR NOT autopay),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
CREATE UNIQUE INDEX payment_methods_one_pays ON payment_methods (tenant_id, account_id) WHERE autopay;
CREATE INDEX payment_methods_by_account ON payment_methods (tenant_id, account_id);
SELECT isolate_by_tenant('payment_methods');
SELECT never_deleted('payment_methods');

-- A try to be paid through a provider. The row is committed before the provider is asked, and its id is the key the
-- provider knows the request by: asked again it answers the same, so a crash in between neither charges twice nor loses.
CREATE TABLE payment_attempts (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    account_id   uuid NOT NULL,
    provider     text NOT NULL,
    kind         text NOT NULL CONSTRAINT payment_attempts_kind_exists CHECK (kind IN ('page', 'charge')),
    method_id    uuid,
    currency     char(3) NOT NULL,
    amount       numeric(18,4) NOT NULL CONSTRAINT payment_attempts_are_positive CHECK (amount > 0),
    -- A page keeps the card for later payments.
    keeps_method boolean NOT NULL,
    status       text NOT NULL CONSTRAINT payment_attempts_status_exists
                 CHECK (status IN ('created', 'pending', 'succeeded', 'failed', 'unknown', 'cancelled')),
    -- Who has to do something while it is pending.
    waits_for    text CONSTRAINT payment_attempts_wait_for_somebody CHECK (waits_for IN ('customer', 'provider')),
    -- What the provider calls it, and the payment behind a page.
    reference    text,
    intent       text,
    page_url     text,
    decline      text CONSTRAINT payment_attempts_decline_exists CHECK (decline IN ('soft', 'hard', 'needs_customer')),
    code         text,
    -- How many charges of the same debt were declined before.
    retries      smallint NOT NULL DEFAULT 0,
    -- The day the charge is tried again.
    retry_on     date,
    requested_by text NOT NULL,
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payment_attempts_charge_a_method CHECK ((kind = 'charge') = (method_id IS NOT NULL)),
    CONSTRAINT payment_attempts_wait_while_pending CHECK ((status = 'pending') = (waits_for IS NOT NULL)),
    CONSTRAINT payment_attempts_fail_for_a_reason CHECK (status <> 'failed' OR decline IS NOT NULL),
    CONSTRAINT payment_attempts_reference_unique UNIQUE (tenant_id, provider, reference),
    CONSTRAINT payment_attempts_intent_unique UNIQUE (tenant_id, provider, intent),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, method_id) REFERENCES payment_methods (tenant_id, id)
);
-- Never two at once for one debt.
CREATE UNIQUE INDEX payment_attempts_one_open ON payment_attempts (tenant_id, account_id)
    WHERE status IN ('created', 'pending', 'unknown');
CREATE INDEX payment_attempts_by_account ON payment_attempts (tenant_id, account_id, id);
CREATE INDEX payment_attempts_to_retry ON payment_attempts (tenant_id, retry_on) WHERE retry_on IS NOT NULL;
SELECT isolate_by_tenant('payment_attempts');
SELECT never_deleted('payment_attempts');

-- What happened to an attempt, in order.
CREATE TABLE payment_attempt_steps (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    attempt_id uuid NOT NULL,
    at         timestamptz NOT NULL,
    status     text NOT NULL,
    why        text NOT NULL,
    detail     text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, attempt_id) REFERENCES payment_attempts (tenant_id, id)
);
CREATE INDEX payment_attempt_steps_by_attempt ON payment_attempt_steps (tenant_id, attempt_id, id);
SELECT isolate_by_tenant('payment_attempt_steps');
SELECT append_only('payment_attempt_steps');

-- Messages of a provider, each taken once. They move no money: what they are about is fetched.
CREATE TABLE provider_events (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    provider    text NOT NULL,
    event_id    text NOT NULL,
    kind        text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, provider, event_id)
);
SELECT isolate_by_tenant('provider_events');
SELECT append_only('provider_events');

-- A file of the bank as it was given, kept until somebody has seen what it would do and says yes.
CREATE TABLE bank_files (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    name        text NOT NULL,
    content     bytea NOT NULL,
    -- Which columns of a CSV file mean what; none for camt.053.
    columns     jsonb,
    given_by    text NOT NULL,
    given_at    timestamptz NOT NULL,
    imported_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
SELECT isolate_by_tenant('bank_files');
SELECT never_deleted('bank_files');

CREATE TABLE bank_statements (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    file_id     uuid NOT NULL,
    iban        text NOT NULL,
    reference   text NOT NULL,
    currency    char(3) NOT NULL,
    from_on     date NOT NULL,
    to_on       date NOT NULL,
    -- A CSV file has none.
    opening     numeric(18,4),
    closing     numeric(18,4),
    imported_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT bank_statements_once UNIQUE (tenant_id, iban, reference),
    CONSTRAINT bank_statements_have_both_balances CHECK ((opening IS NULL) = (closing IS NULL)),
    FOREIGN KEY (tenant_id, file_id) REFERENCES bank_files (tenant_id, id)
);
SELECT isolate_by_tenant('bank_statements');
SELECT append_only('bank_statements');

CREATE TABLE bank_entries (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    statement_id uuid NOT NULL,
    iban         text NOT NULL,
    position     integer NOT NULL,
    -- The bank's name for it, within the statement.
    reference    text NOT NULL,
    booked_on    date NOT NULL,
    currency     char(3) NOT NULL,
    -- Above zero came in, below went out.
    amount       numeric(18,4) NOT NULL CONSTRAINT bank_entries_are_not_zero CHECK (amount <> 0),
    payer_name   text NOT NULL,
    payer_iban   text NOT NULL,
    remittance   text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT bank_entries_position_unique UNIQUE (tenant_id, statement_id, position),
    CONSTRAINT bank_entries_once UNIQUE (tenant_id, iban, reference),
    FOREIGN KEY (tenant_id, statement_id) REFERENCES bank_statements (tenant_id, id)
);
SELECT isolate_by_tenant('bank_entries');
SELECT append_only('bank_entries');

-- Money that came in and belongs to somebody not known yet. It is settled by the payment that names it.
CREATE TABLE suspense_items (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    id            uuid NOT NULL,
    place         text NOT NULL CONSTRAINT suspense_items_place_exists CHECK (place IN ('bank', 'gateway')),
    bank_entry_id uuid,
    -- What the provider calls the payment.
    reference     text,
    -- Whose it may be.
    account_id    uuid,
    currency      char(3) NOT NULL,
    amount        numeric(18,4) NOT NULL CONSTRAINT suspense_items_are_positive CHECK (amount > 0),
    received_on   date NOT NULL,
    payer         text NOT NULL,
    about         text NOT NULL,
    why           text NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT suspense_items_have_one_source CHECK ((place = 'bank') = (bank_entry_id IS NOT NULL) AND (place = 'gateway') = (reference IS NOT NULL)),
    CONSTRAINT suspense_items_of_an_entry_once UNIQUE (tenant_id, bank_entry_id),
    CONSTRAINT suspense_items_of_a_provider_once UNIQUE (tenant_id, reference),
    FOREIGN KEY (tenant_id, bank_entry_id) REFERENCES bank_entries (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
SELECT isolate_by_tenant('suspense_items');
SELECT append_only('suspense_items');

ALTER TABLE payments
    DROP CONSTRAINT payments_method_exists,
    ADD CONSTRAINT payments_method_exists CHECK (method IN ('cash', 'card', 'bank_transfer')),
    ADD COLUMN attempt_id uuid,
    ADD COLUMN bank_entry_id uuid,
    ADD COLUMN suspense_id uuid,
    ADD CONSTRAINT payments_of_an_attempt_once UNIQUE (tenant_id, attempt_id),
    ADD CONSTRAINT payments_of_an_entry_once UNIQUE (tenant_id, bank_entry_id),
    ADD CONSTRAINT payments_of_a_suspense_once UNIQUE (tenant_id, suspense_id),
    ADD FOREIGN KEY (tenant_id, attempt_id) REFERENCES payment_attempts (tenant_id, id),
    ADD FOREIGN KEY (tenant_id, bank_entry_id) REFERENCES bank_entries (tenant_id, id),
    ADD FOREIGN KEY (tenant_id, suspense_id) REFERENCES suspense_items (tenant_id, id);

-- Money given back. Like an attempt, its row is there before the provider is asked.
CREATE TABLE refunds (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    payment_id   uuid NOT NULL,
    -- Given when the money is gone.
    number       text,
    currency     char(3) NOT NULL,
    amount       numeric(18,4) NOT NULL CONSTRAINT refunds_are_positive CHECK (amount > 0),
    reason       text NOT NULL,
    status       text NOT NULL CONSTRAINT refunds_status_exists CHECK (status IN ('created', 'pending', 'succeeded', 'failed', 'unknown')),
    reference    text,
    code         text,
    requested_by text NOT NULL,
    created_at   timestamptz NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT refunds_number_unique UNIQUE (tenant_id, number),
    CONSTRAINT refunds_reference_unique UNIQUE (tenant_id, reference),
    CONSTRAINT refunds_done_are_numbered CHECK ((status = 'succeeded') = (number IS NOT NULL)),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id)
);
CREATE INDEX refunds_by_payment ON refunds (tenant_id, payment_id);
SELECT isolate_by_tenant('refunds');
SELECT never_deleted('refunds');

-- A refund takes back what its payment settled: an allocation below zero, and the invoice is open again.
ALTER TABLE allocations
    ADD COLUMN refund_id uuid,
    DROP CONSTRAINT allocations_are_positive,
    ADD CONSTRAINT allocations_are_positive CHECK (amount <> 0 AND (amount > 0) = (refund_id IS NULL)),
    ADD CONSTRAINT allocations_refunded_are_payments CHECK (refund_id IS NULL OR payment_id IS NOT NULL),
    ADD FOREIGN KEY (tenant_id, refund_id) REFERENCES refunds (tenant_id, id);

CREATE OR REPLACE FUNCTION allocations_fit() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.invoice_id = NEW.invoice_id)
       > (SELECT i.gross FROM invoices i WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.invoice_id) THEN
        RAISE EXCEPTION 'invoice % would be paid more than it asks for', NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_invoice';
    END IF;
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.payment_id = NEW.payment_id)
       > (SELECT p.amount - coalesce((SELECT sum(r.amount) FROM refunds r
                                      WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id AND r.status = 'succeeded'), 0)
          FROM payments p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.payment_id) THEN
        RAISE EXCEPTION 'payment % would settle more than it brought', NEW.payment_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_payment';
    END IF;
    IF NEW.refund_id IS NOT NULL
       AND (SELECT sum(a.amount) FROM allocations a
            WHERE a.tenant_id = NEW.tenant_id AND a.payment_id = NEW.payment_id AND a.invoice_id = NEW.invoice_id) < 0 THEN
        RAISE EXCEPTION 'payment % would give back more than it settled', NEW.payment_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_refunds_fit_the_invoice';
    END IF;
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.credit_id = NEW.credit_id)
       > (SELECT -i.gross FROM invoices i WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.credit_id) THEN
        RAISE EXCEPTION 'credit % would settle more than it gives', NEW.credit_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_credit';
    END IF;
    RETURN NULL;
END $$;
