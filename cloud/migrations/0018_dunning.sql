-- What an ISP does about unpaid bills: policies as they were, cases and how far they are, promises, pauses, late fees.
-- A version of the policy is never edited; the newest is in force.
CREATE TABLE dunning_policies (
    tenant_id uuid NOT NULL REFERENCES tenants,
    version   integer NOT NULL CONSTRAINT dunning_policies_count_from_one CHECK (version > 0),
    policy    jsonb NOT NULL,
    restores  integer,
    made_by   text NOT NULL,
    made_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, version),
    FOREIGN KEY (tenant_id, restores) REFERENCES dunning_policies (tenant_id, version)
);
SELECT isolate_by_tenant('dunning_policies');
SELECT append_only('dunning_policies');

-- One case for each day an account's earliest unpaid bill was due; it closes when nothing due that day is open any more.
CREATE TABLE dunning_cases (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    account_id uuid NOT NULL,
    due_on     date NOT NULL,
    opened_at  timestamptz NOT NULL,
    closed_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
CREATE UNIQUE INDEX dunning_cases_one_open ON dunning_cases (tenant_id, account_id) WHERE closed_at IS NULL;
CREATE INDEX dunning_cases_by_account ON dunning_cases (tenant_id, account_id, id);
SELECT isolate_by_tenant('dunning_cases');
SELECT never_deleted('dunning_cases');

-- A step is done once in a case, or overtaken by a later one; late fees are counted by invoice instead.
CREATE TABLE dunning_steps (
    tenant_id      uuid NOT NULL REFERENCES tenants,
    case_id        uuid NOT NULL,
    step           integer NOT NULL,
    kind           text NOT NULL CONSTRAINT dunning_steps_kind_exists CHECK (kind IN ('remind', 'throttle', 'walled_garden', 'final_notice')),
    overtaken      boolean NOT NULL,
    -- 0 is what holds where nothing was decided.
    policy_version integer NOT NULL,
    currency       char(3) NOT NULL,
    balance        numeric(18,4) NOT NULL,
    done_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, case_id, step),
    FOREIGN KEY (tenant_id, case_id) REFERENCES dunning_cases (tenant_id, id)
);
SELECT isolate_by_tenant('dunning_steps');
SELECT append_only('dunning_steps');

-- The newest promise of a case is the one that counts.
CREATE TABLE dunning_promises (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    case_id     uuid NOT NULL,
    currency    char(3) NOT NULL,
    amount      numeric(18,4) NOT NULL CONSTRAINT dunning_promises_are_positive CHECK (amount > 0),
    promised_on date NOT NULL,
    note        text NOT NULL DEFAULT '',
    promised_by text NOT NULL,
    promised_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES dunning_cases (tenant_id, id)
);
CREATE INDEX dunning_promises_by_case ON dunning_promises (tenant_id, case_id, id);
SELECT isolate_by_tenant('dunning_promises');
SELECT append_only('dunning_promises');

-- The newest pause of a case is the one that counts; one without a day ends the one before.
CREATE TABLE dunning_pauses (
    tenant_id uuid NOT NULL REFERENCES tenants,
    id        uuid NOT NULL,
    case_id   uuid NOT NULL,
    until_on  date,
    reason    text NOT NULL,
    paused_by text NOT NULL,
    paused_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES dunning_cases (tenant_id, id)
);
CREATE INDEX dunning_pauses_by_case ON dunning_pauses (tenant_id, case_id, id);
SELECT isolate_by_tenant('dunning_pauses');
SELECT append_only('dunning_pauses');

-- A fee is charged once for an invoice and step, as an invoice of its own; none is issued where the caps left nothing.
CREATE TABLE late_fees (
    tenant_id      uuid NOT NULL REFERENCES tenants,
    id             uuid NOT NULL,
    account_id     uuid NOT NULL,
    case_id        uuid NOT NULL,
    invoice_id     uuid NOT NULL,
    step           integer NOT NULL,
    policy_version integer NOT NULL,
    currency       char(3) NOT NULL,
    amount         numeric(18,4) NOT NULL CONSTRAINT late_fees_are_not_negative CHECK (amount >= 0),
    fee_invoice_id uuid,
    charged_on     date NOT NULL,
    charged_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT late_fees_once_a_step UNIQUE (tenant_id, invoice_id, step),
    CONSTRAINT late_fees_are_invoiced CHECK ((amount > 0) = (fee_invoice_id IS NOT NULL)),
    CONSTRAINT late_fees_have_their_own_invoice UNIQUE (tenant_id, fee_invoice_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, case_id) REFERENCES dunning_cases (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, fee_invoice_id) REFERENCES invoices (tenant_id, id)
);
CREATE INDEX late_fees_by_account ON late_fees (tenant_id, account_id);
CREATE INDEX late_fees_by_case ON late_fees (tenant_id, case_id);
SELECT isolate_by_tenant('late_fees');
SELECT append_only('late_fees');

CREATE TABLE late_fee_waivers (
    tenant_id         uuid NOT NULL REFERENCES tenants,
    late_fee_id       uuid NOT NULL,
    credit_invoice_id uuid NOT NULL,
    reason            text NOT NULL,
    waived_by         text NOT NULL,
    waived_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, late_fee_id),
    FOREIGN KEY (tenant_id, late_fee_id) REFERENCES late_fees (tenant_id, id),
    FOREIGN KEY (tenant_id, credit_invoice_id) REFERENCES invoices (tenant_id, id)
);
SELECT isolate_by_tenant('late_fee_waivers');
SELECT append_only('late_fee_waivers');

ALTER TABLE invoice_lines DROP CONSTRAINT invoice_lines_kind_exists;
ALTER TABLE invoice_lines ADD CONSTRAINT invoice_lines_kind_exists CHECK (kind IN ('recurring', 'credit', 'usage', 'late_fee'));
ALTER TABLE invoice_lines DROP CONSTRAINT invoice_lines_credits_name_their_charge;
-- A late fee given back names the charge, too.
ALTER TABLE invoice_lines ADD CONSTRAINT invoice_lines_credits_name_their_charge
    CHECK (CASE kind WHEN 'credit' THEN credits_line_id IS NOT NULL WHEN 'late_fee' THEN true ELSE credits_line_id IS NULL END);
