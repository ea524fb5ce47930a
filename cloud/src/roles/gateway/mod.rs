//! The gateway: agents connect here over QUIC, enroll, and hold one session each.
//!
//! Identity comes from the certificate alone. A session is woken when its agent's desired state changed; a sweep
//! finds what a lost wake would have missed.

mod arrivals;
mod enrollment;
mod misbehaviour;
mod pace;
mod patience;
mod session;
mod state;
mod sweep;
mod tls;
mod turns;
mod usage;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::PgNotification;
use tokio::sync::{Notify, broadcast, watch};

use self::arrivals::{Arrivals, Place};
use self::turns::Turns;
use crate::app::App;
use crate::db::WAKE_CHANNEL;
use crate::fleet::authority::{self, Authority};
use crate::fleet::gateways::Sessions;
use crate::fleet::sessions::Session;
use crate::http::server::stopped;
use crate::ids::{AgentId, TenantId};
use crate::live::WATCH_CHANNEL;

/// How long a stop waits for connections to close.
const DRAIN_LIMIT: Duration = Duration::from_secs(2);

/// What connections share.
pub(super) struct Gateway {
    app: App,
    authority: Authority,
    /// Rouses the session of each connected agent.
    sessions: Mutex<HashMap<AgentId, Arc<Bell>>>,
    /// Tenants somebody watches, as they are told.
    watched: broadcast::Sender<TenantId>,
    /// Who may have a record applied next.
    turns: Arc<Turns<TenantId>>,
    /// Within how long agents that lose this gateway come back.
    spread_ms: AtomicU32,
    name: String,
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
    gateway: Arc<Gateway>,
}

/// Binds the UDP port and makes this gateway's certificate.
pub async fn bind(app: App) -> anyhow::Result<Bound> {
    let authority = Authority::open(&app).await.context("open the certificate authority")?;
    let config = tls::server_config(&authority, app.clock.system_now())?;
    let told = || format!("listen for agents on {}", app.config.gateway);
    let socket = std::net::UdpSocket::bind(app.config.gateway).with_context(told)?;
    let runtime = Arc::new(quinn::TokioRuntime);
    let endpoint =
        quinn::Endpoint::new(tls::endpoint_config(&app.secrets), Some(config), socket, runtime).with_context(told)?;
    let name = endpoint.local_addr()?.to_string();
    Ok(Bound {
        endpoint,
        gateway: Arc::new(Gateway {
            app,
            authority,
            sessions: Mutex::default(),
            watched: broadcast::channel(64).0,
            turns: Arc::default(),
            spread_ms: AtomicU32::new(sweep::SPREAD_MIN_MS),
            name,
        }),
    })
}

impl Bound {
    /// Where agents connect.
    pub fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.endpoint.local_addr()?)
    }

    /// Accepts agents until `stop` changes.
    pub async fn serve(self, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let rousing = tokio::spawn(rouse(Arc::clone(&self.gateway)));
        let sweeping = tokio::spawn(sweep::sweep(Arc::clone(&self.gateway)));
        let arrivals = Arc::new(Arrivals::default());
        loop {
            let incoming = tokio::select! {
                incoming = self.endpoint.accept() => incoming,
                () = stopped(&mut stop) => break,
            };
            let Some(incoming) = incoming else { break };
            if !incoming.remote_address_validated() && incoming.may_retry() {
                // An address that cannot answer costs us nothing but this.
                if incoming.retry().is_err() {
                    tracing::debug!("an incoming connection could not be retried");
                }
                continue;
            }
            let Some(place) = arrivals.place(incoming.remote_address().ip()) else {
                incoming.ignore();
                metrics::counter!("weir_agents_put_off_total").increment(1);
                continue;
            };
            let gateway = Arc::clone(&self.gateway);
            tokio::spawn(async move {
                if let Err(error) = welcome(gateway, incoming, place).await {
                    tracing::debug!(error = format!("{error:#}"), "a connection ended");
                }
            });
        }
        rousing.abort();
        sweeping.abort();
        self.endpoint.close(0u32.into(), b"gateway stops");
        if tokio::time::timeout(DRAIN_LIMIT, self.endpoint.wait_idle()).await.is_err() {
            tracing::debug!("some connections did not close in time");
        }
        Ok(())
    }
}

async fn welcome(gateway: Arc<Gateway>, incoming: quinn::Incoming, place: Place) -> anyhow::Result<()> {
    let arriving = incoming.accept()?;
    let connection = tokio::time::timeout(session::HELLO_LIMIT, arriving).await.context("no handshake in time")??;
    let handshake =
        connection.handshake_data().and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok());
    match handshake.and_then(|data| data.protocol) {
        Some(protocol) if protocol == weir_protocol::ALPN_ENROLL => {
            Box::pin(enrollment::serve(&gateway, connection)).await
        }
        Some(protocol) if protocol == weir_protocol::ALPN_SESSION => match identity(&connection) {
            Some((tenant, agent)) => session::serve(gateway, connection, (tenant, agent), place).await,
            None => {
                connection.close(1u32.into(), b"a session needs an agent's certificate");
                Ok(())
            }
        },
        _ => Ok(()),
    }
}

fn identity(connection: &quinn::Connection) -> Option<(TenantId, AgentId)> {
    let chain = connection.peer_identity()?.downcast::<Vec<rustls::pki_types::CertificateDer<'static>>>().ok()?;
    authority::identity(chain.first()?)
}

impl Gateway {
    /// Makes this session the one that is roused for its agent.
    fn register(&self, session: Session) -> Arc<Bell> {
        let bell = Arc::new(Bell {
            session: session.id,
            told: AtomicI64::new(0),
            spoke: AtomicBool::new(false),
            state: Notify::new(),
            commands: Notify::new(),
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
        for id in notification.payload().split(' ').filter_map(|id| id.parse::<AgentId>().ok()) {
            if let Some(bell) = self.lock().get(&id) {
                bell.ring();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AgentId, Arc<Bell>>> {
        self.sessions.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Passes wakes on to sessions.
async fn rouse(gateway: Arc<Gateway>) {
    loop {
        match gateway.app.db.listen(&[WAKE_CHANNEL, WATCH_CHANNEL]).await {
            Ok(mut listener) => loop {
                match listener.recv().await {
                    Ok(notification) => gateway.hear(&notification),
                    Err(error) => {
                        tracing::warn!(%error, "listening for wakes failed; listening again");
                        break;
                    }
                }
            },
            Err(error) => {
                tracing::warn!(%error, "could not listen for wakes");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}
