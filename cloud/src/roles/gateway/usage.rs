//! The usage stream of a session: records in the order they come, each answered.

use std::collections::BTreeSet;
use std::sync::Arc;

use prost::Message;
use weir_protocol::stream::Kind;
use weir_protocol::usage::{Down, Outcome, Up};
use weir_protocol::{frame, hash};
use weir_transport::{Connection, Receive, Send};

use super::Gateway;
use super::misbehaviour::{self, Misbehaviour};
use super::pace::Pace;
use super::patience::Patience;
use super::session::{EventPace, read};
use crate::fleet::sessions::Session;
use crate::usage::{Error, Intake};

/// Bytes of usage records an agent may tell at once, and for long: what a router of 10,000 lines counted in three days comes
/// in six minutes.
const USAGE_AT_ONCE: usize = 8 * 1024 * 1024;
const USAGE_A_SECOND: u32 = 256 * 1024;
/// What a record costs beside its bytes.
const RECORD_COST: usize = 1024;

/// Applies records until the session ends. The connection is closed over what the agent did before its streams end: an agent
/// that sees them end first never hears why.
pub(super) async fn take(
    gateway: Arc<Gateway>,
    session: Session,
    events: EventPace,
    connection: Connection,
    mut streams: (Send, Receive),
) -> anyhow::Result<()> {
    let ended = apply_all(&gateway, session, events, &mut streams).await;
    let Some(misbehaved) = ended.as_ref().err().filter(|error| misbehaviour::is_one(error)) else { return ended };
    // Once the connection is closed another stream's task may end the session before this one does.
    Box::pin(misbehaviour::tell(&gateway, (session.tenant, session.agent), misbehaved)).await;
    misbehaviour::close(&connection, misbehaved);
    anyhow::bail!("the agent misbehaved: {misbehaved:#}")
}

/// Applies records in the order they come and answers each. What comes too fast waits at the agent.
async fn apply_all(
    gateway: &Gateway,
    session: Session,
    events: EventPace,
    (send, receive): &mut (Send, Receive),
) -> anyhow::Result<()> {
    let mut intake = Intake::new(session);
    let mut pace = Pace::new(USAGE_AT_ONCE, USAGE_A_SECOND);
    let mut refused = BTreeSet::new();
    loop {
        let Up { record, gap_fill, quarantine } = read(receive, Kind::Usage).await?;
        let size = record.len() + gap_fill.as_ref().map_or(0, Message::encoded_len);
        pace.take(size + RECORD_COST).await;
        let mut patience = Patience::default();
        let applied = loop {
            let turn = gateway.turns.take(session.tenant, size).await;
            let applied = match &gap_fill {
                Some(fill) => Box::pin(intake.fill(&gateway.app, fill)).await,
                None if quarantine => Box::pin(intake.quarantine(&gateway.app, &record)).await,
                None => Box::pin(intake.apply(&gateway.app, &record)).await,
            };
            drop(turn);
            match applied {
                Err(error) if patience.has(&error).await => intake = Intake::new(session),
                Err(Error::Fleet(fenced)) => return Err(fenced.into()),
                other => break other?,
            }
        };
        if applied.outcome == Outcome::Malformed {
            tracing::warn!(agent = %session.agent, bytes = record.len(), "a usage record is refused");
            anyhow::ensure!(!applied.epoch.is_empty(), Misbehaviour::RecordUnreadable);
            anyhow::ensure!(refused.insert(hash::usage_record(&record)), Misbehaviour::RefusedAgain);
            events.lock().await.take(1).await;
        }
        let answer = Down {
            epoch: applied.epoch,
            applied_seq: applied.applied_seq,
            trim_seq: applied.trim_seq,
            outcome: applied.outcome.into(),
        };
        frame::write(send, &answer).await?;
    }
}
