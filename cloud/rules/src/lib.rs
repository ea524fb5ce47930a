//! The rules of an internet provider's business: money, days, charges, tax, the ledger, access.
//!
//! Everything here is a function from values to values: no input or output, no clock, no async, no floats.
//! Callers pass the day and the facts and get back what should be written; they decide how.
//!
//! Start with [`money`] and [`calendar`].

pub mod calendar;
pub mod charges;
pub mod currency;
pub mod money;
pub mod proration;
