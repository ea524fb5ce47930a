-- Rules a tenant brought: components, what they are asked, and every call that was made.
CREATE TABLE plugins (
    tenant_id           uuid NOT NULL REFERENCES tenants,
    id                  uuid NOT NULL,
    name                text NOT NULL CONSTRAINT plugins_are_named_plainly CHECK (name ~ '^[a-z][a-z0-9-]{0,47}$'),
    hook                text NOT NULL CONSTRAINT plugins_hook_exists CHECK (hook IN ('rate-usage', 'handle-event')),
    active_version_id   uuid,
    -- What a rollback returns to.
    previous_version_id uuid,
    settings_revision   integer NOT NULL,
    -- Calls that failed one after the other; enough of them pause the plugin.
    faults_in_a_row     integer NOT NULL DEFAULT 0,
    paused_at           timestamptz,
    paused_because      text,
    created_by          text NOT NULL,
    created_at          timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT plugins_name_unique UNIQUE (tenant_id, name),
    CONSTRAINT plugins_say_why_they_pause CHECK ((paused_at IS NULL) = (paused_because IS NULL))
);
-- Two rules for one price would be none.
CREATE UNIQUE INDEX plugins_one_sets_prices ON plugins (tenant_id) WHERE hook = 'rate-usage' AND active_version_id IS NOT NULL;
SELECT isolate_by_tenant('plugins');
SELECT never_deleted('plugins');

CREATE TABLE plugin_versions (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    plugin_id    uuid NOT NULL,
    number       integer NOT NULL,
    -- SHA-256 of the component: what is activated is this, never a name.
    digest       bytea NOT NULL CONSTRAINT plugin_versions_digest_is_whole CHECK (length(digest) = 32),
    component    bytea NOT NULL,
    imports      text[] NOT NULL,
    -- Machine code made of it by the engine named, signed by the installation.
    code         bytea NOT NULL,
    signature    bytea NOT NULL,
    engine       text NOT NULL,
    state        text NOT NULL CONSTRAINT plugin_versions_state_exists CHECK (state IN ('verified', 'tried', 'active', 'retired')),
    -- What the dry run found.
    dry_run      jsonb,
    uploaded_by  text NOT NULL,
    uploaded_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT plugin_versions_belong_to_one UNIQUE (tenant_id, plugin_id, id),
    CONSTRAINT plugin_versions_number_unique UNIQUE (tenant_id, plugin_id, number),
    CONSTRAINT plugin_versions_digest_unique UNIQUE (tenant_id, plugin_id, digest),
    FOREIGN KEY (tenant_id, plugin_id) REFERENCES plugins (tenant_id, id)
);
SELECT isolate_by_tenant('plugin_versions');
SELECT never_deleted('plugin_versions');

ALTER TABLE plugins
    ADD FOREIGN KEY (tenant_id, id, active_version_id) REFERENCES plugin_versions (tenant_id, plugin_id, id),
    ADD FOREIGN KEY (tenant_id, id, previous_version_id) REFERENCES plugin_versions (tenant_id, plugin_id, id);

-- What the tenant tells a plugin and allows it, by revision: a recorded call names the one it saw.
CREATE TABLE plugin_settings (
    tenant_id     uuid NOT NULL REFERENCES tenants,
    plugin_id     uuid NOT NULL,
    revision      integer NOT NULL,
    entries       jsonb NOT NULL,
    -- How far from the plan's price a price may be, in percent.
    limit_percent integer NOT NULL CONSTRAINT plugin_settings_limit_is_sane CHECK (limit_percent BETWEEN 0 AND 1000),
    -- Which effects are carried out.
    effects       text[] NOT NULL,
    -- Which kinds of events it is told; none = all.
    events        text[] NOT NULL,
    set_by        text NOT NULL,
    set_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, plugin_id, revision),
    FOREIGN KEY (tenant_id, plugin_id) REFERENCES plugins (tenant_id, id)
);
SELECT isolate_by_tenant('plugin_settings');
SELECT append_only('plugin_settings');

-- Every call, with all its answer depended on: it can be made again.
CREATE TABLE plugin_invocations (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    plugin_id  uuid NOT NULL,
    version_id uuid NOT NULL,
    mode       text NOT NULL CONSTRAINT plugin_invocations_mode_exists CHECK (mode IN ('live', 'replay')),
    -- The account that was billed, or what the event is about.
    subject    text NOT NULL,
    event_id   uuid,
    at         timestamptz NOT NULL,
    call       jsonb NOT NULL,
    result     jsonb NOT NULL,
    -- `ok`, or the name of the fault.
    outcome    text NOT NULL,
    message    text NOT NULL,
    logs       jsonb NOT NULL,
    fuel       bigint NOT NULL,
    micros     bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, plugin_id, version_id) REFERENCES plugin_versions (tenant_id, plugin_id, id)
);
CREATE INDEX plugin_invocations_by_plugin ON plugin_invocations (tenant_id, plugin_id, id);
CREATE INDEX plugin_invocations_by_age ON plugin_invocations (tenant_id, at);
-- What an event asks for is done once.
CREATE UNIQUE INDEX plugin_invocations_once_an_event ON plugin_invocations (tenant_id, plugin_id, event_id)
    WHERE event_id IS NOT NULL AND mode = 'live' AND outcome = 'ok';
SELECT isolate_by_tenant('plugin_invocations');
REVOKE UPDATE, TRUNCATE ON plugin_invocations FROM weir_app;

-- Which rule priced a line, frozen with it.
ALTER TABLE invoice_lines ADD COLUMN priced_by jsonb;
