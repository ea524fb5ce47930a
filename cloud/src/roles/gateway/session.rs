//! One agent's session: hello and welcome, then state down, usage up, heartbeats, until either side goes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Context;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;
use weir_protocol::control::{GoAway, GoAwayReason, Hello, Welcome, down, up};
use weir_protocol::stream::Kind;
use weir_protocol::{CLOSE_CERTIFICATE_ENDED, control, frame, live};
use weir_transport::{Connection, Receive, Send};

use super::arrivals::Place;
use super::misbehaviour::{self, Misbehaviour};
use super::pace::Pace;
use super::patience::patiently;
use super::state::{self, RESULTS_A_SECOND, RESULTS_AT_ONCE};
use super::{Bell, Gateway, renewal, usage};
use crate::fleet;
use crate::fleet::certificates::Shown;
use crate::fleet::sessions::{self, Opened, Session};
use crate::ids::TenantId;

/// An agent has this long to open its streams and say hello.
pub(super) const HELLO_LIMIT: Duration = Duration::from_secs(10);
/// An agent has this long to hear that it must go elsewhere.
const FAREWELL_LIMIT: Duration = Duration::from_secs(2);
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
    control: (Send, Receive),
    state: (Send, Receive),
    usage: (Send, Receive),
    live: Receive,
}

/// Serves a connection until it ends; if that is the agent's fault, people hear of it.
pub(super) async fn serve(
    gateway: Arc<Gateway>,
    connection: Connection,
    shown: Shown,
    place: Place,
) -> anyhow::Result<()> {
    let served = attend(&gateway, &connection, shown, place).await;
    if let Err(error) = &served {
        misbehaviour::close(&connection, error);
        Box::pin(misbehaviour::tell(&gateway, (shown.tenant, shown.agent), error)).await;
    }
    served
}

async fn attend(gateway: &Arc<Gateway>, connection: &Connection, shown: Shown, place: Place) -> anyhow::Result<()> {
    let Shown { tenant, agent, root, .. } = shown;
    let (streams, hello) =
        tokio::time::timeout(HELLO_LIMIT, Box::pin(greet(connection))).await.context("no hello in time")??;
    let Streams { control: (mut control_send, control_receive), state, usage, live } = streams;
    let at = sessions::At { gateway: &gateway.name, over: connection.over(), root: Some(root) };
    let opening = Box::pin(sessions::open(&gateway.app, tenant, agent, &hello, at));
    let Some(opened) = tokio::time::timeout(HELLO_LIMIT, opening).await.context("no session in time")?? else {
        return Box::pin(go_away(connection, &mut control_send, dismissal(GoAwayReason::Revoked))).await;
    };
    let welcome = control::Down { message: Some(down::Message::Welcome(welcome(gateway, &opened))) };
    let told = tokio::time::timeout(HELLO_LIMIT, frame::write(&mut control_send, &welcome));
    told.await.context("the welcome was not taken in time")??;
    drop(place);
    tracing::info!(%tenant, %agent, "session open");
    let control_send = Arc::new(tokio::sync::Mutex::new(control_send));
    let bell = gateway.register(opened.session, shown);
    let (session, lineage, held) = (opened.session, opened.lineage, opened.held);
    let events: EventPace = Arc::new(tokio::sync::Mutex::new(Pace::new(EVENTS_AT_ONCE, EVENTS_A_SECOND)));
    let mut tasks = JoinSet::new();
    let trusts = hello.trust_digest.as_slice().try_into().ok();
    tasks.spawn(tell_commands(Arc::clone(gateway), session, Arc::clone(&bell), Arc::clone(&control_send), trusts));
    tasks.spawn(ask_for_live(gateway.watched.subscribe(), tenant, Arc::clone(&control_send)));
    let control = (control_receive, Arc::clone(&control_send));
    tasks.spawn(listen(Arc::clone(gateway), session, Arc::clone(&bell), Arc::clone(&events), control));
    tasks.spawn(state::tell(Arc::clone(gateway), session, lineage, held, Arc::clone(&bell), state));
    tasks.spawn(usage::take(Arc::clone(gateway), session, events, connection.clone(), usage));
    tasks.spawn(pass_on(Arc::clone(gateway), session, live));
    let ended = tokio::select! {
        ended = tasks.join_next() => Some(ended),
        () = bell.leave.notified() => {
            // While it is told, what is on its way is still answered. If it does not hear this it hears the close.
            let _heard = Box::pin(tokio::time::timeout(FAREWELL_LIMIT, dismiss(gateway, session, connection, &control_send))).await;
            None
        }
        () = bell.lapsed.notified() => {
            connection.close(CLOSE_CERTIFICATE_ENDED, b"the agent's certificate holds no more");
            None
        }
    };
    tasks.shutdown().await;
    gateway.forget(agent, &bell);
    let result = match ended {
        Some(ended) => ended.context("no task")?.context("a stream's task panicked")?,
        None => Ok(()),
    };
    let lost = match result.as_ref().err().and_then(|error| error.downcast_ref()) {
        Some(fleet::Error::Fenced) => Some(GoAwayReason::Fenced),
        Some(fleet::Error::Revoked) => Some(GoAwayReason::Revoked),
        _ => None,
    };
    if let Some(reason) = lost {
        return Box::pin(go_away(connection, &mut *control_send.lock().await, dismissal(reason))).await;
    }
    if let Err(error) = &result {
        misbehaviour::close(connection, error);
    }
    // Unless it is closed already.
    connection.close(0, b"session over");
    // A newer session may own the agent already; then this one has nothing to say.
    if let Err(error) = Box::pin(sessions::ended(&gateway.app, session)).await {
        tracing::debug!(%error, "the end of a session was not noted");
    }
    tracing::info!(%tenant, %agent, "session over");
    result
}

fn welcome(gateway: &Gateway, opened: &Opened) -> Welcome {
    Welcome {
        session_id: opened.session.id.cast_unsigned(),
        proto_rev: opened.session.rev,
        cloud_time_ms: gateway.app.clock.system_now().timestamp_millis().unsigned_abs(),
        state_lineage: opened.lineage.as_bytes().to_vec(),
        streams: opened.streams.clone(),
        usage_interval_ms: gateway.app.config.usage_interval_ms,
        heartbeat_interval_ms: HEARTBEAT_MS,
        reconnect_spread_ms: gateway.spread_ms.load(Ordering::Relaxed),
        restored: opened.restored,
        gateways: gateway.known_to(opened.session),
    }
}

async fn greet(connection: &Connection) -> anyhow::Result<(Streams, Hello)> {
    let (mut control, mut state, mut usage, mut live) = (None, None, None, None);
    while control.is_none() || state.is_none() || usage.is_none() || live.is_none() {
        let (byte, send, receive) = connection.accept().await?;
        let kind = Kind::from_byte(byte).ok_or(Misbehaviour::StreamKind(byte))?;
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
pub(super) async fn read<M: prost::Message + Default>(receive: &mut Receive, of: Kind) -> anyhow::Result<M> {
    let heard = frame::read(receive).await.map_err(Heard);
    heard.with_context(|| format!("on the {of:?} stream").to_lowercase())
}

/// Why nothing was heard from an agent.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(super) struct Heard(pub frame::Error);

/// Tells an agent to go elsewhere, and waits until it does.
async fn dismiss(
    gateway: &Gateway,
    session: Session,
    connection: &Connection,
    control: &tokio::sync::Mutex<Send>,
) -> anyhow::Result<()> {
    go_away(connection, &mut *control.lock().await, gateway.farewell(session)).await
}

/// What an agent is told that may not go on.
fn dismissal(reason: GoAwayReason) -> GoAway {
    let wait = if reason == GoAwayReason::Revoked { 60_000 } else { 1_000 };
    let reason = reason.into();
    GoAway { reason, reconnect_after_min_ms: wait, reconnect_after_max_ms: wait * 2, ..GoAway::default() }
}

async fn go_away(connection: &Connection, control: &mut Send, message: GoAway) -> anyhow::Result<()> {
    frame::write(control, &control::Down { message: Some(down::Message::GoAway(message)) }).await?;
    control.shutdown().await?;
    // The agent reads it and closes; if it does not, we do.
    let _closed = tokio::time::timeout(Duration::from_secs(1), connection.closed()).await;
    connection.close(2, b"go away");
    Ok(())
}

/// Heartbeats, events, how lines are served, and what commands and diagnoses came to.
async fn listen(
    gateway: Arc<Gateway>,
    session: Session,
    bell: Arc<Bell>,
    pace: EventPace,
    (mut receive, control): (Receive, Arc<tokio::sync::Mutex<Send>>),
) -> anyhow::Result<()> {
    let mut lines = Pace::new(RESULTS_AT_ONCE, RESULTS_A_SECOND);
    let mut parts = Pace::new(PARTS_AT_ONCE, PARTS_A_SECOND);
    loop {
        let message: control::Up = read(&mut receive, Kind::Control).await?;
        match message.message {
            Some(up::Message::Event(event)) => {
                pace.lock().await.take(1).await;
                Box::pin(patiently(|| fleet::events::told(&gateway.app, session, &event))).await?;
            }
            Some(up::Message::Quality(report)) => {
                lines.take(1 + report.handle_deltas.len()).await;
                match Box::pin(patiently(|| crate::quality::report(&gateway.app, session, &report))).await {
                    Err(crate::quality::Error::Fleet(fenced)) => return Err(fenced.into()),
                    other => other?,
                }
            }
            Some(up::Message::CommandResult(result)) => {
                pace.lock().await.take(1).await;
                match Box::pin(patiently(|| crate::diagnostics::answered(&gateway.app, session, &result))).await {
                    Err(crate::diagnostics::Error::Fleet(fenced)) => return Err(fenced.into()),
                    other => other?,
                }
            }
            Some(up::Message::DiagnosisPart(part)) => {
                parts.take(1).await;
                match Box::pin(patiently(|| crate::diagnostics::part(&gateway.app, session, &part))).await {
                    Err(crate::diagnostics::Error::Fleet(fenced)) => return Err(fenced.into()),
                    other => other?,
                }
            }
            Some(up::Message::RenewCertificate(request)) => {
                pace.lock().await.take(1).await;
                Box::pin(renewal::in_session(&gateway, session, &request, &control)).await?;
            }
            Some(up::Message::Heartbeat(_)) => bell.spoke.store(true, Ordering::Relaxed),
            None => {}
            Some(up::Message::Hello(_)) => anyhow::bail!(Misbehaviour::HelloTwice),
        }
    }
}

/// Passes on whom an agent is to trust, and what somebody wants it to do now. A lost wake loses the latter: whoever asked is
/// told that nothing came.
async fn tell_commands(
    gateway: Arc<Gateway>,
    session: Session,
    bell: Arc<Bell>,
    control: Arc<tokio::sync::Mutex<Send>>,
    mut trusts: Option<[u8; 8]>,
) -> anyhow::Result<()> {
    loop {
        Box::pin(renewal::tell_roots(&gateway, session, &mut trusts, &control)).await?;
        let due = match Box::pin(patiently(|| crate::diagnostics::due(&gateway.app, session))).await {
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
async fn pass_on(gateway: Arc<Gateway>, session: Session, mut receive: Receive) -> anyhow::Result<()> {
    let (mut router, mut passed) = (None, None);
    loop {
        let sample: live::Sample = read(&mut receive, Kind::Live).await?;
        if passed.is_some_and(|passed: tokio::time::Instant| passed.elapsed() < LIVE_PAUSE_MIN) {
            continue;
        }
        passed = Some(tokio::time::Instant::now());
        // Asked once somebody looks: thousands of agents come back at once, and few are watched.
        let of = match router {
            Some(known) => known,
            None => Box::pin(patiently(|| sessions::router(&gateway.app, session))).await?,
        };
        router = Some(of);
        let lines = sample.lines.iter().map(|line| (line.handle, line.down_bps, line.up_bps)).collect();
        let sample = crate::live::Sample {
            tenant: session.tenant,
            router: of,
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
    control: Arc<tokio::sync::Mutex<Send>>,
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
            ("welcome", size!(super::super::arrived::welcome, A, B, C)),
            ("listen", size!(listen, A, B, C, D, E)),
            ("state", size!(state::tell, A, B, C, D, E, G)),
            ("usage", size!(usage::take, A, B, C, D, E)),
            ("commands", size!(tell_commands, A, B, C, D, E)),
            ("live rates", size!(ask_for_live, A, B, C)),
            ("live", size!(pass_on, A, B, C)),
        ];
        let all: usize = sizes.iter().map(|(_, size)| size).sum();
        assert!(all < 8 * 1024, "{all} bytes: {sizes:?}");
    }
}
