//! The gateway: agents connect here over QUIC, or over TCP where no UDP gets through, enroll, and hold one session each.
//!
//! Identity comes from the certificate alone. A session is woken when its agent's desired state changed; a sweep
//! finds what a lost wake would have missed.

mod arrivals;
mod arrived;
mod connection_ids;
mod credentials;
mod drain;
mod enrollment;
mod misbehaviour;
mod pace;
mod patience;
mod renewal;
mod session;
mod socket;
mod state;
mod sweep;
mod tls;
mod turns;
mod usage;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::PgNotification;
use tokio::sync::{Notify, broadcast, watch};

use self::arrivals::Arrivals;
use self::arrived::TcpDoor;
use self::credentials::Credentials;
use self::turns::Turns;
use crate::app::App;
use crate::db::WAKE_CHANNEL;
use crate::fleet::authority::Authority;
use crate::fleet::certificates::Shown;
use crate::fleet::gateways::Sessions;
use crate::fleet::roots::ROOTS_CHANGED;
use crate::fleet::sessions::Session;
use crate::http::server::stopped;
use crate::ids::{AgentId, TenantId};
use crate::live::WATCH_CHANNEL;

/// How long a stop waits for connections to close.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// What connections share.
pub(super) struct Gateway {
    app: App,
    authority: RwLock<Arc<Authority>>,
    credentials: Arc<Credentials>,
    /// Somebody changed the roots.
    roots_changed: Notify,
    /// Rouses the session of each connected agent.
    sessions: Mutex<HashMap<AgentId, Arc<Bell>>>,
    /// Tenants somebody watches, as they are told.
    watched: broadcast::Sender<TenantId>,
    /// Who may have a record applied next.
    turns: Arc<Turns<TenantId>>,
    /// Within how long agents that lose this gateway come back.
    spread_ms: AtomicU32,
    /// Other gateways there are, as agents dial them.
    others: Mutex<Vec<String>>,
    /// A session is over.
    left: watch::Sender<()>,
    /// This process among those that are or were gateways.
    id: uuid::Uuid,
    name: String,
    /// Where agents dial it; none if nobody could.
    public: Option<String>,
}

/// Rouses the tasks of one session, and knows of it what concerns all.
pub(super) struct Bell {
    session: i64,
    /// Generation the agent was told last.
    told: AtomicI64,
    /// Whether the agent spoke since that was noted.
    spoke: AtomicBool,
    /// Its desired state may have changed.
    state: Notify,
    /// Something may wait to be done.
    commands: Notify,
    /// The agent has to go elsewhere.
    leave: Notify,
    /// The certificate it shows.
    shown: Shown,
    /// That holds no more.
    lapsed: Notify,
}

impl Bell {
    fn ring(&self) {
        self.state.notify_one();
        self.commands.notify_one();
    }
}

/// A bound gateway, not yet accepting.
pub struct Bound {
    endpoint: quinn::Endpoint,
    tcp: TcpDoor,
    gateway: Arc<Gateway>,
}

/// Binds the port, over UDP and TCP, and makes this gateway's certificate.
pub async fn bind(app: App) -> anyhow::Result<Bound> {
    let authority = Authority::open(&app).await.context("open the certificate authority")?;
    let credentials = Arc::new(Credentials::new(&authority, app.clock.system_now())?);
    let told = || format!("listen for agents on {}", app.config.gateway);
    let tcp = TcpDoor::open(app.config.gateway, tls::tcp_config(&credentials)?).with_context(told)?;
    let socket = socket::bind(tcp.address()?).with_context(told)?;
    let (config, runtime) = (tls::server_config(&credentials)?, Arc::new(quinn::TokioRuntime));
    let known_by = app.config.gateway_public.clone().unwrap_or_else(|| app.config.gateway.to_string());
    let ids_and_resets = tls::endpoint_config(&app.secrets, &known_by);
    let endpoint = quinn::Endpoint::new(ids_and_resets, Some(config), socket, runtime).with_context(told)?;
    let at = endpoint.local_addr()?;
    let public = app.config.gateway_public.clone().or_else(|| (!at.ip().is_unspecified()).then(|| at.to_string()));
    let gateway = Arc::new(Gateway {
        authority: RwLock::new(Arc::new(authority)),
        credentials,
        roots_changed: Notify::new(),
        sessions: Mutex::default(),
        watched: broadcast::channel(64).0,
        turns: Arc::default(),
        spread_ms: AtomicU32::new(sweep::SPREAD_MIN_MS),
        others: Mutex::default(),
        left: watch::Sender::new(()),
        id: uuid::Uuid::from_bytes(crate::secrets::random()?),
        name: at.to_string(),
        public,
        app,
    });
    Ok(Bound { endpoint, tcp, gateway })
}

impl Bound {
    /// Where agents connect.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.endpoint.local_addr()?)
    }

    /// Accepts agents until `stop` changes; then sends them elsewhere.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let Self { endpoint, tcp, gateway } = self;
        let rousing = tokio::spawn(rouse(Arc::clone(&gateway)));
        let sweeping = tokio::spawn(sweep::sweep(Arc::clone(&gateway)));
        let keeping = tokio::spawn(credentials::keep(Arc::clone(&gateway)));
        let arrivals = Arc::new(Arrivals::default());
        let over_tcp = tokio::spawn(tcp.accept(Arc::clone(&gateway), Arc::clone(&arrivals)));
        loop {
            let incoming = tokio::select! {
                incoming = endpoint.accept() => incoming,
                () = stopped(&mut stop) => break,
            };
            let Some(incoming) = incoming else { break };
            arrived::take_in(&gateway, &arrivals, incoming);
        }
        over_tcp.abort();
        arrivals.close();
        sweeping.abort();
        tokio::select! {
            () = drain::drain(&gateway) => {}
            () = turn_away(&endpoint) => {}
        }
        rousing.abort();
        keeping.abort();
        endpoint.close(0u32.into(), b"gateway stops");
        if tokio::time::timeout(DRAIN_LIMIT, endpoint.wait_idle()).await.is_err() {
            tracing::debug!("some connections did not close in time");
        }
        Ok(())
    }
}

/// Tells who comes while it stops that nobody is taken in any more.
async fn turn_away(endpoint: &quinn::Endpoint) {
    while let Some(incoming) = endpoint.accept().await {
        incoming.refuse();
    }
}

impl Gateway {
    /// The roots as they are now.
    fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.authority.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes this session the one that is roused for its agent.
    fn register(&self, session: Session, shown: Shown) -> Arc<Bell> {
        let bell = Arc::new(Bell {
            session: session.id,
            told: AtomicI64::new(0),
            spoke: AtomicBool::new(false),
            state: Notify::new(),
            commands: Notify::new(),
            leave: Notify::new(),
            shown,
            lapsed: Notify::new(),
        });
        let before = self.lock().insert(session.agent, Arc::clone(&bell));
        if let Some(older) = before {
            older.ring();
        }
        metrics::gauge!("weir_agents_connected").set(self.lock().len() as f64);
        bell
    }

    fn forget(&self, agent: AgentId, bell: &Arc<Bell>) {
        let mut sessions = self.lock();
        if sessions.get(&agent).is_some_and(|own| Arc::ptr_eq(own, bell)) {
            sessions.remove(&agent);
        }
        metrics::gauge!("weir_agents_connected").set(sessions.len() as f64);
        drop(sessions);
        self.left.send_replace(());
    }

    /// The sessions of which this holds.
    fn sessions(&self, holds: impl Fn(&Bell) -> bool) -> Sessions {
        let mut sessions = Sessions::default();
        for (agent, bell) in self.lock().iter().filter(|(_, bell)| holds(bell)) {
            sessions.agents.push(agent.uuid());
            sessions.ids.push(bell.session);
            sessions.told.push(bell.told.load(Ordering::Relaxed));
        }
        sessions
    }

    fn hear(&self, notification: &PgNotification) {
        if notification.channel() == WATCH_CHANNEL {
            if let Ok(tenant) = notification.payload().parse() {
                // No session is connected: then there is nothing to watch.
                let _sessions = self.watched.send(tenant);
            }
            return;
        }
        if notification.payload() == ROOTS_CHANGED {
            return self.roots_changed.notify_one();
        }
        for id in notification.payload().split(' ').filter_map(|id| id.parse::<AgentId>().ok()) {
            if let Some(bell) = self.lock().get(&id) {
                bell.ring();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AgentId, Arc<Bell>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes wakes on to sessions.
async fn rouse(gateway: Arc<Gateway>) {
    loop {
        match gateway.app.db.listen(&[WAKE_CHANNEL, WATCH_CHANNEL]).await {
            Ok(mut listener) => {
                // What was told before is looked at now.
                gateway.roots_changed.notify_one();
                loop {
                    match listener.recv().await {
                        Ok(notification) => gateway.hear(&notification),
                        Err(error) => {
                            tracing::warn!(%error, "listening for wakes failed; listening again");
                            break;
                        }
                    }
                }
            }
            Err(error) => {
                tracing::warn!(%error, "could not listen for wakes");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
