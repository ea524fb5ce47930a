//! The state stream of a session: what changed goes down, what became of it comes up.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::Context;
use tokio::sync::mpsc;
use uuid::Uuid;
use weir_protocol::brief::Upserts;
use weir_protocol::state::Ack;
use weir_protocol::stream::Kind;
use weir_protocol::{frame, state};
use weir_transport::{Receive, Send};

use super::pace::Pace;
use super::patience::patiently;
use super::session::read;
use super::{Bell, Gateway};
use crate::fleet;
use crate::fleet::sessions::{self, Session};

/// Results of objects an agent may tell at once, and for long: a router with as many lines as one can have.
pub(super) const RESULTS_AT_ONCE: usize = 100_000;
pub(super) const RESULTS_A_SECOND: u32 = 1_000;

/// Tells the agent what changed, one change at a time: the next one builds on what it acknowledged.
pub(super) async fn tell(
    gateway: Arc<Gateway>,
    session: Session,
    lineage: Uuid,
    mut held: Option<u64>,
    bell: Arc<Bell>,
    (mut send, receive): (Send, Receive),
) -> anyhow::Result<()> {
    let mut replies = reader(receive);
    let mut waiting = false;
    // The generation last sent, and whether with everything; and what came with it.
    let mut sent: Option<(u64, bool)> = None;
    let mut upserts = Upserts::default();
    bell.told.store(held.unwrap_or(0).cast_signed(), Ordering::Relaxed);
    loop {
        let changes = || Box::pin(patiently(|| sessions::changes(&gateway.app, session, lineage, held)));
        if !waiting && let Some(change) = changes().await? {
            Box::pin(frame::write(&mut send, &change)).await?;
            waiting = true;
            sent = Some((change.to_gen, change.snapshot));
            upserts = if change.snapshot { Upserts::default() } else { Upserts::of(&change) };
            bell.told.store(change.to_gen.cast_signed(), Ordering::Relaxed);
        }
        tokio::select! {
            () = bell.state.notified() => {}
            reply = replies.recv() => match reply.context("the state stream ended")??.message {
                Some(state::up::Message::Ack(ack)) => {
                    let same = ack.lineage == lineage.as_bytes();
                    (waiting, held) = (false, now_held(ack.gen_held, sent)?.filter(|_| same));
                    let Ack { gen_held, persisted, .. } = ack;
                    Box::pin(patiently(|| sessions::acknowledge(&gateway.app, session, gen_held, persisted))).await?;
                }
                Some(state::up::Message::Applied(mut report)) => {
                    if report.persisted.is_some() {
                        (waiting, held) = (false, now_held(report.generation, sent)?);
                        std::mem::take(&mut upserts).restore(&mut report);
                    }
                    Box::pin(patiently(|| sessions::report(&gateway.app, session, &report))).await?;
                }
                Some(state::up::Message::FairUse(report)) => {
                    Box::pin(patiently(|| crate::fair_use::report(&gateway.app, session, &report))).await?;
                }
                Some(state::up::Message::Addresses(report)) => {
                    Box::pin(patiently(|| crate::subscriptions::learned::report(&gateway.app, session, &report))).await?;
                }
                Some(state::up::Message::Unknown(report)) => {
                    let before = fleet::unknown_hosts::Before::default();
                    let report = || fleet::unknown_hosts::report(&gateway.app, session, &before, &report);
                    Box::pin(patiently(report)).await?;
                }
                None => {}
            },
        }
    }
}

/// The generation an agent holds whole once it acknowledged one; `None` if that does not fit what it was sent, a generation
/// and whether with everything: then everything follows.
fn now_held(acknowledged: u64, sent: Option<(u64, bool)>) -> anyhow::Result<Option<u64>> {
    let fits = sent.is_none_or(|(to_gen, _)| acknowledged == to_gen);
    anyhow::ensure!(fits || sent.is_some_and(|(_, whole)| !whole), "the agent does not take its state");
    Ok(fits.then_some(acknowledged))
}

/// Reading a frame must not be interrupted, so it has a task of its own. It reads no faster than one agent may tell: what
/// it does not take waits at the agent.
fn reader(mut receive: Receive) -> mpsc::Receiver<anyhow::Result<Box<state::Up>>> {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        let mut pace = Pace::new(RESULTS_AT_ONCE, RESULTS_A_SECOND);
        loop {
            let message = read::<Box<state::Up>>(&mut receive, Kind::State).await;
            if let Ok(message) = &message {
                pace.take(told(message)).await;
            }
            let over = message.is_err();
            if sender.send(message).await.is_err() || over {
                return;
            }
        }
    });
    receiver
}

/// How much an agent says at once: rows it makes us write.
fn told(message: &state::Up) -> usize {
    match &message.message {
        Some(state::up::Message::Applied(report)) => 1 + report.results.len(),
        Some(state::up::Message::FairUse(report)) => {
            1 + report.lines.iter().map(|line| 1 + line.turns.len()).sum::<usize>()
        }
        Some(state::up::Message::Addresses(report)) => {
            1 + report.lines.iter().map(|line| 1 + line.prefixes.len()).sum::<usize>()
        }
        Some(state::up::Message::Unknown(report)) => 1 + report.hosts.len(),
        Some(state::up::Message::Ack(_)) | None => 1,
    }
}
