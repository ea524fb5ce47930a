//! What is known of a ticket's line, account and router, read for the rules that give the first answer.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use weir_rules::access::{Access, HoldKind};
use weir_rules::calendar::local_date;
use weir_rules::money::Currency;
use weir_rules::support::answer::{
    AccountFacts, AllowanceFacts, Differs, Facts, Finding, HoldFacts, LineFacts, OverdueInvoice, Rates, RouterFacts,
    diagnose,
};

use super::service::Links;
use super::{Error, Ticket, store};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::fleet::{self, EnforcedLine, Enforcement};
use crate::ids::{AccountId, RouterId, TicketId};
use crate::live::Sample;
use crate::subscribers::Account;
use crate::subscriptions::{Hold, Status, Subscription};
use crate::{billing, fair_use, live, network, payments, subscribers, subscriptions};

/// Reports of usage that are older say nothing about now.
const FRESH: TimeDelta = TimeDelta::minutes(15);
/// How far back the usual traffic is looked at.
const DAY: TimeDelta = TimeDelta::hours(24);
/// How long a router is given to tell what moves now.
const PATIENCE: Duration = Duration::from_millis(1_500);

impl Links {
    pub(super) fn of(ticket: &Ticket) -> Self {
        Self {
            subscriber: ticket.subscriber_id,
            account: ticket.account_id,
            subscription: ticket.subscription_id,
            router: ticket.router_id,
            invoice: ticket.invoice_id,
        }
    }
}

/// What is likely wrong, the most likely first, by what was last reported.
pub async fn diagnosis(tx: &mut TenantTx, ticket: &Ticket) -> Result<Vec<Finding>, Error> {
    let facts = gather(tx, Links::of(ticket), Some(ticket.id), None).await?;
    Ok(diagnose(&facts))
}

/// As [`diagnosis`], by what the router tells now if it does; opens its own transactions, for waiting takes time.
pub async fn diagnosis_now(app: &App, scope: &Scope, id: TicketId) -> Result<Vec<Finding>, Error> {
    let ticket = super::ticket(&mut app.db.read(scope).await?, id).await?;
    let links = Links::of(&ticket);
    let sample = sample(app, scope, links).await?;
    let facts = gather(&mut app.db.read(scope).await?, links, Some(id), sample.as_ref()).await?;
    Ok(diagnose(&facts))
}

/// What moves at the router of these links now, if it is connected.
pub(super) async fn sample(app: &App, scope: &Scope, links: Links) -> Result<Option<Sample>, Error> {
    let Some(router) = links.router else { return Ok(None) };
    let connected = enforcement(&mut app.db.read(scope).await?, router).await?.is_some_and(|held| held.connected);
    Ok(if connected { live::sample(app, scope.tenant, router, PATIENCE).await } else { None })
}

pub(super) async fn gather(
    tx: &mut TenantTx,
    links: Links,
    but: Option<TicketId>,
    sample: Option<&Sample>,
) -> Result<Facts, Error> {
    let now = tx.at();
    let mut facts = Facts { now, ..Facts::default() };
    if let Some(id) = links.account {
        facts.account = Some(account(tx, id).await?);
    }
    let held = match links.router {
        Some(router) => enforcement(tx, router).await?,
        None => None,
    };
    if let Some(id) = links.subscription {
        let sold = subscriptions::subscription(tx, id).await?;
        let enforced = held.as_ref().and_then(|held| held.lines.iter().find(|line| line.subscription_id == id));
        facts.line = Some(line(tx, &sold, enforced, sample).await?);
    }
    if let Some(router) = links.router {
        facts.router = Some(edge(tx, router, held.as_ref(), sample).await?);
        facts.outage = store::facts::outage(tx, router, but).await?;
    }
    Ok(facts)
}

async fn enforcement(tx: &mut TenantTx, router: RouterId) -> Result<Option<Enforcement>, Error> {
    match fleet::enforcement(tx, router).await {
        Ok(enforcement) => Ok(Some(enforcement)),
        Err(fleet::Error::WithoutAgent(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn account(tx: &mut TenantTx, id: AccountId) -> Result<AccountFacts, Error> {
    let account = subscribers::account(tx, id).await?;
    let today = local_date(tx.at(), zone(&account));
    let currency = Currency::from_code(&account.currency).map_err(billing::Error::from)?;
    let items = billing::open_items(tx, id, currency).await?;
    let overdue = items.into_iter().filter(|item| item.due_on < today && item.open.is_positive());
    let oldest = overdue.min_by_key(|item| item.due_on);
    Ok(AccountFacts {
        overdue: oldest.map(|item| OverdueInvoice { number: item.number, open: item.open, due_on: item.due_on }),
        pending: payments::pending(tx, id).await?,
        pay_url: subscribers::pay_address(tx, id).await?,
    })
}

fn zone(account: &Account) -> chrono_tz::Tz {
    account.time_zone.parse().unwrap_or(chrono_tz::UTC)
}

async fn line(
    tx: &mut TenantTx,
    sold: &Subscription,
    enforced: Option<&EnforcedLine>,
    sample: Option<&Sample>,
) -> Result<LineFacts, Error> {
    let now = tx.at();
    let holds = subscriptions::holds(tx, sold.id).await?;
    let traffic = store::facts::traffic(tx, sold.id, now - FRESH, now - DAY).await?;
    let live = sample.and_then(|sample| sample.line(sold.handle.unsigned_abs()));
    let live = live.map(|(down_bps, up_bps)| Rates { down_bps, up_bps });
    let bps = |rate: i64| u64::try_from(rate).unwrap_or(0);
    let differs = enforced.filter(|line| line.drift && line.desired.is_some());
    Ok(LineFacts {
        begins_on: (sold.status == Status::Ordered).then_some(sold.starts_on),
        ended_on: sold.ends_on.filter(|_| sold.status == Status::Closed),
        hold: strictest(&holds, now),
        sold: Rates { down_bps: bps(sold.rate_down_bps), up_bps: bps(sold.rate_up_bps) },
        differs: differs.map(|line| Differs { code: line.code.clone(), reported_at: line.reported_at }),
        now: live.or(traffic.now),
        p95: traffic.p95,
        last_traffic_at: traffic.last_at,
        allowance: allowance(tx, sold).await?,
    })
}

/// The strictest hold in force, the oldest of several.
fn strictest(holds: &[Hold], now: DateTime<Utc>) -> Option<HoldFacts> {
    let in_force = holds.iter().filter(|hold| hold.released_at.is_none() && hold.until.is_none_or(|until| until > now));
    let facts = in_force.filter_map(|hold| {
        let effect = match hold.effect.as_str() {
            "throttled" => Access::Throttled,
            "walled_garden" => Access::WalledGarden,
            _ => Access::Closed,
        };
        let kind = HoldKind::from_name(&hold.kind)?;
        Some(HoldFacts { kind, effect, since: hold.placed_at, until: hold.until })
    });
    facts.max_by(|a, b| (a.effect, b.since).cmp(&(b.effect, a.since)))
}

/// What of this period's allowance is used, if the plan has one; of one that lines share, by all of them.
async fn allowance(tx: &mut TenantTx, sold: &Subscription) -> Result<Option<AllowanceFacts>, Error> {
    let standing = fair_use::standing(tx, sold.id).await?;
    let Some((included, resets_on)) = standing.allowance_bytes.zip(standing.to) else { return Ok(None) };
    let included = included.saturating_add(standing.carried_bytes).saturating_add(standing.top_up_bytes);
    let bytes = |bytes: i64| u64::try_from(bytes).unwrap_or(0);
    Ok(Some(AllowanceFacts { used_bytes: bytes(standing.used_bytes), included_bytes: bytes(included), resets_on }))
}

async fn edge(
    tx: &mut TenantTx,
    id: RouterId,
    held: Option<&Enforcement>,
    sample: Option<&Sample>,
) -> Result<RouterFacts, Error> {
    let router = network::router(tx, id).await?;
    let bps = |rate: Option<i64>| rate.and_then(|rate| u64::try_from(rate).ok()).unwrap_or(0);
    let live = sample.map(|sample| Rates { down_bps: sample.down_bps, up_bps: sample.up_bps });
    let reported = match (live, held) {
        (None, Some(held)) => {
            let fresh = tx.at() - FRESH;
            store::facts::router_rates(tx, held.agent_id, fresh).await?
        }
        _ => None,
    };
    Ok(RouterFacts {
        name: router.name,
        connected: held.is_some_and(|held| held.connected),
        last_seen_at: held.and_then(|held| held.last_seen_at),
        now: live.or(reported),
        capacity: Rates { down_bps: bps(router.capacity_down_bps), up_bps: bps(router.capacity_up_bps) },
    })
}
