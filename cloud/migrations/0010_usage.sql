-- Usage, exactly once: an epoch of an agent's log grows only by the record that continues it.
CREATE TABLE usage_epochs (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    agent_id     uuid NOT NULL,
    epoch        bytea NOT NULL CONSTRAINT usage_epochs_are_8_bytes CHECK (length(epoch) = 8),
    applied_seq  bigint NOT NULL DEFAULT 0,
    applied_hash bytea NOT NULL CONSTRAINT usage_epochs_hash_is_whole CHECK (length(applied_hash) = 16),
    trim_seq     bigint NOT NULL DEFAULT 0,
    opened_at    timestamptz NOT NULL,
    applied_at   timestamptz,
    PRIMARY KEY (tenant_id, agent_id, epoch),
    CONSTRAINT usage_epochs_trim_behind_applied CHECK (trim_seq <= applied_seq),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
SELECT isolate_by_tenant('usage_epochs');
SELECT never_deleted('usage_epochs');

-- The records as they came, byte for byte.
CREATE TABLE usage_records (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    agent_id    uuid NOT NULL,
    epoch       bytea NOT NULL,
    seq         bigint NOT NULL,
    hash        bytea NOT NULL,
    start_at    timestamptz NOT NULL,
    end_at      timestamptz NOT NULL,
    seal_reason text NOT NULL,
    body        bytea NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, epoch, seq),
    FOREIGN KEY (tenant_id, agent_id, epoch) REFERENCES usage_epochs (tenant_id, agent_id, epoch)
);
SELECT isolate_by_tenant('usage_records');
SELECT append_only('usage_records');

-- One line's share of one record, the grain that is billed. Bytes are layer 3, delivered.
CREATE TABLE usage_segments (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    agent_id        uuid NOT NULL,
    epoch           bytea NOT NULL,
    seq             bigint NOT NULL,
    handle          integer NOT NULL,
    -- NULL: no line of this router ever had the handle; kept for the audit, never billed.
    subscription_id uuid,
    start_at        timestamptz NOT NULL,
    end_at          timestamptz NOT NULL,
    down_bytes      bigint NOT NULL CONSTRAINT usage_segments_down_is_not_negative CHECK (down_bytes >= 0),
    up_bytes        bigint NOT NULL CONSTRAINT usage_segments_up_is_not_negative CHECK (up_bytes >= 0),
    down_packets    bigint NOT NULL,
    up_packets      bigint NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, epoch, seq, handle),
    FOREIGN KEY (tenant_id, agent_id, epoch, seq) REFERENCES usage_records (tenant_id, agent_id, epoch, seq),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX usage_segments_by_subscription ON usage_segments (tenant_id, subscription_id, end_at) WHERE subscription_id IS NOT NULL;
SELECT isolate_by_tenant('usage_segments');
SELECT append_only('usage_segments');
