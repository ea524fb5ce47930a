-- What happened, for those who want to know: told to each listener by a job queued in the transaction of the change.
CREATE TABLE events (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    at         timestamptz NOT NULL,
    actor      text NOT NULL,
    kind       text NOT NULL,
    -- The thing it happened to.
    subject    text NOT NULL,
    account_id uuid,
    data       jsonb NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
CREATE INDEX events_by_kind ON events (tenant_id, kind, id);
CREATE INDEX events_by_account ON events (tenant_id, account_id, id) WHERE account_id IS NOT NULL;
SELECT isolate_by_tenant('events');
SELECT append_only('events');
