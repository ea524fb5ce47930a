//! Brings a database to this version's schema. Needs a role that may create roles and extensions.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

/// Applies what is missing, in order, under an advisory lock so that two starting processes do it once.
pub async fn run(server: &PgConnectOptions) -> Result<(), sqlx::migrate::MigrateError> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(server.clone()).await?;
    let migrated = sqlx::migrate!("./migrations").run(&pool).await;
    pool.close().await;
    migrated
}
