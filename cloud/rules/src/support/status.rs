//! Where a ticket stands, and where it may go from there.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// Where a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketStatus {
    /// Nobody has answered yet.
    New,
    /// Ours to do.
    Open,
    /// The subscriber's to answer; clocks stand still.
    Waiting,
    /// Done; a reply opens it again for some days.
    Solved,
    /// Over for good.
    Closed,
}

impl TicketStatus {
    /// Every status, in the order of a ticket's life.
    pub const ALL: [Self; 5] = [Self::New, Self::Open, Self::Waiting, Self::Solved, Self::Closed];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Open => "open",
            Self::Waiting => "waiting",
            Self::Solved => "solved",
            Self::Closed => "closed",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether staff may move a ticket from here to there.
    pub fn may_become(self, to: Self) -> bool {
        match self {
            Self::New => matches!(to, Self::Open | Self::Waiting | Self::Solved | Self::Closed),
            Self::Open => matches!(to, Self::Waiting | Self::Solved | Self::Closed),
            Self::Waiting => matches!(to, Self::Open | Self::Solved | Self::Closed),
            Self::Solved => matches!(to, Self::Open | Self::Closed),
            Self::Closed => false,
        }
    }

    /// Whether somebody still has something to do.
    pub fn is_active(self) -> bool {
        matches!(self, Self::New | Self::Open | Self::Waiting)
    }
}

/// What a subscriber's reply makes of a ticket: `None` when it is over and the reply begins another.
pub fn after_subscriber_reply(
    status: TicketStatus,
    solved_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
    reopen_days: u16,
) -> Option<TicketStatus> {
    match status {
        TicketStatus::New => Some(TicketStatus::New),
        TicketStatus::Open | TicketStatus::Waiting => Some(TicketStatus::Open),
        TicketStatus::Solved => {
            let until = solved_at? + TimeDelta::days(i64::from(reopen_days));
            (now <= until).then_some(TicketStatus::Open)
        }
        TicketStatus::Closed => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_closed_and_nothing_returns_to_new() {
        for status in TicketStatus::ALL {
            assert!(!TicketStatus::Closed.may_become(status));
            assert!(!status.may_become(TicketStatus::New));
            assert!(!status.may_become(status), "{status:?} to itself is no change");
            assert_eq!(TicketStatus::from_name(status.name()), Some(status));
        }
    }

    #[test]
    fn a_reply_opens_a_solved_ticket_for_some_days_only() {
        let solved = DateTime::from_timestamp(1_790_000_000, 0);
        let at = |days: i64| solved.expect("an instant") + TimeDelta::days(days);
        assert_eq!(after_subscriber_reply(TicketStatus::Solved, solved, at(7), 7), Some(TicketStatus::Open));
        assert_eq!(after_subscriber_reply(TicketStatus::Solved, solved, at(8), 7), None);
        assert_eq!(after_subscriber_reply(TicketStatus::Closed, solved, at(0), 7), None);
        assert_eq!(after_subscriber_reply(TicketStatus::Waiting, None, at(0), 7), Some(TicketStatus::Open));
        assert_eq!(after_subscriber_reply(TicketStatus::New, None, at(0), 7), Some(TicketStatus::New));
    }
}
