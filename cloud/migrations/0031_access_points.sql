-- What lines share on their way to a router: access points, the backhaul of a site. A line or an access point behind one
-- stays within its peak; what is committed is there also while the router's ports are full.
CREATE TABLE access_points (
    tenant_id          uuid NOT NULL REFERENCES tenants,
    id                 uuid NOT NULL,
    router_id          uuid NOT NULL,
    -- What it hangs on; null = the router's ports.
    parent_id          uuid CONSTRAINT access_points_hang_not_on_themselves CHECK (parent_id <> id),
    name               text NOT NULL CONSTRAINT access_points_have_a_name CHECK (btrim(name) <> ''),
    committed_down_bps bigint NOT NULL CONSTRAINT access_points_committed_down_is_not_negative CHECK (committed_down_bps >= 0),
    committed_up_bps   bigint NOT NULL CONSTRAINT access_points_committed_up_is_not_negative CHECK (committed_up_bps >= 0),
    peak_down_bps      bigint NOT NULL CONSTRAINT access_points_peak_down_is_positive CHECK (peak_down_bps > 0),
    peak_up_bps        bigint NOT NULL CONSTRAINT access_points_peak_up_is_positive CHECK (peak_up_bps > 0),
    created_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT access_points_name_unique UNIQUE (tenant_id, router_id, name),
    -- For those that hang on one of the same router.
    CONSTRAINT access_points_of_a_router UNIQUE (tenant_id, router_id, id),
    CONSTRAINT access_points_commit_within_peak CHECK (committed_down_bps <= peak_down_bps AND committed_up_bps <= peak_up_bps),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id),
    CONSTRAINT access_points_hang_on_one_of_their_router
        FOREIGN KEY (tenant_id, router_id, parent_id) REFERENCES access_points (tenant_id, router_id, id)
);
CREATE INDEX access_points_by_parent ON access_points (tenant_id, parent_id);
SELECT isolate_by_tenant('access_points');

ALTER TABLE subscriptions
    ADD COLUMN access_point_id uuid,
    ADD CONSTRAINT subscriptions_are_behind_one_of_their_router
        FOREIGN KEY (tenant_id, router_id, access_point_id) REFERENCES access_points (tenant_id, router_id, id);
CREATE INDEX subscriptions_by_access_point ON subscriptions (tenant_id, access_point_id);

-- Bytes a line may move at once after being idle, before its rate holds.
ALTER TABLE plan_versions
    ADD COLUMN burst_down_bytes bigint NOT NULL DEFAULT 0 CONSTRAINT plan_versions_burst_down_is_not_negative CHECK (burst_down_bytes >= 0),
    ADD COLUMN burst_up_bytes bigint NOT NULL DEFAULT 0 CONSTRAINT plan_versions_burst_up_is_not_negative CHECK (burst_up_bytes >= 0);
