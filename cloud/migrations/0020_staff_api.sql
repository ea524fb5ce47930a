-- The audit log as a chain: every link's hash covers its entry and the link before, so nothing in the log can be changed,
-- removed or put in between unseen. A job links entries after they were written: no change waits for its place in the chain.
CREATE TABLE audit_links (
    tenant_id uuid NOT NULL REFERENCES tenants,
    position  bigint NOT NULL CONSTRAINT audit_links_count_from_one CHECK (position > 0),
    entry_id  uuid NOT NULL,
    hash      bytea NOT NULL CONSTRAINT audit_links_hash_is_whole CHECK (length(hash) = 32),
    PRIMARY KEY (tenant_id, position),
    CONSTRAINT audit_links_once UNIQUE (tenant_id, entry_id),
    FOREIGN KEY (tenant_id, entry_id) REFERENCES audit_entries (tenant_id, id)
);
SELECT isolate_by_tenant('audit_links');
SELECT append_only('audit_links');

-- How the log is read: newest first, by whom, by what was done.
CREATE INDEX audit_entries_in_time ON audit_entries (tenant_id, at, id);
CREATE INDEX audit_entries_by_actor ON audit_entries (tenant_id, actor, at);
CREATE INDEX audit_entries_by_action ON audit_entries (tenant_id, action, at);

-- People see and end their sessions, so sessions have a name of their own and say from where they are used.
ALTER TABLE platform.staff_sessions
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD CONSTRAINT staff_sessions_one_each UNIQUE (tenant_id, id);
ALTER TABLE platform.staff_sessions ALTER COLUMN id DROP DEFAULT;

-- Attempts to log in, by the hash of the normalised address, whether anybody has it or not: who guesses learns nothing from
-- having to wait. Each is counted as wrong before its password is looked at, and forgotten when it was right.
CREATE TABLE platform.log_in_attempts (
    address_hash bytea PRIMARY KEY CONSTRAINT log_in_attempts_hash_is_whole CHECK (length(address_hash) = 32),
    failures     integer NOT NULL,
    waits_until  timestamptz,
    last_at      timestamptz NOT NULL
);
ALTER TABLE platform.log_in_attempts OWNER TO weir_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.log_in_attempts TO weir_platform;
CREATE INDEX log_in_attempts_by_age ON platform.log_in_attempts (last_at);
ALTER TABLE platform.staff_logins DROP COLUMN failed_attempts, DROP COLUMN locked_until;

-- The second step of a log-in: a secret shared with the person's authenticator, sealed, and single-use recovery codes, hashed.
CREATE TABLE staff_second_steps (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    staff_id      uuid NOT NULL,
    sealed_secret bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    confirmed_at  timestamptz,
    -- Half a minute is a step; a code of this one or an earlier one is never taken again.
    last_step     bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, staff_id),
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id)
);
SELECT isolate_by_tenant('staff_second_steps');

CREATE TABLE staff_recovery_codes (
    tenant_id uuid NOT NULL REFERENCES tenants,
    staff_id  uuid NOT NULL,
    code_hash bytea NOT NULL CONSTRAINT staff_recovery_codes_hash_is_whole CHECK (length(code_hash) = 32),
    PRIMARY KEY (tenant_id, staff_id, code_hash),
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff_second_steps (tenant_id, staff_id) ON DELETE CASCADE
);
SELECT isolate_by_tenant('staff_recovery_codes');

-- What an ISP demands of everybody who works for it.
CREATE TABLE staff_policies (
    tenant_id            uuid PRIMARY KEY REFERENCES tenants,
    second_step_required boolean NOT NULL
);
SELECT isolate_by_tenant('staff_policies');

-- Log-ins whose password was right and whose second step is still to come.
CREATE TABLE platform.log_in_challenges (
    token_hash   bytea PRIMARY KEY CONSTRAINT log_in_challenges_hash_is_whole CHECK (length(token_hash) = 32),
    tenant_id    uuid NOT NULL,
    staff_id     uuid NOT NULL,
    address_hash bytea NOT NULL,
    expires_at   timestamptz NOT NULL,
    FOREIGN KEY (tenant_id, staff_id) REFERENCES staff (tenant_id, id)
);
SELECT share_with_platform('platform.log_in_challenges');

-- Keys programs ask with. A key does what its scopes say, and no more than whoever made it may do at the time; only its hash
-- is kept, and the first letters, by which people tell keys apart.
CREATE TABLE platform.api_keys (
    key_hash       bytea PRIMARY KEY CONSTRAINT api_keys_hash_is_whole CHECK (length(key_hash) = 32),
    tenant_id      uuid NOT NULL,
    id             uuid NOT NULL,
    name           text NOT NULL CONSTRAINT api_keys_have_a_name CHECK (btrim(name) <> ''),
    beginning      text NOT NULL,
    scopes         text[] NOT NULL CONSTRAINT api_keys_may_something CHECK (cardinality(scopes) > 0),
    -- From where it is taken; from everywhere if empty.
    networks       cidr[] NOT NULL,
    made_by        uuid NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz,
    last_used_at   timestamptz,
    last_used_from text NOT NULL DEFAULT '',
    revoked_at     timestamptz,
    CONSTRAINT api_keys_one_each UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, made_by) REFERENCES staff (tenant_id, id)
);
SELECT share_with_platform('platform.api_keys');

-- Programs elsewhere that are told what happened.
CREATE TABLE webhooks (
    tenant_id        uuid NOT NULL REFERENCES tenants,
    id               uuid NOT NULL,
    url              text NOT NULL,
    description      text NOT NULL,
    -- Every kind of event if empty.
    kinds            text[] NOT NULL,
    sealed_secret    bytea NOT NULL,
    -- The secret before, while it still signs.
    sealed_old       bytea,
    old_until        timestamptz,
    created_at       timestamptz NOT NULL,
    paused_at        timestamptz,
    -- Why it was paused: `by_hand`, `failing` or `gone`.
    paused_because   text CONSTRAINT webhooks_pause_has_a_reason CHECK (paused_because IN ('by_hand', 'failing', 'gone')),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhooks_paused_for_a_reason CHECK ((paused_at IS NULL) = (paused_because IS NULL)),
    CONSTRAINT webhooks_old_secret_ends CHECK ((sealed_old IS NULL) = (old_until IS NULL))
);
SELECT isolate_by_tenant('webhooks');

-- What is sent to whom: an event once to each endpoint, or a test. The sender looks for what is due over all tenants.
CREATE TABLE platform.webhook_deliveries (
    tenant_id       uuid NOT NULL,
    id              uuid NOT NULL,
    webhook_id      uuid NOT NULL,
    event_id        uuid,
    kind            text NOT NULL,
    created_at      timestamptz NOT NULL,
    status          text NOT NULL CONSTRAINT webhook_deliveries_status_exists CHECK (status IN ('pending', 'delivered', 'failed')),
    attempts        integer NOT NULL DEFAULT 0,
    -- Retries are counted from here: from the first attempt, or from a replay.
    begun_at        timestamptz NOT NULL,
    next_attempt_at timestamptz,
    leased_until    timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT webhook_deliveries_once UNIQUE (tenant_id, webhook_id, event_id),
    CONSTRAINT webhook_deliveries_pending_have_a_time CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL)),
    FOREIGN KEY (tenant_id, webhook_id) REFERENCES webhooks (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id)
);
CREATE INDEX webhook_deliveries_by_webhook ON platform.webhook_deliveries (tenant_id, webhook_id, id);
CREATE INDEX webhook_deliveries_due ON platform.webhook_deliveries (next_attempt_at) WHERE status = 'pending';
SELECT share_with_platform('platform.webhook_deliveries');

-- Every attempt to deliver, and what came of it.
CREATE TABLE webhook_attempts (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    delivery_id   uuid NOT NULL,
    number        integer NOT NULL,
    at            timestamptz NOT NULL,
    duration_ms   integer NOT NULL,
    status        smallint,
    -- At most the first two kilobytes.
    body          text NOT NULL DEFAULT '',
    error         text NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, delivery_id, number),
    FOREIGN KEY (tenant_id, delivery_id) REFERENCES platform.webhook_deliveries (tenant_id, id) ON DELETE CASCADE
);
SELECT isolate_by_tenant('webhook_attempts');

-- Lists of subscribers to be brought in: what was sent, how its columns are read, and what became of each row. A list is
-- checked by doing it and undoing it; then it is done whole or not at all.
CREATE TABLE imports (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    name        text NOT NULL,
    csv         text NOT NULL,
    -- The column each field is read from.
    columns     jsonb NOT NULL,
    status      text NOT NULL CONSTRAINT imports_status_exists CHECK (status IN ('checking', 'checked', 'importing', 'done')),
    row_count   integer NOT NULL,
    -- How many rows the work at hand has been through.
    seen        integer NOT NULL DEFAULT 0,
    wrong       integer NOT NULL DEFAULT 0,
    made_by     text NOT NULL,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    PRIMARY KEY (tenant_id, id)
);
SELECT isolate_by_tenant('imports');

CREATE TABLE import_rows (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    import_id     uuid NOT NULL,
    -- The line of the file, its heading being the first.
    line          integer NOT NULL,
    name          text NOT NULL,
    errors        jsonb NOT NULL,
    subscriber_id uuid,
    PRIMARY KEY (tenant_id, import_id, line),
    FOREIGN KEY (tenant_id, import_id) REFERENCES imports (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, subscriber_id) REFERENCES subscribers (tenant_id, id)
);
CREATE INDEX import_rows_wrong ON import_rows (tenant_id, import_id, line) WHERE errors <> '[]';
SELECT isolate_by_tenant('import_rows');
