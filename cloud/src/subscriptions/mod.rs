//! Plans sold to accounts at locations: the commercial state, the addresses and who has them, and the holds on access.
//!
//! Commercial state decides whether we bill; holds decide what the router does. Neither stands for the other.

pub mod api;
pub mod error;
mod holds;
mod identities;
pub mod jobs;
pub mod learned;
mod model;
mod service;
mod store;

pub use error::Error;
pub use holds::{HoldWish, begin_pause, end_pause, holds, place_hold, release_hold};
pub use identities::{change_identities, is_known_as, readable, sells_by_mac};
pub use model::{
    Behind, ChangePlan, Counts, End, Hold, Identities, LearnedPrefix, Status, Subscription, SubscriptionWish,
};
pub use service::{
    addresses, change_plan, counts, end, find, names, place_behind, recurring, sell, sell_to, subscription,
    subscriptions,
};
