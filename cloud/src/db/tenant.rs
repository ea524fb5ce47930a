//! Transactions: of one tenant ([`TenantTx`]), or before a tenant is known ([`PlatformTx`]).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres, Transaction};

use super::{Db, Error};
use crate::ids::{self, AgentId, ApiKeyId, Id, StaffId, SubscriberId, TenantId};
use crate::links::Links;

/// Who causes a change, for the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person.
    Staff(StaffId),
    /// A program, with a key.
    ApiKey(ApiKeyId),
    /// Somebody who buys access, in the portal.
    Subscriber(SubscriberId),
    /// An enrolled router.
    Agent(AgentId),
    /// A job or a schedule.
    System,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Staff(id) => id.fmt(f),
            Self::ApiKey(id) => id.fmt(f),
            Self::Subscriber(id) => id.fmt(f),
            Self::Agent(id) => id.fmt(f),
            Self::System => f.write_str("system"),
        }
    }
}

/// Whose data, on whose behalf.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// The tenant whose rows exist.
    pub tenant: TenantId,
    /// Who acts.
    pub actor: Actor,
}

impl Scope {
    /// A scope for jobs and schedules.
    pub fn system(tenant: TenantId) -> Self {
        Self { tenant, actor: Actor::System }
    }
}

/// A transaction in which only one tenant's rows exist. It carries the instant it began.
pub struct TenantTx {
    tx: Transaction<'static, Postgres>,
    scope: Scope,
    at: DateTime<Utc>,
    db: Db,
    woken: BTreeSet<AgentId>,
    /// How many ids were made.
    made: AtomicU32,
}

impl TenantTx {
    pub(super) async fn begin(db: &Db, scope: &Scope, mode: &'static str) -> Result<Self, Error> {
        let at = db.now();
        // One round trip. The only text put in is a UUID.
        let begin = format!("BEGIN {mode}; SET LOCAL app.tenant_id = '{}'", scope.tenant.uuid());
        let tx = db.app.begin_with(AssertSqlSafe(begin)).await?;
        Ok(Self { tx, scope: *scope, at, db: db.clone(), woken: BTreeSet::new(), made: AtomicU32::new(0) })
    }

    /// The tenant whose rows exist here; stores put it first in every insert.
    pub fn tenant(&self) -> TenantId {
        self.scope.tenant
    }

    /// Who acts.
    pub fn actor(&self) -> Actor {
        self.scope.actor
    }

    /// The instant this transaction speaks of.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// A new id, sorting by this transaction's instant, and within it in the order of making.
    pub fn new_id<I: Id>(&self) -> I {
        ids::nth_id(self.at, self.made.fetch_add(1, Ordering::Relaxed))
    }

    /// Addresses that carry their own proof.
    pub fn links(&self) -> &Links {
        &self.db.links
    }

    /// The connection; for `store.rs` files.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Has statements look things up by their keys from here on, for whoever asks about many at once: while tables are young
    /// the database knows little of them, would read them from end to end, and would keep to that while they grow. Which of
    /// several keys it uses is its choice even so.
    pub async fn look_up_by_keys(&mut self) -> Result<(), Error> {
        let by_keys = "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off;
                       SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off";
        sqlx::raw_sql(by_keys).execute(self.conn()).await?;
        Ok(())
    }

    /// Remembers that an agent's desired state changed, so that its gateway is told right after the commit.
    pub fn wake(&mut self, agent: AgentId) {
        self.woken.insert(agent);
    }

    /// Makes everything true.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await?;
        self.db.wake.send(self.woken);
        Ok(())
    }
}

/// A transaction on the `platform` schema.
pub struct PlatformTx {
    tx: Transaction<'static, Postgres>,
    at: DateTime<Utc>,
}

impl PlatformTx {
    pub(super) async fn begin(pool: &PgPool, at: DateTime<Utc>) -> Result<Self, Error> {
        Ok(Self { tx: pool.begin().await?, at })
    }

    /// The instant this transaction speaks of.
    pub fn at(&self) -> DateTime<Utc> {
        self.at
    }

    /// The connection; for `store.rs` files.
    pub fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Makes everything true.
    pub async fn commit(self) -> Result<(), Error> {
        self.tx.commit().await?;
        Ok(())
    }
}
