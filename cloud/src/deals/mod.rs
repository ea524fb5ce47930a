//! What is agreed with a subscriber beside the price of a plan: discounts, what is charged once, minimum terms, and pauses.
//!
//! What follows from them is decided by `weir_rules` and billed by `billing`; here they are made, shown and ended.

pub mod charges;
pub mod contracts;
pub mod discounts;
pub mod error;
pub mod pauses;

pub use charges::{Charge, ChargeStatus, ChargeWish, add_charge, bill_charge, charge, charges, remove_charge};
pub use contracts::{
    Contract, ContractStatus, ContractWaiver, ContractWish, LeavingFee, LeavingQuote, agree, contract, contracts,
    quote, waive_contract,
};
pub use discounts::{Discount, DiscountEnd, DiscountStatus, DiscountWish, discount, discounts, end_discount, grant};
pub use error::Error;
pub use pauses::{
    Pause, PauseEnd, PauseStatus, PauseWish, cancel_pause, change_pause, pause, pauses_of, plan_pause, resume,
};

use chrono::NaiveDate;
use weir_rules::calendar::local_date;
use weir_rules::money::Currency;

use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriptionId};
use crate::subscriptions::{self, Subscription};
use crate::{billing, subscribers};

/// The subscription, with its account locked: no run bills it meanwhile.
async fn locked(tx: &mut TenantTx, id: SubscriptionId) -> Result<(Subscription, Currency), Error> {
    let account = subscriptions::subscription(tx, id).await?.account_id;
    let currency = billing::lock_account(tx, account).await?;
    Ok((subscriptions::subscription(tx, id).await?, currency))
}

/// The day it is for an account.
async fn today(tx: &mut TenantTx, account: AccountId) -> Result<NaiveDate, Error> {
    let zone = subscribers::account(tx, account).await?.time_zone;
    Ok(local_date(tx.at(), zone.parse().unwrap_or(chrono_tz::UTC)))
}
