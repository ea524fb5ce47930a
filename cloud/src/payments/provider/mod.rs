//! What a payment provider can do, whoever it is. Adapters know the provider's language and nothing of ours.
//!
//! `Ok` is what the provider said: a [`State::Failed`] is final. `Err` means that nobody knows whether it was done, and
//! only asking again with the same key, or looking, may tell.

pub mod stripe;

use chrono::{DateTime, TimeDelta, Utc};
use weir_rules::money::Money;

use super::Decline;

/// Providers forget keys after a day; from then on what has no answer is looked for, not repeated.
pub(super) const KEYS_KEPT: TimeDelta = TimeDelta::hours(23);
/// How much earlier than we asked something may seem to have begun there, by another clock.
pub(super) const CLOCKS_DIFFER: TimeDelta = TimeDelta::days(1);

/// How far a provider's messages can be believed. None moves money: what they are about is fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Signed over the raw message, and fresh.
    Signed,
}

/// What an adapter can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Sends the payer to a page of the provider's.
    pub page: bool,
    /// Keeps methods and charges them without the payer.
    pub saved_methods: bool,
    /// Gives money back.
    pub refunds: bool,
    /// Lists what happened since an instant.
    pub listing: bool,
    /// How its messages are checked.
    pub trust: Trust,
}

/// Why nobody knows whether it was done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No answer.
    #[error("the payment provider did not answer: {0}")]
    Unreachable(String),
    /// An answer that says neither yes nor no.
    #[error("the payment provider answered {status}: {message}")]
    Failed {
        /// Its HTTP status.
        status: u16,
        /// In its words.
        message: String,
    },
    /// The provider does not know our key.
    #[error("the payment provider refuses the secret key")]
    Unauthorized,
    /// An answer we do not understand.
    #[error("the payment provider's answer cannot be read: {0}")]
    Unreadable(String),
    /// The provider cannot write this amount.
    #[error("the payment provider does not take {0}")]
    Amount(Money),
}

/// Why a message is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// No signature, or not one we can read.
    #[error("the message has no signature")]
    Unsigned,
    /// Somebody else's signature, or another message's.
    #[error("the signature is not of this message")]
    Forged,
    /// It was signed too long ago, or in the future.
    #[error("the message was not signed within the last five minutes")]
    Stale,
    /// Signed, and not a message.
    #[error("the message cannot be read")]
    Unreadable,
}

/// Who has to do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The payer: the page is open.
    Customer,
    /// The provider or a bank: the payer has done their part.
    Provider,
}

/// Why a payment was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whether trying again may help.
    pub decline: Decline,
    /// In the provider's word.
    pub code: String,
}

/// A method the provider keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// What the provider calls it.
    pub reference: String,
    /// Such as `visa`.
    pub brand: String,
    /// The last digits.
    pub last4: String,
    /// Month and year of its end, for cards.
    pub expires: Option<(i16, i16)>,
}

/// Where a payment is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Neither yes nor no.
    Pending(Waiting),
    /// The money is the provider's to pass on. What was really paid, which may not be what was asked for.
    Succeeded {
        /// How much.
        amount: Money,
        /// With what, when the provider keeps it.
        method: Option<Saved>,
    },
    /// Refused for good.
    Failed(Refusal),
    /// Ended without money.
    Cancelled,
    /// The provider knows nothing of it.
    Unknown,
}

/// A payment as the provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What the provider calls it; none if it was refused before it had a name.
    pub reference: Option<String>,
    /// The payment behind a page, once there is one.
    pub intent: Option<String>,
    /// The page to send the payer to.
    pub page_url: Option<String>,
    /// The key we asked with.
    pub key: Option<String>,
    /// Who pays, as the provider calls them.
    pub payer: Option<String>,
    /// When it began there.
    pub began_at: Option<DateTime<Utc>>,
    /// Where it is.
    pub state: State,
}

/// A page on which a payer leaves a method without paying.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetUp {
    /// What the provider calls it.
    pub reference: String,
    /// The page.
    pub page_url: Option<String>,
    /// Who, as the provider calls them.
    pub payer: Option<String>,
    /// What they left.
    pub saved: Option<Saved>,
}

/// Money the provider gave back, or is about to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// What the provider calls it; none if it was refused before it had a name.
    pub reference: Option<String>,
    /// The key we asked with.
    pub key: Option<String>,
    /// The payment it is of.
    pub intent: Option<String>,
    /// How much.
    pub amount: Option<Money>,
    /// When it began there.
    pub began_at: Option<DateTime<Utc>>,
    /// Whether it is done; `None` while nobody knows.
    pub done: Option<Result<(), String>>,
}

/// Where a dispute of a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispute {
    /// The payer's bank asks; no money has moved.
    Asked,
    /// The money is gone: while it is fought over, or for good.
    Taken,
    /// The money is back.
    Won,
}

/// A payment whose payer says at their bank that it is none of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disputed {
    /// What the provider calls the dispute.
    pub reference: String,
    /// The payment it is of.
    pub intent: Option<String>,
    /// How much.
    pub amount: Money,
    /// Why, in the provider's word.
    pub reason: String,
    /// Where it stands.
    pub stands: Dispute,
}

/// Asks a payer to pay on the provider's page.
#[derive(Debug, Clone)]
pub struct PageWish {
    /// The same for the same wish, however often it is sent.
    pub key: String,
    /// Who pays, as the provider calls them.
    pub payer: String,
    /// How much.
    pub amount: Money,
    /// What for.
    pub about: String,
    /// Keep the method for later.
    pub keep: bool,
    /// Where the payer returns to.
    pub return_url: String,
    /// The payer's language.
    pub language: String,
}

/// Charges a method the provider keeps.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The same for the same charge, however often it is sent.
    pub key: String,
    /// Who pays.
    pub payer: String,
    /// With what.
    pub method: String,
    /// How much.
    pub amount: Money,
    /// What for.
    pub about: String,
}

/// What happened at the provider since an instant.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Payments.
    pub payments: Vec<Standing>,
    /// Refunds.
    pub refunds: Vec<Returned>,
    /// Disputes.
    pub disputes: Vec<Disputed>,
}

/// What a message is about; it has to be fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A payment, by reference or intent.
    Payment(String),
    /// A page without a payment.
    SetUp(String),
    /// A refund, by its reference.
    Refund(String),
    /// A dispute, by its reference.
    Dispute(String),
    /// Nothing of ours.
    Other,
}

/// A message of the provider's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name, the same when it is sent again.
    pub id: String,
    /// What the provider calls the kind.
    pub kind: String,
    /// What it is about.
    pub subject: Subject,
}

/// A provider. Every key is ours and stays the same when a call is repeated.
pub trait Provider: Send + Sync {
    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Makes a payer known; returns what the provider calls them.
    fn payer(&self, key: &str, name: &str, email: &str) -> impl Future<Output = Result<String, Error>> + Send;

    /// Opens a page on which a payer leaves a method.
    fn set_up(&self, key: &str, payer: &str, return_url: &str) -> impl Future<Output = Result<SetUp, Error>> + Send;

    /// What became of such a page.
    fn set_up_standing(&self, reference: &str) -> impl Future<Output = Result<Option<SetUp>, Error>> + Send;

    /// Forgets a method.
    fn forget(&self, method: &str) -> impl Future<Output = Result<(), Error>> + Send;

    /// Opens a page on which a payer pays.
    fn request(&self, wish: &PageWish) -> impl Future<Output = Result<Standing, Error>> + Send;

    /// Charges a method without the payer.
    fn charge(&self, charge: &Charge) -> impl Future<Output = Result<Standing, Error>> + Send;

    /// Ends what is not paid; whoever was quicker shows in the standing.
    fn cancel(&self, reference: &str) -> impl Future<Output = Result<Standing, Error>> + Send;

    /// Gives money back.
    fn refund(&self, key: &str, intent: &str, amount: Money) -> impl Future<Output = Result<Returned, Error>> + Send;

    /// Where a payment is.
    fn fetch(&self, reference: &str) -> impl Future<Output = Result<Standing, Error>> + Send;

    /// Where a refund is; `None` if the provider knows nothing of it.
    fn fetch_refund(&self, reference: &str) -> impl Future<Output = Result<Option<Returned>, Error>> + Send;

    /// Where a dispute is; `None` if the provider knows nothing of it.
    fn fetch_dispute(&self, reference: &str) -> impl Future<Output = Result<Option<Disputed>, Error>> + Send;

    /// Everything that began at or after an instant.
    fn list_since(&self, since: DateTime<Utc>) -> impl Future<Output = Result<Listing, Error>> + Send;

    /// Whether a message is the provider's own. `now` is the system's time, whatever a development clock says.
    fn verify(&self, signature: Option<&str>, raw: &[u8], now: DateTime<Utc>) -> Result<Trust, Doubt>;

    /// What a message is about.
    fn event(&self, raw: &[u8]) -> Result<Event, Doubt>;
}
