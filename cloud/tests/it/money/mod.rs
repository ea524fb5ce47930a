//! Billing, payments, dunning and the books.

mod billing;
mod document;
mod harness;
mod pages;
mod payments;
mod world;
