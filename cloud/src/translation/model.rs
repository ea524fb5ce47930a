//! Port blocks and what is told of them.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::ids::{PortBlockId, RouterId, SubscriptionId};

/// Ports of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The address.
    pub address: Ipv4Addr,
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
}

/// What a router says its kernel translates a line to.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The line.
    pub line: Uuid,
    /// Its ports; none = what all share.
    pub ports: Option<Ports>,
}

/// Ports of a public address that are, or were, one line's alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PortBlock {
    /// Which.
    pub id: PortBlockId,
    /// The line.
    pub subscription_id: SubscriptionId,
    /// Its router.
    pub router_id: RouterId,
    /// The public address.
    #[schema(example = "203.0.113.7")]
    pub address: String,
    /// The first port.
    #[schema(example = 2048)]
    pub first_port: i32,
    /// The last port.
    #[schema(example = 3071)]
    pub last_port: i32,
    /// Since when it is the line's.
    pub assigned_at: DateTime<Utc>,
    /// When the router told that its kernel translates the line to it; null = it did not yet.
    pub in_force_at: Option<DateTime<Utc>>,
    /// Until when it was the line's; null = it is.
    pub ended_at: Option<DateTime<Utc>>,
    /// When the router told, after the end, that its kernel does so no more; null = it did not yet.
    pub out_of_force_at: Option<DateTime<Utc>>,
}

/// How full a router's public networks are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PortBlockPool)]
pub struct Pool {
    /// Blocks its public networks have.
    pub blocks: i64,
    /// Blocks that are a line's.
    pub used: i64,
    /// Blocks a line lost less than a day ago: nobody else's yet.
    pub cooling: i64,
    /// Lines without a block: they share the address of the WAN port.
    pub lines_without: i64,
}
