-- Allowances that all lines of an account on a plan version share.

-- Billing rates each line by its own use, so nothing is charged beyond a shared allowance.
ALTER TABLE plan_versions
    ADD COLUMN allowance_shared boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT plan_versions_shared_needs_allowance CHECK (NOT allowance_shared OR allowance_bytes IS NOT NULL),
    ADD CONSTRAINT plan_versions_charge_or_shared CHECK (NOT allowance_shared OR overage_block_bytes IS NULL);

-- Shares of a shared allowance whose reaching was told: once for all lines, as fair_use_thresholds is of a line's own.
CREATE TABLE pool_thresholds (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    account_id      uuid NOT NULL,
    plan_version_id uuid NOT NULL,
    period_start_at timestamptz NOT NULL,
    percent         integer NOT NULL CONSTRAINT pool_thresholds_percent_exists CHECK (percent IN (80, 100)),
    told_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id, plan_version_id, period_start_at, percent),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_version_id) REFERENCES plan_versions (tenant_id, id)
);
SELECT isolate_by_tenant('pool_thresholds');
SELECT append_only('pool_thresholds');
