//! SQL of deferred revenue: schedules, and the days they were earned on.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_rules::calendar::Period;
use weir_rules::money::{Currency, Money};
use weir_rules::recognition::Stretch;

use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{InvoiceId, InvoiceLineId, RecognitionId};
use crate::ledger::Error;
use crate::ledger::recognition::Schedule;

/// A schedule as it is stored.
pub struct ScheduleRow {
    pub line: InvoiceLineId,
    pub revision: i32,
    pub since: NaiveDate,
    pub until: Option<NaiveDate>,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub currency: String,
    pub amount: Decimal,
}

impl ScheduleRow {
    pub fn read(self) -> Result<Schedule, Error> {
        let days = Period::new(self.from, self.to)?;
        let stretch = Stretch { days, amount: Money::new(self.amount, Currency::from_code(&self.currency)?)? };
        let Self { line, revision, since, until, .. } = self;
        Ok(Schedule { line, revision, since, until, stretch })
    }
}

/// Writes schedules in one statement, but those of days that are earned; says how many.
pub async fn insert(tx: &mut TenantTx, schedules: &[Schedule]) -> Result<u64, sqlx::Error> {
    let (tenant, at) = (tx.tenant().uuid(), tx.at());
    let lines: Vec<_> = schedules.iter().map(|schedule| schedule.line.uuid()).collect();
    let revisions: Vec<_> = schedules.iter().map(|schedule| schedule.revision).collect();
    let since: Vec<_> = schedules.iter().map(|schedule| schedule.since).collect();
    let from: Vec<_> = schedules.iter().map(|schedule| schedule.stretch.days.start()).collect();
    let to: Vec<_> = schedules.iter().map(|schedule| schedule.stretch.days.end()).collect();
    let amount = |schedule: &Schedule| schedule.stretch.amount;
    let currencies: Vec<_> = schedules.iter().map(|one| amount(one).currency().code().to_owned()).collect();
    let amounts: Vec<_> = schedules.iter().map(|one| amount(one).amount()).collect();
    let written = sqlx::query!(
        r#"INSERT INTO revenue_schedules (tenant_id, line_id, revision, since, from_day, through_day, currency, amount, made_at)
           SELECT $1, line_id, revision, since, "from", "to" - 1, currency, amount, $2
           FROM unnest($3::uuid[], $4::integer[], $5::date[], $6::date[], $7::date[], $8::text[], $9::numeric[])
                AS schedule (line_id, revision, since, "from", "to", currency, amount)
           WHERE since > coalesce((SELECT max(day) FROM recognised_days), '-infinity'::date)"#,
        tenant,
        at,
        &lines,
        &revisions,
        &since,
        &from,
        &to,
        &currencies,
        &amounts
    )
    .execute(tx.conn())
    .await?;
    Ok(written.rows_affected())
}

/// What holds of these lines from now on.
pub async fn newest(tx: &mut TenantTx, lines: &[InvoiceLineId]) -> Result<Vec<Schedule>, Error> {
    let lines: Vec<_> = lines.iter().map(|line| line.uuid()).collect();
    let rows = sqlx::query_as!(
        ScheduleRow,
        r#"SELECT s.line_id AS "line: _", s.revision, s.since, NULL::date AS until, s.from_day AS "from!", s.through_day + 1 AS "to!",
                  s.currency, s.amount
           FROM revenue_schedules s
           WHERE s.line_id = ANY($1)
             AND s.revision = (SELECT max(n.revision) FROM revenue_schedules n WHERE n.tenant_id = s.tenant_id AND n.line_id = s.line_id)
           ORDER BY s.line_id, s.from_day"#,
        &lines
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(ScheduleRow::read).collect()
}

/// Schedules with days after this one, those that another one took the place of, too.
pub async fn unearned(tx: &mut TenantTx, after: Option<NaiveDate>) -> Result<Vec<Schedule>, Error> {
    let rows = sqlx::query_as!(
        ScheduleRow,
        r#"SELECT s.line_id AS "line: _", s.revision, s.since,
                  (SELECT min(n.since) FROM revenue_schedules n
                   WHERE n.tenant_id = s.tenant_id AND n.line_id = s.line_id AND n.revision > s.revision) AS until,
                  s.from_day AS "from!", s.through_day + 1 AS "to!", s.currency, s.amount
           FROM revenue_schedules s WHERE s.through_day > coalesce($1, '-infinity'::date) AND s.amount <> 0"#,
        after
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(ScheduleRow::read).collect()
}

/// The last day whose revenue is earned.
pub async fn through(tx: &mut TenantTx) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!("SELECT max(day) FROM recognised_days").fetch_one(tx.conn()).await
}

pub async fn insert_days(tx: &mut TenantTx, days: &[(RecognitionId, NaiveDate)]) -> Result<(), sqlx::Error> {
    let (tenant, at) = (tx.tenant().uuid(), tx.at());
    let ids: Vec<_> = days.iter().map(|(id, _)| id.uuid()).collect();
    let days: Vec<_> = days.iter().map(|(_, day)| *day).collect();
    sqlx::query!(
        "INSERT INTO recognised_days (tenant_id, id, day, recognised_at)
         SELECT $1, id, day, $2 FROM unnest($3::uuid[], $4::date[]) AS over (id, day)",
        tenant,
        at,
        &ids,
        &days
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub struct DayRow {
    pub id: RecognitionId,
    pub day: NaiveDate,
    pub recognised_at: DateTime<Utc>,
}

pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<DayRow>, sqlx::Error> {
    sqlx::query_as!(
        DayRow,
        r#"SELECT id AS "id: _", day, recognised_at FROM recognised_days WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn find(tx: &mut TenantTx, id: RecognitionId) -> Result<Option<DayRow>, sqlx::Error> {
    sqlx::query_as!(DayRow, r#"SELECT id AS "id: _", day, recognised_at FROM recognised_days WHERE id = $1"#, id.uuid())
        .fetch_optional(tx.conn())
        .await
}

/// A schedule with the line it is of.
pub struct LineRow {
    pub schedule: ScheduleRow,
    pub invoice: InvoiceId,
    pub number: String,
    pub description: String,
}

/// The schedules that held on a day.
pub async fn lines(tx: &mut TenantTx, day: NaiveDate, page: Page) -> Result<Vec<LineRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT s.line_id AS "line: InvoiceLineId", s.revision, s.since, s.from_day, s.through_day + 1 AS "to!", s.currency, s.amount,
                  l.invoice_id AS "invoice: InvoiceId", l.description, i.number AS "number!"
           FROM revenue_schedules s
           JOIN invoice_lines l ON l.tenant_id = s.tenant_id AND l.id = s.line_id
           JOIN invoices i ON i.tenant_id = l.tenant_id AND i.id = l.invoice_id
           WHERE s.from_day <= $1 AND s.through_day >= $1 AND s.amount <> 0 AND ($2::uuid IS NULL OR s.line_id > $2)
             AND NOT EXISTS (SELECT FROM revenue_schedules n WHERE n.tenant_id = s.tenant_id AND n.line_id = s.line_id
                               AND n.revision > s.revision AND n.since <= $1)
           ORDER BY s.line_id LIMIT $3"#,
        day,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| LineRow {
            schedule: ScheduleRow {
                line: row.line,
                revision: row.revision,
                since: row.since,
                until: None,
                from: row.from_day,
                to: row.to,
                currency: row.currency,
                amount: row.amount,
            },
            invoice: row.invoice,
            number: row.number,
            description: row.description,
        })
        .collect())
}
