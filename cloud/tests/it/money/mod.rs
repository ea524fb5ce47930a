//! Billing, payments, dunning and the books.

mod analytics;
mod billing;
mod books;
mod changes;
mod credit_notes;
mod document;
mod einvoices;
mod faults;
pub mod harness;
mod pages;
mod payments;
pub mod shop;
pub mod world;
