//! Work of payments: asking, looking, charging what is due, comparing with the provider.

use serde::{Deserialize, Serialize};

use super::provider::Subject;
use super::{Error, attempts, autopay, reconcile, refunds};
use crate::app::App;
use crate::db::Scope;
use crate::ids::{AccountId, PaymentAttemptId, RefundId};
use crate::jobs::Job;

/// Asks for an attempt that was written down, or looks what became of it.
#[derive(Serialize, Deserialize)]
pub struct LookAtAttempt {
    /// Which.
    pub attempt: PaymentAttemptId,
}

impl Job for LookAtAttempt {
    const KIND: &'static str = "payments.look_at_attempt";
    const OUTWARD: bool = true;

    fn unique_key(&self) -> Option<String> {
        Some(self.attempt.to_string())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        switched_off(attempts::look(&app, &scope, self.attempt).await)
    }
}

/// The same for a refund.
#[derive(Serialize, Deserialize)]
pub struct LookAtRefund {
    /// Which.
    pub refund: RefundId,
}

impl Job for LookAtRefund {
    const KIND: &'static str = "payments.look_at_refund";
    const OUTWARD: bool = true;

    fn unique_key(&self) -> Option<String> {
        Some(self.refund.to_string())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        switched_off(refunds::look(&app, &scope, self.refund).await)
    }
}

/// What a message is about.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A payment.
    Payment,
    /// A page for a method.
    SetUp,
    /// A refund.
    Refund,
    /// A dispute.
    Dispute,
}

/// Fetches what a provider's message is about.
#[derive(Serialize, Deserialize)]
pub struct LookAtSubject {
    /// What kind of thing.
    pub about: About,
    /// What the provider calls it.
    pub reference: String,
}

impl Job for LookAtSubject {
    const KIND: &'static str = "payments.look_at_subject";
    const OUTWARD: bool = true;

    fn unique_key(&self) -> Option<String> {
        // Not one with another that may be at work already and have fetched before this message was sent.
        None
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let subject = match self.about {
            About::Payment => Subject::Payment(self.reference),
            About::SetUp => Subject::SetUp(self.reference),
            About::Refund => Subject::Refund(self.reference),
            About::Dispute => Subject::Dispute(self.reference),
        };
        switched_off(attempts::look_at_subject(&app, &scope, subject).await)
    }
}

/// Charges what an account owes and is due.
#[derive(Serialize, Deserialize)]
pub struct ChargeAccount {
    /// Whose.
    pub account: AccountId,
}

impl Job for ChargeAccount {
    const KIND: &'static str = "payments.charge_account";
    const OUTWARD: bool = true;

    fn unique_key(&self) -> Option<String> {
        Some(self.account.to_string())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        switched_off(autopay::charge_account(&app, &scope, self.account).await)
    }
}

/// The hourly look for what is due to be charged.
#[derive(Serialize, Deserialize)]
pub struct ChargeDue {}

impl Job for ChargeDue {
    const KIND: &'static str = "payments.charge_due";
    const OUTWARD: bool = true;

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        switched_off(autopay::charge_due(&app, &scope).await)
    }
}

/// The hourly comparison with the provider.
#[derive(Serialize, Deserialize)]
pub struct Reconcile {}

impl Job for Reconcile {
    const KIND: &'static str = "payments.reconcile";
    const OUTWARD: bool = true;

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        switched_off(reconcile(&app, &scope).await.map(drop))
    }
}

/// Without a provider there is nothing to do.
fn switched_off(outcome: Result<(), Error>) -> anyhow::Result<()> {
    match outcome {
        Err(Error::NotSetUp) => Ok(()),
        other => Ok(other?),
    }
}
