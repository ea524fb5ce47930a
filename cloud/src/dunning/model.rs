//! Policies, cases and forecasts, as the API has them.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::Money;

use crate::ids::{AccountId, CreditNoteId, DunningCaseId, InvoiceId, LateFeeId, PauseId, PromiseId};
use crate::ledger::Amount;

/// What a check changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Checked {
    /// Lines restricted, or restricted more.
    pub placed: u32,
    /// Lines let go.
    pub released: u32,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// A friendly message.
    Remind,
    /// A charge, once for each invoice.
    LateFee,
    /// A lower rate on every line.
    Throttle,
    /// Only the pages that tell how to pay, on every line.
    WalledGarden,
    /// The last message.
    FinalNotice,
}

impl StepName {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Remind, Self::LateFee, Self::Throttle, Self::WalledGarden, Self::FinalNotice];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Remind => "remind",
            Self::LateFee => "late_fee",
            Self::Throttle => "throttle",
            Self::WalledGarden => "walled_garden",
            Self::FinalNotice => "final_notice",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Days of every week on which nothing new is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RestDaysName {
    /// None.
    #[default]
    None,
    /// Sundays.
    Sunday,
    /// Saturdays and Sundays.
    SaturdaySunday,
    /// Fridays and Saturdays.
    FridaySaturday,
}

impl RestDaysName {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::None, Self::Sunday, Self::SaturdaySunday, Self::FridaySaturday];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Sunday => "sunday",
            Self::SaturdaySunday => "saturday_sunday",
            Self::FridaySaturday => "friday_saturday",
        }
    }

    /// The choice of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|days| days.name() == name)
    }
}

/// How a late fee is computed: flat and percent of what is still owed, between min and max.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeBody {
    /// The same for everybody.
    #[schema(value_type = Amount)]
    pub flat: Money,
    /// Of what is left to pay on the invoice, 0 to 100.
    #[serde(default)]
    #[schema(value_type = String, example = "5")]
    pub percent: Decimal,
    /// At least this.
    #[serde(default)]
    #[schema(value_type = Option<Amount>)]
    pub min: Option<Money>,
    /// At most this.
    #[serde(default)]
    #[schema(value_type = Option<Amount>)]
    pub max: Option<Money>,
}

/// One thing that is done about unpaid bills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepBody {
    /// Names the step in every version: keep it to change a step, leave it out to add one.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub number: Option<u16>,
    /// What is done.
    pub kind: StepName,
    /// Days from the due date of the earliest unpaid bill; below zero is before it.
    #[schema(minimum = -60, maximum = 365)]
    pub offset_days: i32,
    /// Less than this due for the step does nothing.
    #[serde(default)]
    #[schema(value_type = Option<Amount>)]
    pub minimum_balance: Option<Money>,
    /// How much to charge, of a late fee.
    #[serde(default)]
    pub fee: Option<FeeBody>,
}

/// Days after a declined payment on which it is tried again, by why it was declined.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetriesBody {
    /// The bank may say yes another day.
    #[serde(default)]
    pub soft: Vec<u16>,
    /// The bank will not say yes.
    #[serde(default)]
    pub hard: Vec<u16>,
    /// The subscriber has to do something first.
    #[serde(default)]
    pub needs_customer: Vec<u16>,
}

/// What an ISP does about unpaid bills. Amounts are in the ISP's currency and of no effect on accounts in another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyBody {
    /// What is done; kept in the order of their days.
    pub steps: Vec<StepBody>,
    /// The first local hour in which anything new is done, 0 to 23.
    #[schema(minimum = 0, maximum = 23)]
    pub from_hour: u32,
    /// The hour after the last, 1 to 24.
    #[schema(minimum = 1, maximum = 24)]
    pub to_hour: u32,
    /// Days of every week on which nothing new is done.
    #[serde(default)]
    pub rest_days: RestDaysName,
    /// Further days on which nothing new is done.
    #[serde(default)]
    pub holidays: Vec<NaiveDate>,
    /// All fees of one invoice are at most this.
    #[serde(default)]
    #[schema(value_type = Option<Amount>)]
    pub fee_cap_invoice: Option<Money>,
    /// All fees of one account in a calendar year are at most this.
    #[serde(default)]
    #[schema(value_type = Option<Amount>)]
    pub fee_cap_year: Option<Money>,
    /// When declined payments are tried again.
    #[serde(default)]
    pub retries: RetriesBody,
}

/// A policy to be saved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyWish {
    /// The policy.
    pub policy: PolicyBody,
    /// The version it was made from, so that nobody else's is overwritten unseen.
    pub based_on: i32,
}

/// A version of the policy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyVersion {
    /// From 1; 0 is what holds where nothing was decided.
    pub version: i32,
    /// Whether it is the one in force.
    pub in_force: bool,
    /// The policy.
    pub policy: PolicyBody,
    /// Days after the due date that are free of fees and restrictions, from the ISP's settings.
    pub grace_days: u32,
    /// The version this one restored.
    pub restores: Option<i32>,
    /// Who saved it.
    pub made_by: Option<String>,
    /// When.
    pub made_at: Option<DateTime<Utc>>,
}

/// What a change of the policy would do to today's debtors.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PolicyPreview)]
pub struct Preview {
    /// Each step, of the policy in force or of the changed one.
    pub steps: Vec<PreviewStep>,
    /// Accounts whose restriction would be lifted or made gentler at once.
    pub relieved: u32,
}

/// What a change would do by one step.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PreviewStep {
    /// The step.
    pub number: u16,
    /// What it does.
    pub kind: StepName,
    /// Days from the due date, in the changed policy if it is there.
    pub offset_days: i32,
    /// Times it would be done at the next moment it may be.
    pub at_once: u32,
    /// Times it would be done within 30 days.
    pub after: u32,
    /// Times it will be done within 30 days without the change.
    pub before: u32,
}

/// A dunning case in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CaseSummary {
    /// Which.
    pub id: DunningCaseId,
    /// Whose.
    pub account_id: AccountId,
    /// The day the earliest unpaid bill was due.
    pub due_on: NaiveDate,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// When nothing due that day was open any more.
    pub closed_at: Option<DateTime<Utc>>,
}

/// A dunning case with all that was done.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Case {
    /// As in lists.
    #[serde(flatten)]
    pub summary: CaseSummary,
    /// Past its due date.
    #[schema(value_type = Amount)]
    pub balance: Money,
    /// Steps done or overtaken, oldest first.
    pub steps: Vec<CaseStep>,
    /// Late fees charged.
    pub late_fees: Vec<LateFee>,
    /// Promises to pay, newest first; the newest counts.
    pub promises: Vec<Promise>,
    /// Pauses, newest first; the newest counts.
    pub pauses: Vec<Pause>,
    /// Nothing new is done through this day; absent when the case is not paused.
    pub paused_until: Option<NaiveDate>,
    /// What will be done next if nobody pays.
    pub next: Option<ExpectedStep>,
}

/// A step of a case that was done, or that a later one overtook.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CaseStep {
    /// The step of the policy.
    pub step: i32,
    /// What it does.
    pub kind: StepName,
    /// Whether a later step made it pointless, so that it was not done.
    pub overtaken: bool,
    /// The version of the policy that said so.
    pub policy_version: i32,
    /// What was due for it.
    #[schema(value_type = Amount)]
    pub balance: Money,
    /// When.
    pub done_at: DateTime<Utc>,
}

/// A charge for paying late.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LateFee {
    /// Which.
    pub id: LateFeeId,
    /// The invoice that was not paid.
    pub invoice_id: InvoiceId,
    /// Its number.
    pub number: String,
    /// The step of the policy.
    pub step: i32,
    /// How much; zero where the caps left nothing.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// The invoice of the fee, with its number.
    pub fee_invoice_id: Option<InvoiceId>,
    /// Its number.
    pub fee_number: Option<String>,
    /// The account's local day.
    pub charged_on: NaiveDate,
    /// The credit note that gave it back.
    pub credit_note_id: Option<CreditNoteId>,
}

/// How a promise stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PromiseStatus {
    /// Its day is not over.
    Running,
    /// The amount arrived in time.
    Kept,
    /// Its day is over and the amount did not arrive.
    Broken,
    /// A newer promise took its place.
    Replaced,
}

impl PromiseStatus {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Kept => "kept",
            Self::Broken => "broken",
            Self::Replaced => "replaced",
        }
    }
}

/// A promise to pay.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = PromiseToPay)]
pub struct Promise {
    /// Which.
    pub id: PromiseId,
    /// How much.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// The last day, which is still free.
    pub promised_on: NaiveDate,
    /// What was said.
    pub note: String,
    /// Who noted it.
    pub promised_by: String,
    /// When.
    pub promised_at: DateTime<Utc>,
    /// How it stands.
    pub status: PromiseStatus,
}

/// A promise to be noted. While it runs, nothing new is done and lines are open.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PromiseWish {
    /// Above zero, at most what is owed.
    #[schema(value_type = Amount)]
    pub amount: Money,
    /// From today to 31 days ahead.
    pub promised_on: NaiveDate,
    /// What was said, at most 500 characters.
    #[serde(default)]
    pub note: String,
}

/// A stretch in which nothing new is done; restrictions stay.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DunningPause)]
pub struct Pause {
    /// Which.
    pub id: PauseId,
    /// Its last day; absent: the pause before ended here.
    pub until_on: Option<NaiveDate>,
    /// Why.
    pub reason: String,
    /// Who said so.
    pub paused_by: String,
    /// When.
    pub paused_at: DateTime<Utc>,
}

/// A pause to begin.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseWish {
    /// Its last day, from today to 90 days ahead.
    pub until_on: NaiveDate,
    /// Why, at most 500 characters.
    pub reason: String,
}

/// Why a fee is given back.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WaiveWish {
    /// In plain words, at most 500 characters.
    pub reason: String,
}

/// Something that will be done if nobody pays.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExpectedStep {
    /// The account's local day.
    pub on: NaiveDate,
    /// The earliest instant.
    pub at: DateTime<Utc>,
    /// To whom.
    pub account_id: AccountId,
    /// The account's number.
    pub account_number: String,
    /// The subscriber.
    pub subscriber: String,
    /// The step of the policy.
    pub step: u16,
    /// What.
    pub kind: StepName,
    /// Why: this much is due for the step; for a fee, left of its invoice.
    #[schema(value_type = Amount)]
    pub balance: Money,
    /// Since this day at the earliest.
    pub due_since: NaiveDate,
    /// Numbers of the invoices issued so far that it is about.
    pub invoices: Vec<String>,
    /// How much is charged, of a fee.
    #[schema(value_type = Option<Amount>)]
    pub fee: Option<Money>,
}

/// Who will be written to, charged and restricted, when and why.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Forecast {
    /// It begins now.
    pub from: DateTime<Utc>,
    /// It ends here.
    pub until: DateTime<Utc>,
    /// Everything, by time.
    pub items: Vec<ExpectedStep>,
}
