//! An installation: the private database is this process's, the gateway and the API are programs of their own.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use weir_cloud::app::App;
use weir_cloud::config::Config;
use weir_cloud::db::embedded;
use weir_cloud::roles::{self, Started};
use weir_lab::program;

/// A program of the control plane has this long to become ready.
const READY_LIMIT: Duration = Duration::from_secs(60);

/// A running installation; end it with [`Installation::end`].
pub struct Installation {
    started: Started,
    database: Option<embedded::Server>,
    api: Program,
    gateway: Option<Program>,
    gateway_at: SocketAddr,
    /// Those beside it, by where they are.
    others: Vec<Program>,
    worker: Option<Program>,
    folder: TempDir,
}

struct Program {
    process: Child,
    /// Where it listens; one that does not is nowhere.
    at: SocketAddr,
    /// Kept open: a program that cannot say anything any more ends.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Installation {
    /// Makes one and starts its API; the gateway is started apart. Call from a long-lived thread: the database ends with it.
    pub async fn start() -> Result<Self> {
        let folder = Self::folder_of_another()?;
        Self::start_in(folder, ([127, 0, 0, 1], 0).into()).await
    }

    /// Starts one on what a backup has, in place of this one: its gateway will be where that of this one was.
    pub async fn restored(self, backup: &Path) -> Result<Self> {
        let gateway_at = self.gateway_at;
        self.end().await?;
        let folder = Self::folder_of_another()?;
        run(folder.path(), "restore", &[("--from", backup)]).await?;
        Self::start_in(folder, gateway_at).await
    }

    /// Writes a backup to a folder that is not there yet.
    pub async fn back_up(&self, to: &Path) -> Result<()> {
        run(self.folder(), "backup", &[("--to", to)]).await
    }

    /// Lets routers believe a database that was put back.
    pub async fn release(&self) -> Result<()> {
        run(self.folder(), "release", &[]).await
    }

    fn folder_of_another() -> Result<TempDir> {
        let folder = tempfile::Builder::new().prefix("weir-fleet-").tempdir()?;
        // The database server is another user when we are root.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711))?;
        Ok(folder)
    }

    async fn start_in(folder: TempDir, gateway_at: SocketAddr) -> Result<Self> {
        let mut started = roles::start(config(folder.path())).await.context("start the database")?;
        let database = started.take_server();
        let api = Program::launch("api", Some(("--http", ([127, 0, 0, 1], 0).into())), folder.path()).await?;
        Ok(Self { started, database, api, gateway: None, gateway_at, others: Vec::new(), worker: None, folder })
    }

    /// Stops the database under everybody who uses it.
    pub async fn stop_database(&mut self) -> Result<()> {
        self.database.take().context("no database runs")?.stop().await
    }

    /// Starts it again.
    pub async fn start_database(&mut self) -> Result<()> {
        self.database = embedded::start(self.folder.path()).await?;
        Ok(())
    }

    /// Ends the database and all its processes at once, as a power cut would.
    pub async fn kill_database(&mut self) -> Result<()> {
        let pid = std::fs::read_to_string(self.folder.path().join("postgres/data/postmaster.pid"))?;
        let pid = pid.lines().next().context("a process id")?;
        // Those it started are its process group.
        let killed = Command::new("kill").args(["-9", "--", &format!("-{pid}"), pid]).status().await?;
        ensure!(killed.success(), "the database could not be killed");
        self.database = None;
        Ok(())
    }

    /// Starts a worker.
    pub async fn start_worker(&mut self) -> Result<()> {
        ensure!(self.worker.is_none(), "the worker runs already");
        self.worker = Some(Program::launch("worker", None, self.folder.path()).await?);
        Ok(())
    }

    /// Ends the worker at once, as a power cut would.
    pub async fn kill_worker(&mut self) -> Result<()> {
        let mut worker = self.worker.take().context("no worker runs")?;
        Ok(worker.process.kill().await?)
    }

    /// What the worker logged, for people who look for a fault.
    pub fn worker_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("worker.log")).unwrap_or_default()
    }

    /// What the product's own services are handed.
    pub fn app(&self) -> &App {
        &self.started.app
    }

    /// Where people and programs ask.
    pub fn api_url(&self) -> String {
        format!("http://{}", self.api.at)
    }

    /// Where everything of it is kept.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A connection to the database as its superuser.
    pub async fn sql(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect_with(&embedded::options(self.folder.path())).await?)
    }

    /// Starts the gateway, where it was before if it was.
    pub async fn start_gateway(&mut self) -> Result<SocketAddr> {
        ensure!(self.gateway.is_none(), "the gateway runs already");
        let gateway = Program::launch("gateway", Some(("--gateway", self.gateway_at)), self.folder.path()).await?;
        self.gateway_at = gateway.at;
        self.gateway = Some(gateway);
        Ok(self.gateway_at)
    }

    /// Whether the gateway was started.
    pub fn gateway_runs(&self) -> bool {
        self.gateway.is_some()
    }

    /// Ends the gateway at once, as a power cut would.
    pub async fn kill_gateway(&mut self) -> Result<()> {
        let mut gateway = self.gateway.take().context("no gateway runs")?;
        Ok(gateway.process.kill().await?)
    }

    /// Stops the gateway in an orderly way, and waits until it has.
    pub async fn stop_gateway(&mut self) -> Result<()> {
        let mut gateway = self.gateway.take().context("no gateway runs")?;
        let id = gateway.process.id().context("the gateway is gone")?;
        let told = Command::new("kill").arg(id.to_string()).status().await?;
        ensure!(told.success(), "the gateway could not be told to stop");
        let stopped = tokio::time::timeout(READY_LIMIT, gateway.process.wait()).await;
        ensure!(stopped.context("the gateway does not stop")??.success(), "the gateway failed");
        Ok(())
    }

    /// Starts one more gateway beside the first.
    pub async fn start_other_gateway(&mut self) -> Result<SocketAddr> {
        let other =
            Program::launch("gateway", Some(("--gateway", ([127, 0, 0, 1], 0).into())), self.folder.path()).await?;
        let at = other.at;
        self.others.push(other);
        Ok(at)
    }

    /// Ends the last of those beside the first at once, as a power cut would.
    pub async fn kill_other_gateway(&mut self) -> Result<()> {
        let mut other = self.others.pop().context("no other gateway runs")?;
        Ok(other.process.kill().await?)
    }

    /// The gateway's process id.
    pub fn gateway_id(&self) -> Result<u32> {
        self.gateway.as_ref().and_then(|gateway| gateway.process.id()).context("no gateway runs")
    }

    /// Memory of the gateway's process that is in RAM, KiB.
    pub fn gateway_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.gateway_id()?))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        line.trim().trim_end_matches(" kB").parse().context("a size in kB")
    }

    /// What the gateway logged, for people who look for a fault.
    pub fn gateway_log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("gateway.log")).unwrap_or_default()
    }

    /// Ends the programs, then the database.
    pub async fn end(mut self) -> Result<()> {
        if self.gateway.is_some() {
            self.kill_gateway().await?;
        }
        if self.worker.is_some() {
            self.kill_worker().await?;
        }
        while !self.others.is_empty() {
            self.kill_other_gateway().await?;
        }
        self.api.process.kill().await?;
        self.started.end().await?;
        match self.database {
            Some(database) => database.stop().await,
            None => Ok(()),
        }
    }
}

impl Program {
    /// Starts a role and waits until it says that it is ready, and where it listens if it was told to.
    async fn launch(role: &str, listen: Option<(&str, SocketAddr)>, folder: &Path) -> Result<Self> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.join(format!("{role}.log")))?;
        let mut command = Command::new(program("weir")?);
        command.arg(role).arg("--data-dir").arg(folder);
        if let Some((option, at)) = listen {
            command.arg(option).arg(at.to_string());
        }
        command.env_remove("DATABASE_URL").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut process = command.spawn().with_context(|| format!("start weir {role}"))?;
        let mut said = BufReader::new(process.stdout.take().context("no output")?).lines();
        let ready = tokio::time::timeout(READY_LIMIT, said.next_line()).await;
        let ready = ready.with_context(|| format!("weir {role} does not become ready"))??;
        let at = match listen {
            Some(_) => ready.as_deref().and_then(|line| line.strip_prefix("ready ")?.split_once('=')?.1.parse().ok()),
            None => ready.as_deref().filter(|line| *line == "ready").map(|_| ([0, 0, 0, 0], 0).into()),
        };
        let at = at.with_context(|| {
            let log = std::fs::read_to_string(folder.join(format!("{role}.log"))).unwrap_or_default();
            format!("weir {role} said {ready:?}: {log}")
        })?;
        Ok(Self { process, at, _said: said })
    }
}

/// Runs a command on an installation's folder to its end.
async fn run(folder: &Path, command: &str, options: &[(&str, &Path)]) -> Result<()> {
    let mut weir = Command::new(program("weir")?);
    weir.arg(command).arg("--data-dir").arg(folder).env_remove("DATABASE_URL");
    for (option, path) in options {
        weir.arg(option).arg(path);
    }
    let done = weir.stdin(Stdio::null()).output().await?;
    ensure!(done.status.success(), "weir {command}: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

fn config(folder: &Path) -> Config {
    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        config: Config,
    }
    let config = Arguments::parse_from(["fleet"]).config;
    Config { data_dir: folder.to_owned(), database_url: None, ..config }
}
