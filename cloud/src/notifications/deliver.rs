//! Gives a message to its server and keeps what the server answered. No transaction is open while the server is asked.

use chrono::{DateTime, TimeDelta, Utc};

use super::compose::HIDDEN;
use super::jobs::SendMessage;
use super::store::{Due, Ended};
use super::{Channel, Error, MessageStatus, email, service, settings, sms, store};
use crate::app::App;
use crate::billing::credit_notes::document::Attached;
use crate::db::{Scope, TenantTx};
use crate::ids::MessageId;
use crate::jobs;

/// Minutes until a message that was put off is tried again, by how often it was tried. After the last it is given up.
const DELAYS: [i64; 11] = [1, 5, 15, 30, 60, 120, 240, 480, 480, 480, 480];
/// Longest answer kept, in characters.
const ANSWER_MAX: usize = 1_000;

/// What became of an attempt, with what was answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The server took it.
    Sent(String),
    /// The server refuses it for good.
    Refused(String),
    /// It may be taken later.
    Deferred(String),
    /// It cannot be sent as it is.
    Unsendable(String),
}

/// Sends a message that was tried `attempts` times, and notes what became of it. Should the note be lost with a crash, the
/// message goes out once more under the same Message-ID.
pub(super) async fn deliver(app: &App, scope: &Scope, id: MessageId, attempts: i32) -> Result<(), Error> {
    let mut tx = app.db.read(scope).await?;
    let Some(mut due) = store::due(&mut tx, id).await?.filter(|due| due.attempts == attempts) else { return Ok(()) };
    let outcome = match open_link(app, &tx, id, &mut due) {
        Ok(()) => ask(app, tx, id, &due).await?,
        Err(error) => Outcome::Unsendable(error.to_string()),
    };
    let mut tx = app.db.begin(scope).await?;
    let next_at = next_at(tx.at(), attempts);
    let (status, outcome, answer) = match outcome {
        Outcome::Sent(answer) => (MessageStatus::Sent, "sent", answer),
        Outcome::Refused(answer) => (MessageStatus::Refused, "refused", answer),
        Outcome::Deferred(answer) if next_at.is_some() => (MessageStatus::Queued, "deferred", answer),
        Outcome::Deferred(answer) => (MessageStatus::Failed, "deferred", answer),
        Outcome::Unsendable(answer) => (MessageStatus::Failed, "failed", answer),
    };
    let next_at = next_at.filter(|_| status == MessageStatus::Queued);
    let answer: String = answer.chars().filter(|letter| *letter != '\0').take(ANSWER_MAX).collect();
    let noted = store::note(&mut tx, id, attempts, &Ended { status, outcome, answer: &answer, next_at }).await?;
    if let Some(at) = next_at.filter(|_| noted) {
        jobs::enqueue(&mut tx, &SendMessage { message: id, attempts: attempts + 1 }, at).await?;
    }
    tx.commit().await?;
    metrics::counter!("weir_messages_total", "channel" => due.channel.name(), "outcome" => outcome).increment(1);
    Ok(())
}

/// Puts the link that opens something where the kept message hides it.
fn open_link(app: &App, tx: &TenantTx, id: MessageId, due: &mut Due) -> Result<(), Error> {
    let Some(sealed) = due.link.take() else { return Ok(()) };
    let link = app.secrets.unseal_text(service::link_place(tx, id), &sealed)?;
    due.text = due.text.replace(HIDDEN, &link);
    due.html = due.html.replace(HIDDEN, &weir_ui::mail::escaped(&link));
    Ok(())
}

async fn ask(app: &App, mut tx: TenantTx, id: MessageId, due: &Due) -> Result<Outcome, Error> {
    let at = tx.at();
    match due.channel {
        Channel::Sms => {
            let gateway = settings::gateway(app, &mut tx).await?;
            drop(tx);
            Ok(sms::send(&gateway, &due.recipient, &due.text).await)
        }
        Channel::Email => {
            let server = settings::server(app, &mut tx).await?;
            let document = match due.invoice_id {
                Some(document) => Some(Attached::find(&mut tx, document).await?),
                None => None,
            };
            drop(tx);
            let attachment = match document {
                Some(document) => Some(document.draw().await?),
                None => None,
            };
            let letter = email::Letter {
                id: id.to_string(),
                at,
                to: &due.recipient,
                subject: &due.subject,
                text: &due.text,
                html: &due.html,
                reply_to: &due.reply_to,
                attachment,
            };
            Ok(email::send(&server, &letter).await)
        }
    }
}

/// An error with its causes.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words = format!("{words}: {more}");
        }
        cause = error.source();
    }
    words
}

fn next_at(now: DateTime<Utc>, attempts: i32) -> Option<DateTime<Utc>> {
    let minutes = usize::try_from(attempts).ok().and_then(|attempts| DELAYS.get(attempts))?;
    Some(now + TimeDelta::minutes(*minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_off_waits_longer_each_time_and_ends_after_two_days() {
        let at = DateTime::UNIX_EPOCH;
        let waits: Vec<_> = (0..).map_while(|attempts| next_at(at, attempts)).map(|next| next - at).collect();
        assert!(waits.is_sorted() && waits.len() == DELAYS.len());
        let all: TimeDelta = waits.iter().sum();
        assert!((TimeDelta::hours(36)..TimeDelta::hours(48)).contains(&all), "{all}");
    }
}
