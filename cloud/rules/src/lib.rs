//! The rules of an internet provider's business: money, days, charges, tax, the ledger, access, support.
//!
//! Everything here is a function from values to values: no input or output, no clock, no async, no floats.
//! Callers pass the day and the facts and get back what should be written; they decide how.
//!
//! Start with [`money`] and [`calendar`], then [`charges`], which decides what a billing run bills.

pub mod access;
pub mod calendar;
pub mod charges;
pub mod credit_note;
pub mod currency;
pub mod dunning;
pub mod identity;
pub mod invoice;
pub mod ledger;
pub mod money;
pub mod payment;
pub mod posting;
pub mod prefix;
pub mod proration;
pub mod reference;
pub mod support;
pub mod tax;
pub mod usage;
