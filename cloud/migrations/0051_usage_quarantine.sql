-- Records of epochs the cloud does not go on with: what is in them may be counted already. Nothing of them is billed unless
-- somebody says so.
CREATE TABLE usage_quarantine (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    router_id   uuid NOT NULL,
    agent_id    uuid NOT NULL,
    epoch       bytea NOT NULL,
    seq         bigint NOT NULL CONSTRAINT usage_quarantine_seq_is_positive CHECK (seq > 0),
    hash        bytea NOT NULL CONSTRAINT usage_quarantine_hash_is_whole CHECK (length(hash) = 16),
    start_at    timestamptz NOT NULL,
    end_at      timestamptz NOT NULL,
    lines       integer NOT NULL,
    down_bytes  bigint NOT NULL,
    up_bytes    bigint NOT NULL,
    body        bytea NOT NULL,
    received_at timestamptz NOT NULL,
    -- What somebody said of it; NULL while nobody has.
    decision    text CONSTRAINT usage_quarantine_decision_is_known CHECK (decision IN ('billed', 'dropped')),
    decided_at  timestamptz,
    PRIMARY KEY (tenant_id, id),
    -- However often it comes.
    CONSTRAINT usage_quarantine_once UNIQUE (tenant_id, router_id, hash),
    CONSTRAINT usage_quarantine_is_decided_at_some_time CHECK ((decision IS NULL) = (decided_at IS NULL)),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
SELECT isolate_by_tenant('usage_quarantine');
CREATE INDEX usage_quarantine_undecided ON usage_quarantine (tenant_id, router_id, epoch, seq) WHERE decision IS NULL;
