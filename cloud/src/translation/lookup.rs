//! Who had this address and port at that instant? Asked for a reason, and every question is written into the audit log with
//! what it was answered.

use std::net::Ipv4Addr;

use chrono::{DateTime, Datelike, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Error;
use super::store::lookups::{self as store, Row};
use crate::audit::{self, LOOK_UP};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::ids::{AccountId, PortBlockId, RouterId, SubscriptionId};

/// Characters a reason has.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;
/// Before this year nobody was served.
const YEAR_MIN: i32 = 2000;

/// Who had this?
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PortBlockLookup)]
pub struct Question {
    /// The public IPv4 address.
    #[schema(example = "203.0.113.7")]
    pub address: String,
    /// The port as the other side saw it, 1-65535; of ICMP its identifier.
    #[schema(example = 2100)]
    pub port: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// On what legal basis this is asked, 3-500 characters; written into the audit log.
    #[schema(example = "Court order 14/2026, file 7")]
    pub reason: String,
}

/// How sure it is that the line had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PortBlockCertainty)]
pub enum Certainty {
    /// The router had told that it translates the line to it, and not yet that it no longer does.
    InForce,
    /// It was the line's, but the router had not told so yet.
    Assigned,
    /// It was the line's no more, but flows begun before may have lived on.
    Ended,
}

impl Certainty {
    /// The name it has in the API and on pages.
    pub fn name(self) -> &'static str {
        match self {
            Self::InForce => "in_force",
            Self::Assigned => "assigned",
            Self::Ended => "ended",
        }
    }
}

/// A line that had it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PortBlockHolder)]
pub struct Found {
    /// How sure that is.
    pub certainty: Certainty,
    /// The line.
    pub subscription_id: SubscriptionId,
    /// Its account.
    pub account_id: AccountId,
    /// Its router.
    pub router_id: RouterId,
    /// The block.
    pub port_block_id: PortBlockId,
    /// The block's first port.
    pub first_port: i32,
    /// The block's last port.
    pub last_port: i32,
    /// Since when it was the line's.
    pub assigned_at: DateTime<Utc>,
    /// When the router told that it translates the line to it.
    pub in_force_at: Option<DateTime<Utc>>,
    /// Until when it was the line's; null = it still is.
    pub ended_at: Option<DateTime<Utc>>,
    /// When the router told, after the end, that it does so no more.
    pub out_of_force_at: Option<DateTime<Utc>>,
}

/// Who had it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PortBlockHolders)]
pub struct Answer {
    /// The lines, the surest first; none if nobody had it.
    pub found: Vec<Found>,
}

/// Answers a question, and writes both into the audit log.
pub async fn look_up(tx: &mut TenantTx, question: Question) -> Result<Answer, Error> {
    let (address, reason) = check(&question, tx.at())?;
    let rows = store::held(tx, &address.to_string(), question.port, question.at).await?;
    let mut found: Vec<_> = rows.into_iter().map(|row| judged(row, question.at)).collect();
    found.sort_by_key(|found| found.certainty);
    let asked = json!({ "address": address, "port": question.port, "at": question.at, "reason": reason });
    let answered: Vec<_> = found
        .iter()
        .map(|found| {
            json!({ "subscription": found.subscription_id, "account": found.account_id, "certainty": found.certainty,
                    "port_block": found.port_block_id })
        })
        .collect();
    let detail = json!({ "asked": asked, "answered": answered });
    audit::record(tx, LOOK_UP, format!("{address}:{}", question.port), detail).await?;
    Ok(Answer { found })
}

fn check(question: &Question, now: DateTime<Utc>) -> Result<(Ipv4Addr, String), Error> {
    let mut errors = Vec::new();
    let address = question.address.trim().parse::<Ipv4Addr>();
    if address.is_err() {
        errors.push(FieldError::new("address", "must be an IPv4 address, such as 203.0.113.7"));
    }
    if !(1..=65_535).contains(&question.port) {
        errors.push(FieldError::new("port", "must be between 1 and 65535"));
    }
    if question.at > now || question.at.year() < YEAR_MIN {
        errors.push(FieldError::new("at", format!("must be in the past, and in the year {YEAR_MIN} or later")));
    }
    let reason = question.reason.trim().to_owned();
    if !REASON.contains(&reason.chars().count()) {
        let message = format!("must say why this is asked, in {} to {} characters", REASON.start(), REASON.end());
        errors.push(FieldError::new("reason", message));
    }
    match address {
        Ok(address) if errors.is_empty() => Ok((address, reason)),
        _ => Err(Error::Invalid(errors)),
    }
}

fn judged(row: Row, at: DateTime<Utc>) -> Found {
    let let_go = row.out_of_force_at.is_some_and(|let_go| let_go <= at);
    // What the router holds counts, not what it should: while it is away it goes on with what it was told last.
    let certainty = if row.in_force_at.is_some_and(|since| since <= at) && !let_go {
        Certainty::InForce
    } else if row.ended_at.is_some_and(|ended| ended <= at) {
        Certainty::Ended
    } else {
        Certainty::Assigned
    };
    Found {
        certainty,
        subscription_id: row.subscription_id,
        account_id: row.account_id,
        router_id: row.router_id,
        port_block_id: row.id,
        first_port: row.first_port,
        last_port: row.last_port,
        assigned_at: row.assigned_at,
        in_force_at: row.in_force_at,
        ended_at: row.ended_at,
        out_of_force_at: row.out_of_force_at,
    }
}
