//! Orders.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{OrderId, PlanVersionId, SubscriberId};

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Waits for staff.
    Placed,
    /// Whoever placed it is a subscriber now.
    Approved,
    /// Staff said no.
    Declined,
}

impl OrderStatus {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Approved => "approved",
            Self::Declined => "declined",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Placed, Self::Approved, Self::Declined].into_iter().find(|status| status.name() == name)
    }
}

/// Where access is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Place {
    /// Street and number.
    pub line1: String,
    /// Floor, door, company.
    pub line2: String,
    /// Town.
    pub city: String,
    /// Postcode.
    pub postcode: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

/// Somebody's wish to become a subscriber.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Order {
    /// Which.
    pub id: OrderId,
    /// Where it stands.
    pub status: OrderStatus,
    /// A person's or a company's name.
    pub name: String,
    /// Where messages go.
    pub email: String,
    /// Where calls go; may be empty.
    pub phone: String,
    /// Where access is wanted.
    pub place: Place,
    /// BCP 47 tag of the language it was placed in.
    pub language: String,
    /// What else they say; may be empty.
    pub note: String,
    /// The plan's name.
    pub plan_name: String,
    /// What was offered.
    pub plan_version_id: PlanVersionId,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When staff decided; null while they have not.
    pub decided_at: Option<DateTime<Utc>>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Why it was declined.
    pub reason: Option<String>,
    /// Whom approving it made.
    pub subscriber_id: Option<SubscriberId>,
}

/// An order to be placed.
#[derive(Clone, Debug)]
pub struct OrderWish {
    /// A person's or a company's name.
    pub name: String,
    /// Where messages go.
    pub email: String,
    /// Where calls go; may be empty.
    pub phone: String,
    /// Where access is wanted.
    pub place: Place,
    /// BCP 47.
    pub language: String,
    /// What else they say; may be empty.
    pub note: String,
    /// One of the versions offered.
    pub plan_version_id: PlanVersionId,
    /// A digest of the network address it comes from, if that is known.
    pub origin: Option<Vec<u8>>,
}

/// Why an order is declined.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderDecline)]
pub struct Decline {
    /// In plain words, 1-500 characters.
    #[schema(example = "The mast does not see this address.")]
    pub reason: String,
}

/// Which orders.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderFilter {
    /// Only those that stand so.
    pub status: Option<OrderStatus>,
}
