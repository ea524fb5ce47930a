//! Every table is behind its tenants: forced policy, tenant first in every key, nothing granted that should not be.

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use weir_cloud::db::embedded;

use crate::harness::{Cloud, run};

/// Platform tables without a tenant: the installation's own.
const WITHOUT_TENANT: &[&str] =
    &["platform.authorities", "platform.backups", "platform.gateways", "platform.log_in_attempts", "_sqlx_migrations"];

async fn superuser(cloud: &Cloud) -> PgConnection {
    let options: PgConnectOptions = embedded::options(&cloud.app.config.data_dir);
    PgConnection::connect_with(&options).await.expect("connect as the superuser")
}

async fn offenders(cloud: &Cloud, query: &'static str) -> Vec<String> {
    let mut found: Vec<String> =
        sqlx::query_scalar(query).fetch_all(&mut superuser(cloud).await).await.expect("ask the catalogue");
    found.retain(|name| !WITHOUT_TENANT.contains(&name.as_str()));
    found
}

#[test]
fn every_table_forces_a_policy_for_its_tenant() {
    run(|cloud| async {
        let open = offenders(
            cloud,
            "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname IN ('public', 'platform') AND c.relkind IN ('r', 'p')
               AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                   SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant'
                     AND pg_get_expr(p.polqual, c.oid) LIKE '%current_tenant()%'
                     AND pg_get_expr(p.polqual, c.oid) = pg_get_expr(p.polwithcheck, c.oid)))",
        );
        assert_eq!(open.await, Vec::<String>::new(), "tables without a forced tenant policy");
    });
}

#[test]
fn every_key_of_a_tenant_table_begins_with_its_tenant() {
    run(|cloud| async {
        let keys = offenders(
            cloud,
            "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
             JOIN pg_namespace n ON n.oid = c.relnamespace
             JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]
             WHERE n.nspname = 'public' AND (i.indisunique OR i.indisprimary) AND a.attname <> 'tenant_id'
               AND c.relname <> '_sqlx_migrations'",
        );
        assert_eq!(keys.await, Vec::<String>::new(), "unique keys that do not begin with the tenant");
        let references = offenders(
            cloud,
            "SELECT con.conname::text FROM pg_constraint con
             JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE con.contype = 'f' AND n.nspname = 'public'
               AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = con.confrelid AND a.attname = 'tenant_id')
               AND NOT EXISTS (SELECT FROM unnest(con.conkey, con.confkey) pair (k, f)
                   JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = pair.k
                   JOIN pg_attribute b ON b.attrelid = con.confrelid AND b.attnum = pair.f
                   WHERE a.attname = 'tenant_id' AND b.attname = 'tenant_id')",
        );
        assert_eq!(references.await, Vec::<String>::new(), "references that could cross tenants");
    });
}

#[test]
fn the_roles_have_no_way_around_the_policies() {
    run(|cloud| async {
        let roles = offenders(
            cloud,
            "SELECT rolname::text FROM pg_roles WHERE rolname IN ('weir_app', 'weir_platform', 'weir_owner')
               AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)",
        );
        assert_eq!(roles.await, Vec::<String>::new(), "roles with too much power");
        let grants = offenders(
            cloud,
            "SELECT format('%s.%s: %s to %s', table_schema, table_name, privilege_type, grantee) FROM information_schema.role_table_grants
             WHERE grantee IN ('weir_app', 'weir_platform') AND privilege_type IN ('TRUNCATE', 'REFERENCES', 'TRIGGER')",
        );
        assert_eq!(grants.await, Vec::<String>::new(), "grants nobody needs");
    });
}

#[test]
fn an_injected_statement_cannot_change_the_tenant() {
    run(|cloud| async {
        let (one, other) = (cloud.isp().await, cloud.isp().await);
        one.post("/api/v1/sites", serde_json::json!({ "name": "Secret" })).await.expect(201);
        for escape in [
            format!("SELECT set_config('app.tenant_id', '{}', true)", one.tenant.uuid()),
            format!(
                "WITH moved AS (SELECT set_config('app.tenant_id', '{}', false)) SELECT name FROM sites, moved",
                one.tenant.uuid()
            ),
            format!("UPDATE pg_settings SET setting = '{}' WHERE name = 'app.tenant_id'", one.tenant.uuid()),
            "SET ROLE weir_owner".to_owned(),
            "SET SESSION AUTHORIZATION weir_platform".to_owned(),
            "COPY sites TO PROGRAM 'cat'".to_owned(),
            "ALTER TABLE sites DISABLE ROW LEVEL SECURITY".to_owned(),
            "DROP POLICY tenant ON sites".to_owned(),
        ] {
            let scope = weir_cloud::db::Scope::system(other.tenant);
            let mut tx = cloud.app.db.begin(&scope).await.expect("begin");
            let ran = sqlx::query(sqlx::AssertSqlSafe(escape.clone())).execute(tx.conn()).await;
            assert!(ran.is_err(), "{escape} was permitted");
        }
    });
}

#[test]
fn money_usage_and_audit_rows_cannot_be_edited() {
    run(|cloud| async {
        let editable = offenders(
            cloud,
            "SELECT format('%s: %s', table_name, privilege_type) FROM information_schema.role_table_grants
             WHERE grantee = 'weir_app' AND privilege_type IN ('UPDATE', 'DELETE')
               AND table_name IN ('ledger_entries', 'ledger_postings', 'usage_records', 'usage_segments', 'audit_entries', 'audit_links',
                                  'invoice_lines', 'invoice_taxes', 'payments', 'payment_allocations', 'billed_segments', 'plan_versions',
                                  'top_ups', 'billed_top_ups', 'cancelled_boosts', 'billed_charges', 'revenue_schedules', 'recognised_days', 'billed_contracts', 'fair_use_turns', 'ticket_entries', 'ticket_attachments')",
        );
        assert_eq!(editable.await, Vec::<String>::new(), "rows that must never be edited");
    });
}
