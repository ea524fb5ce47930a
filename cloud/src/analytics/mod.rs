//! What the business and the network did: recurring revenue and its movements, churn, aging, collections, traffic, risk.
//!
//! Only reads, but for [`offer_more`], which writes messages. Every number is defined in `docs/metrics.md` and is the sum of a list that can be opened. Start with
//! [`recurring`].

pub mod api;
pub mod error;
mod model;
mod outreach;
mod service;
mod store;

pub use error::Error;
pub use model::{
    AgedInvoice, Aging, AgingBucket, AtRisk, BusyHour, Collections, Exhausted, Month, Moved, Movement, Reason,
    Recurring, Split, Traffic,
};
pub use outreach::{OfferWish, Offered, offer_more};
pub use service::{aged, aging, at_risk, busy_hours, collections, exhausted, moved, recurring, traffic};
