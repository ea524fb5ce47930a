//! Billing, payments, dunning and the books.

mod analytics;
mod billing;
mod changes;
mod document;
pub mod harness;
mod pages;
mod payments;
pub mod world;
