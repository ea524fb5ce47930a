//! A faster time for one's own line: what there is, and buying it, where the ISP sells in the portal.

use super::{Error, own, settings, top_ups};
use crate::db::TenantTx;
use crate::fair_use::{self, Boost, BoostProduct, BoostWish, Rule};
use crate::http::paging::Page;
use crate::ids::{SubscriberId, SubscriptionId};
use crate::subscribers::Account;
use crate::subscriptions::Subscription;

/// What is offered at most, and boosts that are looked at.
const MANY: Page = Page { after: None, limit: 200 };

/// Boosts a subscriber may buy for a line now, the shortest first; nothing where the ISP does not sell in the portal, and
/// for lines that are held or capped, which a boost makes no faster.
pub async fn boosts(tx: &mut TenantTx, me: SubscriberId, id: SubscriptionId) -> Result<Vec<BoostProduct>, Error> {
    let (line, account) = own::line(tx, me, id).await?;
    offered(tx, &line, &account).await
}

async fn offered(tx: &mut TenantTx, line: &Subscription, account: &Account) -> Result<Vec<BoostProduct>, Error> {
    let capped = fair_use::standing(tx, line.id).await?.rule == Some(Rule::Capped);
    if capped || !top_ups::is_served(line) || !settings::settings_of(tx).await?.top_ups {
        return Ok(Vec::new());
    }
    let mut products = fair_use::boost_products(tx, MANY).await?;
    products.retain(|product| product.retired_at.is_none() && product.price.currency == account.currency);
    products.retain(|product| product.is_faster(line.rate_down_bps, line.rate_up_bps));
    products.sort_by_key(|product| product.minutes);
    Ok(products)
}

/// Buys a boost for a line, from now on. The same purchase sent again, by its reference, is the same purchase.
///
/// Whoever wants to know what follows buys, looks, and does not commit.
pub async fn buy_boost(
    tx: &mut TenantTx,
    me: SubscriberId,
    id: SubscriptionId,
    wish: BoostWish,
) -> Result<Boost, Error> {
    let (line, account) = own::line(tx, me, id).await?;
    let offered = offered(tx, &line, &account).await?;
    if wish.from_at.is_some() || !offered.iter().any(|product| product.id == wish.product_id) {
        return Err(Error::BoostNotOffered);
    }
    let bought = fair_use::sell_boost(tx, id, wish).await?;
    let sales = fair_use::boosts(tx, id, MANY).await?;
    let sales = sales.iter().map(|boost| (boost.sold_at, boost.sold_by.as_str()));
    if top_ups::too_many_today(tx, &account, sales) { Err(Error::BoostsToday) } else { Ok(bought) }
}
