-- A plan sold to an account at a location. Commercial state decides whether we bill; holds decide what the router does.
CREATE TABLE subscriptions (
    tenant_id           uuid NOT NULL REFERENCES tenants,
    id                  uuid NOT NULL,
    account_id          uuid NOT NULL,
    service_location_id uuid NOT NULL,
    router_id           uuid NOT NULL,
    -- Names the line in usage records of its router; never reused.
    handle              integer NOT NULL CONSTRAINT subscriptions_handle_is_positive CHECK (handle > 0),
    starts_on           date NOT NULL,
    ends_on             date,
    created_at          timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT subscriptions_handle_unique UNIQUE (tenant_id, router_id, handle),
    CONSTRAINT subscriptions_end_after_start CHECK (ends_on >= starts_on),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, service_location_id) REFERENCES service_locations (tenant_id, id),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
CREATE INDEX subscriptions_by_account ON subscriptions (tenant_id, account_id);
SELECT isolate_by_tenant('subscriptions');
SELECT never_deleted('subscriptions');

-- Which plan version holds from when; half-open days. Exactly one at any day.
CREATE TABLE subscription_terms (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    valid           daterange NOT NULL,
    plan_version_id uuid NOT NULL,
    created_at      timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, valid),
    CONSTRAINT subscription_terms_never_overlap EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, valid WITH &&),
    CONSTRAINT subscription_terms_are_not_empty CHECK (NOT isempty(valid)),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_version_id) REFERENCES plan_versions (tenant_id, id)
);
SELECT isolate_by_tenant('subscription_terms');

-- The addresses of a line. The database itself refuses two lines of a router with one address.
CREATE TABLE subscription_prefixes (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    router_id       uuid NOT NULL,
    prefix          cidr NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, prefix),
    CONSTRAINT subscription_prefixes_never_overlap EXCLUDE USING gist (tenant_id WITH =, router_id WITH =, prefix inet_ops WITH &&),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
SELECT isolate_by_tenant('subscription_prefixes');

-- Why a line is not simply open. The strictest hold in force wins; releasing one never releases another.
CREATE TABLE holds (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    kind            text NOT NULL CONSTRAINT holds_kind_exists CHECK (kind IN ('unpaid', 'quota', 'fraud', 'abuse', 'seasonal', 'manual')),
    effect          text NOT NULL CONSTRAINT holds_effect_exists CHECK (effect IN ('throttled', 'walled_garden', 'closed')),
    reason          text NOT NULL,
    placed_by       text NOT NULL,
    placed_at       timestamptz NOT NULL,
    until           timestamptz,
    released_by     text,
    released_at     timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT holds_release_is_signed CHECK ((released_at IS NULL) = (released_by IS NULL)),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX holds_in_force ON holds (tenant_id, subscription_id) WHERE released_at IS NULL;
-- Being unpaid is one fact of a line, however often it is noticed.
CREATE UNIQUE INDEX holds_unpaid_once ON holds (tenant_id, subscription_id) WHERE kind = 'unpaid' AND released_at IS NULL;
SELECT isolate_by_tenant('holds');
SELECT never_deleted('holds');
