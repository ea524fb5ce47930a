//! Agents and enforcement as they are shown.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::ids::{AgentId, RouterId, SubscriptionId};

/// A program on a router.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Agent {
    /// Which.
    pub id: AgentId,
    /// On which router.
    pub router_id: RouterId,
    /// What the router calls itself.
    pub hostname: String,
    /// Of the agent.
    pub version: String,
    /// Of the router.
    pub kernel: String,
    /// What its kernel can do, by the agent's own probing.
    pub capabilities: Vec<String>,
    /// When it was enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// Since when it may no longer connect.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether it is connected.
    pub connected: bool,
    /// What its connection goes over, or its last one went: `quic`, or `tcp` where no UDP gets through; null before its first.
    pub transport: Option<String>,
    /// When it last said something.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Generation it should hold.
    pub desired_gen: i64,
    /// Generation on its disk.
    pub persisted_gen: i64,
    /// Generation in its kernel.
    pub applied_gen: i64,
    /// Leases of the router's DHCP and PPPoE servers that are no line's; null before it told of any.
    pub unclaimed_leases: Option<i32>,
    /// When its newest certificate ends. It renews it by itself; a router that was away for more than 400 days longer is
    /// enrolled anew.
    pub certificate_until: DateTime<Utc>,
    /// When its certificate was last renewed; null if it has the one it was enrolled with.
    pub certificate_renewed_at: Option<DateTime<Utc>>,
    /// Its usage log, by epoch; absent in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epochs: Vec<Epoch>,
}

/// One unbroken chain of usage records.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Epoch {
    /// 16 hexadecimal digits.
    pub epoch: String,
    /// Last record committed.
    pub applied_seq: i64,
    /// Last record the agent may have deleted.
    pub trim_seq: i64,
    /// Records held here; with `missing` and `merged` they are `applied_seq`, unless something was lost or doubled.
    pub records: i64,
    /// Records that were missing here and gone at the agent when it connected: what they held is not billed.
    pub missing: i64,
    /// Records that were missing here and gone at the agent, of which what lines moved is billed as of one record.
    pub merged: i64,
    /// When its first record was offered.
    pub opened_at: DateTime<Utc>,
    /// When its last record was committed.
    pub applied_at: Option<DateTime<Utc>>,
    /// Since when nothing more is taken of it: the agent's log was put back in time, behind a newer epoch.
    pub superseded_at: Option<DateTime<Utc>>,
}

/// What a router should hold, and what it holds.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Enforcement {
    /// The agent.
    pub agent_id: AgentId,
    /// Whether it is connected.
    pub connected: bool,
    /// What its connection goes over, or its last one went: `quic`, or `tcp` where no UDP gets through; null before its first.
    pub transport: Option<String>,
    /// When it last said something.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Generation it should hold.
    pub desired_gen: i64,
    /// Generation on its disk.
    pub persisted_gen: i64,
    /// Generation in its kernel.
    pub applied_gen: i64,
    /// Leases of the router's DHCP and PPPoE servers that are no line's; null before it told of any.
    pub unclaimed_leases: Option<i32>,
    /// When the agent's newest certificate ends.
    pub certificate_until: DateTime<Utc>,
    /// When it was last renewed; null if it is the one the agent was enrolled with.
    pub certificate_renewed_at: Option<DateTime<Utc>>,
    /// Lines whose removal the agent holds back, for it came with that of many others.
    pub removals_held: i64,
    /// Lines whose suspension it holds back: throttled, in the walled garden or closed with many others.
    pub suspensions_held: i64,
    /// Lines a restored database makes slower, or takes an address from, which the agent holds back.
    pub reductions_held: i64,
    /// Settings of the router and access points that are others in a restored database, which the agent holds back.
    pub settings_held: i64,
    /// When two machines were last seen to speak as this agent, if within a day.
    pub clone_suspected_at: Option<DateTime<Utc>>,
    /// Every line, desired beside applied.
    pub lines: Vec<EnforcedLine>,
}

/// One line, desired beside applied.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnforcedLine {
    /// Which.
    pub subscription_id: SubscriptionId,
    /// What the router should hold; null if nothing.
    pub desired: Option<LineState>,
    /// What the agent read back from its kernel; null before its first report.
    pub observed: Option<LineState>,
    /// `pending`, `applied`, `failed`, `rejected` or `unsupported`; null before the first report.
    pub status: Option<String>,
    /// Why it failed, a stable name.
    pub code: String,
    /// Why it failed, a sentence.
    pub detail: String,
    /// When the agent reported.
    pub reported_at: Option<DateTime<Utc>>,
    /// Whether what is held differs from what is desired.
    pub drift: bool,
}

/// A line's rates and access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineState {
    /// Toward the subscriber, bits per second.
    pub rate_down_bps: i64,
    /// From the subscriber, bits per second.
    pub rate_up_bps: i64,
    /// `open`, `throttled`, `walled_garden` or `closed`.
    pub access: String,
}
