//! Who a line's subscriber is to the servers of its router that lease addresses: read, given, taken.

use chrono::NaiveDate;
use serde_json::json;
use weir_rules::calendar::local_date;
use weir_rules::identity::{self, Identity};

use super::service::not_over;
use super::store::{self, identities as own};
use super::{Error, Identities, Subscription};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::ids::{RouterId, SubscriptionId};
use crate::{audit, fleet, network, subscribers};

/// Identities a line may have.
const IDENTITIES_MAX: usize = 16;

/// Gives a line these identities and no others; the router learns of it with the commit.
pub async fn change_identities(tx: &mut TenantTx, id: SubscriptionId, wish: Identities) -> Result<Subscription, Error> {
    let (wanted, mut errors) = read(&wish.identities);
    store::lock(tx, id).await?;
    let before = not_over(tx, id).await?;
    if wish.identities.is_empty() && before.prefixes.is_empty() {
        errors.push(FieldError::new("identities", "must name at least one, for the line has no prefixes"));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    // The router's row lock serialises who takes identities on it.
    network::lock_router(tx, before.router_id).await?;
    let account = subscribers::account(tx, before.account_id).await?;
    let zone = account.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let days = (before.starts_on.max(local_date(tx.at(), zone)), before.ends_on);
    let there = known(&before.identities);
    if wanted.len() == there.len() && wanted.iter().all(|one| there.contains(one)) {
        return Ok(before);
    }
    check_free(tx, id, before.router_id, &wanted, days).await?;
    for gone in there.iter().filter(|one| !wanted.contains(one)) {
        own::take(tx, id, gone).await?;
    }
    for new in wanted.iter().filter(|one| !there.contains(one)) {
        own::give(tx, id, before.router_id, new, days).await?;
    }
    fleet::desired::refresh_line(tx, id).await?;
    let after = super::subscription(tx, id).await?;
    let detail = json!({ "from": before.identities, "to": after.identities });
    audit::record(tx, "change identities", id, detail).await?;
    Ok(after)
}

/// Whether the ISP sells lines by Ethernet addresses.
pub async fn sells_by_mac(tx: &mut TenantTx) -> Result<bool, Error> {
    Ok(own::any_by_mac(tx).await?)
}

/// Reads identities as they were sent, and says which cannot be.
pub(super) fn read(texts: &[String]) -> (Vec<Identity>, Vec<FieldError>) {
    let (mut identities, mut errors) = (Vec::new(), Vec::new());
    if texts.len() > IDENTITIES_MAX {
        errors.push(FieldError::new("identities", format!("must name at most {IDENTITIES_MAX} identities")));
    }
    for (n, text) in texts.iter().enumerate() {
        match identity::parse(text) {
            Ok(twice) if identities.contains(&twice) => {
                errors.push(FieldError::new(format!("identities.{n}"), format!("must not be named twice: {twice}")));
            }
            Ok(identity) => identities.push(identity),
            Err(error) => errors.push(FieldError::new(format!("identities.{n}"), error)),
        }
    }
    (identities, errors)
}

/// Identities in their normal form.
pub(super) fn known(texts: &[String]) -> Vec<Identity> {
    texts.iter().filter_map(|text| identity::parse(text).ok()).collect()
}

/// Identities as people read them.
pub fn readable(texts: &[String]) -> Vec<String> {
    known(texts).iter().map(Identity::readable).collect()
}

/// The values of identities somebody may mean: an Ethernet address however it is written, digits of bytes, or text a switch
/// adds; and what a PPPoE user's name may have in it, in small letters.
pub(super) fn asked(text: &str) -> (Vec<String>, String) {
    let whole = identity::parse(text).ok();
    let alone = ["mac", "circuit-id", "duid"].map(|kind| identity::parse(&format!("{kind}:{text}")).ok());
    let bare = text.trim_matches('"');
    let added = identity::parse(&format!("circuit-id:\"{bare}\"")).ok();
    let values = whole.into_iter().chain(alone.into_iter().flatten()).chain(added).map(|one| one.value()).collect();
    (values, text.strip_prefix("pppoe-user:").unwrap_or(text).to_lowercase())
}

/// Whether a line is known as exactly what somebody looks for.
pub fn is_known_as(sold: &Subscription, text: &str) -> bool {
    let (values, user) = asked(text);
    known(&sold.identities).iter().any(|one| match one {
        Identity::PppoeUser(name) => name.to_lowercase() == user,
        other => values.contains(&other.value()),
    })
}

/// Refuses identities that another line of the router has on any of these days.
pub(super) async fn check_free(
    tx: &mut TenantTx,
    id: SubscriptionId,
    router: RouterId,
    identities: &[Identity],
    days: (NaiveDate, Option<NaiveDate>),
) -> Result<(), Error> {
    for wanted in identities {
        if let Some(of) = own::claimed(tx, router, wanted, days, id).await? {
            return Err(Error::IdentityTaken { wanted: wanted.to_string(), of, router });
        }
    }
    Ok(())
}
