//! Sites and routers.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::SiteId;

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
