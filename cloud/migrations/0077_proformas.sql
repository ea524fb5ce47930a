-- Proformas: what an account would be billed up to a day, asked for before. They move nothing in the books: what is paid is the
-- account's credit until the invoices they foretell are issued.
CREATE TABLE proformas (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    id           uuid NOT NULL,
    account_id   uuid NOT NULL,
    number       text NOT NULL,
    -- What is due up to this day stands on it.
    as_of        date NOT NULL,
    issued_on    date NOT NULL CONSTRAINT proformas_ask_before CHECK (issued_on <= as_of),
    issued_at    timestamptz NOT NULL,
    currency     char(3) NOT NULL,
    net          numeric(18,4) NOT NULL,
    tax          numeric(18,4) NOT NULL,
    gross        numeric(18,4) NOT NULL CONSTRAINT proformas_ask_for_something CHECK (gross > 0),
    -- Lines, taxes and parties as they were, as `billing::proformas::Content` is written.
    content      jsonb NOT NULL,
    withdrawn_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT proformas_are_numbered_once UNIQUE (tenant_id, number),
    FOREIGN KEY (tenant_id, account_id) REFERENCES accounts (tenant_id, id)
);
CREATE INDEX proformas_by_account ON proformas (tenant_id, account_id, id);
SELECT isolate_by_tenant('proformas');
SELECT never_deleted('proformas');
-- All that changes is that one is withdrawn.
REVOKE UPDATE ON proformas FROM weir_app;
GRANT UPDATE (withdrawn_at) ON proformas TO weir_app;
