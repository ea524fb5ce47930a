//! The rules of an internet provider's business: money, days, charges, tax, the ledger, access, support.
//!
//! Everything here is a function from values to values: no input or output, no clock, no async, no floats.
//! Callers pass the day and the facts and get back what should be written; they decide how.
//!
//! Start with [`money`] and [`calendar`], then [`charges`], which decides what a billing run bills.

pub mod access;
pub mod calendar;
pub mod charges;
pub mod collection;
pub mod contract;
pub mod credit_note;
pub mod credit_settlement;
pub mod currency;
pub mod discount;
pub mod dunning;
pub mod elapsed;
pub mod iban;
pub mod identity;
pub mod interval;
pub mod introductory;
pub mod invoice;
pub mod ledger;
pub mod line_net;
pub mod money;
pub mod one_time;
pub mod overage;
pub mod packages;
pub mod pause;
pub mod payment;
pub mod posting;
pub mod prefix;
pub mod pricing;
pub mod promotion;
pub mod proration;
pub mod recognition;
pub mod reference;
pub mod rhythm;
pub mod rollover;
pub mod rounding;
pub mod schedule;
pub mod statement;
pub mod support;
pub mod tax;
pub mod tax_inside;
pub mod tax_liability;
pub mod tax_place;
pub mod tax_profile;
pub mod tax_rules;
pub mod traffic_price;
pub mod unit_price;
pub mod usage;
