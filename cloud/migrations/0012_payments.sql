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

-- What settles an invoice: a part of a payment, or of a document whose total is below zero. What a payment has left over is
-- the customer's credit, and is allocated when the next invoice is issued.
CREATE TABLE allocations (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    invoice_id   uuid NOT NULL,
    payment_id   uuid,
    credit_id    uuid,
    amount       numeric(18,4) NOT NULL CONSTRAINT allocations_are_positive CHECK (amount > 0),
    allocated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT allocations_have_one_source CHECK ((payment_id IS NULL) <> (credit_id IS NULL)),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id),
    FOREIGN KEY (tenant_id, credit_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);
CREATE INDEX allocations_by_invoice ON allocations (tenant_id, invoice_id);
CREATE INDEX allocations_by_payment ON allocations (tenant_id, payment_id) WHERE payment_id IS NOT NULL;
CREATE INDEX allocations_by_credit ON allocations (tenant_id, credit_id) WHERE credit_id IS NOT NULL;
SELECT isolate_by_tenant('allocations');
SELECT append_only('allocations');

-- Nothing is settled beyond what it asks for, and no source gives more than it has. The account is locked by whoever allocates.
CREATE FUNCTION allocations_fit() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.invoice_id = NEW.invoice_id)
       > (SELECT i.gross FROM invoices i WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.invoice_id) THEN
        RAISE EXCEPTION 'invoice % would be paid more than it asks for', NEW.invoice_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_invoice';
    END IF;
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.payment_id = NEW.payment_id)
       > (SELECT p.amount FROM payments p WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.payment_id) THEN
        RAISE EXCEPTION 'payment % would settle more than it brought', NEW.payment_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_payment';
    END IF;
    IF (SELECT coalesce(sum(a.amount), 0) FROM allocations a WHERE a.tenant_id = NEW.tenant_id AND a.credit_id = NEW.credit_id)
       > (SELECT -i.gross FROM invoices i WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.credit_id) THEN
        RAISE EXCEPTION 'credit % would settle more than it gives', NEW.credit_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocations_fit_the_credit';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER allocations_fit AFTER INSERT ON allocations
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW EXECUTE FUNCTION allocations_fit();
