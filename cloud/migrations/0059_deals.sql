-- What is agreed with a subscriber beside the price of a plan.

-- Discounts: what a subscription's price is less on some days. Several reduce it in the order of their ids, each what the
-- ones before it left.
CREATE TABLE discounts (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    -- Why, as the invoice says it.
    name            text NOT NULL CONSTRAINT discounts_name_is_given CHECK (btrim(name) <> ''),
    percent         numeric(7,4) CONSTRAINT discounts_percent_is_in_bounds CHECK (percent > 0 AND percent <= 100),
    -- Off the price of a full period.
    amount          numeric(18,4) CONSTRAINT discounts_amount_is_positive CHECK (amount > 0),
    -- A percent is at most so much off a full period.
    most            numeric(18,4) CONSTRAINT discounts_most_is_positive CHECK (most > 0),
    currency        char(3) NOT NULL,
    from_on         date NOT NULL,
    -- First day it no longer holds, as it was granted.
    until_on        date,
    granted_at      timestamptz NOT NULL,
    granted_by      text NOT NULL,
    -- First day it no longer holds because somebody ended it.
    ended_on        date,
    ended_at        timestamptz,
    ended_by        text,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT discounts_are_a_percent_or_an_amount CHECK ((percent IS NULL) <> (amount IS NULL)),
    CONSTRAINT discounts_only_percents_have_a_most CHECK (most IS NULL OR percent IS NOT NULL),
    CONSTRAINT discounts_last_a_day CHECK (until_on > from_on),
    CONSTRAINT discounts_end_after_they_begin CHECK (ended_on >= from_on),
    CONSTRAINT discounts_end_once CHECK ((ended_on IS NULL) = (ended_at IS NULL) AND (ended_on IS NULL) = (ended_by IS NULL)),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX discounts_by_subscription ON discounts (tenant_id, subscription_id);
SELECT isolate_by_tenant('discounts');
SELECT never_deleted('discounts');

-- What discounts took off a line whose net is without it; below zero on a credit, which gives back what was asked for. The
-- parts, in order, are for whoever reads the line.
ALTER TABLE invoice_lines
    ADD COLUMN discount numeric(18,4) NOT NULL DEFAULT 0,
    ADD COLUMN discounts jsonb NOT NULL DEFAULT '[]',
    ADD CONSTRAINT invoice_lines_only_prices_are_reduced CHECK (discount = 0 OR kind IN ('recurring', 'credit'));

-- One-time charges: fees, goods and visits, taken by the account's next invoice from their day on.
CREATE TABLE one_time_charges (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    account_id      uuid NOT NULL,
    -- The line it is about, if it is about one.
    subscription_id uuid,
    description     text NOT NULL CONSTRAINT one_time_charges_description_is_given CHECK (btrim(description) <> ''),
    quantity        numeric(18,6) NOT NULL CONSTRAINT one_time_charges_quantity_is_positive CHECK (quantity > 0),
    unit_price      numeric(18,4) NOT NULL CONSTRAINT one_time_charges_unit_price_is_positive CHECK (unit_price > 0),
    currency        char(3) NOT NULL,
    charged_on      date NOT NULL,
    -- The same for a charge that is sent again.
    reference       text NOT NULL,
    added_at        timestamptz NOT NULL,
    added_by        text NOT NULL,
    removed_at      timestamptz,
    removed_by      text,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT one_time_charges_reference_unique UNIQUE (tenant_id, account_id, reference),
    CONSTRAINT one_time_charges_removed_by_somebody CHECK ((removed_at IS NULL) = (removed_by IS NULL)),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
SELECT isolate_by_tenant('one_time_charges');
SELECT never_deleted('one_time_charges');

-- One is charged once, and what is charged cannot be removed.
CREATE TABLE billed_charges (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    charge_id       uuid NOT NULL,
    invoice_line_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, charge_id),
    FOREIGN KEY (tenant_id, charge_id) REFERENCES one_time_charges (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES invoice_lines (tenant_id, id)
);
SELECT isolate_by_tenant('billed_charges');
SELECT append_only('billed_charges');

CREATE FUNCTION charge_is_not_billed() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM billed_charges b WHERE b.tenant_id = NEW.tenant_id AND b.charge_id = NEW.id) THEN
        RAISE EXCEPTION 'charge % is billed and can no longer change', NEW.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'one_time_charges_billed_is_final';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER one_time_charges_billed_is_final BEFORE UPDATE ON one_time_charges FOR EACH ROW EXECUTE FUNCTION charge_is_not_billed();

ALTER TABLE invoice_lines
    DROP CONSTRAINT invoice_lines_kind_exists,
    ADD CONSTRAINT invoice_lines_kind_exists
        CHECK (kind IN ('recurring', 'credit', 'usage', 'late_fee', 'top_up', 'boost', 'correction', 'one_time'));

-- Minimum terms: until when a subscription binds, and what leaving before costs.
CREATE TABLE contracts (
    tenant_id        uuid NOT NULL REFERENCES tenants,
    id               uuid NOT NULL,
    subscription_id  uuid NOT NULL,
    term             daterange NOT NULL CONSTRAINT contracts_term_is_whole CHECK (NOT isempty(term) AND NOT lower_inf(term) AND NOT upper_inf(term)),
    months           integer NOT NULL CONSTRAINT contracts_months_are_in_bounds CHECK (months BETWEEN 1 AND 120),
    fee              text NOT NULL CONSTRAINT contracts_fee_exists CHECK (fee IN ('none', 'fixed', 'declining', 'remaining')),
    -- Of a fixed or declining fee.
    amount           numeric(18,4) CONSTRAINT contracts_amount_is_positive CHECK (amount > 0),
    -- Of what the months left cost.
    percent          numeric(7,4) CONSTRAINT contracts_percent_is_in_bounds CHECK (percent > 0 AND percent <= 100),
    -- No fee is above it.
    most             numeric(18,4) CONSTRAINT contracts_most_is_positive CHECK (most > 0),
    currency         char(3) NOT NULL,
    -- Leaving is free on so many days from the first.
    cooling_off_days integer NOT NULL CONSTRAINT contracts_cooling_off_is_in_bounds CHECK (cooling_off_days BETWEEN 0 AND 366),
    agreed_at        timestamptz NOT NULL,
    agreed_by        text NOT NULL,
    -- It binds nobody any more.
    waived_at        timestamptz,
    waived_by        text,
    waive_reason     text,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT contracts_fee_has_its_figure
        CHECK ((amount IS NOT NULL) = (fee IN ('fixed', 'declining')) AND (percent IS NOT NULL) = (fee = 'remaining')),
    CONSTRAINT contracts_waived_for_a_reason
        CHECK ((waived_at IS NULL) = (waived_by IS NULL) AND (waived_at IS NULL) = (waive_reason IS NULL) AND btrim(waive_reason) <> ''),
    CONSTRAINT contracts_never_overlap EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, term WITH &&) WHERE (waived_at IS NULL),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
SELECT isolate_by_tenant('contracts');
SELECT never_deleted('contracts');

-- Leaving early is charged once.
CREATE TABLE billed_contracts (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    contract_id     uuid NOT NULL,
    invoice_line_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, contract_id),
    FOREIGN KEY (tenant_id, contract_id) REFERENCES contracts (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES invoice_lines (tenant_id, id)
);
SELECT isolate_by_tenant('billed_contracts');
SELECT append_only('billed_contracts');

ALTER TABLE invoice_lines
    DROP CONSTRAINT invoice_lines_kind_exists,
    ADD CONSTRAINT invoice_lines_kind_exists
        CHECK (kind IN ('recurring', 'credit', 'usage', 'late_fee', 'top_up', 'boost', 'correction', 'one_time', 'early_termination'));
