-- Who buys access, what is billed, and where access ends.
CREATE TABLE subscribers (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    name            text NOT NULL CONSTRAINT subscribers_have_a_name CHECK (btrim(name) <> ''),
    name_normalised text NOT NULL,
    email           text,
    phone           text,
    language        text NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX subscribers_by_name ON subscribers (tenant_id, name_normalised text_pattern_ops);
SELECT isolate_by_tenant('subscribers');
SELECT never_deleted('subscribers');

CREATE TABLE accounts (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    id            uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    number        text NOT NULL,
    currency      char(3) NOT NULL,
    time_zone     text NOT NULL,
    billing_day   smallint NOT NULL CONSTRAINT accounts_billing_day_is_a_day CHECK (billing_day BETWEEN 1 AND 31),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT accounts_number_unique UNIQUE (tenant_id, number),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id)
);
CREATE INDEX accounts_by_subscriber ON accounts (tenant_id, subscriber_id);
SELECT isolate_by_tenant('accounts');
SELECT never_deleted('accounts');

CREATE TABLE service_locations (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    id            uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    site_id       uuid,
    line1         text NOT NULL CONSTRAINT service_locations_have_a_street CHECK (btrim(line1) <> ''),
    line2         text NOT NULL DEFAULT '',
    city          text NOT NULL,
    postcode      text NOT NULL DEFAULT '',
    country       char(2) NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id),
    FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id)
);
CREATE INDEX service_locations_by_subscriber ON service_locations (tenant_id, subscriber_id);
SELECT isolate_by_tenant('service_locations');
SELECT never_deleted('service_locations');

-- Gapless numbers: one row a series, taken under its lock in the transaction that uses the number.
CREATE TABLE number_series (
    tenant_id uuid NOT NULL REFERENCES tenants,
    kind      text NOT NULL,
    year      smallint NOT NULL,
    next      bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (tenant_id, kind, year)
);
SELECT isolate_by_tenant('number_series');
SELECT never_deleted('number_series');
