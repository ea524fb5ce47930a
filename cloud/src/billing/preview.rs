//! What a run would bill, without billing it: the same facts and rules, in transactions that are rolled back.
//!
//! A tenant's rule that sets prices is not asked: the plans' prices stand for its own.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;
use weir_rules::money::Money;

use super::account::{self, Draft, Records};
use super::issue::Issuing;
use super::payers::Payers;
use super::store::facts::AccountRow;
use super::store::runs::RunRow;
use super::{Error, LineKind, RunStatus, RunWish, runs, store};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::ids::AccountId;
use crate::ledger::Amount;
use crate::usage;

/// What a run would bill.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BillingPreview)]
pub struct Preview {
    /// Up to which local day.
    pub as_of: NaiveDate,
    /// Accounts a run would look at, each with those it pays for; 5,001 stands for more than 5,000.
    pub accounts_due: u64,
    /// Accounts looked at for this: all of them, or the first 5,000.
    pub accounts_looked_at: u64,
    /// Invoices a run would issue to those.
    pub invoices: u64,
    /// Of them, the first of an account, which have nothing to be compared with.
    pub first_invoices: u64,
    /// What they would ask for, in every currency.
    #[schema(value_type = Vec<Amount>)]
    pub totals: Vec<Money>,
    /// Invoices more than a quarter above or below the account's last, those that differ most first; at most 50.
    pub outliers: Vec<Outlier>,
    /// Accounts that could not be billed; at most 50.
    pub faults: Vec<PreviewFault>,
}

/// An invoice that would be unlike the account's last.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BillingOutlier)]
pub struct Outlier {
    /// Whose.
    pub account_id: AccountId,
    /// The account's number.
    pub account_number: String,
    /// Name of the subscriber.
    pub subscriber: String,
    /// What it would ask for, with tax.
    #[schema(value_type = Amount)]
    pub gross: Money,
    /// What the last one asked for.
    #[schema(value_type = Amount)]
    pub last: Money,
    /// What may make the difference.
    pub reasons: Vec<OutlierReason>,
}

/// What may make an invoice unlike the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutlierReason {
    /// Traffic beyond what is included.
    Usage,
    /// Top-ups, boosts or one-time charges.
    BoughtOnTop,
    /// A charge is given back.
    GivenBack,
    /// More than one period of a line.
    SeveralPeriods,
    /// Less than a whole period of a line.
    PartOfAPeriod,
    /// Nothing on this one: prices or lines were others, or something was on the last one.
    PricesOrLines,
}

/// An account that could not be billed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = BillingPreviewFault)]
pub struct PreviewFault {
    /// Which.
    pub account_id: AccountId,
    /// Why.
    pub reason: String,
}

/// Accounts looked at: somebody waits for the answer.
const ACCOUNTS_MAX: usize = 5_000;
/// Accounts looked at in one transaction, which holds them only so long.
const AT_ONCE: usize = 100;
/// Outliers shown, and accounts that could not be billed.
const SHOWN_MAX: usize = 50;

/// What a run up to `as_of` would bill now, and which invoices are unlike those before. One at a time a tenant.
pub async fn preview(app: &App, scope: &Scope, wish: &RunWish) -> Result<Preview, Error> {
    let mut turn = app.db.begin(scope).await?;
    runs::check(&mut turn, wish).await?;
    if !store::runs::take_preview(&mut turn).await? {
        return Err(Error::PreviewRunning);
    }
    usage::merge_all(app, scope).await?;
    let mut tx = app.db.read(scope).await?;
    let run = RunRow {
        id: tx.new_id(),
        as_of: wish.as_of,
        status: RunStatus::Running.name().into(),
        started_by: tx.actor().to_string(),
        started_at: tx.at(),
        finished_at: None,
        accounts_total: 0,
        accounts_done: 0,
        error: None,
    };
    let due = store::runs::accounts(&mut tx, &run, Some(ACCOUNTS_MAX as i64 + 1)).await?;
    drop(tx);
    let more = due.len() > ACCOUNTS_MAX;
    let looked_at = runs::billed_once(due.into_iter().take(ACCOUNTS_MAX).collect());
    let mut seen = Preview {
        as_of: wish.as_of,
        accounts_due: if more { ACCOUNTS_MAX + 1 } else { looked_at.len() } as u64,
        accounts_looked_at: looked_at.len() as u64,
        invoices: 0,
        first_invoices: 0,
        totals: Vec::new(),
        outliers: Vec::new(),
        faults: Vec::new(),
    };
    for some in looked_at.chunks(AT_ONCE) {
        look(&mut app.db.begin(scope).await?, wish, some, &mut seen).await?;
    }
    seen.outliers.sort_by_key(|outlier| std::cmp::Reverse(difference(outlier)));
    seen.outliers.truncate(SHOWN_MAX);
    seen.faults.truncate(SHOWN_MAX);
    turn.commit().await?;
    Ok(seen)
}

async fn look(tx: &mut TenantTx, wish: &RunWish, ids: &[AccountId], seen: &mut Preview) -> Result<(), Error> {
    let issuing = Issuing::now(tx).await?;
    let records = Records::of(tx, ids).await?;
    let last = store::invoices::last_of_runs(tx, ids).await?;
    let drafted = account::draft(tx, wish.as_of, &records, &mut HashMap::new()).await?;
    let payers = Payers::of(tx, &records, &drafted).await?;
    let (bills, cannot) = payers.bills(&records, drafted)?;
    let fault = |(account_id, error): (AccountId, Error)| PreviewFault { account_id, reason: error.to_string() };
    seen.faults.extend(cannot.into_iter().map(fault));
    for (account, lines) in bills.into_iter().filter(|(_, lines)| lines.iter().any(|line| !line.asks().is_zero())) {
        match add(&issuing, account, &lines, last.get(&account.id).copied(), seen) {
            Err(error) if error.is_of_the_account() => {
                seen.faults.push(PreviewFault { account_id: account.id, reason: error.to_string() });
            }
            added => added?,
        }
    }
    Ok(())
}

fn add(
    issuing: &Issuing,
    account: &AccountRow,
    lines: &[Draft],
    last: Option<Decimal>,
    seen: &mut Preview,
) -> Result<(), Error> {
    let currency = account::currency(account)?;
    let gross = issuing.document(account, currency, lines)?.totals.gross;
    match seen.totals.iter_mut().find(|total| total.currency() == currency) {
        Some(total) => *total = total.checked_add(gross)?,
        None => seen.totals.push(gross),
    }
    seen.invoices += 1;
    let Some(last) = last else {
        seen.first_invoices += 1;
        return Ok(());
    };
    let last = Money::new(last, currency)?;
    let outlier = Outlier {
        account_id: account.id,
        account_number: account.number.clone(),
        subscriber: account.subscriber.clone(),
        gross,
        last,
        reasons: reasons(lines),
    };
    // More than a quarter up or down.
    if difference(&outlier) * Decimal::from(4) > last.amount().abs() {
        seen.outliers.push(outlier);
    }
    Ok(())
}

fn difference(outlier: &Outlier) -> Decimal {
    (outlier.gross.amount() - outlier.last.amount()).abs()
}

/// What on an invoice may make it unlike the one before.
fn reasons(lines: &[Draft]) -> Vec<OutlierReason> {
    let recurring = || lines.iter().filter(|line| line.kind == LineKind::Recurring);
    let charged = |kind| lines.iter().any(|line| line.kind == kind && !line.asks().is_zero());
    let mut months: HashMap<_, HashSet<_>> = HashMap::new();
    for line in recurring() {
        months.entry(line.subscription.map(|id| id.uuid())).or_default().insert(line.full.start());
    }
    let found = [
        (charged(LineKind::Usage), OutlierReason::Usage),
        (
            [LineKind::TopUp, LineKind::Boost, LineKind::OneTime, LineKind::EarlyTermination].into_iter().any(charged),
            OutlierReason::BoughtOnTop,
        ),
        (charged(LineKind::Credit), OutlierReason::GivenBack),
        (months.values().any(|months| months.len() > 1), OutlierReason::SeveralPeriods),
        (recurring().any(|line| line.period != line.full), OutlierReason::PartOfAPeriod),
    ];
    let mut reasons: Vec<_> = found.into_iter().filter(|(is, _)| *is).map(|(_, reason)| reason).collect();
    if reasons.is_empty() {
        reasons.push(OutlierReason::PricesOrLines);
    }
    reasons
}
