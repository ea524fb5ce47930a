//! Who pays for an account: itself, or another one, on whose invoices everything stands that falls due from then on.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde_json::json;
use weir_rules::calendar::local_date;

use super::{Account, Error, PaidAccount, account, store};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::http::paging::Page;
use crate::ids::AccountId;

/// Has another account pay from today on. What was billed before stays where it is.
pub async fn set_payer(tx: &mut TenantTx, id: AccountId, payer: AccountId) -> Result<Account, Error> {
    let before = locked(tx, id, Some(payer)).await?;
    if before.payer_id == Some(payer) {
        return Ok(before);
    }
    check(tx, &before, payer).await?;
    let since = today(tx, &before);
    store::set_payer(tx, id, Some((payer, since))).await?;
    changed(tx, "have another account pay", &before, Some(payer)).await
}

/// Has an account pay for itself again from today on.
pub async fn end_payer(tx: &mut TenantTx, id: AccountId) -> Result<Account, Error> {
    let before = locked(tx, id, None).await?;
    if before.payer_id.is_none() {
        return Err(Error::PaysForItself(id));
    }
    store::set_payer(tx, id, None).await?;
    changed(tx, "have account pay for itself", &before, None).await
}

/// The accounts another pays for, oldest first.
pub async fn paid_by(tx: &mut TenantTx, payer: AccountId, page: Page) -> Result<Vec<PaidAccount>, Error> {
    Ok(store::paid_by(tx, payer, page).await?)
}

/// The account, held with those that pay for it or are to, as it is then.
async fn locked(tx: &mut TenantTx, id: AccountId, payer: Option<AccountId>) -> Result<Account, Error> {
    let seen = account(tx, id).await?;
    let all: Vec<_> = [Some(id), payer, seen.payer_id].into_iter().flatten().map(AccountId::uuid).collect();
    store::lock(tx, &all).await?;
    account(tx, id).await
}

async fn check(tx: &mut TenantTx, of: &Account, payer: AccountId) -> Result<(), Error> {
    let refused = |message: String| Err(Error::Invalid(vec![FieldError::new("payer_id", message)]));
    if payer == of.id {
        return refused("must be another account".into());
    }
    let Some(by) = store::account(tx, payer).await? else {
        return refused(format!("must be an account there is; there is no account {payer}"));
    };
    let number = &by.number;
    if let Some(other) = by.payer_id {
        let other = account(tx, other).await?.number;
        return refused(format!("must pay for itself; {other} pays for {number}: choose that one"));
    }
    if !store::paid_by(tx, of.id, Page { after: None, limit: 1 }).await?.is_empty() {
        return refused(format!("must not pay for an account that pays for others; {} does", of.number));
    }
    if by.currency != of.currency {
        return refused(format!(
            "must be billed in the same currency; {number} is in {}, {} in {}",
            by.currency, of.number, of.currency
        ));
    }
    if by.billing_day != of.billing_day {
        let (theirs, ours) = (by.billing_day, of.billing_day);
        return refused(format!(
            "must have the same billing day; {number} has day {theirs} of the month, {} day {ours}",
            of.number
        ));
    }
    if by.time_zone != of.time_zone {
        return refused(format!(
            "must have the same time zone; {number} has {}, {} has {}",
            by.time_zone, of.number, of.time_zone
        ));
    }
    Ok(())
}

fn today(tx: &TenantTx, of: &Account) -> NaiveDate {
    local_date(tx.at(), of.time_zone.parse::<Tz>().unwrap_or(Tz::UTC))
}

async fn changed(tx: &mut TenantTx, what: &str, before: &Account, payer: Option<AccountId>) -> Result<Account, Error> {
    let data = json!({ "payer": payer, "before": before.payer_id });
    audit::record(tx, what, before.id, data.clone()).await?;
    events::publish(tx, EventKind::PayerChanged, before.id, Some(before.id), data).await?;
    account(tx, before.id).await
}
