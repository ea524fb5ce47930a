//! What a subscriber's line may do: holds in force, the strictest wins.
//!
//! Not here: who places a hold (see [`crate::dunning`] for unpaid bills), and money: holds never change what is billed.
//! Start with [`access_at`].

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Why a hold is placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// Bills past due.
    Unpaid,
    /// The allowance is used up.
    Quota,
    /// Suspected fraud.
    Fraud,
    /// Abuse of the network.
    Abuse,
    /// The subscriber asked for a pause.
    Seasonal,
    /// Staff decided.
    Manual,
}

/// What a hold does to the line, from mild to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldEffect {
    /// Traffic at a lower rate.
    Throttled,
    /// Only the pages that tell how to pay.
    WalledGarden,
    /// No traffic.
    Closed,
}

/// What a line may do, from free to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Traffic at the rates of the plan.
    Open,
    /// Traffic at a lower rate.
    Throttled,
    /// Only the pages that tell how to pay.
    WalledGarden,
    /// No traffic.
    Closed,
}

impl From<HoldEffect> for Access {
    fn from(effect: HoldEffect) -> Access {
        match effect {
            HoldEffect::Throttled => Access::Throttled,
            HoldEffect::WalledGarden => Access::WalledGarden,
            HoldEffect::Closed => Access::Closed,
        }
    }
}

macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// Every value, in order.
            pub const ALL: &[$type] = &[$($type::$variant),+];

            /// The name on the wire and in the database.
            pub const fn name(self) -> &'static str {
                match self { $($type::$variant => $name),+ }
            }

            /// Finds a value by its name.
            pub fn from_name(name: &str) -> Option<$type> {
                match name { $($name => Some($type::$variant),)+ _ => None }
            }
        }
    };
}

named!(HoldKind {
    Unpaid = "unpaid",
    Quota = "quota",
    Fraud = "fraud",
    Abuse = "abuse",
    Seasonal = "seasonal",
    Manual = "manual",
});
named!(HoldEffect { Throttled = "throttled", WalledGarden = "walled_garden", Closed = "closed" });
named!(Access { Open = "open", Throttled = "throttled", WalledGarden = "walled_garden", Closed = "closed" });

/// A hold on a subscription; `I` identifies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold<I> {
    /// The hold.
    pub id: I,
    /// Why.
    pub kind: HoldKind,
    /// What it does.
    pub effect: HoldEffect,
    /// The first instant it holds.
    pub from: DateTime<Utc>,
    /// The first instant it no longer holds; `None` until released.
    pub until: Option<DateTime<Utc>>,
    /// When it was lifted.
    pub released_at: Option<DateTime<Utc>>,
}

impl<I> Hold<I> {
    /// Whether it holds at an instant.
    pub fn holds_at(&self, at: DateTime<Utc>) -> bool {
        let ended = |end: Option<DateTime<Utc>>| end.is_some_and(|end| end <= at);
        self.from <= at && !ended(self.until) && !ended(self.released_at)
    }
}

/// The access of a line and the hold that decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a, I> {
    /// What the line may do.
    pub access: Access,
    /// The hold that decided; `None` when open.
    pub hold: Option<&'a Hold<I>>,
}

/// Decides access at an instant: the strictest hold in force, among equals the one placed first, then the lowest id.
pub fn access_at<I: Ord>(holds: &[Hold<I>], at: DateTime<Utc>) -> Decision<'_, I> {
    let in_force = holds.iter().filter(|hold| hold.holds_at(at));
    let hold = in_force.min_by(|a, b| b.effect.cmp(&a.effect).then(a.from.cmp(&b.from)).then_with(|| a.id.cmp(&b.id)));
    Decision { access: hold.map_or(Access::Open, |hold| hold.effect.into()), hold }
}

/// The next instant after `at` when a hold begins or ends by itself, so that access is decided again then.
pub fn next_change_after<I>(holds: &[Hold<I>], at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let open = holds.iter().filter(|hold| hold.released_at.is_none());
    open.flat_map(|hold| [Some(hold.from), hold.until]).flatten().filter(|change| *change > at).min()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
    }

    fn hold(id: u32, effect: HoldEffect, from: i64, until: Option<i64>) -> Hold<u32> {
        Hold { id, kind: HoldKind::Manual, effect, from: at(from), until: until.map(at), released_at: None }
    }

    #[test]
    fn the_strictest_hold_in_force_decides() {
        let holds = [
            hold(1, HoldEffect::Throttled, 0, None),
            hold(2, HoldEffect::Closed, 5, Some(8)),
            hold(3, HoldEffect::WalledGarden, 6, None),
            hold(4, HoldEffect::WalledGarden, 6, None),
            Hold { released_at: Some(at(2)), ..hold(5, HoldEffect::Closed, 1, None) },
        ];
        for (hour, access, id) in [
            (-1, Access::Open, None),
            (0, Access::Throttled, Some(1)),
            (1, Access::Closed, Some(5)),
            (2, Access::Throttled, Some(1)),
            (7, Access::Closed, Some(2)),
            (8, Access::WalledGarden, Some(3)),
        ] {
            let decision = access_at(&holds, at(hour));
            assert_eq!((decision.access, decision.hold.map(|hold| hold.id)), (access, id), "hour {hour}");
        }
        assert_eq!(next_change_after(&holds, at(6)), Some(at(8)));
        assert_eq!(next_change_after(&holds, at(8)), None);
    }

    #[test]
    fn names_round_trip() {
        for kind in HoldKind::ALL {
            assert_eq!(HoldKind::from_name(kind.name()), Some(*kind));
        }
        for effect in HoldEffect::ALL {
            assert_eq!(Access::from(*effect).name(), effect.name());
            assert_eq!(serde_json::to_string(effect).unwrap(), format!("{:?}", effect.name()));
        }
        assert_eq!(Access::from_name("shut"), None);
    }
}
