//! Credit notes: what of an issued invoice is given back, as a document of its own series that never changes, either.
//!
//! What may be given back is decided by `weir_rules::credit_note`, while the account is locked. A note settles what is open
//! of its invoice first; the rest is the account's credit. Start with [`issue_credit_note`].

pub mod api;
pub mod document;
mod issue;
mod left;
mod model;
mod read;
mod store;

pub use issue::{issue_credit_note, issue_credit_note_once, preview_credit_note};
pub use left::{InvoiceLeft, InvoiceLineLeft, left_of};
pub use model::{
    CreditNote, CreditNoteFilter, CreditNoteLine, CreditNoteLineWish, CreditNotePreview, CreditNoteSummary,
    CreditNoteWish,
};
pub use read::{credit_note, credit_notes, find_credit_notes};
