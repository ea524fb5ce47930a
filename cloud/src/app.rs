//! What every role and handler is given: the database, the time, the settings.

use std::sync::Arc;

use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;

/// Handles shared by everything; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// Transactions.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// The installation's settings.
    pub config: Arc<Config>,
    /// Seals what must not lie open in the database.
    pub secrets: crate::secrets::Secrets,
    /// Addresses that carry their own proof.
    pub links: crate::links::Links,
    /// Bounds how many passwords are hashed at once.
    pub password_hashing: Arc<tokio::sync::Semaphore>,
    /// The last minute whose recurring jobs were queued by this process.
    pub schedule: Arc<std::sync::atomic::AtomicI64>,
    /// This second's rates, as they arrive.
    pub live: crate::live::Hub,
    /// Asks payment providers.
    pub provider_http: reqwest::Client,
    /// Processes that run tenants' plugins.
    pub plugins: Arc<crate::plugins::Runners>,
    /// Renders `/metrics`.
    pub metrics: metrics_exporter_prometheus::PrometheusHandle,
}
