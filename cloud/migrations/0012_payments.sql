-- Money received, and which invoices it settles.
CREATE TABLE payments (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    account_id  uuid NOT NULL,
    number      text NOT NULL,
    method      text NOT NULL CONSTRAINT payments_method_exists CHECK (method IN ('cash')),
    currency    char(3) NOT NULL,
    amount      numeric(18,4) NOT NULL CONSTRAINT payments_are_positive CHECK (amount > 0),
    received_on date NOT NULL,
    reference   text NOT NULL DEFAULT '',
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payments_number_unique UNIQUE (tenant_id, number),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
CREATE INDEX payments_by_account ON payments (tenant_id, account_id, received_on);
SELECT isolate_by_tenant('payments');
SELECT append_only('payments');

CREATE TABLE payment_allocations (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    payment_id   uuid NOT NULL,
    invoice_id   uuid NOT NULL,
    amount       numeric(18,4) NOT NULL CONSTRAINT payment_allocations_are_positive CHECK (amount > 0),
    allocated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, payment_id, invoice_id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);
CREATE INDEX payment_allocations_by_invoice ON payment_allocations (tenant_id, invoice_id);
SELECT isolate_by_tenant('payment_allocations');
SELECT append_only('payment_allocations');

-- An invoice cannot be paid more than it asks for. The invoice row is locked by whoever allocates.
CREATE FUNCTION allocations_fit_the_invoice() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(a.amount), 0) FROM payment_allocations a WHERE a.tenant_id = NEW.tenant_id AND a.invoice_id = NEW.invoice_id)
       > (SELECT i.gross FROM invoices i WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.invoice_id) THEN
        RAISE EXCEPTION 'invoice % would be paid more than it asks for', NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'payment_allocations_fit_the_invoice';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER payment_allocations_fit_the_invoice AFTER INSERT ON payment_allocations
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION allocations_fit_the_invoice();
