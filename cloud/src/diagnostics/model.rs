//! Diagnoses, their tools and how far they are.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{DiagnosisId, RouterId, SubscriptionId};

/// A router that has not been reached by then is not.
pub const PATIENCE: TimeDelta = TimeDelta::seconds(15);
/// How long after its time a router may still tell what it found.
const TELLING: TimeDelta = TimeDelta::seconds(45);

/// A way to look at a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = DiagnosisTool)]
pub enum Tool {
    /// The router asks a host for echoes.
    Ping,
    /// The routers on the way to a host.
    Traceroute,
    /// What name servers answer the router.
    Dns,
    /// What the router's shaping classes hold and count.
    Shaper,
    /// The agent's own last words.
    Log,
    /// The lines that move most.
    Talkers,
    /// Packets of a line, as a pcap file.
    Capture,
}

impl Tool {
    /// All of them; what only people with a permission of its own may have comes last.
    pub const ALL: [Self; 7] =
        [Self::Ping, Self::Traceroute, Self::Dns, Self::Shaper, Self::Talkers, Self::Log, Self::Capture];

    /// The name it is stored and shown under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Traceroute => "traceroute",
            Self::Dns => "dns",
            Self::Shaper => "shaper",
            Self::Log => "log",
            Self::Talkers => "talkers",
            Self::Capture => "capture",
        }
    }

    /// How long it may look, seconds, and how many packets it may send; its output is bounded by the agent.
    pub fn limits(self) -> (i32, i32) {
        match self {
            Self::Ping => (15, 10),
            Self::Traceroute => (40, 90),
            Self::Dns => (20, 0),
            Self::Shaper | Self::Log => (10, 0),
            Self::Talkers => (15, 0),
            Self::Capture => (10, 1_000),
        }
    }
}

/// How far a diagnosis is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = DiagnosisState)]
pub enum State {
    /// The router is being asked.
    Asked,
    /// The router was asked and has not said that it is done.
    Running,
    /// The router is not connected.
    Away,
    /// The router's agent is too old to be asked.
    TooOld,
    /// The agent could not: `detail` says why.
    Refused,
    /// Somebody ended it.
    Cancelled,
    /// It was begun, and the router or its connection died meanwhile; it is not begun again.
    Unknown,
    /// The router did not answer in time.
    NoAnswer,
    /// It is done.
    Done,
}

impl State {
    /// The name it is stored and shown under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Running => "running",
            Self::Away => "away",
            Self::TooOld => "too_old",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
            Self::Unknown => "unknown",
            Self::NoAnswer => "no_answer",
            Self::Done => "done",
        }
    }

    /// Whether more may come.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Asked | Self::Running)
    }
}

/// Something a router was asked.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Diagnosis {
    /// Which.
    pub id: DiagnosisId,
    /// Of which router.
    pub router_id: RouterId,
    /// Of which line, if it is about one.
    pub subscription_id: Option<SubscriptionId>,
    /// With what.
    pub tool: Tool,
    /// The host, or the name that was asked for; empty for other tools.
    pub target: String,
    /// The name server that was asked; empty for those of the router itself.
    pub server: String,
    /// Why packets were looked at; empty for other tools.
    pub reason: String,
    /// How long is looked at most, seconds.
    pub seconds: i32,
    /// Packets that are sent or taken at most; 0 = as many as it takes.
    pub packets: i32,
    /// Bytes that are kept of each packet of a capture.
    pub snap_bytes: i32,
    /// When it was asked for.
    pub asked_at: DateTime<Utc>,
    /// By whom.
    pub asked_by: String,
    /// When a gateway passed it on to the router.
    pub sent_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub state: State,
    /// When it was over; null while more may come.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why the agent refused, one sentence.
    pub detail: String,
    /// Whether a limit ended it.
    pub cut_short: bool,
    /// Parts the router says that it told, once it is over; more than came if some were lost.
    pub parts: Option<i32>,
    /// Bytes that came; 0 also where they are forgotten.
    pub bytes: i32,
}

impl Diagnosis {
    /// What nobody answered for too long is not answered any more.
    pub fn late(mut self, now: DateTime<Utc>) -> Self {
        let due = match (self.state, self.sent_at) {
            (State::Asked, _) => self.asked_at + PATIENCE,
            (State::Running, Some(sent)) => sent + TimeDelta::seconds(self.seconds.into()) + TELLING,
            _ => return self,
        };
        if now >= due {
            (self.state, self.ended_at) = (State::NoAnswer, Some(due));
        }
        self
    }
}
