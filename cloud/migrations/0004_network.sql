-- Where the network stands: sites, and the routers at them.
CREATE TABLE sites (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    name       text NOT NULL CONSTRAINT sites_have_a_name CHECK (btrim(name) <> ''),
    address    text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT sites_name_unique UNIQUE (tenant_id, name)
);
SELECT isolate_by_tenant('sites');

CREATE TABLE routers (
    tenant_id         uuid NOT NULL REFERENCES tenants,
    id                uuid NOT NULL,
    site_id           uuid NOT NULL,
    name              text NOT NULL CONSTRAINT routers_have_a_name CHECK (btrim(name) <> ''),
    lan_interface     text NOT NULL,
    wan_interface     text NOT NULL,
    nat               boolean NOT NULL DEFAULT false,
    capacity_down_bps bigint CONSTRAINT routers_capacity_down_is_positive CHECK (capacity_down_bps > 0),
    capacity_up_bps   bigint CONSTRAINT routers_capacity_up_is_positive CHECK (capacity_up_bps > 0),
    -- Next handle to give to a line on this router; handles are never reused.
    next_handle       integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT routers_name_unique UNIQUE (tenant_id, name),
    CONSTRAINT routers_ports_differ CHECK (lan_interface <> wan_interface),
    FOREIGN KEY (tenant_id, site_id) REFERENCES sites (tenant_id, id)
);
SELECT isolate_by_tenant('routers');
