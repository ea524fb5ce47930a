//! One agent's session: hello and welcome, then state down, usage up, heartbeats, until either side goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use quinn::{RecvStream, SendStream};
use tokio::task::JoinSet;
use weir_protocol::control::{GoAway, GoAwayReason, Hello, Welcome, down, up};
use weir_protocol::stream::Kind;
use weir_protocol::{control, frame, live};

use super::arrivals::Place;
use super::misbehaviour::{self, Misbehaviour};
use super::pace::Pace;
use super::state::{self, RESULTS_A_SECOND, RESULTS_AT_ONCE};
use super::{Bell, Gateway, usage};
use crate::fleet;
use crate::fleet::sessions::{self, Session};
use crate::ids::{AgentId, TenantId};

/// An agent has this long to open its streams and say hello.
pub(super) const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// Epochs an agent may offer: more than a spool holds in a year of forks.
const EPOCHS_MAX: usize = 256;
/// Length of an epoch's name.
const EPOCH_BYTES: usize = 8;
/// Live rates nearer to each other than this are dropped.
const LIVE_PAUSE_MIN: Duration = Duration::from_millis(400);
/// Longest silence allowed on the control stream.
const HEARTBEAT_MS: u32 = 60_000;
/// Live rates are asked for this long at a time, and this often.
const LIVE_FOR_MS: u32 = 12_000;
const LIVE_EVERY_MS: u32 = 1_000;

/// Parts of diagnoses an agent may tell at once, and a second.
const PARTS_AT_ONCE: usize = 32;
const PARTS_A_SECOND: u32 = 10;
/// Events an agent may tell at once: more than it keeps while it is away.
const EVENTS_AT_ONCE: usize = 128;
const EVENTS_A_SECOND: u32 = 1;
/// How fast an agent may make us write events, shared by the streams that do.
pub(super) type EventPace = Arc<tokio::sync::Mutex<Pace>>;

struct Streams {
    control: (SendStream, RecvStream),
    state: (SendStream, RecvStream),
    usage: (SendStream, RecvStream),
    live: RecvStream,
}

/// Serves a connection until it ends; if that is the agent's fault, people hear of it.
pub(super) async fn serve(
    gateway: Arc<Gateway>,
    connection: quinn::Connection,
    identity: (TenantId, AgentId),
    place: Place,
) -> anyhow::Result<()> {
    let served = attend(&gateway, &connection, identity, place).await;
    if let Err(error) = &served {
        misbehaviour::close(&connection, error);
        Box::pin(misbehaviour::tell(&gateway, identity, error)).await;
    }
    served
}

async fn attend(
    gateway: &Arc<Gateway>,
    connection: &quinn::Connection,
    (tenant, agent): (TenantId, AgentId),
    place: Place,
) -> anyhow::Result<()> {
    let (streams, hello) =
        tokio::time::timeout(HELLO_LIMIT, Box::pin(greet(connection))).await.context("no hello in time")??;
    let Streams { control: (mut control_send, control_receive), state, usage, live } = streams;
    let opening = Box::pin(sessions::open(&gateway.app, tenant, agent, &hello, &gateway.name));
    let Some(opened) = tokio::time::timeout(HELLO_LIMIT, opening).await.context("no session in time")?? else {
        return Box::pin(go_away(connection, &mut control_send, GoAwayReason::Revoked)).await;
    };
    let now = gateway.app.clock.system_now().timestamp_millis().unsigned_abs();
    let welcome = Welcome {
        session_id: opened.session.id.cast_unsigned(),
        proto_rev: opened.session.rev,
        cloud_time_ms: now,
        state_lineage: opened.lineage.as_bytes().to_vec(),
        streams: opened.streams,
        usage_interval_ms: gateway.app.config.usage_interval_ms,
        heartbeat_interval_ms: HEARTBEAT_MS,
        reconnect_spread_ms: gateway.spread_ms.load(Ordering::Relaxed),
    };
    let welcome = control::Down { message: Some(down::Message::Welcome(welcome)) };
    let told = tokio::time::timeout(HELLO_LIMIT, frame::write(&mut control_send, &welcome));
    told.await.context("the welcome was not taken in time")??;
    drop(place);
    tracing::info!(%tenant, %agent, "session open");
    let control_send = Arc::new(tokio::sync::Mutex::new(control_send));
    let bell = gateway.register(opened.session);
    let (session, lineage, held) = (opened.session, opened.lineage, opened.held);
    let events: EventPace = Arc::new(tokio::sync::Mutex::new(Pace::new(EVENTS_AT_ONCE, EVENTS_A_SECOND)));
    let mut tasks = JoinSet::new();
    tasks.spawn(tell_commands(Arc::clone(gateway), session, Arc::clone(&bell), Arc::clone(&control_send)));
    tasks.spawn(ask_for_live(gateway.watched.subscribe(), tenant, Arc::clone(&control_send)));
    tasks.spawn(listen(Arc::clone(gateway), session, Arc::clone(&bell), Arc::clone(&events), control_receive));
    tasks.spawn(state::tell(Arc::clone(gateway), session, lineage, held, Arc::clone(&bell), state));
    tasks.spawn(usage::take(Arc::clone(gateway), session, events, connection.clone(), usage));
    tasks.spawn(pass_on(Arc::clone(gateway), session, live));
    let ended = tasks.join_next().await;
    tasks.shutdown().await;
    gateway.forget(agent, &bell);
    let result = ended.context("no task")?.context("a stream's task panicked")?;
    let lost = match result.as_ref().err().and_then(|error| error.downcast_ref()) {
        Some(fleet::Error::Fenced) => Some(GoAwayReason::Fenced),
        Some(fleet::Error::Revoked) => Some(GoAwayReason::Revoked),
        _ => None,
    };
    if let Some(reason) = lost {
        return Box::pin(go_away(connection, &mut *control_send.lock().await, reason)).await;
    }
    if let Err(error) = &result {
        misbehaviour::close(connection, error);
    }
    // Unless it is closed already.
    connection.close(0u32.into(), b"session over");
    // A newer session may own the agent already; then this one has nothing to say.
    if let Err(error) = Box::pin(sessions::ended(&gateway.app, session)).await {
        tracing::debug!(%error, "the end of a session was not noted");
    }
    tracing::info!(%tenant, %agent, "session over");
    result
}

async fn greet(connection: &quinn::Connection) -> anyhow::Result<(Streams, Hello)> {
    let (mut control, mut state, mut usage, mut live) = (None, None, None, None);
    while control.is_none() || state.is_none() || usage.is_none() || live.is_none() {
        let (send, mut receive) = connection.accept_bi().await?;
        let mut kind = [0u8; 1];
        receive.read_exact(&mut kind).await?;
        let kind = Kind::from_byte(kind[0]).ok_or(Misbehaviour::StreamKind(kind[0]))?;
        send.set_priority(kind.priority())?;
        let taken = match kind {
            Kind::Control => control.replace((send, receive)).is_some(),
            Kind::State => state.replace((send, receive)).is_some(),
            Kind::Usage => usage.replace((send, receive)).is_some(),
            Kind::Live => live.replace(receive).is_some(),
        };
        anyhow::ensure!(!taken, Misbehaviour::StreamTwice(kind));
    }
    let (Some(mut control), Some(state), Some(usage), Some(live)) = (control, state, usage, live) else {
        anyhow::bail!("a stream is missing")
    };
    let first: control::Up = read(&mut control.1, Kind::Control).await?;
    let Some(up::Message::Hello(hello)) = first.message else { anyhow::bail!(Misbehaviour::HelloMissing) };
    let known = hello.epochs.iter().all(|offered| offered.epoch.len() == EPOCH_BYTES);
    anyhow::ensure!(known && hello.epochs.len() <= EPOCHS_MAX, Misbehaviour::Epochs(hello.epochs.len()));
    Ok((Streams { control, state, usage, live }, hello))
}

/// The next message of a stream. Not to be interrupted.
pub(super) async fn read<M: prost::Message + Default>(receive: &mut RecvStream, of: Kind) -> anyhow::Result<M> {
    let heard = frame::read(receive).await.map_err(Heard);
    heard.with_context(|| format!("on the {of:?} stream").to_lowercase())
}

/// Why nothing was heard from an agent.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Heard(pub frame::Error);

async fn go_away(connection: &quinn::Connection, control: &mut SendStream, reason: GoAwayReason) -> anyhow::Result<()> {
    let wait = if reason == GoAwayReason::Revoked { 60_000 } else { 1_000 };
    let message = GoAway { reason: reason.into(), reconnect_after_min_ms: wait, reconnect_after_max_ms: wait * 2 };
    frame::write(control, &control::Down { message: Some(down::Message::GoAway(message)) }).await?;
    control.finish()?;
    // The agent reads it and closes; if it does not, we do.
    let _closed = tokio::time::timeout(Duration::from_secs(1), connection.closed()).await;
    connection.close(2u32.into(), b"go away");
    Ok(())
}

/// Heartbeats, events, how lines are served, and what commands and diagnoses came to.
async fn listen(
    gateway: Arc<Gateway>,
    session: Session,
    bell: Arc<Bell>,
    pace: EventPace,
    mut receive: RecvStream,
) -> anyhow::Result<()> {
    let mut lines = Pace::new(RESULTS_AT_ONCE, RESULTS_A_SECOND);
    let mut parts = Pace::new(PARTS_AT_ONCE, PARTS_A_SECOND);
    loop {
        let message: control::Up = read(&mut receive, Kind::Control).await?;
        match message.message {
            Some(up::Message::Event(event)) => {
                pace.lock().await.take(1).await;
                Box::pin(fleet::events::told(&gateway.app, session, &event)).await?;
            }
            Some(up::Message::Quality(report)) => {
                lines.take(1 + report.handle_deltas.len()).await;
                match Box::pin(crate::quality::report(&gateway.app, session, &report)).await {
                    Err(crate::quality::Error::Fleet(fenced)) => return Err(fenced.into()),
                    other => other?,
                }
            }
            Some(up::Message::CommandResult(result)) => {
                pace.lock().await.take(1).await;
                match Box::pin(crate::diagnostics::answered(&gateway.app, session, &result)).await {
                    Err(crate::diagnostics::Error::Fleet(fenced)) => return Err(fenced.into()),
                    other => other?,
                }
            }
            Some(up::Message::DiagnosisPart(part)) => {
                parts.take(1).await;
                match Box::pin(crate::diagnostics::part(&gateway.app, session, &part)).await {
                    Err(crate::diagnostics::Error::Fleet(fenced)) => return Err(fenced.into()),
                    other => other?,
                }
            }
            Some(up::Message::Heartbeat(_)) => bell.spoke.store(true, Ordering::Relaxed),
            None => {}
            Some(up::Message::Hello(_)) => anyhow::bail!(Misbehaviour::HelloTwice),
        }
    }
}

/// Passes on what somebody wants an agent to do now. A lost wake loses it: whoever asked is told that nothing came.
async fn tell_commands(
    gateway: Arc<Gateway>,
    session: Session,
    bell: Arc<Bell>,
    control: Arc<tokio::sync::Mutex<SendStream>>,
) -> anyhow::Result<()> {
    loop {
        let due = match Box::pin(crate::diagnostics::due(&gateway.app, session)).await {
            Err(crate::diagnostics::Error::Fleet(fenced)) => return Err(fenced.into()),
            due => due?,
        };
        for message in due {
            frame::write(&mut *control.lock().await, &control::Down { message: Some(message) }).await?;
        }
        bell.commands.notified().await;
    }
}

/// Passes live rates on to whoever watches.
async fn pass_on(gateway: Arc<Gateway>, session: Session, mut receive: RecvStream) -> anyhow::Result<()> {
    let router = Box::pin(sessions::router(&gateway.app, session)).await?;
    let mut passed = None;
    loop {
        let sample: live::Sample = read(&mut receive, Kind::Live).await?;
        if passed.is_some_and(|passed: tokio::time::Instant| passed.elapsed() < LIVE_PAUSE_MIN) {
            continue;
        }
        passed = Some(tokio::time::Instant::now());
        let lines = sample.lines.iter().map(|line| (line.handle, line.down_bps, line.up_bps)).collect();
        let sample = crate::live::Sample {
            tenant: session.tenant,
            router,
            at_ms: sample.wall_ms,
            down_bps: sample.down_bps,
            up_bps: sample.up_bps,
            lines,
        };
        if let Err(error) = Box::pin(crate::live::publish(&gateway.app, sample)).await {
            tracing::debug!(%error, "a live sample was lost");
        }
    }
}

/// Asks for live rates while somebody of the tenant watches.
async fn ask_for_live(
    mut watched: tokio::sync::broadcast::Receiver<TenantId>,
    tenant: TenantId,
    control: Arc<tokio::sync::Mutex<SendStream>>,
) -> anyhow::Result<()> {
    let interest = control::LiveInterest { for_ms: LIVE_FOR_MS, interval_ms: LIVE_EVERY_MS };
    let message = control::Down { message: Some(down::Message::LiveInterest(interest)) };
    loop {
        match watched.recv().await {
            Ok(of) if of == tenant => frame::write(&mut *control.lock().await, &message).await?,
            Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
            Err(closed) => return Err(closed.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a task that runs this takes, whatever it waits for, bytes.
    macro_rules! size {
        ($task:expr, $($argument:ident),*) => {{
            fn of<$($argument,)* F: Future>(_: fn($($argument),*) -> F) -> usize {
                size_of::<F>()
            }
            of($task)
        }};
    }

    #[test]
    fn an_idle_session_takes_little_memory() {
        let sizes = [
            ("welcome", size!(super::super::welcome, A, B, C)),
            ("listen", size!(listen, A, B, C, D, E)),
            ("state", size!(state::tell, A, B, C, D, E, G)),
            ("usage", size!(usage::take, A, B, C, D, E)),
            ("commands", size!(tell_commands, A, B, C, D)),
            ("live rates", size!(ask_for_live, A, B, C)),
            ("live", size!(pass_on, A, B, C)),
        ];
        let all: usize = sizes.iter().map(|(_, size)| size).sum();
        assert!(all < 8 * 1024, "{all} bytes: {sizes:?}");
    }
}
