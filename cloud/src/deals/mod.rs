//! What is agreed with a subscriber beside the price of a plan: discounts, what is charged once, and minimum terms.
//!
//! What follows from them is decided by `weir_rules` and billed by `billing`; here they are made, shown and ended.

pub mod charges;
pub mod contracts;
pub mod discounts;
pub mod error;

pub use charges::{Charge, ChargeStatus, ChargeWish, add_charge, bill_charge, charge, charges, remove_charge};
pub use contracts::{
    Contract, ContractStatus, ContractWaiver, ContractWish, LeavingFee, LeavingQuote, agree, contract, contracts,
    quote, waive_contract,
};
pub use discounts::{Discount, DiscountEnd, DiscountStatus, DiscountWish, discount, discounts, end_discount, grant};
pub use error::Error;

use weir_rules::money::Currency;

use crate::billing;
use crate::db::TenantTx;
use crate::ids::SubscriptionId;
use crate::subscriptions::{self, Subscription};

/// The subscription, with its account locked: no run bills it meanwhile.
async fn locked(tx: &mut TenantTx, id: SubscriptionId) -> Result<(Subscription, Currency), Error> {
    let account = subscriptions::subscription(tx, id).await?.account_id;
    let currency = billing::lock_account(tx, account).await?;
    Ok((subscriptions::subscription(tx, id).await?, currency))
}
