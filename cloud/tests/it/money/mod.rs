//! Billing, payments, dunning and the books.

mod harness;
mod billing;
mod document;
mod payments;
mod world;
