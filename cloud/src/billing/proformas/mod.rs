//! Proformas: documents that ask for the bills up to a day before they are issued. No tax is owed for one and nothing is posted:
//! what is paid becomes the account's credit, and the invoices use it. Start with [`issue_proforma_once`].

pub mod api;
pub mod document;
mod issue;
mod model;
mod read;
mod store;

pub use issue::{issue_proforma, issue_proforma_once, withdraw_proforma};
pub use model::{Proforma, ProformaStatus, ProformaSummary, ProformaWish};
pub use read::{asked_ahead, proforma, proformas};
