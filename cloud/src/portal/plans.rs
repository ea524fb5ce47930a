//! Changing one's own plan: which there are, and what follows from choosing one.

use chrono::{NaiveDate, TimeDelta};

use super::{Error, own, settings, store};
use crate::billing;
use crate::catalog::{self, Plan, PlanVersion};
use crate::db::TenantTx;
use crate::ids::{PlanVersionId, SubscriberId, SubscriptionId};
use crate::subscribers::Account;
use crate::subscriptions::{self, ChangePlan, Status, Subscription};

/// How often a subscriber may change a line's plan.
const CHANGE_EVERY: TimeDelta = TimeDelta::days(1);

/// What a change does.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The line as it was.
    pub before: Subscription,
    /// Whose account it is billed to.
    pub account: Account,
    /// What the line had.
    pub old: PlanVersion,
    /// What it gets.
    pub new: PlanVersion,
    /// The new plan's name.
    pub new_name: String,
    /// First day of the new plan.
    pub effective_on: NaiveDate,
}

/// The plans a subscriber may choose for a line, cheapest first.
pub async fn choices(
    tx: &mut TenantTx,
    me: SubscriberId,
    id: SubscriptionId,
) -> Result<Vec<(Plan, PlanVersion)>, Error> {
    let (line, account) = own::line(tx, me, id).await?;
    let offered = catalog::offered(tx, &account.currency).await?;
    Ok(offered.into_iter().filter(|(_, version)| version.id != line.plan_version_id).collect())
}

/// Moves a subscriber's line to a plan offered: at once, or with the next period when it is cheaper and the ISP says so.
///
/// Whoever wants to know what follows makes the change, looks, and does not commit.
pub async fn change_plan(
    tx: &mut TenantTx,
    me: SubscriberId,
    id: SubscriptionId,
    wish: PlanVersionId,
) -> Result<Changed, Error> {
    store::lock_line(tx, id).await?;
    let (before, account) = own::line(tx, me, id).await?;
    let served = before.status == Status::Active && matches!(before.access.as_str(), "open" | "throttled");
    if !served {
        return Err(Error::LineHeld);
    }
    let choice = choices(tx, me, id).await?.into_iter().find(|(_, version)| version.id == wish);
    let (plan, new) = choice.ok_or(Error::NotOffered)?;
    if store::changed_since(tx, me, id, tx.at() - CHANGE_EVERY).await? {
        return Err(Error::ChangedToday);
    }
    let old = catalog::version(tx, before.plan_version_id).await?;
    let today = weir_rules::calendar::local_date(tx.at(), account.time_zone.parse().unwrap_or(chrono_tz::UTC));
    let waits = new.price.amount < old.price.amount && settings::settings_of(tx).await?.cheaper_at_period_end;
    let effective_on = if waits { billing::period(tx, account.id, before.starts_on, today).await?.1 } else { today };
    subscriptions::change_plan(tx, id, ChangePlan { plan_version_id: wish, effective_on }).await?;
    Ok(Changed { before, account, old, new, new_name: plan.name, effective_on })
}
