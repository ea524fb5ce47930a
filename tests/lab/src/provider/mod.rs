//! A payment provider that speaks Stripe's language and does what a test tells it: declines, asks for the payer, loses
//! answers, forgets nothing. Keys make a request happen once, as they do at the real one.
//!
//! Start with [`Provider::start`]; `world` is what it knows, `calls` how it is asked, `page` where people pay, `hear` who
//! is told.

mod calls;
mod hear;
mod page;
mod world;

use std::net::SocketAddr;
use std::os::fd::{FromRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result};
use ring::hmac;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use world::World;
pub use world::{Card, Fault, Message};

/// A running provider; gone when dropped.
pub struct Provider {
    address: SocketAddr,
    world: Shared,
    tasks: Vec<JoinHandle<()>>,
}

type Shared = Arc<Mutex<World>>;

fn open(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Provider {
    /// Listens on a free port of this machine, or on the address given.
    pub async fn start(at: Option<SocketAddr>) -> Result<Self> {
        Self::start_for(at, None).await
    }

    /// The same; people find its pages at a listener of theirs, if there is one.
    async fn start_for(at: Option<SocketAddr>, pages: Option<TcpListener>) -> Result<Self> {
        // Whoever hears from it is told by a client, whose cryptography the process chooses; once is enough.
        let _already_there = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind(at.unwrap_or(([127, 0, 0, 1], 0).into())).await.context("listen")?;
        let address = listener.local_addr()?;
        let people = pages.as_ref().map_or(Ok(address), TcpListener::local_addr)?;
        let world = Shared::new(Mutex::new(World::new(format!("http://{people}"))));
        let mut tasks = vec![tokio::spawn(hear::tell(world.clone()))];
        for listener in [Some(listener), pages].into_iter().flatten() {
            let router = calls::router(world.clone());
            tasks.push(tokio::spawn(async move {
                if let Err(error) = axum::serve(listener, router).await {
                    tracing::error!(%error, "the provider ended");
                }
            }));
        }
        Ok(Self { address, world, tasks })
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What goes wrong with the next call whose path contains `path`.
    pub fn fault(&self, path: &str, fault: Fault) {
        open(&self.world).faults.push((path.to_owned(), fault));
    }

    /// Keeps a card for a payer, as if they had left it on a page; returns its name.
    pub fn keep(&self, payer: &str, card: Card) -> String {
        open(&self.world).keep(payer, card)
    }

    /// What a kept card does from now on.
    pub fn becomes(&self, method: &str, card: Card) {
        open(&self.world).becomes(method, card);
    }

    /// Does on a page what a person would, with a card; says whether it was paid.
    pub fn pay(&self, page: &str, card: Card) -> bool {
        open(&self.world).pay(page, card)
    }

    /// A bank says what became of a payment that was on its way.
    pub fn bank_says(&self, intent: &str, paid: bool) {
        open(&self.world).bank_says(intent, paid);
    }

    /// Changes an object behind our back: a dashboard, a bug, a thief.
    pub fn tamper(&self, id: &str, field: &str, value: Value) {
        open(&self.world).tamper(id, field, value);
    }

    /// A payment made at the provider that nobody here asked for; returns its name.
    pub fn unsolicited(&self, payer: &str, units: i64, currency: &str) -> String {
        open(&self.world).unsolicited(payer, units, currency)
    }

    /// A refund made at the provider; returns its name.
    pub fn dashboard_refund(&self, intent: &str, units: i64) -> String {
        open(&self.world).refund(intent, units, "")
    }

    /// A payer says at their bank that a payment is not theirs; returns the dispute's name.
    pub fn dispute(&self, intent: &str, units: i64, status: &str) -> String {
        open(&self.world).dispute(intent, units, status)
    }

    /// A dispute, or a refund, comes to stand so.
    pub fn stands(&self, id: &str, status: &str) {
        open(&self.world).stands(id, status);
    }

    /// Knows nothing of an object any more.
    pub fn forgets(&self, id: &str) {
        open(&self.world).objects.remove(id);
    }

    /// Forgets every key, as providers do after a day.
    pub fn forgets_keys(&self) {
        open(&self.world).keys.clear();
    }

    /// The money it gave back of a payment.
    #[must_use]
    pub fn given_back(&self, intent: &str) -> i64 {
        let world = open(&self.world);
        let of = |object: &&Value| object["payment_intent"] == intent && object["status"] == "succeeded";
        world.list("refund").iter().filter(of).filter_map(|refund| refund["amount"].as_i64()).sum()
    }

    /// Everything it would have sent so far, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        open(&self.world).messages.clone()
    }

    /// The money it took: payment and units.
    #[must_use]
    pub fn taken(&self) -> Vec<(String, i64)> {
        open(&self.world).taken()
    }

    /// How often a path was asked.
    #[must_use]
    pub fn asked(&self, path: &str) -> usize {
        open(&self.world).calls.iter().filter(|call| call.contains(path)).count()
    }
}

/// Serves at an address until the process is ended; prints `ready` first. `pages` is the descriptor of an inherited
/// listener where people find its pages, if that is elsewhere.
pub async fn run(at: SocketAddr, pages: Option<RawFd>) -> Result<()> {
    let _provider = Provider::start_for(Some(at), pages.map(inherited).transpose()?).await?;
    println!("ready");
    std::future::pending().await
}

#[expect(unsafe_code, reason = "the listener is inherited by number")]
fn inherited(fd: RawFd) -> Result<TcpListener> {
    // SAFETY: whoever started us passed this descriptor for us to own; nothing else in this process knows its number.
    let listener = unsafe { std::net::TcpListener::from_raw_fd(fd) };
    listener.set_nonblocking(true).context("use the inherited listener")?;
    Ok(TcpListener::from_std(listener)?)
}

/// The header a message is signed with.
#[must_use]
pub fn signature(secret: &str, raw: &[u8], at: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, &[at.to_string().as_bytes(), b".", raw].concat());
    format!("t={at},v1={}", hex::encode(tag))
}
