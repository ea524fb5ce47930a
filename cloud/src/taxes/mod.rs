//! Which tax an ISP charges where, from which day to which, and who is exempt from it.
//!
//! Rules decide by place ([`weir_rules::tax_rules`]); billing asks a [`Book`] for each line and freezes what it says. Start with
//! [`add_rules`] and [`Book::of`].

pub mod api;
mod book;
pub mod error;
mod exemptions;
mod model;
mod service;
mod starters;
mod store;

pub use book::{Book, Line};
pub use error::Error;
pub use exemptions::{add_exemption, exemption, exemptions, withdraw_exemption};
pub use model::{
    Exempted, Exemption, ExemptionKind, ExemptionWish, TaxPart, TaxPlace, TaxRule, TaxRuleWish, TaxRuleWishes, TaxedBy,
};
pub use service::{add_rules, change_rule, rule, rules, withdraw_rule};
pub use starters::{Starter, starter, starters};
