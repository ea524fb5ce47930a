//! Typed identifiers: UUIDv7 inside, `sub_0192…` outside, so that a log line explains itself.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Why a text is not an id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id like {prefix}_01929c6a…, found {found:?}")]
pub struct ParseIdError {
    prefix: &'static str,
    found: String,
}

/// An identifier of one kind of thing.
pub trait Id: Copy + From<Uuid> {
    /// What its text begins with.
    const PREFIX: &'static str;
}

/// Makes a new id that sorts by `at`.
pub fn new_id<I: Id>(at: DateTime<Utc>) -> I {
    nth_id(at, 0)
}

/// How many ids of an instant sort in the order of their making: 26 bits stand before the 48 that are random.
const IN_ORDER: u32 = 1 << 26;

/// Makes the `n`th new id of an instant: the first 67 million sort in the order of their making.
pub fn nth_id<I: Id>(at: DateTime<Utc>, n: u32) -> I {
    let millis = at.timestamp_millis().unsigned_abs();
    let mut random = [0u8; 10];
    // An id without randomness would collide: better no id than that.
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    // What the version and the variant leave of four bytes: 12 bits, then 14.
    let n = n.min(IN_ORDER - 1);
    random[..2].copy_from_slice(&((n >> 14) as u16).to_be_bytes());
    random[2..4].copy_from_slice(&((n & 0x3fff) as u16).to_be_bytes());
    I::from(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
}

fn parse(prefix: &'static str, text: &str) -> Result<Uuid, ParseIdError> {
    text.strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .and_then(|hex| Uuid::try_parse(hex).ok())
        .ok_or_else(|| ParseIdError { prefix, found: text.chars().take(64).collect() })
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type, utoipa::ToSchema)]
        #[sqlx(transparent)]
        #[schema(value_type = String)]
        pub struct $name(Uuid);

        impl $name {
            /// The bare UUID, for SQL parameters and the wire.
            pub fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl Id for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse($prefix, text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <std::borrow::Cow<'de, str>>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )* };
}

ids! {
    /// An ISP that uses this service.
    TenantId = "ten";
    /// A person who works for a tenant.
    StaffId = "stf";
    /// A session of a person of the staff.
    SessionId = "ses";
    /// A key a program asks with.
    ApiKeyId = "key";
    /// An invitation to the staff.
    InvitationId = "ivt";
    /// A place where routers stand.
    SiteId = "sit";
    /// An edge router.
    RouterId = "rtr";
    /// What lines share on their way to a router.
    AccessPointId = "acp";
    /// An enrolled agent.
    AgentId = "agt";
    /// A usage record that is not counted unless somebody says so.
    QuarantinedId = "uqr";
    /// Ports of a public address that are a line's alone.
    PortBlockId = "pbk";
    /// A single-use enrollment token.
    EnrollmentTokenId = "etk";
    /// Who buys access.
    SubscriberId = "sbr";
    /// What is billed.
    AccountId = "acc";
    /// Where access ends.
    ServiceLocationId = "loc";
    /// What is sold.
    PlanId = "pln";
    /// What one version of a plan promises and costs.
    PlanVersionId = "plv";
    /// A plan sold to an account at a location.
    SubscriptionId = "sub";
    /// Bytes on top of an allowance, as they are offered.
    TopUpProductId = "tpp";
    /// Bytes on top of an allowance, as they were sold.
    TopUpId = "tpu";
    /// A time with rates of its own, as it is offered.
    BoostProductId = "bop";
    /// A time with rates of its own, as it was sold.
    BoostId = "bos";
    /// A line measured because somebody asked.
    LineProbeId = "prb";
    /// What a subscription's price is less.
    DiscountId = "dsc";
    /// A minimum term of a subscription.
    ContractId = "ctr";
    /// Days on which a subscriber wants no service.
    LinePauseId = "lps";
    /// What an account is charged once.
    ChargeId = "chg";
    /// Something a router was asked.
    DiagnosisId = "dgn";
    /// Why a line is not simply open.
    HoldId = "hld";
    /// A posting of the ledger.
    LedgerEntryId = "len";
    /// One pass of billing over all accounts.
    BillingRunId = "run";
    /// An invoice.
    InvoiceId = "inv";
    /// What is asked for before it is invoiced.
    ProformaId = "pro";
    /// What of an invoice is given back.
    CreditNoteId = "crn";
    /// A line of an invoice, or of a credit note.
    InvoiceLineId = "inl";
    /// Money received.
    PaymentId = "pay";
    /// A method a provider keeps for an account.
    PaymentMethodId = "pmt";
    /// A try to be paid through a provider.
    PaymentAttemptId = "pat";
    /// What happened to an attempt.
    AttemptStepId = "pas";
    /// Money given back.
    RefundId = "rfd";
    /// A file of a bank, as given.
    BankFileId = "bfl";
    /// A statement of a bank account.
    BankStatementId = "bst";
    /// A line of a statement.
    BankEntryId = "ben";
    /// Money received from nobody known.
    SuspenseId = "ssp";
    /// A sum in suspense that went back.
    SuspenseReturnId = "spr";
    /// A part of a payment or credit that settles an invoice.
    AllocationId = "alc";
    /// A message to a subscriber or to staff.
    MessageId = "msg";
    /// What is done about one unpaid due day of an account.
    DunningCaseId = "dcs";
    /// A promise to pay.
    PromiseId = "pms";
    /// A pause of a dunning case.
    PauseId = "pau";
    /// A charge for paying late.
    LateFeeId = "fee";
    /// What a subscriber asks, and the answers.
    TicketId = "tkt";
    /// A reply, a note or a change of a ticket.
    TicketEntryId = "tke";
    /// A file that came with an entry.
    AttachmentId = "att";
    /// An e-mail that came.
    SupportMailId = "eml";
    /// A request, as people quote it and the log names it.
    RequestId = "req";
    /// A program elsewhere that is told what happened.
    WebhookId = "whk";
    /// What is sent to a webhook.
    DeliveryId = "dlv";
    /// A list of subscribers to be brought in.
    ImportId = "imp";
    /// Work to be done later.
    JobId = "job";
    /// A rule a tenant brought.
    PluginId = "plg";
    /// A component that was uploaded for a plugin.
    PluginVersionId = "pgv";
    /// A call of a plugin.
    PluginInvocationId = "pgi";
    /// A tax at a place.
    TaxRuleId = "txr";
    /// Why an account is not charged tax.
    TaxExemptionId = "txe";
    /// A change somebody made.
    AuditEntryId = "aud";
    /// Something that happened.
    EventId = "evt";
    /// A decision about which days of the books are closed.
    LedgerClosingId = "lcl";
    /// A day whose revenue is earned.
    RecognitionId = "rcg";
    /// A check of the books.
    BookCheckId = "bck";
    /// A wish to become a subscriber.
    OrderId = "ord";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_an_instant_sort_in_the_order_of_their_making() {
        let ns = (0..70_000).chain([IN_ORDER - 2, IN_ORDER - 1]);
        let made: Vec<SiteId> = ns.map(|n| nth_id(DateTime::UNIX_EPOCH, n)).collect();
        assert!(made.is_sorted() && made[0] != nth_id(DateTime::UNIX_EPOCH, 0));
    }

    #[test]
    fn text_returns_the_id_and_names_its_kind() {
        let id: SiteId = new_id(DateTime::UNIX_EPOCH);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().parse::<RouterId>().is_err());
        assert!("sit_".parse::<SiteId>().is_err());
    }
}
