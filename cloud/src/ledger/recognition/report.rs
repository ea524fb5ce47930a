//! What is still to be earned, by month, and which lines made up a day.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use weir_rules::ledger::LedgerAccount;
use weir_rules::money::{Currency, Money};

use super::{DeferredMonth, DeferredRevenue, RecognisedLine, Recognition};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::RecognitionId;
use crate::ledger::{Error, Span, entries_of, store, trial_balance};

/// What was billed and is still to be earned, by month. Days that are over and not earned yet are of their months.
pub async fn deferred_revenue(tx: &mut TenantTx) -> Result<DeferredRevenue, Error> {
    let after = store::recognition::through(tx).await?;
    let mut months: BTreeMap<(NaiveDate, Currency), Money> = BTreeMap::new();
    let mut total: BTreeMap<Currency, Money> = BTreeMap::new();
    for schedule in store::recognition::unearned(tx, after).await? {
        let Some(days) = schedule.days_after(after) else { continue };
        for (month, amount) in schedule.stretch.by_month(days)? {
            let currency = amount.currency();
            let nothing = || Money::zero(currency);
            let of_month = months.entry((month, currency)).or_insert_with(nothing);
            *of_month = of_month.checked_add(amount)?;
            let all = total.entry(currency).or_insert_with(nothing);
            *all = all.checked_add(amount)?;
        }
    }
    let trial = trial_balance(tx, Span::default()).await?;
    let of_account = trial.rows.iter().filter(|row| row.ledger_account == LedgerAccount::DeferredRevenue.code());
    let balance = of_account.map(|row| -row.balance).filter(|balance| !balance.is_zero()).collect();
    let months = months.into_iter().filter(|(_, amount)| !amount.is_zero());
    Ok(DeferredRevenue {
        recognised_through: after,
        months: months.map(|((month, _), amount)| DeferredMonth { month, amount }).collect(),
        total: total.into_values().filter(|amount| !amount.is_zero()).collect(),
        balance,
    })
}

/// A page of days whose revenue is earned, newest first.
pub async fn recognitions(tx: &mut TenantTx, page: Page) -> Result<Vec<Recognition>, Error> {
    let rows = store::recognition::page(tx, page).await?;
    shown(tx, rows).await
}

/// One of them.
pub async fn recognition(tx: &mut TenantTx, id: RecognitionId) -> Result<Recognition, Error> {
    let row = store::recognition::find(tx, id).await?.ok_or(Error::RecognitionNotFound(id))?;
    shown(tx, vec![row]).await?.pop().ok_or(Error::RecognitionNotFound(id))
}

async fn shown(tx: &mut TenantTx, rows: Vec<store::recognition::DayRow>) -> Result<Vec<Recognition>, Error> {
    let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
    let entries = entries_of(tx, "recognition", &ids).await?;
    let mut posted: HashMap<_, _> = entries.into_iter().map(|entry| (entry.source_id.clone(), entry)).collect();
    let show = |row: store::recognition::DayRow| {
        let entry = posted.remove(&row.id.to_string());
        let postings = entry.iter().flat_map(|entry| &entry.postings);
        let revenue = postings.filter(|posting| posting.ledger_account == LedgerAccount::Revenue.code());
        Recognition {
            id: row.id,
            day: row.day,
            recognised_at: row.recognised_at,
            amounts: revenue.map(|posting| -posting.amount).collect(),
            posted_on: entry.as_ref().map(|entry| entry.posted_on),
        }
    };
    Ok(rows.into_iter().map(show).collect())
}

/// A page of the lines that made up a day, in the order of their ids.
pub async fn recognised_lines(tx: &mut TenantTx, id: RecognitionId, page: Page) -> Result<Vec<RecognisedLine>, Error> {
    let day = store::recognition::find(tx, id).await?.ok_or(Error::RecognitionNotFound(id))?.day;
    let mut lines = Vec::new();
    for row in store::recognition::lines(tx, day, page).await? {
        let schedule = row.schedule.read()?;
        let days = schedule.stretch.days;
        lines.push(RecognisedLine {
            line_id: schedule.line,
            invoice_id: row.invoice,
            invoice_number: row.number,
            description: row.description,
            from: days.start(),
            through: days.end().pred_opt().unwrap_or(days.end()),
            amount: schedule.stretch.amount,
            earned: schedule.earned_on(day)?,
        });
    }
    Ok(lines)
}
