//! A provider's messages: believed only when signed, taken once, and never more than a reason to look.

use super::provider::{Event, Provider, Subject};
use super::settings::{self, STRIPE};
use super::store::providers;
use super::{Error, jobs};
use crate::app::App;
use crate::db::Scope;

/// Takes a message as it came. `signature` is what the provider wrote beside it.
pub async fn take_message(app: &App, address: &str, signature: Option<&str>, raw: &[u8]) -> Result<(), Error> {
    let scope = Scope::system(app.links.read_messages(address).ok_or(Error::LinkInvalid)?);
    let mut tx = app.db.begin(&scope).await?;
    let gateway = settings::gateway(app, &mut tx).await?;
    gateway.verify(signature, raw, app.clock.system_now())?;
    let event: Event = gateway.event(raw)?;
    if !providers::insert_event(&mut tx, STRIPE, &event.id, &event.kind).await? {
        return Ok(());
    }
    let at = tx.at();
    if let Some(job) = jobs::LookAtSubject::of(&event.subject) {
        crate::jobs::enqueue(&mut tx, &job, at).await?;
    }
    Ok(tx.commit().await?)
}

impl jobs::LookAtSubject {
    fn of(subject: &Subject) -> Option<Self> {
        let (about, reference) = match subject {
            Subject::Payment(reference) => (jobs::About::Payment, reference),
            Subject::SetUp(reference) => (jobs::About::SetUp, reference),
            Subject::Refund(reference) => (jobs::About::Refund, reference),
            Subject::Dispute(reference) => (jobs::About::Dispute, reference),
            Subject::Other => return None,
        };
        Some(Self { about, reference: reference.clone() })
    }
}
