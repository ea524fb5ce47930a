//! The gateway: agents connect here over QUIC, enroll, and hold one session each.
//!
//! Identity comes from the certificate alone. A session is woken when its agent's desired state changed; a sweep
//! finds what a lost wake would have missed.

mod enrollment;
mod pace;
mod session;
mod tls;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context;
use sqlx::postgres::PgNotification;
use tokio::sync::{Notify, broadcast, watch};

use crate::app::App;
use crate::db::WAKE_CHANNEL;
use crate::fleet::authority::{self, Authority};
use crate::http::server::stopped;
use crate::ids::{AgentId, TenantId};
use crate::live::WATCH_CHANNEL;

/// How often every session looks for changes it was not told of.
const SWEEP: Duration = Duration::from_secs(15);
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
    name: String,
}

/// Rouses the tasks of one session.
#[derive(Default)]
pub(super) struct Bell {
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
    let endpoint = quinn::Endpoint::server(config, app.config.gateway)
        .with_context(|| format!("listen for agents on {}", app.config.gateway))?;
    let name = endpoint.local_addr()?.to_string();
    Ok(Bound {
        endpoint,
        gateway: Arc::new(Gateway {
            app,
            authority,
            sessions: Mutex::default(),
            watched: broadcast::channel(64).0,
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
            let gateway = Arc::clone(&self.gateway);
            tokio::spawn(async move {
                if let Err(error) = welcome(gateway, incoming).await {
                    tracing::debug!(error = format!("{error:#}"), "a connection ended");
                }
            });
        }
        rousing.abort();
        self.endpoint.close(0u32.into(), b"gateway stops");
        if tokio::time::timeout(DRAIN_LIMIT, self.endpoint.wait_idle()).await.is_err() {
            tracing::debug!("some connections did not close in time");
        }
        Ok(())
    }
}

async fn welcome(gateway: Arc<Gateway>, incoming: quinn::Incoming) -> anyhow::Result<()> {
    let connection = incoming.accept()?.await?;
    let handshake =
        connection.handshake_data().and_then(|data| data.downcast::<quinn::crypto::rustls::HandshakeData>().ok());
    match handshake.and_then(|data| data.protocol) {
        Some(protocol) if protocol == weir_protocol::ALPN_ENROLL => enrollment::serve(&gateway, connection).await,
        Some(protocol) if protocol == weir_protocol::ALPN_SESSION => match identity(&connection) {
            Some((tenant, agent)) => session::serve(gateway, connection, tenant, agent).await,
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
    fn register(&self, agent: AgentId) -> Arc<Bell> {
        let bell = Arc::new(Bell::default());
        let before = self.lock().insert(agent, Arc::clone(&bell));
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

/// Passes wakes on to sessions, and rouses all of them every so often.
async fn rouse(gateway: Arc<Gateway>) {
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        match gateway.app.db.listen(&[WAKE_CHANNEL, WATCH_CHANNEL]).await {
            Ok(mut listener) => loop {
                let heard = tokio::select! {
                    heard = listener.recv() => heard,
                    _ = sweep.tick() => {
                        gateway.lock().values().for_each(|bell| bell.state.notify_one());
                        continue;
                    }
                };
                match heard {
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
