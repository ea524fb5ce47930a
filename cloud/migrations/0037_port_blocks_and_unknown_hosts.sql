-- Carrier-grade NAT: which ports of which public address are one line's alone. What is translated is written down once a block
-- and not once a flow: the history of these rows answers who had an address and a port at an instant.
ALTER TABLE routers
    ADD COLUMN public_networks cidr[] NOT NULL DEFAULT '{}',
    ADD COLUMN ports_per_line integer NOT NULL DEFAULT 1024
        CONSTRAINT routers_ports_per_line_fit CHECK (ports_per_line BETWEEN 128 AND 16384),
    ADD CONSTRAINT routers_translate_where_they_masquerade CHECK (nat OR public_networks = '{}');

CREATE TABLE port_blocks (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    router_id       uuid NOT NULL,
    subscription_id uuid NOT NULL,
    address         inet NOT NULL CONSTRAINT port_blocks_are_of_one_address CHECK (family(address) = 4 AND masklen(address) = 32),
    first_port      integer NOT NULL,
    last_port       integer NOT NULL,
    assigned_at     timestamptz NOT NULL,
    -- When the router first told that its kernel translates the line to it.
    in_force_at     timestamptz,
    ended_at        timestamptz,
    -- From when on its ports may be another line's.
    free_at         timestamptz,
    -- When the router told, after the end, that its kernel does so no more.
    out_of_force_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT port_blocks_leave_the_first_ports CHECK (1024 <= first_port AND first_port <= last_port AND last_port <= 65535),
    CONSTRAINT port_blocks_are_free_after_their_end CHECK ((ended_at IS NULL) = (free_at IS NULL) AND free_at >= ended_at),
    CONSTRAINT port_blocks_go_out_of_force_after_their_end CHECK (out_of_force_at IS NULL OR ended_at IS NOT NULL),
    CONSTRAINT port_blocks_are_one_lines
        EXCLUDE USING gist (tenant_id WITH =, address WITH =, int4range(first_port, last_port, '[]') WITH &&) WHERE (ended_at IS NULL),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE UNIQUE INDEX port_blocks_one_a_line ON port_blocks (tenant_id, subscription_id) WHERE ended_at IS NULL;
CREATE INDEX port_blocks_of_a_line ON port_blocks (tenant_id, subscription_id, assigned_at);
CREATE INDEX port_blocks_of_a_router ON port_blocks (tenant_id, router_id) WHERE ended_at IS NULL;
CREATE INDEX port_blocks_held ON port_blocks (tenant_id, router_id) WHERE out_of_force_at IS NULL;
CREATE INDEX port_blocks_ended ON port_blocks (tenant_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX port_blocks_by_address ON port_blocks (tenant_id, address, assigned_at);
SELECT isolate_by_tenant('port_blocks');

-- What happened stays as it happened: what is not known yet may be filled in, once, and what is over may be forgotten.
CREATE FUNCTION port_blocks_are_history() RETURNS trigger
    LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.ended_at IS NOT NULL THEN
        RETURN OLD;
    END IF;
    IF TG_OP = 'DELETE'
       OR (NEW.tenant_id, NEW.id, NEW.router_id, NEW.subscription_id, NEW.address, NEW.first_port, NEW.last_port, NEW.assigned_at)
          IS DISTINCT FROM
          (OLD.tenant_id, OLD.id, OLD.router_id, OLD.subscription_id, OLD.address, OLD.first_port, OLD.last_port, OLD.assigned_at)
       OR NEW.in_force_at IS DISTINCT FROM coalesce(OLD.in_force_at, NEW.in_force_at)
       OR NEW.ended_at IS DISTINCT FROM coalesce(OLD.ended_at, NEW.ended_at)
       OR NEW.free_at IS DISTINCT FROM coalesce(OLD.free_at, NEW.free_at)
       OR NEW.out_of_force_at IS DISTINCT FROM coalesce(OLD.out_of_force_at, NEW.out_of_force_at) THEN
        RAISE EXCEPTION 'port block % is history and can no longer change', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'port_blocks_are_history';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER port_blocks_are_history BEFORE UPDATE OR DELETE ON port_blocks
    FOR EACH ROW EXECUTE FUNCTION port_blocks_are_history();

-- How long an ISP must be able to say who had an address, months after the line lost it.
ALTER TABLE tenants ADD COLUMN port_block_months smallint NOT NULL DEFAULT 12
    CONSTRAINT tenants_port_block_months_fit CHECK (port_block_months BETWEEN 1 AND 84);

-- Hosts behind a router that no line has, as the router told last; and what it moved for such hosts, by the day (UTC).
CREATE TABLE unknown_hosts (
    tenant_id uuid NOT NULL REFERENCES tenants,
    router_id uuid NOT NULL,
    address   inet NOT NULL,
    -- Ethernet address it, or the router in front of it, sent from; null = not known.
    mac       text,
    seen_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, router_id, address),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
SELECT isolate_by_tenant('unknown_hosts');

CREATE TABLE unknown_traffic (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    router_id  uuid NOT NULL,
    day_on     date NOT NULL,
    from_bytes bigint NOT NULL,
    to_bytes   bigint NOT NULL,
    PRIMARY KEY (tenant_id, router_id, day_on),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
SELECT isolate_by_tenant('unknown_traffic');

-- When an agent last told of unknown hosts, and whether it saw more than it listed.
ALTER TABLE agents
    ADD COLUMN unknown_told_at timestamptz,
    ADD COLUMN unknown_more boolean NOT NULL DEFAULT false;
