-- Who a line's subscriber is to the servers of its router that lease addresses; and what these leased, as routers told last.

-- As the agent writes it, for one line of a router at a time: from the day it is sold or named until it ends.
CREATE TABLE subscription_identities (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    router_id       uuid NOT NULL,
    kind            text NOT NULL CONSTRAINT subscription_identities_kind_exists
                    CHECK (kind IN ('mac', 'circuit-id', 'remote-id', 'pppoe-user', 'duid')),
    value           text NOT NULL CONSTRAINT subscription_identities_have_a_value CHECK (value <> ''),
    valid           daterange NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, kind, value),
    CONSTRAINT subscription_identities_are_one_lines
        EXCLUDE USING gist (tenant_id WITH =, router_id WITH =, kind WITH =, value WITH =, valid WITH &&),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
CREATE INDEX subscription_identities_by_value ON subscription_identities (tenant_id, value);
SELECT isolate_by_tenant('subscription_identities');

CREATE TABLE learned_prefixes (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    prefix          cidr NOT NULL,
    source          text NOT NULL CONSTRAINT learned_prefixes_source_exists CHECK (source IN ('dnsmasq', 'kea', 'pppoe', 'other')),
    since_at        timestamptz,
    -- Until when it was leased when this was told; null = until it ends. Renewals alone are not told.
    until_at        timestamptz,
    reported_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, prefix),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX learned_prefixes_by_address ON learned_prefixes USING gist (tenant_id, prefix inet_ops);
SELECT isolate_by_tenant('learned_prefixes');

-- What routers tell of leases two lines claim is read beside the lines.
CREATE INDEX agent_events_of_conflicts ON agent_events (tenant_id, agent_id, at) WHERE kind = 'address-conflict';

-- Leases of its router that are no line's, as the agent told last.
ALTER TABLE agents ADD COLUMN unclaimed_leases integer
    CONSTRAINT agents_unclaimed_leases_are_not_negative CHECK (unclaimed_leases >= 0);
