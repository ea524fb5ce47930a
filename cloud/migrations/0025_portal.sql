-- The portal: where subscribers see their line, their bills and their usage, and where people who want to be one ask for it.
ALTER TABLE plans ADD COLUMN offered_in_portal boolean NOT NULL DEFAULT false;

-- An ISP without a row has the defaults.
CREATE TABLE portal_settings (
    tenant_id             uuid PRIMARY KEY REFERENCES tenants,
    -- What the pages say of paying, beside the address to pay at.
    how_to_pay            text NOT NULL DEFAULT '' CONSTRAINT portal_settings_how_to_pay_is_short CHECK (length(how_to_pay) <= 1000),
    sign_up               boolean NOT NULL DEFAULT true,
    -- A cheaper plan begins with the next billing period, so that nothing is given back.
    cheaper_at_period_end boolean NOT NULL DEFAULT true,
    updated_at            timestamptz NOT NULL
);
SELECT isolate_by_tenant('portal_settings');
SELECT never_deleted('portal_settings');

-- Asked for before a tenant is known: whose portal a host name is.
CREATE TABLE platform.portal_hosts (
    host      text PRIMARY KEY CONSTRAINT portal_hosts_are_lower_case CHECK (host = lower(host) AND host <> ''),
    tenant_id uuid NOT NULL REFERENCES platform.tenants,
    CONSTRAINT portal_hosts_one_each UNIQUE (tenant_id)
);
SELECT share_with_platform('platform.portal_hosts');

-- How a subscriber signs in. Their address is the one they are known by, so it is not repeated here.
CREATE TABLE portal_logins (
    tenant_id         uuid NOT NULL,
    subscriber_id     uuid NOT NULL,
    password_hash     text,
    password_set_at   timestamptz,
    link_requested_at timestamptz,
    PRIMARY KEY (tenant_id, subscriber_id),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id)
);
SELECT isolate_by_tenant('portal_logins');
CREATE INDEX subscribers_by_email ON subscribers (tenant_id, lower(btrim(email))) WHERE email IS NOT NULL;

-- Only the hash of a session's token is kept.
CREATE TABLE portal_sessions (
    tenant_id     uuid NOT NULL,
    token_hash    bytea NOT NULL CONSTRAINT portal_sessions_hash_is_whole CHECK (length(token_hash) = 32),
    subscriber_id uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    last_seen_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    user_agent    text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id)
);
CREATE INDEX portal_sessions_by_subscriber ON portal_sessions (tenant_id, subscriber_id);
SELECT isolate_by_tenant('portal_sessions');

-- Links that set a password, once. A used one is kept until it would have ended, so that it can say what became of it.
CREATE TABLE portal_links (
    tenant_id     uuid NOT NULL,
    token_hash    bytea NOT NULL CONSTRAINT portal_links_hash_is_whole CHECK (length(token_hash) = 32),
    subscriber_id uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id)
);
CREATE INDEX portal_links_by_subscriber ON portal_links (tenant_id, subscriber_id);
SELECT isolate_by_tenant('portal_links');

-- Somebody wants to be a subscriber. Staff approve, which makes them one, or decline.
CREATE TABLE orders (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    status          text NOT NULL CONSTRAINT orders_status_exists CHECK (status IN ('placed', 'approved', 'declined')),
    name            text NOT NULL CONSTRAINT orders_have_a_name CHECK (btrim(name) <> ''),
    email           text NOT NULL,
    phone           text NOT NULL DEFAULT '',
    line1           text NOT NULL CONSTRAINT orders_have_a_street CHECK (btrim(line1) <> ''),
    line2           text NOT NULL DEFAULT '',
    city            text NOT NULL,
    postcode        text NOT NULL DEFAULT '',
    country         char(2) NOT NULL,
    language        text NOT NULL,
    note            text NOT NULL DEFAULT '',
    -- As it was offered: later versions change neither promise nor price.
    plan_version_id uuid NOT NULL,
    placed_at       timestamptz NOT NULL,
    -- A digest of the network address it came from.
    origin          bytea,
    decided_at      timestamptz,
    decided_by      text,
    reason          text,
    subscriber_id   uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT orders_are_decided_whole CHECK ((status = 'placed') = (decided_at IS NULL) AND (decided_at IS NULL) = (decided_by IS NULL)),
    CONSTRAINT orders_approved_have_a_subscriber CHECK ((status = 'approved') = (subscriber_id IS NOT NULL)),
    CONSTRAINT orders_declined_have_a_reason CHECK ((status = 'declined') = (reason IS NOT NULL)),
    FOREIGN KEY (tenant_id, plan_version_id) REFERENCES plan_versions (tenant_id, id),
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id)
);
CREATE INDEX orders_by_status ON orders (tenant_id, status, id);
CREATE INDEX orders_by_email ON orders (tenant_id, lower(email), placed_at);
CREATE INDEX orders_by_origin ON orders (tenant_id, origin, placed_at) WHERE origin IS NOT NULL;
SELECT isolate_by_tenant('orders');
SELECT never_deleted('orders');
