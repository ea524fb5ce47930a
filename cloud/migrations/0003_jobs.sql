-- Work to be done later, written in the transaction that decided it. The payload names things; it never holds secrets.
CREATE TABLE platform.jobs (
    id           uuid PRIMARY KEY,
    tenant_id    uuid NOT NULL REFERENCES platform.tenants,
    kind         text NOT NULL,
    payload      jsonb NOT NULL,
    -- Two jobs of one kind with the same key are one job until it is done.
    unique_key   text,
    run_at       timestamptz NOT NULL,
    attempts     integer NOT NULL DEFAULT 0,
    locked_until timestamptz,
    last_error   text,
    done_at      timestamptz,
    failed_at    timestamptz
);
CREATE UNIQUE INDEX jobs_pending_once ON platform.jobs (tenant_id, kind, unique_key) WHERE done_at IS NULL AND failed_at IS NULL;
CREATE INDEX jobs_due ON platform.jobs (run_at) WHERE done_at IS NULL AND failed_at IS NULL;
SELECT share_with_platform('platform.jobs');

-- What an operation that moves money answered the first time it was asked with this key.
CREATE TABLE idempotency_keys (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    key         text NOT NULL CONSTRAINT idempotency_keys_are_short CHECK (length(key) BETWEEN 1 AND 255),
    operation   text NOT NULL,
    fingerprint bytea NOT NULL,
    status      smallint NOT NULL,
    body        jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, key)
);
SELECT isolate_by_tenant('idempotency_keys');
SELECT append_only('idempotency_keys');
