//! Sites, routers and access points.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{AccessPointId, RouterId, SiteId};

/// A place where routers stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Site {
    /// Which.
    pub id: SiteId,
    /// Unique in the ISP.
    pub name: String,
    /// Postal address; may be empty.
    pub address: String,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// What a site should be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteWish {
    /// Unique in the ISP, 1-100 characters.
    #[schema(example = "North mast")]
    pub name: String,
    /// Postal address.
    #[serde(default)]
    pub address: String,
}

/// An edge router.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Router {
    /// Which.
    pub id: RouterId,
    /// Where it stands.
    pub site_id: SiteId,
    /// Unique in the ISP.
    pub name: String,
    /// Port toward the subscribers.
    pub lan_interface: String,
    /// Port toward the internet.
    pub wan_interface: String,
    /// Whether IPv4 of the lines leaves behind the router's own address.
    pub nat: bool,
    /// What the LAN port may send, bits per second; null = no limit.
    pub capacity_down_bps: Option<i64>,
    /// What the WAN port may send, bits per second; null = no limit.
    pub capacity_up_bps: Option<i64>,
    /// What becomes of hosts behind the LAN port whose address is no line's.
    pub unknown_hosts: UnknownHosts,
    /// Networks behind the LAN port that are the ISP's own: they pass whatever becomes of unknown hosts.
    pub own_networks: Vec<String>,
    /// Whether connections of open lines are left untracked.
    pub untracked: bool,
    /// IPv4 networks that are routed to the router: each line leaves from a port block of its own of them. None = all share
    /// the WAN port's address. Only with `nat`.
    pub public_networks: Vec<String>,
    /// Ports of a line's block.
    pub ports_per_line: i32,
    /// Whether what the router sends toward the cloud is paid for by the byte: its agent says less, and less often.
    pub metered: bool,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// What a router should be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouterWish {
    /// Unique in the ISP, 1-100 characters.
    #[schema(example = "edge-north-1")]
    pub name: String,
    /// Where it stands.
    pub site_id: SiteId,
    /// Port toward the subscribers.
    #[schema(example = "lan0")]
    pub lan_interface: String,
    /// Port toward the internet.
    #[schema(example = "wan0")]
    pub wan_interface: String,
    /// Whether IPv4 of the lines leaves behind the router's own address.
    #[serde(default)]
    pub nat: bool,
    /// What the LAN port may send, bits per second; absent = no limit.
    pub capacity_down_bps: Option<i64>,
    /// What the WAN port may send, bits per second; absent = no limit.
    pub capacity_up_bps: Option<i64>,
    /// What becomes of hosts behind the LAN port whose address is no line's; absent = as it is, at first `let_through`.
    pub unknown_hosts: Option<UnknownHosts>,
    /// Networks behind the LAN port that are the ISP's own, at most 64: they pass whatever becomes of unknown hosts. Absent =
    /// as they are, at first none.
    #[schema(example = json!(["10.255.0.0/24"]))]
    pub own_networks: Option<Vec<String>>,
    /// Whether connections of open lines are left untracked: the router forwards more packets a second. Not with `nat`, and
    /// only where nothing else on the router decides by the state of connections. Absent = as it is, at first false.
    pub untracked: Option<bool>,
    /// IPv4 networks that are routed to the router, at most 32, disjoint, each a /16 or smaller, and of no other router: each
    /// line leaves from a port block of its own of them. Only with `nat`. Absent = as they are, at first none.
    #[schema(example = json!(["203.0.113.0/28"]))]
    pub public_networks: Option<Vec<String>>,
    /// Ports of a line's block, 128-16384: an address serves 64512 / `ports_per_line` lines. A change gives every line another
    /// block. Absent = as it is, at first 1024.
    pub ports_per_line: Option<i32>,
    /// Whether what the router sends toward the cloud is paid for by the byte, as over a mobile network: its agent then tells
    /// usage every 15 minutes and quality every hour, and is heard every 90 seconds. Absent = as it is, at first false.
    pub metered: Option<bool>,
}

/// What becomes of hosts behind a router whose address is no line's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum UnknownHosts {
    /// They pass, neither shaped nor metered.
    #[default]
    LetThrough,
    /// They are in the walled garden: a held subscriber gains nothing by another address.
    Garden,
    /// Nothing of theirs passes.
    Closed,
}

impl UnknownHosts {
    /// Every one, the most open first.
    pub const ALL: [Self; 3] = [Self::LetThrough, Self::Garden, Self::Closed];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::LetThrough => "let_through",
            Self::Garden => "garden",
            Self::Closed => "closed",
        }
    }
}

impl std::str::FromStr for UnknownHosts {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|one| one.name() == name).ok_or(())
    }
}

/// What lines share on their way to a router: an access point, a sector, the backhaul of a site. Rates are bits per
/// second of layer 3.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct AccessPoint {
    /// Which.
    pub id: AccessPointId,
    /// Below which router.
    pub router_id: RouterId,
    /// The access point it hangs on; null = the router's ports.
    pub parent_id: Option<AccessPointId>,
    /// Unique below its router.
    pub name: String,
    /// What all its lines together have toward subscribers also while the ports are full.
    pub committed_down_bps: i64,
    /// The same from subscribers.
    pub committed_up_bps: i64,
    /// What they never pass together toward subscribers.
    pub peak_down_bps: i64,
    /// The same from subscribers.
    pub peak_up_bps: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// An access point to be added.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessPointWish {
    /// Below which router.
    pub router_id: RouterId,
    /// The access point of the same router it hangs on; absent = the router's ports.
    pub parent_id: Option<AccessPointId>,
    /// Unique below its router, 1-100 characters.
    #[schema(example = "North sector")]
    pub name: String,
    /// What is committed toward subscribers, bits per second.
    #[serde(default)]
    #[schema(example = 50_000_000)]
    pub committed_down_bps: i64,
    /// What is committed from subscribers, bits per second.
    #[serde(default)]
    pub committed_up_bps: i64,
    /// Peak toward subscribers, bits per second.
    #[schema(example = 300_000_000)]
    pub peak_down_bps: i64,
    /// Peak from subscribers, bits per second.
    #[schema(example = 100_000_000)]
    pub peak_up_bps: i64,
}

/// What an access point should be from now on.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessPointChange {
    /// The access point of the same router it hangs on; absent = the router's ports.
    pub parent_id: Option<AccessPointId>,
    /// Unique below its router, 1-100 characters.
    #[schema(example = "North sector")]
    pub name: String,
    /// What is committed toward subscribers, bits per second.
    #[serde(default)]
    pub committed_down_bps: i64,
    /// What is committed from subscribers, bits per second.
    #[serde(default)]
    pub committed_up_bps: i64,
    /// Peak toward subscribers, bits per second.
    pub peak_down_bps: i64,
    /// Peak from subscribers, bits per second.
    pub peak_up_bps: i64,
}
