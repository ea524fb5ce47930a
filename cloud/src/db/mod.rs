//! PostgreSQL: pools, transactions that belong to a tenant, the private server, migrations.
//!
//! Slices only ever see a [`TenantTx`]; what must be known before a tenant is known goes through a [`PlatformTx`].
//! There is no other way to a connection.

pub mod backup;
pub mod embedded;
pub mod migrate;
mod tenant;
mod wake;

use chrono::{DateTime, Utc};
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};

pub use tenant::{Actor, PlatformTx, Scope, TenantTx};
pub use wake::{WAKE_CHANNEL, Wake};

use crate::clock::Clock;
use crate::ids::TenantId;
use crate::links::Links;

/// Why the database could not do what was asked; never the caller's fault.
#[derive(Debug, thiserror::Error)]
#[error("database failed")]
pub struct Error(#[from] pub sqlx::Error);

impl Error {
    /// Whether the same may well succeed a moment later: the connection, not the statement, was at fault, or others were
    /// in the way.
    pub fn is_passing(&self) -> bool {
        is_passing(&self.0)
    }
}

/// Whether what another slice reports came of a database that may well do the same a moment later.
pub fn passes(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let sqlx = error.downcast_ref().or_else(|| error.downcast_ref::<Error>().map(|error| &error.0));
        if let Some(error) = sqlx {
            return is_passing(error);
        }
        cause = error.source();
    }
    false
}

fn is_passing(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            ["08", "40", "53", "55", "57"].iter().any(|class| code.starts_with(class))
        }
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => true,
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        _ => false,
    }
}

/// The database as the roles see it.
#[derive(Clone)]
pub struct Db {
    app: PgPool,
    platform: PgPool,
    wake: Wake,
    clock: Clock,
    links: Links,
}

impl Db {
    /// Connects both pools, having checked that neither role can step over row-level security.
    pub async fn connect(server: &PgConnectOptions, clock: Clock, links: Links) -> anyhow::Result<Self> {
        let [app, platform] = migrate::ROLES.map(|role| migrate::log_in(server, role));
        let (app, platform) = (pool(app, 24).await?, pool(platform, 8).await?);
        for pool in [&app, &platform] {
            refuse_privileged_role(pool).await?;
        }
        let wake = Wake::start(platform.clone());
        Ok(Self { app, platform, wake, clock, links })
    }

    /// A transaction on behalf of `scope` that may write.
    pub async fn begin(&self, scope: &Scope) -> Result<TenantTx, Error> {
        TenantTx::begin(self, scope, "READ WRITE").await
    }

    /// A transaction on behalf of `scope` that sees one moment and cannot write.
    pub async fn read(&self, scope: &Scope) -> Result<TenantTx, Error> {
        TenantTx::begin(self, scope, "ISOLATION LEVEL REPEATABLE READ READ ONLY").await
    }

    /// A transaction before any tenant is known: log-ins, tokens, jobs.
    pub async fn platform(&self) -> Result<PlatformTx, Error> {
        PlatformTx::begin(&self.platform, self.now()).await
    }

    /// Every tenant of the installation.
    pub async fn tenants(&self) -> Result<Vec<TenantId>, Error> {
        Ok(sqlx::query_scalar!(r#"SELECT tenant_id AS "id: TenantId" FROM platform.tenants ORDER BY tenant_id"#)
            .fetch_all(&self.platform)
            .await?)
    }

    /// Listens for notifications, for example [`WAKE_CHANNEL`].
    pub async fn listen(&self, channels: &[&str]) -> Result<PgListener, Error> {
        let mut listener = PgListener::connect_with(&self.platform).await?;
        listener.listen_all(channels.iter().copied()).await?;
        Ok(listener)
    }

    /// Sends a notification outside any transaction. Payloads stay under 8,000 bytes.
    pub async fn notify(&self, channel: &str, payload: &str) -> Result<(), Error> {
        sqlx::query!("SELECT pg_notify($1, $2)", channel, payload).execute(&self.platform).await?;
        Ok(())
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

async fn pool(options: PgConnectOptions, size: u32) -> Result<PgPool, sqlx::Error> {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(std::time::Duration::from_secs(10))
        // What is asked here is over before it would be compiled, however long the database reckons it will take.
        .connect_with(options.application_name("weir").options([("jit", "off")]))
        .await
}

/// Row-level security does not bind superusers, BYPASSRLS roles or owners: never run as one.
async fn refuse_privileged_role(pool: &PgPool) -> anyhow::Result<()> {
    let role = sqlx::query!(
        r#"SELECT rolname AS "name!", (rolsuper OR rolbypassrls) AS "bypasses!",
                  EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p')) AS "owns!"
           FROM pg_roles r WHERE rolname = current_user"#
    )
    .fetch_one(pool)
    .await?;
    anyhow::ensure!(
        !role.bypasses && !role.owns,
        "refusing to start: database role {} is not bound by row-level security",
        role.name
    );
    Ok(())
}
