//! Contracts: minimum terms of a subscription, agreed, shown, waived. Leaving early is charged by `billing`.

pub mod api;
mod model;
mod store;

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use serde_json::json;
use weir_rules::money::{Currency, Money};

use super::{Error, locked, today};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{ContractId, SubscriptionId};
use crate::subscriptions::{self, Status};
use crate::{audit, billing};

pub use model::{Contract, ContractStatus, ContractWaiver, ContractWish, LeavingFee, LeavingQuote};

const MONTHS: std::ops::RangeInclusive<u16> = 1..=120;
const COOLING_OFF_MAX: u16 = 366;
const REASON_MAX: usize = 500;
/// Years the first day of a term may be in.
const YEARS: std::ops::RangeInclusive<i32> = 2000..=2099;
const ONE: Page = Page { after: None, limit: 1 };

/// A page of a subscription's contracts, newest first.
pub async fn contracts(tx: &mut TenantTx, of: SubscriptionId, page: Page) -> Result<Vec<Contract>, Error> {
    subscriptions::subscription(tx, of).await?;
    let rows = store::contracts(tx, None, Some(of), page).await?;
    Ok(rows.into_iter().map(store::ContractRow::shown).collect::<Result<_, _>>()?)
}

/// One contract.
pub async fn contract(tx: &mut TenantTx, id: ContractId) -> Result<Contract, Error> {
    let found = store::contracts(tx, Some(id), None, ONE).await?.pop().ok_or(Error::ContractNotFound(id))?;
    Ok(found.shown()?)
}

/// Agrees a minimum term. A subscription that ends before it does is charged what was agreed, on the next invoice.
pub async fn agree(tx: &mut TenantTx, id: SubscriptionId, wish: ContractWish) -> Result<Contract, Error> {
    let (sold, currency) = locked(tx, id).await?;
    if sold.status == Status::Closed {
        return Err(subscriptions::Error::Closed(id).into());
    }
    let errors = check(&wish, currency);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let from = match wish.from_on {
        Some(from) => from,
        None => today(tx, sold.account_id).await?.max(sold.starts_on),
    };
    if from < sold.starts_on {
        return Err(Error::field("from_on", format!("must not be before {}, its first day", sold.starts_on)));
    }
    if sold.ends_on.is_some_and(|end| from >= end) {
        return Err(Error::field("from_on", "must be before the subscription ends"));
    }
    let (from_on, until_on) = billing::contract_term(from, wish.months.into())?;
    if let Some(of) = store::binding(tx, id, (from_on, until_on)).await? {
        return Err(Error::ContractBeside(of));
    }
    let new = Contract {
        id: tx.new_id(),
        subscription_id: id,
        from_on,
        until_on,
        months: wish.months.into(),
        fee: wish.fee,
        most: wish.most,
        cooling_off_days: wish.cooling_off_days.into(),
        status: ContractStatus::Coming,
        invoice_id: None,
        agreed_at: tx.at(),
        agreed_by: tx.actor().to_string(),
        waived_by: None,
        waive_reason: None,
    };
    store::insert(tx, &new, currency.code()).await?;
    let agreed = contract(tx, new.id).await?;
    audit::record(tx, "agree contract", id, json!(agreed)).await?;
    Ok(agreed)
}

/// Lets the subscriber off: leaving is free from now on.
pub async fn waive_contract(tx: &mut TenantTx, id: ContractId, waiver: ContractWaiver) -> Result<Contract, Error> {
    let reason = waiver.reason.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", "must not be empty"));
    }
    if reason.chars().count() > REASON_MAX {
        return Err(Error::field("reason", format!("must have at most {REASON_MAX} characters")));
    }
    let of = contract(tx, id).await?.subscription_id;
    locked(tx, of).await?;
    match contract(tx, id).await?.status {
        ContractStatus::Charged => return Err(Error::ContractCharged(id)),
        ContractStatus::Waived => return Err(Error::ContractWaived(id)),
        ContractStatus::Coming | ContractStatus::Binding | ContractStatus::Over => {}
    }
    store::waive(tx, id, reason).await?;
    let waived = contract(tx, id).await?;
    audit::record(tx, "waive contract", of, json!(waived)).await?;
    Ok(waived)
}

/// What leaving a contract would cost if `on`, today unless given, were the first day no longer served.
pub async fn quote(tx: &mut TenantTx, id: ContractId, on: Option<NaiveDate>) -> Result<LeavingQuote, Error> {
    let of = contract(tx, id).await?.subscription_id;
    let account = subscriptions::subscription(tx, of).await?.account_id;
    let on = match on {
        Some(on) if !YEARS.contains(&on.year()) => return Err(year("on")),
        Some(on) => on,
        None => today(tx, account).await?,
    };
    Ok(LeavingQuote { on, fee: billing::leaving_fee(tx, account, id, on).await? })
}

fn year(field: &str) -> Error {
    Error::field(field, format!("must be in the years {} to {}", YEARS.start(), YEARS.end()))
}

fn check(wish: &ContractWish, currency: Currency) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let mut refuse = |field: &str, message: String| errors.push(FieldError::new(field, message));
    if wish.from_on.is_some_and(|day| !YEARS.contains(&day.year())) {
        refuse("from_on", format!("must be in the years {} to {}", YEARS.start(), YEARS.end()));
    }
    if !MONTHS.contains(&wish.months) {
        refuse("months", format!("must be from {} to {}", MONTHS.start(), MONTHS.end()));
    }
    let wrong = |percent: Decimal| {
        percent <= Decimal::ZERO || percent > Decimal::ONE_HUNDRED || percent.normalize().scale() > 4
    };
    if wish.fee.percent().is_some_and(wrong) {
        refuse("fee.percent", "must be above 0 and at most 100, with at most 4 decimals".into());
    }
    if wish.most.is_some() && wish.fee == (LeavingFee::None {}) {
        refuse("most", "must be beside a fee".into());
    }
    for (field, money) in [("fee.amount", wish.fee.amount()), ("most", wish.most)] {
        match money {
            Some(money) if money.currency() != currency => refuse(field, format!("must be in {}", currency.code())),
            Some(money) if !Money::is_positive(money) => refuse(field, "must be above zero".into()),
            _ => {}
        }
    }
    if wish.cooling_off_days > COOLING_OFF_MAX {
        refuse("cooling_off_days", format!("must be from 0 to {COOLING_OFF_MAX}"));
    }
    errors
}
