//! Debian's FreeRADIUS with its own schema and queries for PostgreSQL, on the same database server as ours.

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use weir_cloud::db::embedded;

use crate::LIMIT;

/// Where Debian puts what belongs to its database.
const SQL: &str = "/etc/freeradius/3.0/mods-config/sql/main/postgresql";

/// A running server.
pub struct FreeRadius {
    process: Child,
    /// Where it takes accounting.
    pub at: SocketAddr,
    _said: Lines<BufReader<ChildStdout>>,
}

impl FreeRadius {
    /// Makes its database beside ours and starts it; its files are in the folder.
    pub async fn start(sql: &mut PgConnection, folder: &Path, secret: &str) -> Result<Self> {
        sqlx::query("CREATE DATABASE radius").execute(sql).await?;
        let own = embedded::options(folder).database("radius");
        let schema = std::fs::read_to_string(format!("{SQL}/schema.sql"))
            .context("FreeRADIUS is not installed, or its files are root's alone: cargo xtask setup")?;
        let mut own = PgConnection::connect_with(&own).await?;
        sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut own).await?;
        own.close().await?;
        // It cannot say which port it was given.
        let at = UdpSocket::bind(("127.0.0.1", 0))?.local_addr()?;
        let raddb = folder.join("radius");
        std::fs::create_dir_all(&raddb)?;
        std::fs::write(raddb.join("radiusd.conf"), settings(folder, at, secret))?;
        let mut command = Command::new(program()?);
        command.args(["-f", "-l", "stdout", "-n", "radiusd", "-d"]).arg(&raddb);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = command.spawn().context("start FreeRADIUS")?;
        let mut said = BufReader::new(process.stdout.take().context("no output")?).lines();
        let ready = async {
            let mut all = String::new();
            while let Some(line) = said.next_line().await? {
                if line.contains("Ready to process requests") {
                    return Ok(());
                }
                all.push_str(&line);
                all.push('\n');
            }
            anyhow::bail!("FreeRADIUS does not start: {all}")
        };
        tokio::time::timeout(LIMIT, ready).await.context("FreeRADIUS does not become ready")??;
        Ok(Self { process, at, _said: said })
    }

    /// Its process id.
    pub fn id(&self) -> Result<u32> {
        self.process.id().context("FreeRADIUS is gone")
    }

    /// Ends it.
    pub async fn end(mut self) -> Result<()> {
        Ok(self.process.kill().await?)
    }
}

fn program() -> Result<PathBuf> {
    let places = ["/usr/sbin/freeradius", "/usr/sbin/radiusd"].map(PathBuf::from);
    places.into_iter().find(|place| place.is_file()).context("FreeRADIUS is not installed: cargo xtask setup")
}

fn settings(folder: &Path, at: SocketAddr, secret: &str) -> String {
    let path = |below: &str| folder.join(below).display().to_string();
    let places = [
        ("@raddb@", path("radius")),
        ("@host@", path("postgres/run")),
        ("@port@", at.port().to_string()),
        ("@secret@", secret.to_owned()),
        ("@sql@", SQL.to_owned()),
    ];
    places.iter().fold(include_str!("radiusd.conf").to_owned(), |text, (place, is)| text.replace(place, is))
}
