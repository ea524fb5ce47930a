//! What books and invoices refer to is there, and the tenant's own: the database refuses anything else, a statement at a time.

use uuid::Uuid;

use super::harness::{Isp, story};
use super::world::FIBRE;

/// Rows like one that is there but for what makes them new, and the column whose reference they change.
const REFERENCES: [(&str, &str, &str); 10] = [
    ("invoices", "account_id", r#"{"number": "X-1"}"#),
    ("invoices", "run_id", r#"{"number": "X-1"}"#),
    ("invoice_lines", "invoice_id", "{}"),
    ("invoice_lines", "subscription_id", r#"{"position": 9}"#),
    ("invoice_lines", "plan_version_id", r#"{"position": 9}"#),
    ("invoice_taxes", "invoice_id", "{}"),
    ("billed_periods", "invoice_line_id", r#"{"period": "[2001-01-01,2001-02-01)"}"#),
    ("billed_periods", "subscription_id", "{}"),
    ("ledger_postings", "entry_id", "{}"),
    ("events", "account_id", "{}"),
];

#[test]
fn nothing_refers_to_what_is_not_there_or_is_anothers() {
    story(async {
        let (isp, other) = (billed("references").await, billed("references-other").await);
        for (table, column, new) in REFERENCES {
            let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
            // All of them are one statement's: an entry's postings balance.
            let known = format!("SELECT {column} FROM {table} ORDER BY {column} LIMIT 1");
            let mut theirs = other.app.db.begin(&other.scope()).await.unwrap();
            let known: Uuid = sqlx::query_scalar(sqlx::AssertSqlSafe(known)).fetch_one(theirs.conn()).await.unwrap();
            for target in [Uuid::nil(), known] {
                let insert = format!(
                    "INSERT INTO {table} SELECT (jsonb_populate_record(NULL::{table},
                         to_jsonb(x) || jsonb_build_object('id', gen_random_uuid(), '{column}', $1::uuid) || $2::jsonb)).*
                     FROM {table} x WHERE {column} = (SELECT min({column}::text)::uuid FROM {table})"
                );
                sqlx::query("SAVEPOINT before").execute(tx.conn()).await.unwrap();
                let new: serde_json::Value = serde_json::from_str(new).unwrap();
                let done = sqlx::query(sqlx::AssertSqlSafe(insert)).bind(target).bind(new).execute(tx.conn()).await;
                let refused = done.expect_err("was permitted").into_database_error().expect("the database's word");
                let constraint = format!("{table}_tenant_id_{column}_fkey");
                assert_eq!(refused.constraint(), Some(constraint.as_str()), "{refused}");
                assert!(refused.is_foreign_key_violation());
                sqlx::query("ROLLBACK TO before").execute(tx.conn()).await.unwrap();
            }
        }
    });
}

/// An ISP with an account that was billed.
async fn billed(slug: &str) -> Isp {
    let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
    let account = isp.account("Ana").await;
    isp.line(account, router, plan, "2026-11-01").await;
    isp.bill("2026-11-01").await;
    isp
}
