//! Sites and routers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{RouterId, SiteId};

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
}
