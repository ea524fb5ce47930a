//! Cases: what was done, what was promised, what is paused.

use chrono::{Days, NaiveDate};
use serde_json::json;
use weir_rules::money::{Currency, Money};

use super::standing::{Known, standings};
use super::store::cases::{self as store, PromiseRow, StepRow};
use super::store::fees::{self as fee_store, FeeRow};
use super::{
    Case, CaseStep, CaseSummary, Error, LateFee, PauseWish, Promise, PromiseStatus, PromiseWish, StepName, check,
    forecast, news,
};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, DunningCaseId, PauseId, PromiseId};
use crate::{audit, billing};

const TEXT_MAX: usize = 500;
/// How far ahead somebody may promise.
const PROMISE_DAYS: u64 = 31;
/// How far ahead a case may be paused.
const PAUSE_DAYS: u64 = 90;

/// Which cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct CaseFilter {
    /// Only this account's.
    pub account: Option<AccountId>,
    /// Only those open, or only those closed.
    pub open: Option<bool>,
}

/// A page of cases, newest first.
pub async fn cases(tx: &mut TenantTx, page: Page, filter: &CaseFilter) -> Result<Vec<CaseSummary>, Error> {
    Ok(store::page(tx, page, filter).await?)
}

/// The open case of an account, if there is one.
pub async fn case_of(tx: &mut TenantTx, account: AccountId) -> Result<Option<Case>, Error> {
    let filter = CaseFilter { account: Some(account), open: Some(true) };
    match store::page(tx, Page { after: None, limit: 1 }, &filter).await?.into_iter().next() {
        Some(summary) => Ok(Some(case(tx, summary.id).await?)),
        None => Ok(None),
    }
}

/// One case with all that was done.
pub async fn case(tx: &mut TenantTx, id: DunningCaseId) -> Result<Case, Error> {
    let summary = store::find(tx, id).await?.ok_or(Error::CaseNotFound(id))?;
    let known = standings(tx, Some(&[summary.account_id]), 0).await?.pop();
    let open = summary.closed_at.is_none();
    let balance = match known.as_ref().filter(|_| open) {
        Some(known) => known.overdue()?.0,
        None => Money::zero(billing::currency(tx, summary.account_id).await?),
    };
    let steps = store::steps(tx, id).await?.into_iter().map(step).collect::<Result<_, _>>()?;
    let late_fees = fee_store::fees(tx, Some(id), None).await?.into_iter().map(fee).collect::<Result<_, _>>()?;
    let today = known.map(|known| known.today).filter(|_| open);
    let mut promises = Vec::new();
    for (place, row) in store::promises(tx, id).await?.into_iter().enumerate() {
        promises.push(promised(row, place == 0, today)?);
    }
    let pauses = store::pauses(tx, id).await?;
    let next = if open { forecast::next_of(tx, summary.account_id).await? } else { None };
    let newest = pauses.first().and_then(|pause| pause.until_on);
    let paused_until = newest.filter(|until| today.is_some_and(|today| today <= *until));
    Ok(Case { summary, balance, steps, late_fees, promises, pauses, paused_until, next })
}

/// Notes a promise to pay: while it runs, lines are open and nothing new is done.
pub async fn promise(tx: &mut TenantTx, id: DunningCaseId, wish: &PromiseWish) -> Result<Case, Error> {
    let (known, summary) = at_work(tx, id).await?;
    let owed = Money::sum(known.facts.pending.currency(), known.facts.items.iter().map(|item| item.open))?;
    let mut errors = Vec::new();
    if wish.amount.currency() != owed.currency() {
        errors.push(FieldError::new("amount", format!("must be in {}, the currency of the account", owed.currency())));
    } else if !wish.amount.is_positive() {
        errors.push(FieldError::new("amount", "must be above zero"));
    } else if wish.amount.amount() > owed.amount() {
        errors.push(FieldError::new("amount", format!("must be at most what is owed, {owed}")));
    }
    errors.extend(check_day("promised_on", wish.promised_on, known.today, PROMISE_DAYS));
    if wish.note.chars().count() > TEXT_MAX {
        errors.push(FieldError::new("note", format!("must have at most {TEXT_MAX} characters")));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let promise: PromiseId = tx.new_id();
    store::insert_promise(tx, promise, id, wish).await?;
    let detail = json!({ "promise": promise, "amount": wish.amount, "promised_on": wish.promised_on });
    audit::record(tx, "note promise to pay", id, detail).await?;
    news::promised(tx, &known, id, wish).await?;
    check::check_account(tx, summary.account_id).await?;
    case(tx, id).await
}

/// Pauses a case: nothing new is done through a day, restrictions stay.
pub async fn pause(tx: &mut TenantTx, id: DunningCaseId, wish: &PauseWish) -> Result<Case, Error> {
    let (known, _) = at_work(tx, id).await?;
    let mut errors: Vec<_> = check_day("until_on", wish.until_on, known.today, PAUSE_DAYS).into_iter().collect();
    if let Err(Error::Invalid(wrong)) = check_text("reason", &wish.reason) {
        errors.extend(wrong);
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let before = case(tx, id).await?;
    store::insert_pause(tx, tx.new_id::<PauseId>(), &before, Some(wish)).await?;
    let detail = json!({ "until_on": wish.until_on, "reason": wish.reason.trim() });
    audit::record(tx, "pause dunning case", id, detail).await?;
    case(tx, id).await
}

/// Ends the pause of a case.
pub async fn resume(tx: &mut TenantTx, id: DunningCaseId) -> Result<Case, Error> {
    let (_, summary) = at_work(tx, id).await?;
    let before = case(tx, id).await?;
    if before.paused_until.is_none() {
        return Err(Error::CaseNotPaused(id));
    }
    store::insert_pause(tx, tx.new_id::<PauseId>(), &before, None).await?;
    audit::record(tx, "resume dunning case", id, json!({})).await?;
    check::check_account(tx, summary.account_id).await?;
    case(tx, id).await
}

/// An open case with how its account stands, the account locked.
async fn at_work(tx: &mut TenantTx, id: DunningCaseId) -> Result<(Known, CaseSummary), Error> {
    let found = store::find(tx, id).await?.ok_or(Error::CaseNotFound(id))?;
    billing::lock_account(tx, found.account_id).await?;
    let known = standings(tx, Some(&[found.account_id]), 0).await?.pop();
    let known = known.filter(|known| known.case == Some(id)).ok_or(Error::CaseClosed(id))?;
    Ok((known, found))
}

fn check_day(field: &str, day: NaiveDate, today: NaiveDate, far: u64) -> Option<FieldError> {
    let last = today.checked_add_days(Days::new(far)).unwrap_or(today);
    let message = || format!("must be between today, {today}, and {last}");
    (!(today..=last).contains(&day)).then(|| FieldError::new(field, message()))
}

/// Refuses a text that says nothing, or too much.
pub(super) fn check_text(field: &str, text: &str) -> Result<(), Error> {
    let message = match text.trim().chars().count() {
        0 => "must not be empty".to_owned(),
        length if length > TEXT_MAX => format!("must have at most {TEXT_MAX} characters"),
        _ => return Ok(()),
    };
    Err(Error::Invalid(vec![FieldError::new(field, message)]))
}

fn step(row: StepRow) -> Result<CaseStep, Error> {
    Ok(CaseStep {
        step: row.step,
        kind: StepName::from_name(&row.kind).ok_or(Error::Setting("the kind of a step"))?,
        overtaken: row.overtaken,
        policy_version: row.policy_version,
        balance: Money::new(row.balance, Currency::from_code(&row.currency)?)?,
        done_at: row.done_at,
    })
}

pub(super) fn fee(row: FeeRow) -> Result<LateFee, Error> {
    Ok(LateFee {
        id: row.id,
        invoice_id: row.invoice,
        number: row.number,
        step: row.step,
        amount: Money::new(row.amount, Currency::from_code(&row.currency)?)?,
        fee_invoice_id: row.fee_invoice,
        fee_number: row.fee_number,
        charged_on: row.charged_on,
        credit_note_id: row.credit,
    })
}

/// A promise and how it stands; `today` while its case is open.
fn promised(row: PromiseRow, newest: bool, today: Option<NaiveDate>) -> Result<Promise, Error> {
    let status = match today {
        _ if row.settled >= row.amount => PromiseStatus::Kept,
        _ if !newest => PromiseStatus::Replaced,
        Some(today) if today <= row.promised_on => PromiseStatus::Running,
        _ => PromiseStatus::Broken,
    };
    Ok(Promise {
        id: row.id,
        amount: Money::new(row.amount, Currency::from_code(&row.currency)?)?,
        promised_on: row.promised_on,
        note: row.note,
        promised_by: row.promised_by,
        promised_at: row.promised_at,
        status,
    })
}
