-- Credit notes: documents of their own series that give back what an issued invoice asked for. Their amounts are below zero,
-- as those of every document that gives back, so that they settle invoices as any other credit does.
ALTER TABLE invoices
    ADD COLUMN corrects_id uuid,
    ADD COLUMN reason      text,
    ADD FOREIGN KEY (tenant_id, corrects_id) REFERENCES invoices (tenant_id, id);

-- A late fee was given back by such a document before there was a name for it.
ALTER TABLE invoices DISABLE TRIGGER invoices_issued_is_final;
UPDATE invoices i SET corrects_id = f.fee_invoice_id, reason = w.reason
FROM late_fee_waivers w JOIN late_fees f ON f.tenant_id = w.tenant_id AND f.id = w.late_fee_id
WHERE i.tenant_id = w.tenant_id AND i.id = w.credit_invoice_id;
ALTER TABLE invoices ENABLE TRIGGER invoices_issued_is_final;

ALTER TABLE invoices
    ADD CONSTRAINT invoices_credit_notes_give_back
        CHECK (corrects_id IS NULL OR (status = 'issued' AND gross < 0 AND run_id IS NULL AND btrim(reason) <> '')),
    ADD CONSTRAINT invoices_only_credit_notes_have_a_reason CHECK ((corrects_id IS NULL) = (reason IS NULL));
CREATE INDEX invoices_by_corrected ON invoices (tenant_id, corrects_id) WHERE corrects_id IS NOT NULL;

-- Two series may count under one prefix.
ALTER TABLE invoices DROP CONSTRAINT invoices_number_unique;
CREATE UNIQUE INDEX invoices_number_unique ON invoices (tenant_id, number) WHERE corrects_id IS NULL;
CREATE UNIQUE INDEX credit_notes_number_unique ON invoices (tenant_id, number) WHERE corrects_id IS NOT NULL;

-- All credit notes of an invoice together give back at most what it asked for. The account is locked by whoever issues one.
CREATE FUNCTION credit_notes_fit() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM invoices i
        WHERE i.tenant_id = NEW.tenant_id AND i.id = NEW.corrects_id AND i.status = 'issued' AND i.corrects_id IS NULL
          AND i.account_id = NEW.account_id AND i.currency = NEW.currency
          AND i.gross >= (SELECT -sum(n.gross) FROM invoices n WHERE n.tenant_id = NEW.tenant_id AND n.corrects_id = NEW.corrects_id)
    ) THEN
        RAISE EXCEPTION 'credit note % gives back more than invoice % asked for', NEW.id, NEW.corrects_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_notes_fit_the_invoice';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER credit_notes_fit AFTER INSERT ON invoices
    FOR EACH ROW WHEN (NEW.corrects_id IS NOT NULL) EXECUTE FUNCTION credit_notes_fit();

-- What a credit note takes back of a line names it, and so does what is charged again of it because it was taken back twice.
ALTER TABLE invoice_lines
    DROP CONSTRAINT invoice_lines_kind_exists,
    ADD CONSTRAINT invoice_lines_kind_exists
        CHECK (kind IN ('recurring', 'credit', 'usage', 'late_fee', 'top_up', 'boost', 'correction')),
    DROP CONSTRAINT invoice_lines_credits_name_their_charge,
    ADD CONSTRAINT invoice_lines_credits_name_their_charge
        CHECK (CASE WHEN kind IN ('credit', 'correction') THEN credits_line_id IS NOT NULL WHEN kind = 'late_fee' THEN true ELSE credits_line_id IS NULL END);
CREATE INDEX invoice_lines_by_credited ON invoice_lines (tenant_id, credits_line_id) WHERE credits_line_id IS NOT NULL;
