//! Hosts behind a router that no line has, as its agent tells: often a prefix that was forgotten in a subscription.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use weir_protocol::state::{UnknownHost, UnknownReport};

use super::sessions::{Session, instant};
use super::store::unknown_hosts::{self as store, Rows};
use super::{Error, agent_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::ids::RouterId;
use crate::network;

/// Hosts that are kept of a report.
const HOSTS_MAX: usize = 200;
/// How long a host is shown that was not seen since.
const SHOWN_FOR: TimeDelta = TimeDelta::days(7);
/// How long it is kept what was moved on a day.
const DAYS_KEPT: TimeDelta = TimeDelta::days(30);
/// More bytes than a router moves between two reports; what is above is a fault of the agent's.
const BYTES_MAX: i64 = 1 << 50;

/// What a router told of unknown hosts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnknownHostsSeen {
    /// When it told last; null = never, as agents of a revision before 6.
    pub told_at: Option<DateTime<Utc>>,
    /// Whether it saw more hosts than it listed.
    pub more: bool,
    /// Those it saw in the last seven days, the most recent first, at most 200.
    pub hosts: Vec<SeenHost>,
    /// What was moved, the newest day first; at most 30.
    pub days: Vec<UnknownTraffic>,
}

/// A host no line has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SeenHost {
    /// Its address.
    #[schema(example = "10.20.7.9")]
    pub address: String,
    /// Ethernet address it, or the router in front of it, sent from; null = not known.
    #[schema(example = "02:00:00:00:00:07")]
    pub mac: Option<String>,
    /// When it was last seen, to the minute or so.
    pub seen_at: DateTime<Utc>,
}

/// What was moved for unknown hosts on a day, let through or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UnknownTraffic {
    /// The day, in UTC.
    pub day_on: NaiveDate,
    /// What came from them.
    pub from_bytes: i64,
    /// What went toward them.
    pub to_bytes: i64,
}

/// What a router's agent told of unknown hosts; nothing where it has none.
pub async fn of_router(tx: &mut TenantTx, router: RouterId) -> Result<UnknownHostsSeen, Error> {
    network::router(tx, router).await?;
    let since = tx.at() - SHOWN_FOR;
    let (told_at, more) = match agent_of(tx, router).await {
        Ok(agent) => store::told(tx, agent.id).await?,
        Err(Error::WithoutAgent(_)) => (None, false),
        Err(error) => return Err(error),
    };
    let hosts = store::hosts(tx, router, since).await?;
    Ok(UnknownHostsSeen { told_at, more, hosts, days: store::days(tx, router).await? })
}

/// When the router had told last as a report came, once that was looked up: if it is another time by now, the report is kept.
/// Nobody's clock is compared with anybody else's.
#[derive(Default)]
pub struct Before(OnceLock<Option<DateTime<Utc>>>);

/// Puts what an agent told in the place of what was known, and adds up what was moved: once, however often it is done
/// with the same `before` because nobody knows whether it was.
pub async fn report(app: &App, session: Session, before: &Before, report: &UnknownReport) -> Result<(), Error> {
    let mut tx = session.begin(app).await?;
    let (told_at, _) = store::told(&mut tx, session.agent).await?;
    if *before.0.get_or_init(|| told_at) != told_at {
        return Ok(());
    }
    let rows = read(&report.hosts, tx.at());
    store::replace(&mut tx, session.agent, &rows, report.more || report.hosts.len() > HOSTS_MAX).await?;
    let bytes = |told: u64| i64::try_from(told).unwrap_or(BYTES_MAX).min(BYTES_MAX);
    store::add_traffic(&mut tx, session.agent, bytes(report.from_bytes), bytes(report.to_bytes)).await?;
    let before = (tx.at() - DAYS_KEPT).date_naive();
    store::forget_traffic(&mut tx, session.agent, before).await?;
    Ok(tx.commit().await?)
}

/// The hosts that make sense, each once.
fn read(hosts: &[UnknownHost], now: DateTime<Utc>) -> Rows {
    let mut known = BTreeMap::new();
    for host in hosts.iter().take(HOSTS_MAX) {
        if let (Some(address), Some(seen)) = (address(&host.address), instant(host.seen_ms)) {
            // A router's clock may be anywhere, but nothing was seen after it was told.
            known.entry(address).or_insert((mac(&host.mac), seen.min(now)));
        }
    }
    let mut rows = Rows::default();
    for (address, (mac, seen)) in known {
        rows.addresses.push(address.to_string());
        rows.macs.push(mac);
        rows.seen.push(seen);
    }
    rows
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    }
}

fn mac(bytes: &[u8]) -> Option<String> {
    let octets = <[u8; 6]>::try_from(bytes).ok()?;
    Some(octets.map(|octet| format!("{octet:02x}")).join(":"))
}
