//! Plugins, their versions, settings and calls.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use weir_plugin_host::call::Hook;

use crate::ids::{EventId, PluginId, PluginInvocationId, PluginVersionId};

/// Effects the core carries out for a plugin, where its tenant allows them.
pub const EFFECTS: [&str; 2] = ["note", "hold"];

/// How a plugin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PluginStatus {
    /// No version is active: it is not asked.
    Idle,
    /// A version is active.
    Active,
    /// It failed too often in a row and is not asked until somebody resumes it.
    Paused,
}

impl PluginStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }
}

/// A rule the tenant brought.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Plugin {
    /// Which.
    pub id: PluginId,
    /// Lower-case letters, digits and hyphens.
    #[schema(example = "night-owl")]
    pub name: String,
    /// What it is asked: `rate-usage` or `handle-event`.
    #[schema(value_type = String, example = "rate-usage")]
    pub hook: Hook,
    /// How it stands.
    pub status: PluginStatus,
    /// The version that is asked.
    pub active_version_id: Option<PluginVersionId>,
    /// The version a rollback returns to.
    pub previous_version_id: Option<PluginVersionId>,
    /// What it is told and allowed.
    pub settings: Settings,
    /// Since when it is paused.
    pub paused_at: Option<DateTime<Utc>>,
    /// Why it is paused.
    pub paused_because: Option<String>,
    /// Who added it.
    pub created_by: String,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A plugin to be added.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPlugin {
    /// 1 to 48 lower-case letters, digits and hyphens, a letter first.
    #[schema(example = "night-owl")]
    pub name: String,
    /// `rate-usage` or `handle-event`.
    #[schema(example = "rate-usage")]
    pub hook: String,
}

/// What a plugin is told and allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PluginSettings)]
pub struct Settings {
    /// Counts the changes.
    pub revision: i32,
    /// What the plugin reads by name.
    pub entries: BTreeMap<String, String>,
    /// How far from the plan's price a price may be, in percent.
    pub limit_percent: i32,
    /// Which effects are carried out: of `note` and `hold`.
    pub effects: Vec<String>,
    /// Which kinds of events it is told; empty = all.
    pub events: Vec<String>,
}

/// Settings to be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsWish {
    /// What the plugin reads by name, at most 50 entries.
    #[serde(default)]
    pub entries: BTreeMap<String, String>,
    /// How far from the plan's price a price may be, in percent, 0 to 1000.
    pub limit_percent: i32,
    /// Which effects are carried out: of `note` and `hold`.
    #[serde(default)]
    pub effects: Vec<String>,
    /// Which kinds of events it is told; empty = all.
    #[serde(default)]
    pub events: Vec<String>,
}

/// How far a version is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VersionState {
    /// It is a plugin of the right hook, imports only what it may, and is compiled.
    Verified,
    /// Its dry run is done.
    Tried,
    /// It is asked.
    Active,
    /// It was asked once.
    Retired,
}

impl VersionState {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verified => "verified",
            Self::Tried => "tried",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "tried" => Self::Tried,
            "active" => Self::Active,
            "retired" => Self::Retired,
            _ => Self::Verified,
        }
    }
}

/// A component that was uploaded.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Version {
    /// Which.
    pub id: PluginVersionId,
    /// Of which plugin.
    pub plugin_id: PluginId,
    /// From 1.
    pub number: i32,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// Bytes of the component.
    pub size: i32,
    /// The interfaces it may call: all it can reach.
    pub imports: Vec<String>,
    /// How far it is.
    pub state: VersionState,
    /// What its dry run found.
    pub dry_run: Option<DryRun>,
    /// Who uploaded it.
    pub uploaded_by: String,
    /// When.
    pub uploaded_at: DateTime<Utc>,
}

/// What a version would have decided about what was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DryRun {
    /// When.
    pub at: DateTime<Utc>,
    /// Recorded inputs it was asked about.
    pub inputs: i64,
    /// Of them, decided otherwise than before.
    pub changed: i64,
    /// Of them, not decided: it failed, or a guard rail refused the answer.
    pub failed: i64,
    /// What was charged for them, when it is about prices.
    #[schema(value_type = Option<String>)]
    pub charged: Option<Decimal>,
    /// What would have been charged.
    #[schema(value_type = Option<String>)]
    pub would_charge: Option<Decimal>,
    /// Of both.
    pub currency: Option<String>,
    /// The first hundred that differ or failed.
    pub differences: Vec<Difference>,
}

/// One recorded input that a version decides otherwise, or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Difference {
    /// What it is about: an invoice's number, or what an event happened to.
    pub subject: String,
    /// Where to see it: an id.
    pub subject_id: String,
    /// The plan, or the kind of the event.
    pub about: String,
    /// What was decided.
    pub before: String,
    /// What would have been.
    pub after: String,
    /// Why, in the plugin's words or the guard rail's.
    pub reason: String,
    /// Whether there is no decision.
    pub failed: bool,
}

/// A call in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvocationSummary {
    /// Which.
    pub id: PluginInvocationId,
    /// Of which plugin.
    pub plugin_id: PluginId,
    /// Of which version.
    pub version_id: PluginVersionId,
    /// Its number.
    pub version: i32,
    /// `live` or `replay`.
    pub mode: String,
    /// The account that was billed, or what the event is about.
    pub subject: String,
    /// The event it was told.
    pub event_id: Option<EventId>,
    /// When.
    pub at: DateTime<Utc>,
    /// `ok`, or the name of the fault.
    pub outcome: String,
    /// What was said about the fault.
    pub message: String,
    /// Instructions used, roughly.
    pub fuel: i64,
    /// Time used.
    pub micros: i64,
}

/// A call with everything its answer depended on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Invocation {
    /// As in lists.
    #[serde(flatten)]
    pub summary: InvocationSummary,
    /// SHA-256 of the component.
    pub digest: String,
    /// Context, settings and input.
    pub call: Value,
    /// The answer, or null.
    pub result: Value,
    /// What the plugin logged: level and text.
    pub logs: Value,
    /// Whether it is an event set aside: nothing was done about it, and it may be tried again.
    pub set_aside: bool,
}

/// How a plugin does, by its last thousand live calls.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct Stats {
    /// Live calls.
    pub calls: i64,
    /// Of them, failed.
    pub faults: i64,
    /// Half of the calls took at most this long.
    pub p50_micros: i64,
    /// All but one of a hundred took at most this long.
    pub p99_micros: i64,
    /// Events set aside.
    pub set_aside: i64,
}

/// How a line came by its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The plugin set it.
    Priced,
    /// The plugin was asked and left the plan's.
    Unchanged,
    /// The plugin was asked and gave no usable answer: the plan's price holds.
    FellBack,
    /// The plugin is paused: the plan's price holds.
    Paused,
}

impl Outcome {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Priced => "priced",
            Self::Unchanged => "unchanged",
            Self::FellBack => "fell-back",
            Self::Paused => "paused",
        }
    }
}

/// Which rule priced a line, frozen with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PricedBy {
    /// The plugin.
    pub plugin_id: PluginId,
    /// Its name then.
    pub plugin: String,
    /// The version's number.
    pub version: i32,
    /// SHA-256 of the component that was asked.
    pub digest: String,
    /// The settings it saw.
    pub settings_revision: i32,
    /// The call, as long as it is kept.
    pub invocation_id: Option<PluginInvocationId>,
    /// What came of it.
    pub outcome: Outcome,
    /// The plugin's reason, or what was wrong.
    pub reason: String,
    /// The plan's price of a block.
    #[schema(value_type = String)]
    pub list_price: Decimal,
}
