//! What subscribers owe: billing runs, invoices, and how the collection of each invoice stands.
//!
//! Amounts come from `weir_rules`; this slice finds the facts, writes the documents and posts them. An issued invoice never
//! changes. Start with [`start_run`], then `batch`, which bills accounts together in one transaction.

mod account;
mod allocation;
pub mod api;
mod batch;
mod charges;
pub mod credit_notes;
mod deferral;
mod discounts;
mod due;
pub mod einvoice;
pub mod error;
mod first_year;
mod invoices;
mod issue;
pub mod jobs;
mod late_fees;
mod leaving;
mod metered;
mod model;
mod next_bill;
mod payers;
pub mod pdf;
mod periods;
mod preview;
mod pricing;
pub mod proformas;
mod recurring;
mod runs;
mod store;
mod taxing;
mod top_ups;
mod upcoming;
mod usage;

pub use allocation::{OpenItem, allocate_payment, currency, lock_account, open_items, take_back, use_credit};
pub use charges::{charge_now, price_of};
pub use credit_notes::{
    CreditNote, CreditNoteFilter, CreditNoteLine, CreditNoteLineWish, CreditNotePreview, CreditNoteSummary,
    CreditNoteWish, InvoiceLeft, InvoiceLineLeft, credit_note, credit_notes, find_credit_notes, issue_credit_note,
    left_of, preview_credit_note,
};
pub use discounts::{LineDiscount, after_periods, billed_until};
pub use error::Error;
pub use first_year::{FirstYear, FirstYearBill, FirstYearLine, FirstYearWish, NewLine, first_year};
pub use invoices::{InvoiceFilter, find_invoices, invoice, invoice_summary, invoices, owed, settlements, standing};
pub(crate) use issue::number;
pub use late_fees::{charge_late_fee, waive_late_fee};
pub use leaving::{contract_term, leaving_fee};
pub use metered::{Metered, TrafficCharge, metered, period};
pub use model::{
    AccountStanding, BillingRun, Buyer, Invoice, InvoiceLine, InvoiceSummary, InvoiceTax, InvoiceTaxPart, LineKind,
    LineTier, LineTiers, Owed, PaidFor, Parties, RunStatus, RunWish, Seller, Settlement, Upcoming, UpcomingBill,
};
pub use next_bill::{NextBill, NextBillLine, NextBillPart, next_bill};
pub use preview::{Outlier, OutlierReason, Preview, PreviewFault, preview};
pub use proformas::{
    Proforma, ProformaStatus, ProformaSummary, ProformaWish, asked_ahead, issue_proforma, issue_proforma_once,
    proforma, proformas, withdraw_proforma,
};
pub use runs::{faults, run, runs, start_run, today};
pub use taxing::tax_of_line;
pub use upcoming::upcoming;
