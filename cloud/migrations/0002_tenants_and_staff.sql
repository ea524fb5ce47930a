-- The ISPs that use this service, the people who work for them, and how those people log in.
CREATE TABLE platform.tenants (
    tenant_id   uuid PRIMARY KEY,
    slug        text NOT NULL CONSTRAINT tenants_slug_unique UNIQUE
                CONSTRAINT tenants_slug_is_a_host_label CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    created_at  timestamptz NOT NULL
);
SELECT share_with_platform('platform.tenants');

-- What an ISP says of itself: on invoices, in the walled garden, in its own colour.
CREATE TABLE tenants (
    tenant_id          uuid PRIMARY KEY REFERENCES platform.tenants,
    name               text NOT NULL CONSTRAINT tenants_have_a_name CHECK (btrim(name) <> ''),
    legal_name         text NOT NULL,
    address            text NOT NULL DEFAULT '',
    country            char(2) NOT NULL,
    tax_id             text NOT NULL DEFAULT '',
    currency           char(3) NOT NULL,
    time_zone          text NOT NULL,
    language           text NOT NULL DEFAULT 'en',
    hue                smallint NOT NULL DEFAULT 255 CONSTRAINT tenants_hue_is_an_angle CHECK (hue BETWEEN 0 AND 359),
    tax_name           text NOT NULL DEFAULT 'VAT',
    tax_rate_percent   numeric(7,4) NOT NULL DEFAULT 0 CONSTRAINT tenants_tax_rate_is_a_percentage CHECK (tax_rate_percent BETWEEN 0 AND 100),
    payment_terms_days smallint NOT NULL DEFAULT 14 CONSTRAINT tenants_payment_terms_are_days CHECK (payment_terms_days BETWEEN 0 AND 365),
    grace_days         smallint NOT NULL DEFAULT 7 CONSTRAINT tenants_grace_is_days CHECK (grace_days BETWEEN 0 AND 365),
    invoice_prefix     text NOT NULL DEFAULT 'INV',
    contact            text NOT NULL DEFAULT '',
    pay_url            text NOT NULL DEFAULT '',
    updated_at         timestamptz NOT NULL
);
SELECT isolate_by_tenant('tenants');
SELECT never_deleted('tenants');

CREATE TABLE staff (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    name        text NOT NULL CONSTRAINT staff_have_a_name CHECK (btrim(name) <> ''),
    email       text NOT NULL,
    role        text NOT NULL CONSTRAINT staff_role_exists CHECK (role IN ('owner', 'billing', 'support', 'network', 'read_only')),
    language    text NOT NULL DEFAULT 'en',
    theme       text NOT NULL DEFAULT 'system' CONSTRAINT staff_theme_exists CHECK (theme IN ('system', 'light', 'dark')),
    single_keys boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
SELECT isolate_by_tenant('staff');
SELECT never_deleted('staff');

-- A log-in name is global; the answer to a wrong one is the same as to a wrong password.
CREATE TABLE platform.staff_logins (
    email_normalised text PRIMARY KEY,
    tenant_id        uuid NOT NULL,
    staff_id         uuid NOT NULL,
    password_hash    text NOT NULL,
    failed_attempts  integer NOT NULL DEFAULT 0,
    locked_until     timestamptz,
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id),
    CONSTRAINT staff_logins_one_each UNIQUE (tenant_id, staff_id)
);
SELECT share_with_platform('platform.staff_logins');

-- Only the hash of a session's token is kept.
CREATE TABLE platform.staff_sessions (
    token_hash   bytea PRIMARY KEY,
    tenant_id    uuid NOT NULL,
    staff_id     uuid NOT NULL,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    user_agent   text NOT NULL DEFAULT '',
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id)
);
CREATE INDEX staff_sessions_by_staff ON platform.staff_sessions (tenant_id, staff_id);
SELECT share_with_platform('platform.staff_sessions');

-- Every change a person or a job made, in order, never edited.
CREATE TABLE audit_entries (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    at           timestamptz NOT NULL,
    actor        text NOT NULL,
    action       text NOT NULL,
    subject      text NOT NULL,
    detail       jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX audit_entries_by_subject ON audit_entries (tenant_id, subject, at);
SELECT isolate_by_tenant('audit_entries');
SELECT append_only('audit_entries');
