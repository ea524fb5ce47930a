-- What routers' clocks showed when their agents began a session, of each boot's first one and of those in which the clock was
-- wrong: usage that was measured before says when only by that clock.
CREATE TABLE router_clocks (
    tenant_id uuid NOT NULL REFERENCES tenants,
    agent_id  uuid NOT NULL,
    boot_id   bytea NOT NULL CONSTRAINT router_clocks_boot_is_whole CHECK (length(boot_id) = 16),
    heard_at  timestamptz NOT NULL,
    -- By the router's clock.
    shown_at  timestamptz NOT NULL,
    -- When the boot began, by how long it had lasted.
    booted_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, agent_id, boot_id, heard_at),
    CONSTRAINT router_clocks_boot_before_they_speak CHECK (booted_at <= heard_at),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
SELECT isolate_by_tenant('router_clocks');
