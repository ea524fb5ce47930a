//! What a subscription would be billed by the terms it has in the caller's transaction. Nothing is written.

use chrono::NaiveDate;
use weir_rules::money::Money;

use super::account::Deals;
use super::issue::Issuing;
use super::store::{contracts, discounts, facts, pauses};
use super::{Error, Upcoming, UpcomingBill, account, leaving, recurring, taxing};
use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriptionId};

/// The recurring lines of one subscription, and what leaving its contract costs, that a run up to `as_of` would put on its account's next invoice.
///
/// Whoever wants to know what a change would cost makes it, asks this, and does not commit.
pub async fn upcoming(
    tx: &mut TenantTx,
    account: AccountId,
    subscription: SubscriptionId,
    as_of: NaiveDate,
) -> Result<UpcomingBill, Error> {
    let row = facts::lock_account(tx, account).await?.ok_or(Error::AccountNotFound(account))?;
    let terms = facts::terms(tx, &[account.uuid()]).await?;
    let billed = facts::billed(tx, &[account.uuid()]).await?;
    let reducing = discounts::of(tx, &[account.uuid()]).await?;
    let binding = contracts::binding(tx, &[account.uuid()], None).await?;
    let paused = pauses::of(tx, &[account.uuid()]).await?;
    let deals = Deals { discounts: &reducing, contracts: &binding, pauses: &paused };
    let mut lines = Vec::new();
    for facts in account::by_subscription(&row, (&terms, &billed), &[], deals)? {
        if facts.subscription == subscription {
            recurring::charge(tx, &facts, as_of, &mut lines)?;
            leaving::charge(tx, &facts, as_of, &mut lines)?;
        }
    }
    let taxed = taxing::tax(tx, vec![(&row, Ok(lines))]).await?.pop();
    let lines = taxed.map_or(Ok(Vec::new()), |(_, lines)| lines)?;
    let totals = Issuing::now(tx).await?.document(&row, account::currency(&row)?, &lines)?.totals;
    let shown = lines.into_iter().map(|line| Upcoming {
        plan: line.description,
        kind: line.kind,
        from: line.period.start(),
        to: line.period.end(),
        unit_price: line.unit_price,
        discount: line.reduction.as_ref().map_or(Money::zero(line.net.currency()), |reduction| reduction.total),
        net: line.net,
        gross: line.gross,
    });
    Ok(UpcomingBill { lines: shown.collect(), net: totals.net, tax: totals.tax, gross: totals.gross })
}
