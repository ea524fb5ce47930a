//! SQL of imports.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::types::Json;
use uuid::Uuid;

use super::{Import, ImportStatus, Row};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{ImportId, SubscriberId};

struct Stored {
    id: ImportId,
    name: String,
    columns: Json<BTreeMap<String, String>>,
    status: ImportStatus,
    row_count: i32,
    welcome: bool,
    seen: i32,
    wrong: i32,
    made_by: String,
    created_at: DateTime<Utc>,
    finished_at: Option<DateTime<Utc>>,
}

impl From<Stored> for Import {
    fn from(stored: Stored) -> Self {
        let Stored { id, name, columns, status, row_count, welcome, seen, wrong, made_by, created_at, finished_at } =
            stored;
        Self { id, name, columns: columns.0, status, row_count, welcome, seen, wrong, made_by, created_at, finished_at }
    }
}

pub async fn list(tx: &mut TenantTx, page: Page) -> Result<Vec<Import>, sqlx::Error> {
    rows_of(tx, None, page).await
}

pub async fn get(tx: &mut TenantTx, id: ImportId) -> Result<Option<Import>, sqlx::Error> {
    Ok(rows_of(tx, Some(id), Page { after: None, limit: 1 }).await?.pop())
}

async fn rows_of(tx: &mut TenantTx, only: Option<ImportId>, page: Page) -> Result<Vec<Import>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Stored,
        r#"SELECT id AS "id: _", name, columns AS "columns: _", status AS "status: _", row_count, welcome, seen, wrong, made_by,
                  created_at, finished_at
           FROM imports WHERE ($1::uuid IS NULL OR id < $1) AND ($2::uuid IS NULL OR id = $2) ORDER BY id DESC LIMIT $3"#,
        page.after,
        only.map(ImportId::uuid),
        page.fetch()
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(Import::from).collect())
}

pub async fn lock(tx: &mut TenantTx, id: ImportId) -> Result<Option<Import>, sqlx::Error> {
    sqlx::query!("SELECT id FROM imports WHERE id = $1 FOR UPDATE", id.uuid()).fetch_optional(tx.conn()).await?;
    get(tx, id).await
}

pub async fn csv(tx: &mut TenantTx, id: ImportId) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!("SELECT csv FROM imports WHERE id = $1", id.uuid()).fetch_optional(tx.conn()).await
}

/// An import about to be kept.
pub struct NewRow<'a> {
    pub id: ImportId,
    pub name: &'a str,
    pub csv: &'a str,
    pub columns: &'a Value,
    pub count: i32,
    pub welcome: bool,
}

pub async fn insert(tx: &mut TenantTx, new: &NewRow<'_>) -> Result<(), sqlx::Error> {
    let (tenant, now, by) = (tx.tenant(), tx.at(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO imports (tenant_id, id, name, csv, columns, status, row_count, made_by, created_at, welcome)
         VALUES ($1, $2, $3, $4, $5, 'checking', $6, $7, $8, $9)",
        tenant.uuid(),
        new.id.uuid(),
        new.name,
        new.csv,
        new.columns,
        new.count,
        by,
        now,
        new.welcome
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_columns(tx: &mut TenantTx, id: ImportId, columns: &Value) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE imports SET columns = $2 WHERE id = $1", id.uuid(), columns).execute(tx.conn()).await?;
    Ok(())
}

/// Begins another pass over the rows.
pub async fn set_status(tx: &mut TenantTx, id: ImportId, status: ImportStatus) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE imports SET status = $2, seen = 0 WHERE id = $1", id.uuid(), status.name())
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn set_seen(tx: &mut TenantTx, id: ImportId, seen: i32) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE imports SET seen = $2 WHERE id = $1", id.uuid(), seen).execute(tx.conn()).await?;
    Ok(())
}

/// Whether it was still as it was when the work began.
pub async fn settle(
    tx: &mut TenantTx,
    id: ImportId,
    before: ImportStatus,
    status: ImportStatus,
    wrong: i32,
) -> Result<bool, sqlx::Error> {
    let finished = (status == ImportStatus::Done).then(|| tx.at());
    let settled = sqlx::query!(
        "UPDATE imports SET status = $3, wrong = $4, seen = row_count, finished_at = $5 WHERE id = $1 AND status = $2",
        id.uuid(),
        before.name(),
        status.name(),
        wrong,
        finished
    );
    Ok(settled.execute(tx.conn()).await?.rows_affected() > 0)
}

pub async fn replace_rows(tx: &mut TenantTx, id: ImportId, rows: &[Row]) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant();
    let lines: Vec<i32> = rows.iter().map(|row| row.line).collect();
    let names: Vec<String> = rows.iter().map(|row| row.name.clone()).collect();
    let errors: Vec<Value> = rows.iter().map(|row| json!(row.errors)).collect();
    let made: Vec<Option<Uuid>> = rows.iter().map(|row| row.subscriber_id.map(SubscriberId::uuid)).collect();
    sqlx::query!("DELETE FROM import_rows WHERE import_id = $1", id.uuid()).execute(tx.conn()).await?;
    sqlx::query!(
        "INSERT INTO import_rows (tenant_id, import_id, line, name, errors, subscriber_id)
         SELECT $1, $2, row.* FROM unnest($3::int[], $4::text[], $5::jsonb[], $6::uuid[]) AS row",
        tenant.uuid(),
        id.uuid(),
        &lines,
        &names,
        &errors,
        &made as &[Option<Uuid>]
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn rows(
    tx: &mut TenantTx,
    id: ImportId,
    after: i32,
    limit: i64,
    wrong: bool,
) -> Result<Vec<Row>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT line, name, errors AS "errors: Json<Vec<Told>>", subscriber_id AS "subscriber_id: SubscriberId" FROM import_rows
           WHERE import_id = $1 AND line > $2 AND (NOT $3 OR errors <> '[]') ORDER BY line LIMIT $4"#,
        id.uuid(),
        after,
        wrong,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let told = |told: Told| FieldError { field: told.field, message: told.message };
    let row = |row: (i32, String, Json<Vec<Told>>, Option<SubscriberId>)| Row {
        line: row.0,
        name: row.1,
        errors: row.2.0.into_iter().map(told).collect(),
        subscriber_id: row.3,
    };
    Ok(rows.into_iter().map(|one| row((one.line, one.name, one.errors, one.subscriber_id))).collect())
}

#[derive(Debug, serde::Deserialize)]
struct Told {
    field: String,
    message: String,
}

pub async fn delete(tx: &mut TenantTx, id: ImportId) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM imports WHERE id = $1", id.uuid()).execute(tx.conn()).await?;
    Ok(())
}

/// Where to return to if a row turns out wrong.
pub async fn savepoint(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    sqlx::query!("SAVEPOINT import_row").execute(tx.conn()).await?;
    Ok(())
}

/// Keeps what was done since the savepoint.
pub async fn keep(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    sqlx::query!("RELEASE SAVEPOINT import_row").execute(tx.conn()).await?;
    Ok(())
}

/// Undoes what was done since the savepoint.
pub async fn undo(tx: &mut TenantTx) -> Result<(), sqlx::Error> {
    sqlx::query!("ROLLBACK TO SAVEPOINT import_row").execute(tx.conn()).await?;
    keep(tx).await
}
