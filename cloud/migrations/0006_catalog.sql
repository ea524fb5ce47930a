-- What is sold. A plan's name may change; what a version promises and costs never does.
CREATE TABLE plans (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    name       text NOT NULL CONSTRAINT plans_have_a_name CHECK (btrim(name) <> ''),
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT plans_name_unique UNIQUE (tenant_id, name)
);
SELECT isolate_by_tenant('plans');
SELECT never_deleted('plans');

CREATE TABLE plan_versions (
    tenant_id           uuid NOT NULL REFERENCES tenants,
    id                  uuid NOT NULL,
    plan_id             uuid NOT NULL,
    version             integer NOT NULL,
    rate_down_bps       bigint NOT NULL CONSTRAINT plan_versions_rate_down_is_positive CHECK (rate_down_bps > 0),
    rate_up_bps         bigint NOT NULL CONSTRAINT plan_versions_rate_up_is_positive CHECK (rate_up_bps > 0),
    price               numeric(18,4) NOT NULL CONSTRAINT plan_versions_price_is_not_negative CHECK (price >= 0),
    currency            char(3) NOT NULL,
    allowance_bytes     bigint CONSTRAINT plan_versions_allowance_is_positive CHECK (allowance_bytes > 0),
    overage_block_bytes bigint CONSTRAINT plan_versions_block_is_positive CHECK (overage_block_bytes > 0),
    overage_block_price numeric(18,4) CONSTRAINT plan_versions_block_price_is_not_negative CHECK (overage_block_price >= 0),
    created_at          timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT plan_versions_number_unique UNIQUE (tenant_id, plan_id, version),
    CONSTRAINT plan_versions_overage_is_whole CHECK ((overage_block_bytes IS NULL) = (overage_block_price IS NULL)),
    CONSTRAINT plan_versions_overage_needs_allowance CHECK (overage_block_bytes IS NULL OR allowance_bytes IS NOT NULL),
    FOREIGN KEY (tenant_id, plan_id) REFERENCES plans (tenant_id, id)
);
SELECT isolate_by_tenant('plan_versions');
SELECT append_only('plan_versions');
