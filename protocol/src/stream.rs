//! The four streams an agent opens, in order of priority.

/// What a stream carries; its byte is the first thing the agent writes on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// [`crate::control::Up`] and [`crate::control::Down`].
    Control = 1,
    /// [`crate::state::Up`] and [`crate::state::Down`].
    State = 2,
    /// [`crate::usage::Up`] and [`crate::usage::Down`].
    Usage = 3,
    /// [`crate::live::Sample`], agent to cloud only; may be dropped.
    Live = 4,
}

impl Kind {
    /// The kind a stream's first byte announces.
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Control),
            2 => Some(Self::State),
            3 => Some(Self::Usage),
            4 => Some(Self::Live),
            _ => None,
        }
    }

    /// QUIC send priority: a backlog of usage never delays a suspension.
    pub fn priority(self) -> i32 {
        match self {
            Self::Control => 7,
            Self::State => 6,
            Self::Usage => 5,
            Self::Live => 1,
        }
    }
}
