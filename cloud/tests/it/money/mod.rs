//! Billing, payments, dunning and the books.

mod billing;
mod document;
mod payments;
mod world;
