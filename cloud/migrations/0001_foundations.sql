-- Who may touch what. `weir_owner` owns everything and nobody logs in as it. `weir_app` does a tenant's business and sees
-- only that tenant's rows. `weir_platform` answers the questions that come before a tenant is known: log-ins, tokens, jobs.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'weir_owner') THEN
        CREATE ROLE weir_owner NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'weir_app') THEN
        CREATE ROLE weir_app LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'weir_platform') THEN
        CREATE ROLE weir_platform LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
    END IF;
END $$;

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- One injected SELECT could otherwise move a transaction to another tenant.
REVOKE EXECUTE ON FUNCTION pg_catalog.set_config(text, text, boolean) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_sleep(double precision) FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;

CREATE SCHEMA platform AUTHORIZATION weir_owner;
GRANT CREATE, USAGE ON SCHEMA public TO weir_owner;
GRANT USAGE ON SCHEMA public TO weir_app, weir_platform;
GRANT USAGE ON SCHEMA platform TO weir_app, weir_platform;

-- The tenant of this transaction; NULL outside one, so no rows are seen and no row can be written.
CREATE FUNCTION current_tenant() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.tenant_id', true), '')::uuid $$;

-- Puts a table under its tenants: rows of other tenants do not exist for `weir_app`, not even for the table's owner.
CREATE FUNCTION isolate_by_tenant(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s OWNER TO weir_owner', target);
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
    EXECUTE format(
        'CREATE POLICY tenant ON %s FOR ALL TO weir_app USING (tenant_id = (SELECT current_tenant())) WITH CHECK (tenant_id = (SELECT current_tenant()))',
        target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO weir_app', target);
END $$;

-- Money, usage and audit rows are never edited or removed.
CREATE FUNCTION append_only(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %s FROM weir_app', target);
END $$;

-- A row that may be corrected but never removed.
CREATE FUNCTION never_deleted(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('REVOKE DELETE, TRUNCATE ON %s FROM weir_app', target);
END $$;

-- A platform table: one tenant's business sees its own rows, the platform role sees all.
CREATE FUNCTION share_with_platform(target regclass) RETURNS void
    LANGUAGE plpgsql AS $$
BEGIN
    PERFORM isolate_by_tenant(target);
    EXECUTE format('CREATE POLICY platform ON %s FOR ALL TO weir_platform USING (true) WITH CHECK (true)', target);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO weir_platform', target);
END $$;
