//! The same rows as fast as the database takes them: by COPY, in batches, into tables without anything that thinks.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use weir_fleet::installation::Installation;

use crate::run::Run;

/// Invoices whose rows are one transaction.
const AT_ONCE: usize = 500;

/// Rows of a run: the table, and which are of it.
const ROWS: [(&str, &str); 9] = [
    ("invoices", "run_id IS NOT NULL"),
    ("invoice_lines", "true"),
    ("invoice_taxes", "true"),
    ("billed_periods", "true"),
    ("ledger_entries", "source_kind = 'invoice'"),
    ("ledger_postings", "true"),
    ("audit_entries", "action = 'issue invoice'"),
    ("events", "kind = 'invoice.issued'"),
    ("platform.jobs", "kind = 'events.tell_many'"),
];

/// How many seconds it takes to write the rows of a run again.
pub async fn of_run(installation: &Installation, run: &Run) -> Result<f64> {
    let mut sql = installation.sql().await?;
    let mut tables = Vec::new();
    for (table, which) in ROWS {
        let rows = rows(&mut sql, run, table, which).await?;
        let copy = format!("floor_{}", table.replace('.', "_"));
        let make = format!("CREATE TABLE {copy} (LIKE {table} INCLUDING ALL)");
        sqlx::query(AssertSqlSafe(make)).execute(&mut sql).await?;
        tables.push((copy, rows));
    }
    ensure!(tables[0].1.len() >= run.accounts - 1, "the invoices are not all there");
    sqlx::query("CHECKPOINT").execute(&mut sql).await?;
    let batches = run.accounts.div_ceil(AT_ONCE);
    let began = Instant::now();
    for batch in 0..batches {
        let mut tx = sql.begin().await?;
        for (table, rows) in &tables {
            let of = |batch: usize| rows.len() * batch / batches;
            let part = rows[of(batch)..of(batch + 1)].concat();
            let mut into = tx.copy_in_raw(&format!("COPY {table} FROM STDIN")).await?;
            into.send(part).await?;
            into.finish().await?;
        }
        tx.commit().await?;
    }
    Ok(began.elapsed().as_secs_f64())
}

/// The rows of a table as COPY writes them, in the order they were written.
async fn rows(sql: &mut PgConnection, run: &Run, table: &str, which: &str) -> Result<Vec<Vec<u8>>> {
    let order = if ["invoice_taxes", "billed_periods", "ledger_postings"].contains(&table) { "ctid" } else { "id" };
    let ask = format!(
        "COPY (SELECT * FROM {table} WHERE tenant_id = '{}' AND {which} ORDER BY {order}) TO STDOUT",
        run.tenant
    );
    let mut text = Vec::new();
    let mut out = sql.copy_out_raw(&ask).await?;
    while let Some(part) = out.try_next().await? {
        text.extend_from_slice(&part);
    }
    let rows: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    rows.first().context("a run without rows")?;
    Ok(rows)
}
