//! Asks all questions of one moment, keeps the answers, and raises the alarm where they are not as they must be.

use std::collections::HashMap;

use chrono::{NaiveDate, NaiveTime, Timelike};
use chrono_tz::Tz;
use serde_json::json;

use super::store::{self, differences, kept};
use super::{Answer, BookCheck, Difference, Error, Question};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::BookCheckId;
use crate::{audit, tenants};

/// The nightly check is made from this local hour on, when the day's bills are written.
const FROM_HOUR: u32 = 3;

/// Checks the books now, and keeps what was found.
pub async fn check(app: &App, scope: &Scope) -> Result<BookCheck, Error> {
    let (mut seen, started) = (app.db.read(scope).await?, std::time::Instant::now());
    let (today, _) = here(&mut seen).await?;
    let mut answers = Vec::new();
    for question in Question::ALL {
        answers.push(ask(&mut seen, *question).await?);
    }
    let at = seen.at();
    drop(seen);
    let mut tx = app.db.begin(scope).await?;
    let id: BookCheckId = tx.new_id();
    kept::insert(&mut tx, id, today, at, &answers).await?;
    tell(&mut tx, id, today, &answers).await?;
    let check = book_check(&mut tx, id).await?;
    tx.commit().await?;
    measure(&check, started.elapsed());
    Ok(check)
}

/// Makes the nightly check, once a local day; says whether it was due.
pub async fn check_if_due(app: &App, scope: &Scope) -> Result<bool, Error> {
    let mut tx = app.db.read(scope).await?;
    let (today, time) = here(&mut tx).await?;
    let due = time.hour() >= FROM_HOUR && !kept::is_checked(&mut tx, today).await?;
    drop(tx);
    if due {
        check(app, scope).await?;
    }
    Ok(due)
}

/// The ISP's day and time.
async fn here(tx: &mut TenantTx) -> Result<(NaiveDate, NaiveTime), Error> {
    let zone: Tz = tenants::tenant(tx).await?.time_zone.parse().unwrap_or(Tz::UTC);
    let local = tx.at().with_timezone(&zone);
    Ok((local.date_naive(), local.time()))
}

async fn ask(tx: &mut TenantTx, question: Question) -> Result<Answer, Error> {
    let looked_at = store::looked_at(tx, question).await?;
    let rows = differences::of(tx, question).await?;
    let differ = rows.first().map_or(0, |row| row.differ);
    let differences = rows.into_iter().map(store::DifferenceRow::shown).collect();
    Ok(Answer { question, looked_at, differ, differences })
}

/// Whoever asked is on record; what does not agree is news.
async fn tell(tx: &mut TenantTx, id: BookCheckId, day: NaiveDate, answers: &[Answer]) -> Result<(), Error> {
    let wrong: HashMap<_, _> = answers
        .iter()
        .filter(|answer| answer.differ > 0)
        .map(|answer| (answer.question.name(), answer.differ))
        .collect();
    audit::record(tx, "check the books", id, json!({ "checked_on": day, "differ": wrong })).await?;
    if !wrong.is_empty() {
        tracing::error!(tenant = %tx.tenant(), check = %id, ?wrong, "the books do not agree");
        let differ: i64 = wrong.values().sum();
        let data = json!({ "checked_on": day, "differ": differ, "questions": wrong });
        events::publish(tx, EventKind::BooksDiffer, id, None, data).await?;
    }
    Ok(())
}

fn measure(check: &BookCheck, took: std::time::Duration) {
    for answer in &check.answers {
        let differ = u64::try_from(answer.differ).unwrap_or(0);
        metrics::counter!("weir_book_differences_total", "question" => answer.question.name()).increment(differ);
    }
    let outcome = if check.agrees { "agree" } else { "differ" };
    metrics::counter!("weir_book_checks_total", "outcome" => outcome).increment(1);
    metrics::histogram!("weir_book_check_seconds").record(took.as_secs_f64());
}

/// A page of checks, newest first.
pub async fn book_checks(tx: &mut TenantTx, page: Page) -> Result<Vec<BookCheck>, Error> {
    let rows = kept::page(tx, page).await?;
    shown(tx, rows).await
}

/// One check.
pub async fn book_check(tx: &mut TenantTx, id: BookCheckId) -> Result<BookCheck, Error> {
    let rows = kept::find(tx, id).await?;
    shown(tx, rows).await?.pop().ok_or(Error::NotFound(id))
}

async fn shown(tx: &mut TenantTx, rows: Vec<kept::CheckRow>) -> Result<Vec<BookCheck>, Error> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
    let mut found: HashMap<(BookCheckId, String), Vec<Difference>> = HashMap::new();
    for row in kept::differences(tx, &ids).await? {
        let difference = Difference { subject: row.subject, expected: row.expected, found: row.found };
        found.entry((row.check, row.question)).or_default().push(difference);
    }
    let mut answers: HashMap<BookCheckId, Vec<Answer>> = HashMap::new();
    for row in kept::results(tx, &ids).await? {
        let question = Question::from_name(&row.question).ok_or_else(|| Error::Question(row.question.clone()))?;
        let differences = found.remove(&(row.check, row.question)).unwrap_or_default();
        let answer = Answer { question, looked_at: row.looked_at, differ: row.differ, differences };
        answers.entry(row.check).or_default().push(answer);
    }
    let whole = |row: kept::CheckRow| {
        let mut answers = answers.remove(&row.id).unwrap_or_default();
        answers.sort_by_key(|answer| Question::ALL.iter().position(|question| *question == answer.question));
        BookCheck {
            id: row.id,
            checked_on: row.checked_on,
            checked_at: row.checked_at,
            checked_by: row.checked_by,
            agrees: answers.iter().all(|answer| answer.differ == 0),
            answers,
        }
    };
    Ok(rows.into_iter().map(whole).collect())
}
