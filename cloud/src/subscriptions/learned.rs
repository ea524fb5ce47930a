//! What routers tell of the addresses their own DHCP and PPPoE servers leased to lines.

use std::collections::BTreeMap;
use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use uuid::Uuid;
use weir_protocol::desired::Prefix;
use weir_protocol::state::{AddressReport, AddressSource, LearnedPrefix};

use super::Error;
use super::store::learned::{self as store, Rows};
use crate::app::App;
use crate::db::TenantTx;
use crate::fleet::sessions::{Session, instant};
use crate::ids::SubscriptionId;

/// How long a conflict is shown that nothing was heard of since: routers tell daily of those that last.
const CONFLICTS_FOR: TimeDelta = TimeDelta::hours(25);
/// Lines one transaction keeps: the agent's usage waits meanwhile.
const LINES_A_TRANSACTION: usize = 500;

/// A lease that two lines claim: it is nobody's until one of them lets go.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// What was leased.
    pub prefix: String,
    /// The other line.
    pub with: SubscriptionId,
    /// When the router told.
    pub at: DateTime<Utc>,
}

/// Conflicts about a line that its router told of lately and that no line has won since, the newest first.
pub async fn conflicts(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<Conflict>, Error> {
    let since = tx.at() - CONFLICTS_FOR;
    let mut found: Vec<Conflict> = Vec::new();
    for (at, text) in store::conflicts(tx, id, since).await? {
        // The agent's sentence begins with the prefix and names lines by their ids.
        let lines = text.split([' ', ',', ';']).filter_map(|word| Uuid::parse_str(word).ok());
        let other = lines.map(SubscriptionId::from).find(|line| *line != id);
        let prefix = text.split(' ').next().unwrap_or_default();
        if let Some(with) = other.filter(|_| found.iter().all(|known| known.prefix != prefix)) {
            found.push(Conflict { prefix: prefix.to_owned(), with, at });
        }
    }
    Ok(found)
}

/// Keeps what an agent told of its own router's lines in the place of what was known of them; the rest is nobody's.
pub async fn report(app: &App, session: Session, report: &AddressReport) -> Result<(), Error> {
    let told: BTreeMap<Uuid, _> =
        report.lines.iter().filter_map(|line| Some((Uuid::from_slice(&line.id).ok()?, &line.prefixes))).collect();
    let named: Vec<Uuid> = told.keys().copied().collect();
    let mut tx = session.begin(app).await?;
    let unclaimed = i32::try_from(report.unclaimed).unwrap_or(i32::MAX);
    store::set_unclaimed(&mut tx, session.agent, unclaimed).await?;
    if report.complete {
        store::forget_others(&mut tx, session.agent, &named).await?;
    }
    tx.commit().await?;
    for some in named.chunks(LINES_A_TRANSACTION) {
        let mut tx = session.begin(app).await?;
        let own = store::own_lines(&mut tx, session.agent, some).await?;
        let mut rows = Rows::default();
        for id in &own {
            add(&mut rows, *id, told[id]);
        }
        store::replace(&mut tx, &own, &rows).await?;
        tx.commit().await?;
    }
    Ok(())
}

fn add(rows: &mut Rows, line: Uuid, told: &[LearnedPrefix]) {
    let sound: BTreeMap<IpNet, _> =
        told.iter().filter_map(|learned| Some((network(learned.prefix.as_ref()?)?, learned))).collect();
    for (prefix, learned) in sound {
        rows.lines.push(line);
        rows.prefixes.push(prefix.to_string());
        rows.sources.push(source(learned.source()).to_owned());
        rows.since.push(instant(learned.since_ms));
        rows.until.push(instant(learned.until_ms));
    }
}

fn network(prefix: &Prefix) -> Option<IpNet> {
    let address = match prefix.address.as_slice() {
        four if four.len() == 4 => IpAddr::from(<[u8; 4]>::try_from(four).ok()?),
        six => IpAddr::from(<[u8; 16]>::try_from(six).ok()?),
    };
    Some(IpNet::new(address, u8::try_from(prefix.length).ok()?).ok()?.trunc())
}

fn source(source: AddressSource) -> &'static str {
    match source {
        AddressSource::Dnsmasq => "dnsmasq",
        AddressSource::Kea => "kea",
        AddressSource::Pppoe => "pppoe",
        AddressSource::Other => "other",
    }
}
