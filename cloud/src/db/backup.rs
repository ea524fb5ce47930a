//! The whole database as one file, and back, by PostgreSQL's own programs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::process::Command;

use super::{embedded, migrate};

/// More lines than are sold on a router between a backup and its restore.
const HANDLES_LEFT_OUT: i32 = 1_000;

/// Notes that a backup begins, before anything of it is read; answers when.
pub async fn begin(server: &PgConnectOptions) -> anyhow::Result<DateTime<Utc>> {
    let mut connection = PgConnection::connect_with(server).await?;
    let began =
        sqlx::query_scalar("INSERT INTO platform.backups (began_at) VALUES (clock_timestamp()) RETURNING began_at")
            .fetch_one(&mut connection)
            .await?;
    connection.close().await?;
    Ok(began)
}

/// Notes that it is whole: from now on routers need not keep what is in it. Older ones are forgotten.
pub async fn finish_one(server: &PgConnectOptions, began: DateTime<Utc>) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(server).await?;
    let whole = "UPDATE platform.backups SET finished_at = clock_timestamp() WHERE began_at = $1";
    sqlx::query(whole).bind(began).execute(&mut connection).await?;
    sqlx::query("DELETE FROM platform.backups WHERE began_at < $1").bind(began).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Writes one moment of the database.
pub async fn dump(server: &PgConnectOptions, file: &Path) -> anyhow::Result<()> {
    let mut command = program("pg_dump", server)?;
    command.arg("--format=custom").arg("--file").arg(file);
    finish(command).await.map(drop)
}

/// Empties the database, which must be no ISP's and used by nobody, and leaves our roles on the server.
pub async fn make_room(server: &PgConnectOptions) -> anyhow::Result<()> {
    ensure!(!has_tenants(server).await?, "this installation has ISPs: a backup is only brought into one that has none");
    migrate::run(server).await.context("make the roles of the database")?;
    let name = server.get_database().unwrap_or(server.get_username());
    let mut connection = PgConnection::connect_with(&server.clone().database("postgres")).await?;
    let database = quoted(name);
    for statement in [format!("DROP DATABASE {database}"), format!("CREATE DATABASE {database}")] {
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut connection)
            .await
            .with_context(|| format!("empty the database {name}; is weir still running on it?"))?;
    }
    Ok(connection.close().await?)
}

/// Reads a dump into an empty database: all of it or nothing.
pub async fn load(server: &PgConnectOptions, file: &Path) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(server).await?;
    let strangers = strangers(&mut connection, server, file).await?;
    for stranger in &strangers {
        connection.execute(AssertSqlSafe(format!("CREATE ROLE {stranger} NOLOGIN"))).await?;
    }
    let mut command = program("pg_restore", server)?;
    command.args(["--exit-on-error", "--single-transaction", "--dbname"]);
    command.arg(server.get_database().unwrap_or(server.get_username())).arg(file);
    let loaded = finish(command).await;
    for stranger in &strangers {
        let ours =
            format!("REASSIGN OWNED BY {stranger} TO CURRENT_USER; DROP OWNED BY {stranger}; DROP ROLE {stranger}");
        connection.execute(AssertSqlSafe(ours)).await.context("take over what belonged to another superuser")?;
    }
    connection.close().await?;
    loaded.map(drop)
}

/// Notes that the database is of an earlier time than its routers. The handles that lines sold since may have had are left out:
/// routers still tell of them, and what they tell must not become another line's. And until somebody releases it, routers are
/// told that nothing may be taken away on its word.
pub async fn note_restored(server: &PgConnectOptions) -> anyhow::Result<()> {
    let mut connection = PgConnection::connect_with(server).await?;
    let left_out = "UPDATE routers SET next_handle = next_handle + $1";
    sqlx::query(left_out).bind(HANDLES_LEFT_OUT).execute(&mut connection).await?;
    sqlx::query("UPDATE tenants SET restored_at = clock_timestamp()").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

/// Owners in a dump that this server does not know, quoted: the superuser's name where it was made.
async fn strangers(
    connection: &mut PgConnection,
    server: &PgConnectOptions,
    file: &Path,
) -> anyhow::Result<BTreeSet<String>> {
    let mut command = program("pg_restore", server)?;
    command.arg("--list").arg(file);
    let list = finish(command).await?;
    let entries = list.lines().filter(|line| !line.starts_with(';'));
    let owners: BTreeSet<_> =
        entries.filter_map(|entry| entry.rsplit(' ').next()).filter(|it| !it.is_empty()).collect();
    let mut unknown = BTreeSet::new();
    for owner in owners {
        let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
            .bind(owner)
            .fetch_one(&mut *connection)
            .await?;
        if !known {
            unknown.insert(quoted(owner));
        }
    }
    Ok(unknown)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn has_tenants(server: &PgConnectOptions) -> anyhow::Result<bool> {
    let mut connection = PgConnection::connect_with(server).await?;
    let mut found = false;
    let table: Option<String> =
        sqlx::query_scalar("SELECT to_regclass('platform.tenants')::text").fetch_one(&mut connection).await?;
    if table.is_some() {
        found = sqlx::query_scalar("SELECT EXISTS (SELECT FROM platform.tenants)").fetch_one(&mut connection).await?;
    }
    connection.close().await?;
    Ok(found)
}

/// A program of PostgreSQL's that connects as we do. The password is not for the list of processes.
fn program(name: &str, server: &PgConnectOptions) -> anyhow::Result<Command> {
    let installed = embedded::find_programs().map(|folder| folder.join(name)).unwrap_or_default();
    let mut command = Command::new(if installed.exists() { installed.as_path() } else { Path::new(name) });
    let socket = server.get_socket().map(|folder| folder.display().to_string());
    command.env("PGHOST", socket.unwrap_or_else(|| server.get_host().to_owned()));
    command.env("PGPORT", server.get_port().to_string()).env("PGUSER", server.get_username());
    command.env("PGDATABASE", server.get_database().unwrap_or(server.get_username()));
    if let Some(password) = migrate::secret(server) {
        // As it stands in an address, and an address reads it back.
        let mut address = reqwest::Url::parse("postgres:")?;
        address.set_query(Some(&format!("password={password}")));
        command.envs(address.query_pairs().map(|(_, password)| ("PGPASSWORD", password.into_owned())));
    }
    command.stdin(Stdio::null());
    Ok(command)
}

/// What a program that must succeed prints.
async fn finish(mut command: Command) -> anyhow::Result<String> {
    let name = command.as_std().get_program().display().to_string();
    let done = command.output().await.with_context(|| format!("run {name} (package postgresql-client)"))?;
    if !done.status.success() {
        bail!("{name} failed: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}
