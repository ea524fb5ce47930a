//! What is known of an hour.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

/// How a line was served in an hour. Means and shares are of the time its router told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineHour {
    /// When the hour began.
    pub hour_at: DateTime<Utc>,
    /// How much of it the router told of, milliseconds.
    pub span_ms: i64,
    /// Mean time a byte toward the subscriber waited in the line's queue, microseconds.
    pub down_delay_us: i64,
    /// The same from the subscriber.
    pub up_delay_us: i64,
    /// Longest time seen toward the subscriber, microseconds.
    pub down_delay_max_us: i64,
    /// The same from the subscriber.
    pub up_delay_max_us: i64,
    /// Share of the time at the line's rate toward the subscriber, thousandths.
    pub down_full_permille: i64,
    /// The same from the subscriber.
    pub up_full_permille: i64,
    /// Share of the line's rate that was used toward the subscriber, thousandths.
    pub down_used_permille: i64,
    /// The same from the subscriber.
    pub up_used_permille: i64,
    /// Packets toward the subscriber that the line's queue dropped.
    pub down_dropped_packets: i64,
    /// The same from the subscriber.
    pub up_dropped_packets: i64,
    /// Packets toward the subscriber that the line's queue marked instead of dropping (ECN).
    pub down_marked_packets: i64,
    /// The same from the subscriber.
    pub up_marked_packets: i64,
    /// Echoes the subscriber was asked for.
    pub asked: i64,
    /// Echoes that came.
    pub answered: i64,
    /// Half of them came within about this time, microseconds; 0 if none came.
    pub rtt_p50_us: i64,
    /// At least 95 of a hundred came within this time, microseconds; 0 if none came.
    pub rtt_p95_us: i64,
}

/// What a router's gateway or an anchor answered in an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct UplinkHour {
    /// When the hour began.
    pub hour_at: DateTime<Utc>,
    /// `gateway`, the next router on the way to the internet, or `anchor`, a host the agent was told to ask.
    pub role: String,
    /// Who was asked.
    pub address: String,
    /// Echoes asked for.
    pub asked: i64,
    /// Echoes that came.
    pub answered: i64,
    /// Half of them came within about this time, microseconds; 0 if none came.
    pub rtt_p50_us: i64,
    /// At least 95 of a hundred came within this time, microseconds; 0 if none came.
    pub rtt_p95_us: i64,
}
