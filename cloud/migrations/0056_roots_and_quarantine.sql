-- A root goes once no router shows a certificate of it, and every ISP's audit log says that roots changed.
ALTER TABLE agents
    -- The root of the certificate its newest session showed; NULL: none since that is noted.
    ADD COLUMN shown_authority_id uuid REFERENCES platform.authorities;
GRANT SELECT (shown_authority_id) ON agents TO weir_platform;

-- Before a certificate is given out, it is asked whether its root is still trusted.
GRANT SELECT (id, retired_at) ON platform.authorities TO weir_app;

-- What is changed for the whole installation is noted with every tenant, in the transaction of the change.
CREATE POLICY installation ON audit_entries FOR INSERT TO weir_platform WITH CHECK (true);
GRANT INSERT ON audit_entries TO weir_platform;

-- What somebody said is to be billed of quarantine is counted after that, some records at a time.
ALTER TABLE usage_quarantine ADD COLUMN counted_at timestamptz;
UPDATE usage_quarantine SET counted_at = decided_at WHERE decision = 'billed';
ALTER TABLE usage_quarantine ADD CONSTRAINT usage_quarantine_counts_what_is_billed
    CHECK (counted_at IS NULL OR decision = 'billed');
CREATE INDEX usage_quarantine_uncounted ON usage_quarantine (tenant_id, router_id, epoch, seq)
    WHERE decision = 'billed' AND counted_at IS NULL;
