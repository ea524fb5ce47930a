//! Who will be written to, charged and restricted, if nobody pays and nothing else is billed.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;
use weir_rules::dunning::{Expected, Policy, StepKind};

use super::standing::{Known, standings};
use super::{Error, ExpectedStep, Forecast, StepName, policies};
use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceId};
use crate::tenants;

/// How far a forecast may look, in days.
const DAYS: std::ops::RangeInclusive<u32> = 1..=90;
/// How far the next step of one account is looked for, in days.
const FAR: i64 = 400;

/// Everything that will be done within some days, by time; to one account if given.
pub async fn forecast(tx: &mut TenantTx, days: u32, only: Option<AccountId>) -> Result<Forecast, Error> {
    if !DAYS.contains(&days) {
        let message = format!("must be between {} and {}", DAYS.start(), DAYS.end());
        return Err(Error::Invalid(vec![crate::error::FieldError::new("days", message)]));
    }
    let policy = policies::in_force(tx).await?.rules;
    let until = tx.at() + TimeDelta::days(days.into());
    let terms = fee_terms(tx).await?;
    let mut items = Vec::new();
    for known in standings(tx, only.as_ref().map(std::slice::from_ref), ahead(days)).await? {
        let expected = of(&policy, &known, (tx.at(), until), terms)?;
        items.extend(expected.into_iter().map(|one| shown(&known, one)));
    }
    items.sort_by(|a: &ExpectedStep, b| (a.on, a.at, &a.subscriber, a.step).cmp(&(b.on, b.at, &b.subscriber, b.step)));
    Ok(Forecast { from: tx.at(), until, items })
}

/// What will be done next to an account.
pub async fn next_of(tx: &mut TenantTx, account: AccountId) -> Result<Option<ExpectedStep>, Error> {
    let policy = policies::in_force(tx).await?.rules;
    let until = tx.at() + TimeDelta::days(FAR);
    let Some(known) = standings(tx, Some(&[account]), ahead(0)).await?.pop() else { return Ok(None) };
    let terms = fee_terms(tx).await?;
    Ok(of(&policy, &known, (tx.at(), until), terms)?.into_iter().next().map(|one| shown(&known, one)))
}

/// How long before it is due a bill can matter for some days to come: no reminder is earlier than 60 days before.
pub(super) fn ahead(days: u32) -> u32 {
    days + 60
}

/// Days from the issue of a fee's invoice to its due date.
pub(super) async fn fee_terms(tx: &mut TenantTx) -> Result<u32, Error> {
    u32::try_from(tenants::tenant(tx).await?.payment_terms_days).map_err(|_| Error::Setting("the payment terms"))
}

/// What will be done to an account under a policy from one instant to another.
pub(super) fn of(
    policy: &Policy,
    known: &Known,
    span: (DateTime<Utc>, DateTime<Utc>),
    fee_terms: u32,
) -> Result<Vec<Expected<InvoiceId>>, Error> {
    // Invoices that do not exist yet sort after those that do.
    let to_come = |n: usize| InvoiceId::from(Uuid::from_u128(u128::MAX - 1_000_000 + n as u128));
    Ok(weir_rules::dunning::forecast(policy, &known.facts, span, fee_terms, to_come)?)
}

fn shown(known: &Known, expected: Expected<InvoiceId>) -> ExpectedStep {
    let action = expected.action;
    ExpectedStep {
        on: expected.on,
        at: expected.at,
        account_id: known.account,
        account_number: known.number.clone(),
        subscriber: known.subscriber.clone(),
        step: action.step,
        kind: name(&action.kind),
        balance: action.balance,
        due_since: action.due_since,
        invoices: known.numbers_of(&action.invoices),
        fee: action.fee.map(|fee| fee.amount),
    }
}

/// The kind of a step as the API has it.
pub(super) fn name(kind: &StepKind) -> StepName {
    match kind {
        StepKind::Remind => StepName::Remind,
        StepKind::LateFee(_) => StepName::LateFee,
        StepKind::Throttle => StepName::Throttle,
        StepKind::WalledGarden => StepName::WalledGarden,
        StepKind::FinalNotice => StepName::FinalNotice,
    }
}
