//! The product's own session and ingest on a private PostgreSQL, each run a router of its own.

use clap::Parser;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tokio::runtime::Handle;
use uuid::Uuid;
use weir_cloud::app::App;
use weir_cloud::config::Config;
use weir_cloud::db::embedded;
use weir_cloud::fleet::{self, sessions};
use weir_cloud::ids::{AgentId, TenantId};
use weir_cloud::tenants::{self, NewTenant};
use weir_cloud::{roles, usage};
use weir_model::account::LINES;
use weir_model::cloud::Product;
use weir_model::ledger::Session;
use weir_protocol::PROTO_REV;
use weir_protocol::control::{EpochPosition, Hello, StreamPosition};
use weir_protocol::usage::{Down, GapFill};

/// What a backup has to keep of a router, those that others point to first.
const TABLES: [&str; 6] = ["agents", "usage_epochs", "usage_records", "unmerged_usage", "usage_segments", "usage_gaps"];

/// The installation that all runs share.
struct Installation {
    app: App,
    tenant: TenantId,
    runtime: Handle,
}

/// One router's cloud.
pub struct Postgres {
    on: &'static Installation,
    sql: PgConnection,
    router: Uuid,
    agents: Vec<AgentId>,
    sessions: HashMap<u64, sessions::Session>,
    backups: Vec<(Vec<AgentId>, Vec<serde_json::Value>)>,
}

fn installation() -> &'static Installation {
    static INSTALLATION: OnceLock<Installation> = OnceLock::new();
    INSTALLATION.get_or_init(|| {
        let (send, receive) = std::sync::mpsc::channel();
        // The private database ends with the thread that started it, so this one never ends.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let handle = runtime.handle().clone();
            runtime.block_on(async move {
                let base = std::env::temp_dir();
                forget_dead_runs(&base);
                let started =
                    roles::start(config(base.join(format!("weir-model-{}", std::process::id())))).await.unwrap();
                let tenant = found(&started.app).await.unwrap();
                send.send(Installation { app: started.app.clone(), tenant, runtime: handle }).unwrap();
                std::future::pending::<()>().await;
                drop(started);
            });
        });
        receive.recv().unwrap()
    })
}

/// Removes the folders of test runs whose process is gone.
fn forget_dead_runs(base: &Path) {
    for entry in std::fs::read_dir(base).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.strip_prefix("weir-model-")) else { continue };
        if !Path::new("/proc").join(pid).exists() {
            let _still_used_by_its_server = std::fs::remove_dir_all(entry.path());
        }
    }
}

fn config(data_dir: PathBuf) -> Config {
    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        config: Config,
    }
    let config = Arguments::parse_from(["model"]).config;
    Config { data_dir, database_url: None, ..config }
}

/// Founds the ISP, on a database that need not survive a power cut.
async fn found(app: &App) -> anyhow::Result<TenantId> {
    let mut sql = PgConnection::connect_with(&embedded::options(&app.config.data_dir)).await?;
    for statement in ["ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()"] {
        sqlx::query(statement).execute(&mut sql).await?;
    }
    let new = NewTenant {
        name: "Model".into(),
        slug: "model".into(),
        currency: "EUR".into(),
        time_zone: "Europe/Madrid".into(),
        country: "ES".into(),
    };
    let tx = tenants::create(app, &new).await?;
    let tenant = tx.tenant();
    tx.commit().await?;
    Ok(tenant)
}

impl Postgres {
    /// A new router with its lines.
    pub fn new() -> Self {
        let on = installation();
        let (sql, router) = on.runtime.block_on(router(on)).unwrap();
        Self { on, sql, router, agents: Vec::new(), sessions: HashMap::new(), backups: Vec::new() }
    }

    /// Runs a statement about the router's rows.
    async fn of_router(&mut self, statement: &str) -> anyhow::Result<()> {
        sqlx::query(AssertSqlSafe(statement)).bind(self.router).execute(&mut self.sql).await?;
        Ok(())
    }

    async fn enroll_anew(&mut self) -> anyhow::Result<()> {
        self.of_router("UPDATE agents SET revoked_at = now() WHERE router_id = $1 AND revoked_at IS NULL").await?;
        let insert = "INSERT INTO agents (tenant_id, id, router_id, key_sha256, certificate, certificate_until, enrolled_at, state_lineage)
                      VALUES ($1, gen_random_uuid(), $2, '', '', now() + interval '1 year', now(), gen_random_uuid()) RETURNING id";
        let new = sqlx::query(insert).bind(self.on.tenant.uuid()).bind(self.router).fetch_one(&mut self.sql).await?;
        self.agents.push(AgentId::from(new.get::<Uuid, _>("id")));
        Ok(())
    }

    async fn back_up(&mut self) -> anyhow::Result<()> {
        let mut rows = Vec::new();
        for table in TABLES {
            let copy =
                format!("SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') AS rows FROM {table} t WHERE {}", own(table));
            let copy = sqlx::query(AssertSqlSafe(copy)).bind(self.router).fetch_one(&mut self.sql).await?;
            rows.push(copy.get("rows"));
        }
        self.backups.push((self.agents.clone(), rows));
        Ok(())
    }

    async fn put_back(&mut self, backup: usize) -> anyhow::Result<()> {
        for table in TABLES.iter().rev() {
            self.of_router(&format!("DELETE FROM {table} WHERE {}", own(table))).await?;
        }
        let (agents, rows) = &self.backups[backup - 1];
        for (table, rows) in TABLES.iter().zip(rows) {
            let insert = format!("INSERT INTO {table} SELECT * FROM jsonb_populate_recordset(NULL::{table}, $1)");
            sqlx::query(AssertSqlSafe(insert)).bind(rows).execute(&mut self.sql).await?;
        }
        self.agents.clone_from(agents);
        Ok(())
    }
}

/// Which rows of a table are of the router.
fn own(table: &str) -> &'static str {
    if table == "agents" { "router_id = $1" } else { "agent_id IN (SELECT id FROM agents WHERE router_id = $1)" }
}

/// A connection that may do what the product never does, and a router.
async fn router(on: &Installation) -> anyhow::Result<(PgConnection, Uuid)> {
    let mut sql = PgConnection::connect_with(&embedded::options(&on.app.config.data_dir)).await?;
    // Rows as a restore puts them there: whatever they point to, in any order.
    sqlx::query("SET session_replication_role = replica").execute(&mut sql).await?;
    let insert = "INSERT INTO routers (tenant_id, id, site_id, name, lan_interface, wan_interface, capacity_down_bps,
                                       capacity_up_bps, next_handle, created_at)
                  VALUES ($1, gen_random_uuid(), gen_random_uuid(), 'edge ' || gen_random_uuid(), 'lan0', 'wan0', 10000000000,
                          10000000000, $2 + 1, now()) RETURNING id";
    let made = sqlx::query(insert).bind(on.tenant.uuid()).bind(LINES as i32).fetch_one(&mut sql).await?;
    let router: Uuid = made.get("id");
    let sell = "INSERT INTO subscriptions (tenant_id, id, account_id, service_location_id, router_id, handle, starts_on, created_at)
                SELECT $1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), $2, handle, '2025-01-01', now()
                FROM generate_series(1, $3) handle";
    sqlx::query(sell).bind(on.tenant.uuid()).bind(router).bind(LINES as i32).execute(&mut sql).await?;
    Ok((sql, router))
}

impl Product for Postgres {
    fn enroll(&mut self) -> anyhow::Result<()> {
        self.on.runtime.block_on(self.enroll_anew())
    }

    fn open(&mut self, session: Session, offered: &[EpochPosition]) -> anyhow::Result<Option<Vec<StreamPosition>>> {
        let Installation { app, tenant, runtime } = self.on;
        let Some(agent) = self.agents.get(session.agent) else { return Ok(None) };
        let hello = Hello { proto_rev: PROTO_REV, epochs: offered.to_vec(), ..Hello::default() };
        let opened = runtime.block_on(sessions::open(app, *tenant, *agent, &hello, "model"))?;
        Ok(opened.map(|opened| {
            self.sessions.insert(session.number, opened.session);
            opened.streams
        }))
    }

    fn apply(&mut self, session: Session, body: &[u8]) -> anyhow::Result<Option<Down>> {
        let own = self.sessions[&session.number];
        answered(self.on.runtime.block_on(usage::apply(&self.on.app, own, body)))
    }

    fn fill(&mut self, session: Session, fill: &GapFill) -> anyhow::Result<Option<Down>> {
        let mut intake = usage::Intake::new(self.sessions[&session.number]);
        answered(self.on.runtime.block_on(intake.fill(&self.on.app, fill)))
    }

    fn quarantine(&mut self, session: Session, body: &[u8]) -> anyhow::Result<Option<Down>> {
        let mut intake = usage::Intake::new(self.sessions[&session.number]);
        answered(self.on.runtime.block_on(intake.quarantine(&self.on.app, body)))
    }

    fn backup(&mut self) -> anyhow::Result<()> {
        self.on.runtime.block_on(self.back_up())
    }

    fn restore(&mut self, backup: usize) -> anyhow::Result<()> {
        self.on.runtime.block_on(self.put_back(backup))
    }

    fn billed(&mut self) -> anyhow::Result<[usize; LINES]> {
        let sum = format!(
            "SELECT handle, sum(down_bytes)::bigint AS bytes FROM line_usage
             WHERE subscription_id IS NOT NULL AND {} GROUP BY handle",
            own("line_usage")
        );
        let rows =
            self.on.runtime.block_on(sqlx::query(AssertSqlSafe(sum)).bind(self.router).fetch_all(&mut self.sql))?;
        let mut billed = [0; LINES];
        for row in rows {
            billed[row.get::<i32, _>("handle") as usize - 1] = row.get::<i64, _>("bytes") as usize;
        }
        Ok(billed)
    }
}

/// What the agent hears; nothing if the session is over.
fn answered(applied: Result<usage::Applied, usage::Error>) -> anyhow::Result<Option<Down>> {
    match applied {
        Ok(usage::Applied { epoch, applied_seq, trim_seq, outcome }) => {
            Ok(Some(Down { epoch, applied_seq, trim_seq, outcome: outcome.into() }))
        }
        Err(usage::Error::Fleet(fleet::Error::Fenced | fleet::Error::Revoked)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
