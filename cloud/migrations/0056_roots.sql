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
