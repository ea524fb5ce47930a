//! Help for subscribers: how long an answer may take, how much a problem matters, and what is likely wrong.
//!
//! [`hours`] counts working time, [`clock`] a ticket's promises in it, [`status`] and [`priority`] say where a ticket stands,
//! and [`answer`] turns what is known of a line into the first answer.

pub mod answer;
pub mod clock;
pub mod hours;
#[cfg(test)]
mod hours_tests;
pub mod priority;
pub mod status;
