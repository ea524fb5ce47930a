-- Agents: their identity, what they should hold, what they said they hold.
CREATE TABLE platform.enrollment_tokens (
    id            uuid PRIMARY KEY,
    tenant_id     uuid NOT NULL,
    router_id     uuid NOT NULL,
    secret_digest bytea NOT NULL CONSTRAINT enrollment_tokens_digest_is_whole CHECK (length(secret_digest) = 32),
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz,
    -- SHA-256 of the public key that used it: the same key may ask again, a lost reply harms nobody.
    used_by_key   bytea,
    agent_id      uuid,
    CONSTRAINT enrollment_tokens_use_is_whole CHECK ((used_at IS NULL) = (used_by_key IS NULL) AND (used_at IS NULL) = (agent_id IS NULL)),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
SELECT share_with_platform('platform.enrollment_tokens');

-- The certificate authority of this installation; the key is sealed with the installation's key.
CREATE TABLE platform.authorities (
    id          uuid PRIMARY KEY,
    certificate bytea NOT NULL,
    sealed_key  bytea NOT NULL,
    created_at  timestamptz NOT NULL
);
ALTER TABLE platform.authorities OWNER TO weir_owner;
GRANT SELECT, INSERT ON platform.authorities TO weir_platform;

CREATE TABLE agents (
    tenant_id         uuid NOT NULL REFERENCES tenants,
    id                uuid NOT NULL,
    router_id         uuid NOT NULL,
    key_sha256        bytea NOT NULL,
    certificate       bytea NOT NULL,
    certificate_until timestamptz NOT NULL,
    hostname          text NOT NULL DEFAULT '',
    enrolled_at       timestamptz NOT NULL,
    revoked_at        timestamptz,
    -- The session that may write; older ones are fenced.
    session_id        bigint,
    gateway           text,
    connected_at      timestamptz,
    disconnected_at   timestamptz,
    last_seen_at      timestamptz,
    version           text NOT NULL DEFAULT '',
    kernel            text NOT NULL DEFAULT '',
    capabilities      text[] NOT NULL DEFAULT '{}',
    state_lineage     uuid NOT NULL,
    -- Grows with every change of a desired object of this agent.
    desired_gen       bigint NOT NULL DEFAULT 0,
    received_gen      bigint NOT NULL DEFAULT 0,
    persisted_gen     bigint NOT NULL DEFAULT 0,
    applied_gen       bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
CREATE UNIQUE INDEX agents_one_a_router ON agents (tenant_id, router_id) WHERE revoked_at IS NULL;
SELECT isolate_by_tenant('agents');
SELECT never_deleted('agents');

-- Desired objects as the agent gets them: opaque bytes. A removed object stays as a tombstone, so deltas can say so.
CREATE TABLE desired_objects (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    agent_id   uuid NOT NULL,
    kind       integer NOT NULL,
    object_id  uuid NOT NULL,
    revision   bigint NOT NULL,
    generation bigint NOT NULL,
    body       bytea NOT NULL,
    removed    boolean NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, kind, object_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
CREATE INDEX desired_objects_by_generation ON desired_objects (tenant_id, agent_id, generation);
SELECT isolate_by_tenant('desired_objects');

-- What the agent last read back from its kernel for each object.
CREATE TABLE applied_objects (
    tenant_id      uuid NOT NULL REFERENCES tenants,
    agent_id       uuid NOT NULL,
    kind           integer NOT NULL,
    object_id      uuid NOT NULL,
    revision       bigint NOT NULL,
    status         text NOT NULL CONSTRAINT applied_objects_status_exists
                   CHECK (status IN ('pending', 'applied', 'failed', 'rejected', 'unsupported', 'removed')),
    code           text NOT NULL DEFAULT '',
    detail         text NOT NULL DEFAULT '',
    rate_down_bps  bigint,
    rate_up_bps    bigint,
    access         text CONSTRAINT applied_objects_access_exists CHECK (access IN ('open', 'throttled', 'walled_garden', 'closed')),
    reported_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, kind, object_id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
SELECT isolate_by_tenant('applied_objects');

-- What agents wanted people to know; an event repeated is one event.
CREATE TABLE agent_events (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    agent_id    uuid NOT NULL,
    id          uuid NOT NULL,
    kind        text NOT NULL,
    severity    text NOT NULL CONSTRAINT agent_events_severity_exists CHECK (severity IN ('info', 'warning', 'critical')),
    at          timestamptz NOT NULL,
    text        text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
SELECT isolate_by_tenant('agent_events');
SELECT append_only('agent_events');
