//! What a process does: the API, the gateway, the worker, or all of them; and how it starts and ends.

pub mod audit;
pub mod backup;
pub mod gateway;
pub mod mail_in;
pub mod plugin;
pub mod root;
mod supervisor;
pub mod tenant;

pub use supervisor::become_owner_of;

use std::sync::Arc;

use anyhow::Context;
use sqlx::postgres::PgConnectOptions;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, embedded, migrate};
use crate::links::Links;
use crate::secrets::Secrets;
use crate::{http, jobs, webhooks};

/// What this process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    All,
    /// Answers people and programs over HTTP.
    Api,
    /// Answers agents over QUIC.
    Gateway,
    /// Does jobs.
    Worker,
}

impl Role {
    fn does(self, other: Self) -> bool {
        self == Self::All || self == other
    }
}

/// Runs until SIGTERM or SIGINT.
pub async fn run(role: Role, config: Config) -> anyhow::Result<()> {
    let started = start(config).await?;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    let mut ready = String::from("ready");
    if role.does(Role::Api) {
        let listener = supervisor::http_listener(&started.app.config).await?;
        ready.push_str(&format!(" http={}", listener.local_addr()?));
        tokio::spawn(crate::live::relay(started.app.clone()));
        tasks.spawn(http::server::serve(listener, http::router::router(started.app.clone()), stopped.clone()));
    }
    if role.does(Role::Gateway) {
        let bound = gateway::bind(started.app.clone()).await?;
        ready.push_str(&format!(" gateway={}", bound.address()?));
        tasks.spawn(bound.serve(stopped.clone()));
    }
    if role.does(Role::Worker) {
        tasks.spawn(jobs::work(started.app.clone(), stopped.clone()));
        tasks.spawn(webhooks::sender::work(started.app.clone(), stopped.clone()));
    }
    println!("{ready}");
    supervisor::tell_ready()?;
    let ended = tokio::select! {
        signal = terminated() => signal,
        Some(task) = tasks.join_next() => task.context("a role panicked")?,
    };
    stop.send_replace(true);
    while let Some(task) = tasks.join_next().await {
        task.context("a role panicked")??;
    }
    started.end().await?;
    ended
}

/// The database, brought up and ready, and what everything is handed.
pub struct Started {
    /// For roles and commands.
    pub app: App,
    server: Option<embedded::Server>,
}

impl Started {
    /// Hands over the private database, if this process started it: whoever has it ends it.
    pub fn take_server(&mut self) -> Option<embedded::Server> {
        self.server.take()
    }

    /// Stops the private database, if this process started it.
    pub async fn end(self) -> anyhow::Result<()> {
        drop(self.app);
        match self.server {
            Some(server) => server.stop().await,
            None => Ok(()),
        }
    }
}

/// Starts what every role needs. Call on a long-lived thread: the private database ends with it.
pub async fn start(config: Config) -> anyhow::Result<Started> {
    std::fs::create_dir_all(&config.data_dir).with_context(|| format!("create {}", config.data_dir.display()))?;
    // Everything that speaks TLS to others takes this one; a second start in one process (tests) finds it there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let secrets = Secrets::open(&config.data_dir)?;
    let (server, options) = database(&config).await?;
    migrate::run(&options).await.context("bring the database to this version")?;
    let clock = if config.dev_clock { Clock::movable(config.data_dir.join("dev-clock")) } else { Clock::system() };
    let links = Links::new(&config, &secrets);
    let db = Db::connect(&options, clock.clone(), links.clone()).await.context("connect to the database")?;
    let metrics = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let handle = metrics.handle();
    // A second start in one process (tests) keeps the first recorder.
    let _ = metrics::set_global_recorder(metrics);
    let plugins = Arc::new(crate::plugins::Runners::new(&config, &secrets)?);
    let app = App {
        db,
        clock,
        config: Arc::new(config),
        secrets,
        links,
        password_hashing: Arc::new(tokio::sync::Semaphore::new(
            std::thread::available_parallelism().map_or(2, usize::from),
        )),
        schedule: Arc::default(),
        live: crate::live::hub(),
        provider_http: crate::payments::provider::stripe::http().context("make a client for payment providers")?,
        plugins,
        metrics: handle,
    };
    Ok(Started { app, server })
}

/// The private database, if this process has to start it, and how to reach the one to use.
async fn database(config: &Config) -> anyhow::Result<(Option<embedded::Server>, PgConnectOptions)> {
    if let Some(url) = &config.database_url {
        return Ok((None, url.parse().context("read DATABASE_URL")?));
    }
    let options = embedded::options(&config.data_dir);
    if embedded::answers(&config.data_dir).await {
        return Ok((None, options));
    }
    Ok((embedded::start(&config.data_dir).await?, options))
}

async fn terminated() -> anyhow::Result<()> {
    let mut term = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    Ok(())
}
