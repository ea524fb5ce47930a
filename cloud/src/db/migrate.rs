//! Brings a database to this version's schema, and its roles to where they can log in.
//!
//! Needs a superuser: some functions of the catalogue are taken from everybody.

use ring::hmac;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};

/// The roles that serve: a tenant's business, and what comes before a tenant is known.
pub const ROLES: [&str; 2] = ["weir_app", "weir_platform"];

/// Applies what is missing, in order, under an advisory lock so that two starting processes do it once.
pub async fn run(server: &PgConnectOptions) -> Result<(), sqlx::migrate::MigrateError> {
    let pool = PgPoolOptions::new().max_connections(1).connect_with(server.clone()).await?;
    let mut done = sqlx::migrate!("./migrations").run(&pool).await;
    if let (Ok(()), Some(secret)) = (&done, secret(server)) {
        done = set_passwords(&pool, &secret).await.map_err(Into::into);
    }
    pool.close().await;
    done
}

/// The server as one of [`ROLES`]. A server whose address has a password asks our roles for one, too: it is derived from
/// that one, so that every process with the address knows it and nothing has to be kept.
pub fn log_in(server: &PgConnectOptions, role: &str) -> PgConnectOptions {
    let role_options = server.clone().username(role);
    match secret(server) {
        Some(secret) => role_options.password(&role_password(&secret, role)),
        None => role_options,
    }
}

pub(super) fn secret(server: &PgConnectOptions) -> Option<String> {
    server.to_url_lossy().password().map(str::to_owned)
}

fn role_password(secret: &str, role: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, format!("weir role {role}").as_bytes()))
}

/// One process at a time: PostgreSQL refuses two changes of a role at once.
async fn set_passwords(pool: &PgPool, secret: &str) -> Result<(), sqlx::Error> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('weir roles'))").execute(&mut *tx).await?;
    for role in ROLES {
        // Both texts are ours: a constant, and hexadecimal digits.
        let password = role_password(secret, role);
        sqlx::query(AssertSqlSafe(format!("ALTER ROLE {role} PASSWORD '{password}'"))).execute(&mut *tx).await?;
    }
    tx.commit().await
}
