//! Proformas as they are asked for and shown.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::billing::{InvoiceLine, InvoiceTax, Parties};
use crate::ids::{AccountId, ProformaId};
use crate::ledger::Amount;

/// A proforma to be issued.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProformaWish {
    /// It asks for all that is due up to this day: today, or at most 400 days ahead.
    pub as_of: NaiveDate,
}

/// Where a proforma stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProformaStatus {
    /// It asks for money.
    Open,
    /// The account has the money as credit.
    Covered,
    /// Its day is over: invoices ask by now.
    Past,
    /// It was withdrawn.
    Withdrawn,
}

impl ProformaStatus {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Covered => "covered",
            Self::Past => "past",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A proforma in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProformaSummary {
    /// Which.
    pub id: ProformaId,
    /// Gapless within its year.
    #[schema(example = "PRO-2026-000003")]
    pub number: String,
    /// Who is asked.
    pub account_id: AccountId,
    /// Name of the subscriber as it was then.
    pub subscriber: String,
    /// Up to which day it asks for what is due, and until when to pay.
    pub as_of: NaiveDate,
    /// Local day of issue.
    pub issued_on: NaiveDate,
    /// Without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// The tax the invoices will have.
    #[schema(value_type = Amount)]
    pub tax: Money,
    /// With tax.
    #[schema(value_type = Amount)]
    pub gross: Money,
    /// What the account has no credit for yet; nothing once it no longer asks.
    #[schema(value_type = Amount)]
    pub left: Money,
    /// open, covered, past or withdrawn.
    pub status: ProformaStatus,
    /// When it was withdrawn.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

/// A proforma with everything on it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Proforma {
    /// As in lists.
    #[serde(flatten)]
    pub summary: ProformaSummary,
    /// Seller and buyer as they were.
    pub parties: Parties,
    /// Lines in order, as an invoice would have them.
    pub lines: Vec<InvoiceLine>,
    /// Tax by category and rate.
    pub taxes: Vec<InvoiceTax>,
}

/// What stands on a proforma, as it is kept.
#[derive(Serialize, Deserialize)]
pub(super) struct Content {
    pub parties: Parties,
    pub lines: Vec<InvoiceLine>,
    pub taxes: Vec<InvoiceTax>,
}
