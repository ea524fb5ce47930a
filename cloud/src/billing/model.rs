//! Runs, invoices, standings.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::invoice::CollectionStatus;
use weir_rules::money::Money;

use super::LineDiscount;
use crate::ids::{
    AccountId, AllocationId, BillingRunId, InvoiceId, InvoiceLineId, PaymentId, PlanVersionId, SubscriptionId,
    TaxRuleId,
};
use crate::ledger::Amount;
use crate::plugins::PricedBy;
use crate::taxes::TaxedBy;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// At work.
    Running,
    /// Every account was billed.
    Done,
    /// Some accounts could not be billed; `error` names them.
    Failed,
}

impl RunStatus {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "done" => Self::Done,
            "failed" => Self::Failed,
            _ => Self::Running,
        }
    }
}

/// One pass of billing over all accounts.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BillingRun {
    /// Which.
    pub id: BillingRunId,
    /// Everything due by this local day of each account is billed.
    pub as_of: NaiveDate,
    /// How far it is.
    pub status: RunStatus,
    /// Who started it.
    pub started_by: String,
    /// When.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Accounts to look at.
    pub accounts_total: i32,
    /// Accounts looked at.
    pub accounts_done: i32,
    /// Invoices issued.
    pub invoices_issued: i32,
    /// What they ask for, in the ISP's currency.
    #[schema(value_type = Amount)]
    pub total: Money,
    /// What they ask for, in every currency.
    #[schema(value_type = Vec<Amount>)]
    pub totals: Vec<Money>,
    /// Which accounts could not be billed, and why.
    pub error: Option<String>,
}

/// A run to be started.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RunWish {
    /// Bill everything due by this local day, at most 31 days ahead.
    pub as_of: NaiveDate,
}

/// An invoice in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvoiceSummary {
    /// Which.
    pub id: InvoiceId,
    /// Gapless within its year.
    #[schema(example = "INV-2026-000042")]
    pub number: String,
    /// Who is asked.
    pub account_id: AccountId,
    /// Name of the subscriber as it was when the invoice was issued.
    pub subscriber: String,
    /// The run that issued it.
    pub run_id: Option<BillingRunId>,
    /// Local day of issue.
    pub issued_on: NaiveDate,
    /// Last day to pay.
    pub due_on: NaiveDate,
    /// Without tax.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// All tax.
    #[schema(value_type = Amount)]
    pub tax: Money,
    /// With tax.
    #[schema(value_type = Amount)]
    pub gross: Money,
    /// What is left to pay.
    #[schema(value_type = Amount)]
    pub open: Money,
    /// due, overdue, part_paid, paid.
    #[schema(value_type = String)]
    pub collection_status: CollectionStatus,
}

/// An invoice with everything on it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Invoice {
    /// As in lists.
    #[serde(flatten)]
    pub summary: InvoiceSummary,
    /// Seller and buyer as they were.
    pub parties: Parties,
    /// Lines in order.
    pub lines: Vec<InvoiceLine>,
    /// Tax by category and rate.
    pub taxes: Vec<InvoiceTax>,
}

/// What a line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// The plan's price.
    Recurring,
    /// A charge taken back.
    Credit,
    /// Traffic counted.
    Usage,
    /// Charged for paying late, or that given back.
    LateFee,
    /// Bytes bought on top of an allowance.
    TopUp,
    /// A time with rates of its own.
    Boost,
    /// Charged again, because a credit note had given it back before.
    Correction,
    /// A fee, goods or a visit, charged once.
    OneTime,
    /// What leaving a contract early costs.
    EarlyTermination,
}

impl LineKind {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Recurring => "recurring",
            Self::Credit => "credit",
            Self::Usage => "usage",
            Self::LateFee => "late_fee",
            Self::TopUp => "top_up",
            Self::Boost => "boost",
            Self::Correction => "correction",
            Self::OneTime => "one_time",
            Self::EarlyTermination => "early_termination",
        }
    }

    pub(super) fn from_name(name: &str) -> Self {
        match name {
            "credit" => Self::Credit,
            "usage" => Self::Usage,
            "late_fee" => Self::LateFee,
            "top_up" => Self::TopUp,
            "boost" => Self::Boost,
            "correction" => Self::Correction,
            "one_time" => Self::OneTime,
            "early_termination" => Self::EarlyTermination,
            _ => Self::Recurring,
        }
    }
}

/// A line of an invoice and what it follows from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvoiceLine {
    /// Which.
    pub id: InvoiceLineId,
    /// From 1.
    pub position: i32,
    /// What for.
    pub kind: LineKind,
    /// The subscription it bills.
    pub subscription_id: Option<SubscriptionId>,
    /// The plan version whose price it is.
    pub plan_version_id: Option<PlanVersionId>,
    /// The account it is for, if that is not the one that is billed; [`Parties::accounts`] has its name.
    pub account_id: Option<AccountId>,
    /// For people.
    pub description: String,
    /// First day billed.
    pub from: NaiveDate,
    /// Day after the last billed.
    pub to: NaiveDate,
    /// First day of the whole period.
    pub full_from: NaiveDate,
    /// Day after the last of the whole period.
    pub full_to: NaiveDate,
    /// How many whole periods, or blocks of traffic.
    #[schema(value_type = String)]
    pub quantity: Decimal,
    /// Price of a whole period, or of a block: with tax, if `gross` is given.
    #[schema(value_type = Amount)]
    pub unit_price: Money,
    /// What discounts took off the price, in all, with tax if that includes it; below zero on a credit, whose charge was less by it.
    #[schema(value_type = Amount)]
    pub discount: Money,
    /// What of it is whose, in the order it was taken off.
    pub discounts: Vec<LineDiscount>,
    /// Without tax, and without what discounts took off.
    #[schema(value_type = Amount)]
    pub net: Money,
    /// What the line asks for with tax, where its price includes it; null where tax is on top.
    #[schema(value_type = Option<Amount>)]
    pub gross: Option<Money>,
    /// Tax category of EN 16931.
    pub tax_category: String,
    /// Percent.
    #[schema(value_type = String)]
    pub tax_rate: Decimal,
    /// Where it was taxed, by which rules, or why not; absent where no rule of a place decides, as for late fees.
    pub taxed_by: Option<TaxedBy>,
    /// Bytes to the subscriber, on a usage line.
    pub down_bytes: Option<i64>,
    /// Bytes from the subscriber, on a usage line.
    pub up_bytes: Option<i64>,
    /// Of them, those moved in free windows, which do not count, on a usage line.
    pub free_bytes: Option<i64>,
    /// What of them the plan includes, with what was bought on top; absent when the plan does not meter, or lines
    /// share what it includes.
    pub included_bytes: Option<i64>,
    /// Counted after the period had been billed.
    pub late: bool,
    /// How many usage segments of routers are behind the bytes.
    pub segments: i64,
    /// The rule that set the price, or was asked to, frozen with the line.
    pub priced_by: Option<PricedBy>,
    /// How its traffic was priced by the gigabyte, frozen with the line.
    pub tiers: Option<LineTiers>,
    /// The charge a credit takes back, or a correction is about.
    pub credits_line_id: Option<InvoiceLineId>,
}

/// How the traffic of some days was priced in tiers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineTiers {
    /// What of it each tier prices.
    pub parts: Vec<LineTier>,
    /// The parts together, rounded.
    #[schema(value_type = Amount)]
    pub sum: Money,
    /// That, no more than the plan's maximum for these days.
    #[schema(value_type = Amount)]
    pub total: Money,
    /// What of it earlier lines of the same days asked for; the line asks for the rest.
    #[schema(value_type = Amount)]
    pub charged_before: Money,
}

/// What one tier prices.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LineTier {
    /// How much.
    #[schema(value_type = String)]
    pub gigabytes: Decimal,
    /// For a gigabyte.
    #[schema(value_type = String)]
    pub per_gigabyte: Decimal,
    /// Once.
    #[schema(value_type = String)]
    pub fee: Decimal,
    /// What that comes to, not rounded.
    #[schema(value_type = String)]
    pub amount: Decimal,
}

/// Tax of one category and rate.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvoiceTax {
    /// Category of EN 16931.
    pub category: String,
    /// As the ISP calls it.
    pub name: String,
    /// Percent.
    #[schema(value_type = String)]
    pub rate: Decimal,
    /// Sum of the nets.
    #[schema(value_type = Amount)]
    pub base: Money,
    /// The tax.
    #[schema(value_type = Amount)]
    pub tax: Money,
    /// Why no tax is charged, as it stands on the document; may be empty.
    pub reason: String,
    /// What the tax is made of, by rule; none where no rule of a place decided.
    pub parts: Vec<InvoiceTaxPart>,
}

/// What of a tax follows from one rule. All of a tax add up to it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct InvoiceTaxPart {
    /// Which.
    pub rule_id: TaxRuleId,
    /// As the rule calls it.
    pub tax: String,
    /// The rule's own rate, percent.
    #[schema(value_type = String)]
    pub rate: Decimal,
    /// Sum of the nets of its lines.
    #[schema(value_type = Amount)]
    pub base: Money,
    /// Its part of the tax.
    #[schema(value_type = Amount)]
    pub amount: Money,
}

/// Seller and buyer, frozen at issue.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Parties {
    /// The ISP.
    pub seller: Seller,
    /// Who is asked to pay.
    pub buyer: Buyer,
    /// Language of the document, BCP 47.
    pub language: String,
    /// The accounts the buyer pays for that lines are for, in the order of the lines.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accounts: Vec<PaidFor>,
}

/// An account that another pays for, as the invoice says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaidFor {
    /// Which.
    pub account_id: AccountId,
    /// Its number.
    pub number: String,
    /// Name of its subscriber.
    pub name: String,
    /// Where its lines are; may be empty.
    pub place: String,
}

impl PaidFor {
    /// As documents head its lines.
    pub fn title(&self) -> String {
        let parts = [&self.name, &self.number, &self.place].into_iter().filter(|part| !part.is_empty());
        parts.map(String::as_str).collect::<Vec<_>>().join(" · ")
    }
}

/// The ISP as its invoice says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Seller {
    /// As subscribers know it.
    pub name: String,
    /// As the law knows it.
    pub legal_name: String,
    /// Several lines.
    pub address: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Tax registration.
    pub tax_id: String,
    /// One line.
    pub contact: String,
    /// Where to pay; may be empty.
    pub pay_url: String,
    /// Colour, 0-359.
    pub hue: i16,
    /// Whose name the bank account is in; empty where transfers are not taken.
    #[serde(default)]
    pub bank_holder: String,
    /// Its IBAN.
    #[serde(default)]
    pub bank_iban: String,
    /// Its bank.
    #[serde(default)]
    pub bank_bic: String,
}

/// The subscriber as the invoice says.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Buyer {
    /// Name.
    pub name: String,
    /// Several lines; may be empty.
    pub address: String,
    /// Their account's number.
    pub account_number: String,
    /// What to write on a transfer (ISO 11649); empty where transfers are not taken.
    #[serde(default)]
    pub reference: String,
    /// Their VAT identifier, where the tax is theirs to account for; may be empty.
    #[serde(default)]
    pub tax_id: String,
}

/// A part of a payment or of a credit document that settles an invoice.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// Which.
    pub id: AllocationId,
    /// The invoice it settles, with its number.
    pub invoice: (InvoiceId, String),
    /// The payment it is a part of, with its number.
    pub payment: Option<(PaymentId, String)>,
    /// The credit document it is a part of, with its number.
    pub credit: Option<(InvoiceId, String)>,
    /// Whether that document is a credit note.
    pub by_credit_note: bool,
    /// How much.
    pub amount: Money,
    /// When it was allocated.
    pub at: DateTime<Utc>,
}

/// What all accounts of one currency owe.
#[derive(Clone, Copy, Debug)]
pub struct Owed {
    /// Left to pay.
    pub open: Money,
    /// Of that, past its due date.
    pub overdue: Money,
    /// Invoices with something left to pay.
    pub open_invoices: i64,
    /// Of them, past their due date.
    pub overdue_invoices: i64,
}

/// A recurring line a subscription would be billed.
#[derive(Clone, Debug)]
pub struct Upcoming {
    /// The plan's name.
    pub plan: String,
    /// The plan's price, that taken back, or what a note had given back before.
    pub kind: LineKind,
    /// First day billed.
    pub from: NaiveDate,
    /// Day after the last billed.
    pub to: NaiveDate,
    /// Price of a whole period.
    pub unit_price: Money,
    /// What discounts take off it; below zero where that is taken back.
    pub discount: Money,
    /// Without tax.
    pub net: Money,
    /// With tax, where its price includes it: unit price and discount do then, too.
    pub gross: Option<Money>,
}

/// What a subscription would be billed.
#[derive(Clone, Debug)]
pub struct UpcomingBill {
    /// For what.
    pub lines: Vec<Upcoming>,
    /// Without tax.
    pub net: Money,
    /// All tax.
    pub tax: Money,
    /// With tax.
    pub gross: Money,
}

/// How an account stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountStanding {
    /// The account.
    pub account_id: AccountId,
    /// What is owed: open invoices less credit. Below zero is the subscriber's money.
    #[schema(value_type = Amount)]
    pub balance: Money,
    /// Left to pay on invoices.
    #[schema(value_type = Amount)]
    pub open: Money,
    /// Of that, past its due date.
    #[schema(value_type = Amount)]
    pub overdue: Money,
    /// Paid or credited and not used yet.
    #[schema(value_type = Amount)]
    pub credit: Money,
}
