//! Money received: recorded once, spread over open invoices, posted, and lines restored, all in one transaction.
//!
//! Start with [`record`] for cash, `attempts` for cards through a `provider`, `bank` for statements of the bank,
//! `suspense` for what belongs to nobody known. A provider's word is fetched, never taken from a message.

pub mod api;
mod attempts;
mod autopay;
pub mod bank;
mod disputes;
pub mod error;
pub mod jobs;
mod listen;
mod messages;
mod methods;
mod model;
pub mod provider;
mod receipt;
mod reconcile;
mod refunds;
mod service;
mod settings;
mod store;
mod suspense;

pub use attempts::{attempt, attempts, look, open_attempt, pending, request_page, wanted};
pub use error::Error;
pub use listen::listen;
pub use messages::take_message;
pub use methods::{method, methods, remove_method, set_autopay, set_up_page, take_set_up};
pub use model::{
    AllocatedPart, Attempt, AttemptKind, AttemptStatus, AttemptStep, Decline, Method, NewPayment, NewRefund, Payment,
    PaymentMethod, Refund,
};
pub use receipt::draw as receipt;
pub use reconcile::{Reconciled, reconcile};
pub use refunds::{give_back, refund, refunds};
pub use service::{payment, payments, record};
pub use settings::{ProviderChange, ProviderSettings, change_provider, provider_settings};
pub use suspense::{MatchWish, Suggestion, SuspenseItem, match_suspense, suspense_item, suspense_items};
