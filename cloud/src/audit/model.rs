//! A change somebody made.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::AuditEntryId;

/// A change somebody made.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct Entry {
    /// Which.
    pub id: AuditEntryId,
    /// When.
    pub at: DateTime<Utc>,
    /// Who: the id of a person, an API key or an agent, or `system`.
    #[schema(example = "stf_0193594bd1e27c3f8a6b5d4e3f2a1b0c")]
    pub actor: String,
    /// What was done, as a verb phrase.
    #[schema(example = "change plan")]
    pub action: String,
    /// To which thing: its id.
    #[schema(example = "sub_0193594bd1e27c3f8a6b5d4e3f2a1b0c")]
    pub subject: String,
    /// What changed. Its shape depends on the action.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// Its place in the chain; null until it is linked, a minute later.
    pub position: Option<i64>,
    /// The chain's hash at that place, in hexadecimal.
    pub hash: Option<String>,
}

/// What a question of who had an address is called: what its entry says leads from addresses to lines, so it is for those
/// alone who may ask.
pub const LOOK_UP: &str = "look up address";

impl Entry {
    /// The entry as it is shown to somebody; `traces`: they may ask who had an address.
    #[must_use]
    pub fn shown_to(self, traces: bool) -> Self {
        if traces || self.action != LOOK_UP {
            return self;
        }
        Self { detail: serde_json::json!({ "withheld": "needs trace-addresses" }), ..self }
    }
}

/// Which entries.
#[derive(Clone, Debug, Default)]
pub struct EntryFilter {
    /// Only those of this actor.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only what was done to this thing.
    pub subject: Option<String>,
    /// Only those of this day, as the ISP's clocks show it.
    pub day: Option<NaiveDate>,
}
