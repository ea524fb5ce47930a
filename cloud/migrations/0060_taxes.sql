-- Taxes by place and day. A rule is never changed: it is withdrawn, and another stands in its place, so that the rule an invoice
-- names always says what it said.
CREATE TABLE tax_rules (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    country      text NOT NULL CONSTRAINT tax_rules_name_a_country CHECK (country ~ '^[A-Z]{2}$'),
    -- What is empty matches everything; a postcode may end in an asterisk.
    region       text NOT NULL DEFAULT '',
    city         text NOT NULL DEFAULT '',
    postcode     text NOT NULL DEFAULT '',
    tax          text NOT NULL CONSTRAINT tax_rules_have_a_name CHECK (btrim(tax) <> ''),
    category     text NOT NULL CONSTRAINT tax_rules_category_is_of_a_place CHECK (category IN ('S', 'Z', 'E', 'L', 'M')),
    rate_percent numeric(9,6) NOT NULL CONSTRAINT tax_rules_rate_is_a_percentage CHECK (rate_percent BETWEEN 0 AND 100),
    -- Its turn among several taxes of a place; a compound one is on the amount with those before it.
    turn         smallint NOT NULL DEFAULT 0 CONSTRAINT tax_rules_turn_is_small CHECK (turn BETWEEN 0 AND 99),
    compound     boolean NOT NULL DEFAULT false,
    days         daterange NOT NULL DEFAULT daterange(NULL, NULL) CONSTRAINT tax_rules_hold_for_a_day CHECK (NOT isempty(days)),
    created_at   timestamptz NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT tax_rules_category_fits_the_rate
        CHECK (CASE category WHEN 'S' THEN rate_percent > 0 WHEN 'Z' THEN rate_percent = 0 WHEN 'E' THEN rate_percent = 0 ELSE true END),
    CONSTRAINT tax_rules_hold_once EXCLUDE USING gist (
        tenant_id WITH =, country WITH =, lower(region) WITH =, lower(city) WITH =, lower(postcode) WITH =, lower(tax) WITH =, days WITH &&
    ) WHERE (withdrawn_at IS NULL)
);
SELECT isolate_by_tenant('tax_rules');
SELECT never_deleted('tax_rules');

-- The one rate an ISP had becomes a rule of its country, for all days: it holds as it did.
INSERT INTO tax_rules (tenant_id, id, country, tax, category, rate_percent, created_at)
SELECT tenant_id, gen_random_uuid(), country, coalesce(nullif(btrim(tax_name), ''), 'VAT'),
       CASE WHEN tax_rate_percent = 0 THEN 'Z' ELSE 'S' END, tax_rate_percent, updated_at
FROM tenants WHERE country ~ '^[A-Z]{2}$' AND (tax_rate_percent > 0 OR tax_name <> 'VAT');
ALTER TABLE tenants
    DROP COLUMN tax_name,
    DROP COLUMN tax_rate_percent,
    ADD COLUMN tax_rounding text NOT NULL DEFAULT 'invoice'
        CONSTRAINT tenants_tax_rounding_exists CHECK (tax_rounding IN ('invoice', 'line'));

-- Why an account is not charged tax, from one day up to another: a paper of its own, or the tax is its own to account for.
CREATE TABLE tax_exemptions (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    account_id   uuid NOT NULL,
    kind         text NOT NULL CONSTRAINT tax_exemptions_kind_exists CHECK (kind IN ('certificate', 'reverse_charge', 'intra_community')),
    -- Number of the certificate, or the account's VAT identifier.
    document     text NOT NULL CONSTRAINT tax_exemptions_name_a_document CHECK (btrim(document) <> ''),
    -- As it stands on the invoice.
    reason       text NOT NULL CONSTRAINT tax_exemptions_have_a_reason CHECK (btrim(reason) <> ''),
    days         daterange NOT NULL CONSTRAINT tax_exemptions_hold_for_a_day CHECK (NOT isempty(days) AND NOT lower_inf(days)),
    created_at   timestamptz NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT tax_exemptions_one_a_day
        EXCLUDE USING gist (tenant_id WITH =, account_id WITH =, days WITH &&) WHERE (withdrawn_at IS NULL),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
SELECT isolate_by_tenant('tax_exemptions');
SELECT never_deleted('tax_exemptions');

-- Where in its country a place is taxed: a state or province.
ALTER TABLE service_locations ADD COLUMN region text NOT NULL DEFAULT '';

-- A rate made of several taxes has more decimals; what it is made of, where and by which rules is frozen beside it.
ALTER TABLE invoice_lines
    ALTER COLUMN tax_rate TYPE numeric(9,6),
    ADD COLUMN taxed_by jsonb;
ALTER TABLE invoice_taxes
    ALTER COLUMN rate TYPE numeric(9,6),
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD COLUMN parts jsonb NOT NULL DEFAULT '[]';
