//! Many players, and what happens to them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use quinn::Endpoint;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use weir_agent::clock::System;
use weir_agent::northbound::{reach, tls};
use weir_protocol::enroll::bundle_digest;

use crate::network::Edge;
use crate::player::{News, Place, Player, What};

/// Players that share a socket where there are more than this; otherwise each has its own, as agents do.
const A_SOCKET: usize = 256;

/// How players behave.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// How often they see whether the gateway is still there; four such times of silence end a connection.
    pub keepalive: Duration,
    /// Whether they say that they are there when they have nothing else to say.
    pub beats: bool,
    /// How long their kernels take to do what a change says.
    pub kernel: Duration,
    /// Of how many one comes over TCP; 0: none does.
    pub tcp_every: usize,
}

impl Default for Manners {
    /// As agents by default; their kernels take a few milliseconds.
    fn default() -> Self {
        Self { keepalive: Duration::from_secs(20), beats: true, kernel: Duration::from_millis(5), tcp_every: 0 }
    }
}

/// The players.
pub struct Crowd {
    /// Each, by number.
    pub players: Vec<Arc<Player>>,
    news: mpsc::UnboundedReceiver<News>,
    lives: JoinSet<()>,
    arrived: usize,
}

impl Crowd {
    /// Gathers players for these routers, who connect to `gateway` when they may.
    pub fn gather<'a>(
        edges: impl IntoIterator<Item = &'a Edge>,
        gateway: SocketAddr,
        manners: Manners,
    ) -> Result<Self> {
        let (told, news) = mpsc::unbounded_channel();
        let (clock, mut players, mut sockets) = (Arc::new(System::start()), Vec::new(), Vec::new());
        let (edges, here) = (Vec::from_iter(edges), SocketAddr::from((gateway.ip(), 0)));
        let shared = edges.len() > A_SOCKET;
        for (number, edge) in edges.into_iter().enumerate() {
            if !shared {
                sockets.push(reach::endpoint(here)?);
            } else if number % A_SOCKET == 0 {
                sockets.push(Endpoint::client(here)?);
            }
            let over_tcp = manners.tcp_every > 0 && number % manners.tcp_every == 0;
            let place = Place {
                endpoint: (!over_tcp).then(|| sockets.last().cloned()).flatten(),
                gateway,
                settings: tls::session(&edge.identity, manners.keepalive)?,
                trust_digest: bundle_digest(edge.identity.trust_bundle.iter().map(|root| root.0.as_slice())),
                beats: manners.beats,
                kernel: manners.kernel,
            };
            players.push(Arc::new(Player::new(number, place, Arc::clone(&clock), edge.tally, told.clone())));
        }
        Ok(Self { players, news, lives: JoinSet::new(), arrived: 0 })
    }

    /// Lets players come, so many at once, until so many are there.
    pub async fn arrive(&mut self, count: usize, at_once: usize, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        let (mut began, mut welcomed) = (self.arrived, self.arrived);
        while welcomed < count {
            while began < count && began - welcomed < at_once {
                self.lives.spawn(Arc::clone(&self.players[began]).live());
                began += 1;
            }
            let news = self.next(until).await.with_context(|| format!("{welcomed} of {count} came"))?;
            match news.what {
                What::Welcome(_) => welcomed += 1,
                // It comes again by itself.
                What::Lost(_) => welcomed -= 1,
                What::Failed { .. } | What::Acked(_) => {}
            }
        }
        self.arrived = count;
        Ok(())
    }

    /// What happens next.
    pub async fn next(&mut self, until: Instant) -> Result<News> {
        let news = tokio::time::timeout_at(until, self.news.recv()).await;
        news.context("nothing happened in time")?.context("nobody is there")
    }

    /// Waits until the cloud has every record that those who are there sealed.
    pub async fn all_acked(&mut self, limit: Duration) -> Result<()> {
        let until = Instant::now() + limit;
        let mut missing: std::collections::BTreeSet<usize> = (0..self.arrived).collect();
        missing.retain(|player| self.is_behind(*player));
        while !missing.is_empty() {
            let news = self.next(until).await.with_context(|| format!("{} players are behind", missing.len()))?;
            if !self.is_behind(news.player) {
                missing.remove(&news.player);
            }
        }
        Ok(())
    }

    fn is_behind(&self, player: usize) -> bool {
        let (sealed, acked) = self.players[player].records();
        acked < sealed
    }
}
