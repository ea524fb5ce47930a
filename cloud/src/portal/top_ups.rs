//! More volume for one's own line: what there is, and buying it.

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
    let served = line.status == Status::Active && line.access == "open";
    if !served || !settings::settings_of(tx).await?.top_ups {
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
    let today = local_date(tx.at(), account.time_zone.parse().unwrap_or(chrono_tz::UTC));
    let mine = tx.actor().to_string();
    let top_ups = fair_use::standing(tx, id).await?.top_ups;
    let by_me = top_ups.iter().filter(|top_up| top_up.sold_on == today && top_up.sold_by == mine).count();
    if by_me > A_DAY { Err(Error::TopUpsToday) } else { Ok(bought) }
}
