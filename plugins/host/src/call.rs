//! A call and its answer as plain values: what is sent to a runner, recorded, compared and replayed.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a plugin is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Hook {
    /// The price of traffic over an allowance.
    RateUsage,
    /// What should be done about an event.
    HandleEvent,
}

impl Hook {
    /// Every hook.
    pub const ALL: [Self; 2] = [Self::RateUsage, Self::HandleEvent];

    /// The name of its world in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::RateUsage => "rate-usage",
            Self::HandleEvent => "handle-event",
        }
    }

    /// The hook with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }

    /// The interface a component exports to answer it.
    pub fn interface(self) -> &'static str {
        match self {
            Self::RateUsage => "weir:plugins/rating@1.0.0",
            Self::HandleEvent => "weir:plugins/events@1.0.0",
        }
    }
}

/// Why a call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Its answer counts.
    Live,
    /// Compared with what was decided before, then forgotten.
    DryRun,
    /// A recorded call, once more.
    Replay,
    /// On a developer's machine.
    Test,
}

/// What every call is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Whose call it is.
    pub tenant: Uuid,
    /// The same when it is repeated.
    pub invocation: Uuid,
    /// Milliseconds since 1970.
    pub now: u64,
    /// Which settings are answered from.
    pub config_revision: u32,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i16,
    /// ISO 4217.
    pub currency: String,
    /// Why it is made.
    pub mode: Mode,
}

/// A fact of an event or an argument of an effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Yes or no.
    Boolean(bool),
    /// A small whole number.
    Integer(i32),
    /// An exact number.
    Decimal(Decimal),
    /// Text.
    Text(String),
    /// Milliseconds since 1970.
    Time(u64),
}

/// Facts by name.
pub type Attributes = BTreeMap<String, Value>;

/// Traffic of one subscription in one closed period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageLine {
    /// Which.
    pub subscription: Uuid,
    /// The plan's name.
    pub plan: String,
    /// Milliseconds since 1970.
    pub period_start: u64,
    /// Milliseconds since 1970.
    pub period_end: u64,
    /// Both directions.
    pub used_bytes: u64,
    /// What the plan included.
    pub included_bytes: u64,
    /// What is above it.
    pub over_bytes: u64,
    /// The size of a block.
    pub block_bytes: u64,
    /// Blocks begun.
    pub blocks: u64,
    /// The plan's price of a block.
    pub unit_price: Decimal,
    /// Bytes by the local hour they were counted in, midnight first.
    pub by_hour: Vec<u64>,
    /// Whatever else is known.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub attributes: Attributes,
}

/// What a block costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The plan's price.
    Unchanged,
    /// Another price.
    Priced {
        /// Of a block.
        unit_price: Decimal,
        /// Stands on the invoice line.
        reason: String,
    },
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Which.
    pub id: Uuid,
    /// For example `invoice.issued`.
    pub kind: String,
    /// Milliseconds since 1970.
    pub occurred_at: u64,
    /// The id of what it is about.
    pub subject: String,
    /// The account it belongs to.
    pub account: Option<String>,
    /// Its facts, nested names joined by dots.
    #[serde(default)]
    pub facts: Attributes,
    /// The facts as published.
    pub payload: String,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What.
    pub name: String,
    /// With what.
    pub arguments: Attributes,
}

/// What a hook is asked about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Input {
    /// Lines to be priced.
    RateUsage(Vec<UsageLine>),
    /// An event.
    HandleEvent(Event),
}

impl Input {
    /// The hook it is for.
    pub fn hook(&self) -> Hook {
        match self {
            Self::RateUsage(_) => Hook::RateUsage,
            Self::HandleEvent(_) => Hook::HandleEvent,
        }
    }

    /// How many records it has.
    pub fn records(&self) -> usize {
        match self {
            Self::RateUsage(lines) => lines.len(),
            Self::HandleEvent(_) => 1,
        }
    }
}

/// What a hook answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Output {
    /// One decision a line.
    RateUsage(Vec<Decision>),
    /// What should be done.
    HandleEvent(Vec<Effect>),
}

/// One call, with everything its answer may depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// What every call is told.
    pub context: Context,
    /// The tenant's settings of the plugin.
    pub settings: BTreeMap<String, String>,
    /// What it is about.
    pub input: Input,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// The plugin says the input makes no sense.
    InvalidInput,
    /// The plugin says a setting is missing.
    Misconfigured,
    /// The plugin says it failed.
    Failed,
    /// It used up its instructions: an endless loop, most likely.
    Fuel,
    /// It wanted more memory than it may have.
    Memory,
    /// It answered, or logged, more than we take.
    Output,
    /// It broke off: a panic, an uncaught exception, a wrong access.
    Trap,
    /// Its answer cannot be: another number of decisions, a number outside the contract.
    Answer,
    /// It did not end in time, and its runner was ended.
    Time,
    /// Its runner ended by itself.
    Crash,
    /// Its code could not be loaded.
    Load,
}

impl Fault {
    /// The name it is recorded under.
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Misconfigured => "misconfigured",
            Self::Failed => "failed",
            Self::Fuel => "fuel",
            Self::Memory => "memory",
            Self::Output => "output",
            Self::Trap => "trap",
            Self::Answer => "answer",
            Self::Time => "time",
            Self::Crash => "crash",
            Self::Load => "load",
        }
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The answer, or why there is none and what was said about it.
    pub result: Result<Output, (Fault, String)>,
    /// Instructions used, roughly. Never part of a business result.
    pub fuel: u64,
    /// Time used inside the runner.
    pub micros: u64,
    /// What the plugin logged: level and text.
    pub logs: Vec<(String, String)>,
}

impl Reply {
    /// A call that never reached the plugin, or never came back.
    pub fn fault(fault: Fault, message: impl Into<String>) -> Self {
        Self { result: Err((fault, message.into())), fuel: 0, micros: 0, logs: Vec::new() }
    }
}
