//! Finding subscribers, accounts and service locations by what somebody on the telephone says.

use super::service::normalise;
use super::{Error, Subscriber, store};
use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriberId};

/// An account that was found, with whose it is.
#[derive(Clone, Debug)]
pub struct AccountHit {
    /// Which.
    pub id: AccountId,
    /// Its number.
    pub number: String,
    /// Whose.
    pub subscriber_id: SubscriberId,
    /// Under which name.
    pub subscriber: String,
}

/// A service location that was found, with whose it is.
#[derive(Clone, Debug)]
pub struct LocationHit {
    /// Street and number.
    pub line1: String,
    /// Postcode.
    pub postcode: String,
    /// Town.
    pub city: String,
    /// Whose.
    pub subscriber_id: SubscriberId,
    /// Under which name.
    pub subscriber: String,
}

/// Subscribers by id, name or e-mail address.
pub async fn find_subscribers(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<Subscriber>, Error> {
    let (name, email) = (normalise(text), text.to_lowercase());
    Ok(store::find_subscribers(tx, text.parse().ok(), &name, &email, limit).await?)
}

/// Accounts by id or number.
pub async fn find_accounts(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<AccountHit>, Error> {
    Ok(store::find_accounts(tx, text.parse().ok(), &text.to_lowercase(), limit).await?)
}

/// Service locations by street, postcode or town.
pub async fn find_locations(tx: &mut TenantTx, text: &str, limit: i64) -> Result<Vec<LocationHit>, Error> {
    Ok(store::find_locations(tx, &text.to_lowercase(), limit).await?)
}
