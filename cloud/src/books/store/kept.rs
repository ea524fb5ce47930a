//! Checks and what they found.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use crate::books::Answer;
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::BookCheckId;

pub struct CheckRow {
    pub id: BookCheckId,
    pub checked_on: NaiveDate,
    pub checked_at: DateTime<Utc>,
    pub checked_by: String,
}

pub async fn insert(
    tx: &mut TenantTx,
    id: BookCheckId,
    day: NaiveDate,
    at: DateTime<Utc>,
    answers: &[Answer],
) -> Result<(), sqlx::Error> {
    let (tenant, actor) = (tx.tenant().uuid(), tx.actor().to_string());
    sqlx::query!(
        "INSERT INTO book_checks (tenant_id, id, checked_on, checked_at, checked_by) VALUES ($1, $2, $3, $4, $5)",
        tenant,
        id.uuid(),
        day,
        at,
        actor
    )
    .execute(tx.conn())
    .await?;
    for answer in answers {
        let subjects: Vec<_> = answer.differences.iter().map(|one| one.subject.clone()).collect();
        let expected: Vec<_> = answer.differences.iter().map(|one| one.expected.clone()).collect();
        let found: Vec<_> = answer.differences.iter().map(|one| one.found.clone()).collect();
        sqlx::query!(
            "WITH result AS (
                 INSERT INTO book_check_results (tenant_id, check_id, question, looked_at, differ) VALUES ($1, $2, $3, $4, $5))
             INSERT INTO book_differences (tenant_id, check_id, question, position, subject, expected, found)
             SELECT $1, $2, $3, position, subject, expected, found
             FROM unnest($6::text[], $7::text[], $8::text[]) WITH ORDINALITY AS one (subject, expected, found, position)",
            tenant,
            id.uuid(),
            answer.question.name(),
            answer.looked_at,
            answer.differ,
            &subjects,
            &expected,
            &found
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(())
}

/// Whether the nightly check of this day was made.
pub async fn is_checked(tx: &mut TenantTx, day: NaiveDate) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM book_checks WHERE checked_on = $1 AND checked_by = 'system') AS "is!""#,
        day
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<CheckRow>, sqlx::Error> {
    sqlx::query_as!(
        CheckRow,
        r#"SELECT id AS "id: _", checked_on, checked_at, checked_by FROM book_checks
           WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, id: BookCheckId) -> Result<Vec<CheckRow>, sqlx::Error> {
    sqlx::query_as!(
        CheckRow,
        r#"SELECT id AS "id: _", checked_on, checked_at, checked_by FROM book_checks WHERE id = $1"#,
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub struct ResultRow {
    pub check: BookCheckId,
    pub question: String,
    pub looked_at: i64,
    pub differ: i64,
}

pub async fn results(tx: &mut TenantTx, checks: &[Uuid]) -> Result<Vec<ResultRow>, sqlx::Error> {
    sqlx::query_as!(
        ResultRow,
        r#"SELECT check_id AS "check: _", question, looked_at, differ FROM book_check_results WHERE check_id = ANY($1)"#,
        checks
    )
    .fetch_all(tx.conn())
    .await
}

pub struct DifferentRow {
    pub check: BookCheckId,
    pub question: String,
    pub subject: String,
    pub expected: String,
    pub found: String,
}

pub async fn differences(tx: &mut TenantTx, checks: &[Uuid]) -> Result<Vec<DifferentRow>, sqlx::Error> {
    sqlx::query_as!(
        DifferentRow,
        r#"SELECT check_id AS "check: _", question, subject, expected, found FROM book_differences
           WHERE check_id = ANY($1) ORDER BY check_id, question, position"#,
        checks
    )
    .fetch_all(tx.conn())
    .await
}
