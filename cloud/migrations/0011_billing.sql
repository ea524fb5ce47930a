-- Billing runs, and the invoices they issue. An issued invoice has a number and never changes.
CREATE TABLE billing_runs (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    as_of           date NOT NULL,
    status          text NOT NULL CONSTRAINT billing_runs_status_exists CHECK (status IN ('running', 'done', 'failed')),
    started_by      text NOT NULL,
    started_at      timestamptz NOT NULL,
    finished_at     timestamptz,
    accounts_total  integer NOT NULL DEFAULT 0,
    accounts_done   integer NOT NULL DEFAULT 0,
    invoices_issued integer NOT NULL DEFAULT 0,
    -- Accounts are billed in the order of their ids; a run that was cut short goes on after this one.
    last_account_id uuid,
    error           text,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX billing_runs_one_at_a_time ON billing_runs (tenant_id) WHERE status = 'running';
SELECT isolate_by_tenant('billing_runs');
SELECT never_deleted('billing_runs');

CREATE TABLE invoices (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    account_id uuid NOT NULL,
    run_id     uuid,
    status     text NOT NULL CONSTRAINT invoices_status_exists CHECK (status IN ('draft', 'issued')),
    number     text,
    issued_on  date,
    issued_at  timestamptz,
    due_on     date,
    currency   char(3) NOT NULL,
    net        numeric(18,4) NOT NULL,
    tax        numeric(18,4) NOT NULL,
    gross      numeric(18,4) NOT NULL,
    -- Seller and buyer as they were when it was issued.
    parties    jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invoices_number_unique UNIQUE (tenant_id, number),
    CONSTRAINT invoices_issued_is_numbered CHECK (status = 'draft' OR (number IS NOT NULL AND issued_on IS NOT NULL AND issued_at IS NOT NULL AND due_on IS NOT NULL)),
    CONSTRAINT invoices_gross_is_net_and_tax CHECK (gross = net + tax),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id)
);
CREATE INDEX invoices_by_account ON invoices (tenant_id, account_id, issued_on);
CREATE INDEX invoices_by_run ON invoices (tenant_id, run_id) WHERE run_id IS NOT NULL;
CREATE INDEX invoices_by_due ON invoices (tenant_id, due_on) WHERE status = 'issued';
SELECT isolate_by_tenant('invoices');
SELECT never_deleted('invoices');

CREATE FUNCTION issued_invoice_is_final() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'issued' THEN
        RAISE EXCEPTION 'invoice % is issued and can no longer change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoices_issued_is_final';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoices_issued_is_final BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION issued_invoice_is_final();

CREATE TABLE invoice_lines (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    invoice_id      uuid NOT NULL,
    position        integer NOT NULL,
    kind            text NOT NULL CONSTRAINT invoice_lines_kind_exists CHECK (kind IN ('recurring', 'credit', 'usage')),
    subscription_id uuid,
    plan_version_id uuid,
    description     text NOT NULL,
    period          daterange NOT NULL,
    -- The whole period these days are a part of: what the price and the allowance are for.
    full_period     daterange NOT NULL,
    quantity        numeric(18,6) NOT NULL,
    unit_price      numeric(18,6) NOT NULL,
    net             numeric(18,4) NOT NULL,
    tax_category    text NOT NULL,
    tax_rate        numeric(7,4) NOT NULL,
    -- For a usage line: what was counted and what of it was included.
    down_bytes      bigint,
    up_bytes        bigint,
    included_bytes  bigint,
    -- Counted after its period was billed.
    late            boolean NOT NULL DEFAULT false,
    -- For a credit, the charge it takes back.
    credits_line_id uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invoice_lines_credits_name_their_charge CHECK ((kind = 'credit') = (credits_line_id IS NOT NULL)),
    FOREIGN KEY (tenant_id, credits_line_id) REFERENCES invoice_lines (tenant_id, id),
    CONSTRAINT invoice_lines_position_unique UNIQUE (tenant_id, invoice_id, position),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_version_id) REFERENCES plan_versions (tenant_id, id)
);
CREATE INDEX invoice_lines_by_subscription ON invoice_lines (tenant_id, subscription_id);
SELECT isolate_by_tenant('invoice_lines');
SELECT append_only('invoice_lines');

CREATE TABLE invoice_taxes (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    invoice_id uuid NOT NULL,
    category   text NOT NULL,
    name       text NOT NULL,
    rate       numeric(7,4) NOT NULL,
    base       numeric(18,4) NOT NULL,
    tax        numeric(18,4) NOT NULL,
    PRIMARY KEY (tenant_id, invoice_id, category, rate),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);
SELECT isolate_by_tenant('invoice_taxes');
SELECT append_only('invoice_taxes');

-- Which days of which subscription have been billed for which component. The database itself refuses to bill a day twice.
CREATE TABLE billed_periods (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    component       text NOT NULL CONSTRAINT billed_periods_component_exists CHECK (component IN ('recurring', 'usage')),
    period          daterange NOT NULL,
    invoice_line_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, component, period),
    CONSTRAINT billed_periods_never_twice EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, component WITH =, period WITH &&),
    CONSTRAINT billed_periods_are_not_empty CHECK (NOT isempty(period)),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES invoice_lines (tenant_id, id)
);
SELECT isolate_by_tenant('billed_periods');

-- The segments behind a usage line: each is billed once, and "why" can be answered down to the record.
CREATE TABLE billed_segments (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    agent_id        uuid NOT NULL,
    epoch           bytea NOT NULL,
    seq             bigint NOT NULL,
    handle          integer NOT NULL,
    invoice_line_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, epoch, seq, handle),
    FOREIGN KEY (tenant_id, agent_id, epoch, seq, handle) REFERENCES usage_segments (tenant_id, agent_id, epoch, seq, handle),
    -- Segments are taken first, counted as taken, and then written on the line.
    FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES invoice_lines (tenant_id, id) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX billed_segments_by_line ON billed_segments (tenant_id, invoice_line_id);
SELECT isolate_by_tenant('billed_segments');
SELECT append_only('billed_segments');
