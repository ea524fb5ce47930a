//! What the fleet does later.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::pools::Derived;
use super::{desired, events, renewal, store};
use crate::app::App;
use crate::db::Scope;
use crate::ids::{AccountId, AgentId, RouterId, SubscriptionId};
use crate::jobs::{Job, enqueue};
use crate::{network, translation};

/// Refreshes what changes without anybody doing anything: terms that begin or end, holds that run out, cut points ahead.
#[derive(Serialize, Deserialize)]
pub struct RefreshDesired {}

impl Job for RefreshDesired {
    const KIND: &'static str = "fleet.refresh_desired";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.read(&scope).await?;
        let lines = store::subscriptions_changing_by_themselves(&mut tx).await?;
        let routers = store::routers_with_agents(&mut tx).await?;
        drop(tx);
        refresh_lines(&app, &scope, &lines).await?;
        for router in routers {
            let mut tx = app.db.begin(&scope).await?;
            desired::refresh_router(&mut tx, router).await?;
            tx.commit().await?;
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Refreshes the lines of an agent whose own count of what they used began anew, or that told late what it counted before. What
/// has to be done first only a later slice knows: usage does this job.
#[derive(Serialize, Deserialize)]
pub struct RefreshMetered {
    /// The agent.
    pub agent: AgentId,
    /// Why: what happens for one reason is done once.
    pub reason: String,
}

impl RefreshMetered {
    /// Tells the agent anew what it does not count itself.
    pub(crate) async fn refresh(self, app: &App, scope: &Scope) -> anyhow::Result<()> {
        let mut tx = app.db.read(scope).await?;
        let lines = store::metered_lines(&mut tx, self.agent).await?;
        drop(tx);
        refresh_lines(app, scope, &lines).await
    }
}

/// Refreshes lines of a router whose port blocks changed; all of its lines where it is not said when.
#[derive(Serialize, Deserialize)]
pub struct RefreshLines {
    /// The router.
    pub router: RouterId,
    /// Why: what happens for one reason is done once.
    pub reason: String,
    /// Only the lines whose block was given or ended at this instant.
    #[serde(default)]
    pub blocks_at: Option<DateTime<Utc>>,
}

impl RefreshLines {
    /// Refreshes the lines whose blocks changed at an instant, and no others.
    pub fn of_blocks(router: RouterId, at: DateTime<Utc>) -> Self {
        Self { router, reason: at.to_rfc3339(), blocks_at: Some(at) }
    }
}

impl Job for RefreshLines {
    const KIND: &'static str = "fleet.refresh_lines";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.read(&scope).await?;
        let lines = match self.blocks_at {
            Some(at) => translation::changed_at(&mut tx, self.router, at).await?,
            None => store::subscriptions_of_router(&mut tx, self.router).await?,
        };
        drop(tx);
        refresh_lines(&app, &scope, &lines).await
    }

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {}", self.router, self.reason))
    }
}

/// Refreshes an account's lines that share an allowance, after one of them changed or was used on another router.
#[derive(Serialize, Deserialize)]
pub struct RefreshPool {
    /// The account.
    pub account: AccountId,
    /// Why: what happens for one reason is done once.
    pub reason: String,
}

impl Job for RefreshPool {
    const KIND: &'static str = "fleet.refresh_pool";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.read(&scope).await?;
        let lines = store::pools::one_a_router(&mut tx, self.account).await?;
        drop(tx);
        // One router at a time: nobody else locks two of them in the same order.
        for line in lines {
            refresh_lines(&app, &scope, &[line]).await?;
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(format!("{} {}", self.account, self.reason))
    }
}

/// Gives lines that found no port block free one, now that others are.
#[derive(Serialize, Deserialize)]
pub struct AssignPortBlocks {}

impl Job for AssignPortBlocks {
    const KIND: &'static str = "fleet.assign_port_blocks";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.read(&scope).await?;
        let routers = translation::routers_with_networks(&mut tx).await?;
        drop(tx);
        for router in routers {
            let mut tx = app.db.begin(&scope).await?;
            network::lock_router(&mut tx, router).await?;
            if !translation::assign_waiting(&mut tx, router).await?.is_empty() {
                let now = tx.at();
                enqueue(&mut tx, &RefreshLines::of_blocks(router, now), now).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Forgets what routers told people longer ago than it is kept.
#[derive(Serialize, Deserialize)]
pub struct ForgetOldEvents {}

impl Job for ForgetOldEvents {
    const KIND: &'static str = "fleet.forget_old_events";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        let before = tx.at() - events::KEPT;
        store::events::forget(&mut tx, before).await?;
        Ok(tx.commit().await?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Tells people of agents' certificates that end soon.
#[derive(Serialize, Deserialize)]
pub struct WatchCertificates {}

impl Job for WatchCertificates {
    const KIND: &'static str = "fleet.watch_certificates";

    async fn run(self, app: App, scope: Scope) -> anyhow::Result<()> {
        let mut tx = app.db.begin(&scope).await?;
        renewal::watch(&app, &mut tx).await?;
        Ok(tx.commit().await?)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Lines one transaction refreshes: nothing else on their router can change meanwhile, a payment's restore among it.
const LINES_A_TRANSACTION: usize = 25;

async fn refresh_lines(app: &App, scope: &Scope, lines: &[SubscriptionId]) -> anyhow::Result<()> {
    for lines in lines.chunks(LINES_A_TRANSACTION) {
        let mut tx = app.db.begin(scope).await?;
        let mut derived = Derived::default();
        for line in lines {
            desired::refresh_one_of_many(&mut tx, *line, &mut derived).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}
