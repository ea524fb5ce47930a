//! More volume for one's own line: what there is, and buying it.

use chrono::{DateTime, Utc};
use weir_rules::calendar::local_date;

use super::{Error, own, settings};
use crate::db::TenantTx;
use crate::fair_use::{self, TopUp, TopUpProduct, TopUpWish};
use crate::http::paging::Page;
use crate::ids::{SubscriberId, SubscriptionId, TopUpProductId};
use crate::subscribers::Account;
use crate::subscriptions::{Status, Subscription};

/// What is offered at most.
const MANY: Page = Page { after: None, limit: 200 };
/// How many a subscriber may buy for a line in a day: more is a mistake, or somebody else's hand.
const A_DAY: usize = 5;

/// What a subscriber may buy for a line today, the least first; nothing where the ISP does not sell in the portal, and for
/// lines that are held or have no allowance.
pub async fn top_ups(tx: &mut TenantTx, me: SubscriberId, id: SubscriptionId) -> Result<Vec<TopUpProduct>, Error> {
    let (line, account) = own::line(tx, me, id).await?;
    offered(tx, &line, &account).await
}

async fn offered(tx: &mut TenantTx, line: &Subscription, account: &Account) -> Result<Vec<TopUpProduct>, Error> {
    if !is_served(line) || !settings::settings_of(tx).await?.top_ups {
        return Ok(Vec::new());
    }
    if fair_use::standing(tx, line.id).await?.allowance_bytes.is_none() {
        return Ok(Vec::new());
    }
    let mut products = fair_use::products(tx, MANY).await?;
    products.retain(|product| product.retired_at.is_none() && product.price.currency == account.currency);
    products.sort_by_key(|product| product.bytes);
    Ok(products)
}

/// Buys a top-up for a line. The same purchase sent again, by its reference, is the same purchase.
///
/// Whoever wants to know what follows buys, looks, and does not commit.
pub async fn buy_top_up(
    tx: &mut TenantTx,
    me: SubscriberId,
    id: SubscriptionId,
    wish: TopUpWish,
) -> Result<TopUp, Error> {
    let (line, account) = own::line(tx, me, id).await?;
    let known = |products: &[TopUpProduct], wish: TopUpProductId| products.iter().any(|product| product.id == wish);
    if !known(&offered(tx, &line, &account).await?, wish.product_id) {
        return Err(Error::TopUpNotOffered);
    }
    let bought = fair_use::sell(tx, id, wish).await?;
    let top_ups = fair_use::standing(tx, id).await?.top_ups;
    let sales = top_ups.iter().map(|top_up| (top_up.sold_at, top_up.sold_by.as_str()));
    if too_many_today(tx, &account, sales) { Err(Error::TopUpsToday) } else { Ok(bought) }
}

/// Whether a line is served as it was sold.
pub(super) fn is_served(line: &Subscription) -> bool {
    line.status == Status::Active && line.access == "open"
}

/// Whether whoever asks bought more than a day takes; of the sales, when and by whom each was.
pub(super) fn too_many_today<'a>(
    tx: &TenantTx,
    account: &Account,
    sales: impl Iterator<Item = (DateTime<Utc>, &'a str)>,
) -> bool {
    let zone = account.time_zone.parse().unwrap_or(chrono_tz::UTC);
    let (today, mine) = (local_date(tx.at(), zone), tx.actor().to_string());
    sales.filter(|(sold_at, by)| *by == mine && local_date(*sold_at, zone) == today).count() > A_DAY
}
