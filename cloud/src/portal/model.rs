//! Doors, sessions, links and settings of the portal.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::TenantId;
use crate::subscribers::Subscriber;

/// Whose portal an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Door {
    /// The ISP.
    pub tenant: TenantId,
    /// Its short name.
    pub slug: String,
}

/// A fresh session. The token is shown once.
#[derive(Debug)]
pub struct Session {
    /// The secret a browser sends.
    pub token: String,
    /// Whose it is.
    pub subscriber: Subscriber,
}

/// A link that sets a password, once. It is shown once.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// Where it leads; whoever has it signs in as the subscriber.
    pub link: String,
    /// Until when it works.
    pub expires_at: DateTime<Utc>,
}

/// How a subscriber stands with the portal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortalLogin {
    /// Since when they have a password.
    pub password_set_at: Option<DateTime<Utc>>,
    /// When they last asked for a link.
    pub link_requested_at: Option<DateTime<Utc>>,
}

/// How an ISP's portal is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PortalSettings {
    /// Where subscribers find it.
    pub address: String,
    /// A host name of its own; empty if it has none.
    pub host: String,
    /// What it says of paying, beside the address to pay at.
    pub how_to_pay: String,
    /// Whether people who are no subscribers can place orders.
    pub sign_up: bool,
    /// Whether a cheaper plan begins with the next billing period, not at once.
    pub cheaper_at_period_end: bool,
    /// Whether subscribers buy top-ups and boosts by themselves, those on sale.
    pub top_ups: bool,
}

/// A change of an ISP's portal; what is absent stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalSettingsChange {
    /// A host name of its own, which must lead to this installation; empty for none.
    #[schema(example = "my.northwind.example")]
    pub host: Option<String>,
    /// What it says of paying, at most 1000 characters.
    pub how_to_pay: Option<String>,
    /// Whether people who are no subscribers can place orders.
    pub sign_up: Option<bool>,
    /// Whether a cheaper plan begins with the next billing period, not at once.
    pub cheaper_at_period_end: Option<bool>,
    /// Whether subscribers buy top-ups and boosts by themselves, those on sale.
    pub top_ups: Option<bool>,
}
