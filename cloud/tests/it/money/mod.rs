//! Billing, payments, dunning and the books.

mod analytics;
mod billing;
mod books;
mod changes;
mod charges;
mod contracts;
mod credit_notes;
mod discounts;
mod document;
mod einvoices;
mod faults;
pub mod harness;
mod introductory;
mod one_line;
mod pages;
mod pauses;
mod payers;
mod payments;
mod periods;
mod plan_previews;
mod recognition;
mod references;
pub mod shop;
mod statements;
mod taxes;
pub mod world;
