//! Pauses as they are planned and shown.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::ids::{LinePauseId, SubscriptionId};
use crate::ledger::Amount;

/// Where a pause stands, on the account's local day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = LinePauseStatus)]
pub enum PauseStatus {
    /// It is to begin on a later day.
    Planned,
    /// The line is not served.
    Running,
    /// Service went on, or the subscription ended.
    Over,
    /// It never was.
    Cancelled,
}

impl PauseStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Over => "over",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Days on which a subscriber wants no service.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LinePause)]
pub struct Pause {
    /// Which.
    pub id: LinePauseId,
    /// Of which line.
    pub subscription_id: SubscriptionId,
    /// First day without service.
    pub from_on: NaiveDate,
    /// First day with service again; null while nobody knows.
    pub until_on: Option<NaiveDate>,
    /// What each full period costs meanwhile, of a part by its days; null = nothing is charged, and what was is given back.
    #[schema(value_type = Option<Amount>)]
    pub price: Option<Money>,
    /// Why, for colleagues.
    pub reason: String,
    /// Where it stands.
    pub status: PauseStatus,
    /// When it was planned.
    pub planned_at: DateTime<Utc>,
    /// By whom.
    pub planned_by: String,
    /// When it was changed last.
    pub changed_at: DateTime<Utc>,
    /// By whom.
    pub changed_by: String,
}

/// A pause to be planned.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LinePauseWish)]
pub struct PauseWish {
    /// First day without service; at most 31 days ago.
    pub from_on: NaiveDate,
    /// First day with service again; until somebody resumes it, if left out.
    pub until_on: Option<NaiveDate>,
    /// What each full period costs meanwhile, below the plan's price; nothing, if left out.
    #[schema(value_type = Option<Amount>)]
    pub price: Option<Money>,
    /// Why, for colleagues; at most 500 characters.
    #[serde(default)]
    pub reason: String,
}

/// Another end of a pause.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LinePauseEnd)]
pub struct PauseEnd {
    /// First day with service again, not before today; null = until somebody resumes it.
    pub until_on: Option<NaiveDate>,
}
