-- When the provider was first asked: before that nothing can have been done, and an attempt nobody needs any more just ends.
ALTER TABLE payment_attempts ADD COLUMN sent_at timestamptz;
UPDATE payment_attempts SET sent_at = created_at;

-- A dispute takes a payment back without asking us. It is money given back like a refund, by somebody else's decision.
ALTER TABLE refunds ADD COLUMN kind text NOT NULL DEFAULT 'refund'
    CONSTRAINT refunds_kind_exists CHECK (kind IN ('refund', 'dispute'));
ALTER TABLE refunds ALTER COLUMN kind DROP DEFAULT;

-- The provider's payment a sum can be given back by; where there is none, the sum's own name is one.
ALTER TABLE suspense_items ADD COLUMN intent text;

-- A sum in suspense that its provider gave back, wholly or in part, before anybody knew whose it was.
CREATE TABLE suspense_returns (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    id          uuid NOT NULL,
    suspense_id uuid NOT NULL,
    -- What the provider calls the refund.
    reference   text NOT NULL,
    amount      numeric(18,4) NOT NULL CONSTRAINT suspense_returns_are_positive CHECK (amount > 0),
    returned_on date NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT suspense_returns_once UNIQUE (tenant_id, reference),
    FOREIGN KEY (tenant_id, suspense_id) REFERENCES suspense_items (tenant_id, id)
);
CREATE INDEX suspense_returns_by_item ON suspense_returns (tenant_id, suspense_id);
SELECT isolate_by_tenant('suspense_returns');
SELECT append_only('suspense_returns');

-- Accounts that could not be billed. No run is begun for their sake until something about them has changed.
CREATE TABLE billing_faults (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    account_id uuid NOT NULL,
    run_id     uuid NOT NULL,
    reason     text NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, account_id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id),
    FOREIGN KEY (tenant_id, run_id) REFERENCES billing_runs (tenant_id, id)
);
SELECT isolate_by_tenant('billing_faults');

-- Whether those who are brought in are written to as new subscribers are.
ALTER TABLE imports ADD COLUMN welcome boolean NOT NULL DEFAULT false;
ALTER TABLE imports ALTER COLUMN welcome DROP DEFAULT;
