//! A private PostgreSQL in the data folder: unix socket only, started with us, stopped with us.
//!
//! It uses the system's server programs. PostgreSQL refuses to run as root, so root starts it as `postgres`. If we are
//! killed, the kernel tells it to shut down; a server that is still doing so is waited for.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use nix::sys::signal::Signal;
use nix::unistd::{Uid, User};
use sqlx::postgres::PgConnectOptions;
use tokio::process::{Child, Command};

const SUPERUSER: &str = "weir_super";
const DATABASE: &str = "weir";
/// Longest path of a unix socket, less the name PostgreSQL gives it.
const SOCKET_FOLDER_MAX: usize = 107 - "/.s.PGSQL.5432".len();
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// A running private server; dropping it leaves stopping to the kernel, [`Server::stop`] is the orderly way.
pub struct Server {
    process: Child,
    folder: PathBuf,
}

/// How to reach the private server of a data folder as its superuser.
pub fn options(data_dir: &Path) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass().socket(socket_folder(data_dir)).username(SUPERUSER).database(DATABASE)
}

/// Whether a server of this data folder already answers, for example because another role started it.
pub async fn answers(data_dir: &Path) -> bool {
    connects(&options(data_dir)).await
}

/// Starts the server, creating its cluster the first time; `None` if somebody else's start made it answer meanwhile.
/// Call from a long-lived thread: its end ends the server.
pub async fn start(data_dir: &Path) -> anyhow::Result<Option<Server>> {
    let programs = find_programs()?;
    let folder = data_dir.join("postgres");
    let socket = socket_folder(data_dir);
    ensure!(
        socket.as_os_str().len() <= SOCKET_FOLDER_MAX,
        "the data folder's path is too long for a unix socket: {} is over {SOCKET_FOLDER_MAX} bytes",
        socket.display()
    );
    let owner = unprivileged_user()?;
    for path in [&folder, &socket] {
        std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
        if let Some(user) = &owner {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).context("hand the folder to its user")?;
        }
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))?;
    }
    let cluster = folder.join("data");
    if !cluster.join("PG_VERSION").exists() {
        initialise(&programs, &cluster, owner.as_ref()).await?;
    }
    if wait_for_predecessor(&cluster, data_dir).await? {
        return Ok(None);
    }
    let mut process = spawn(&programs, &cluster, &socket, owner.as_ref())?;
    match wait_until_ready(&mut process, data_dir).await {
        Ok(()) => Ok(Some(Server { process, folder })),
        // Another process of ours was starting it in the same moment.
        Err(error) => {
            if wait_for_predecessor(&cluster, data_dir).await? {
                Ok(None)
            } else {
                Err(error)
            }
        }
    }
}

impl Server {
    /// Stops the server: clients are disconnected, everything is written.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(pid) = self.process.id() {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid.cast_signed()), Signal::SIGINT)
                .context("stop postgres")?;
        }
        tokio::time::timeout(STOP_LIMIT, self.process.wait())
            .await
            .with_context(|| format!("postgres in {} does not stop", self.folder.display()))??;
        Ok(())
    }
}

fn socket_folder(data_dir: &Path) -> PathBuf {
    let absolute = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_path_buf());
    absolute.join("postgres/run")
}

/// The newest installed server's programs.
pub(super) fn find_programs() -> anyhow::Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").exists())
        .collect();
    versions.sort();
    if let Some((version, programs)) = versions.pop() {
        ensure!(version >= 15, "PostgreSQL {version} is too old: 15 or newer is needed");
        return Ok(programs);
    }
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&on_path)
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .context("PostgreSQL's server programs are not installed: install the package postgresql, or set DATABASE_URL")
}

/// The user to run as, if we are root.
fn unprivileged_user() -> anyhow::Result<Option<User>> {
    if !Uid::effective().is_root() {
        return Ok(None);
    }
    let user = User::from_name("postgres").context("look up the user postgres")?;
    Ok(Some(
        user.context("PostgreSQL does not run as root and there is no user postgres: create it, or set DATABASE_URL")?,
    ))
}

fn command(program: &Path, owner: Option<&User>) -> Command {
    let mut command = Command::new(program);
    if let Some(user) = owner {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command.env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin").current_dir("/").stdin(Stdio::null());
    command
}

async fn initialise(programs: &Path, cluster: &Path, owner: Option<&User>) -> anyhow::Result<()> {
    let made = command(&programs.join("initdb"), owner)
        .arg("-D")
        .arg(cluster)
        .args([
            "--username",
            SUPERUSER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--data-checksums",
        ])
        .output()
        .await
        .context("run initdb")?;
    if !made.status.success() {
        bail!(
            "initdb failed in {}: {} (every folder above it must be open to the user that runs PostgreSQL)",
            cluster.display(),
            String::from_utf8_lossy(&made.stderr).trim()
        );
    }
    Ok(())
}

/// A predecessor whose parent was killed may still be writing its last pages; when it was killed itself, its children
/// keep its memory until they notice. Tells whether a server answers instead, because it was only just starting.
async fn wait_for_predecessor(cluster: &Path, data_dir: &Path) -> anyhow::Result<bool> {
    let cluster = cluster.canonicalize().context("find the cluster")?;
    let waited = tokio::time::timeout(STOP_LIMIT, async {
        while is_in_use(&cluster) {
            if answers(data_dir).await {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        false
    });
    waited.await.with_context(|| format!("another PostgreSQL keeps running in {}", cluster.display()))
}

/// Whether a process of PostgreSQL works in this cluster: all of them have it as their working folder.
fn is_in_use(cluster: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let is_postgres = |process: &Path| {
        std::fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim().starts_with("postgres"))
    };
    processes
        .filter(|process| std::fs::read_link(process.join("cwd")).is_ok_and(|folder| folder == cluster))
        .any(|process| is_postgres(&process))
}

fn spawn(programs: &Path, cluster: &Path, socket: &Path, owner: Option<&User>) -> anyhow::Result<Child> {
    let mut command = command(&programs.join("postgres"), owner);
    command.arg("-D").arg(cluster).arg("-k").arg(socket).args([
        "-c",
        "listen_addresses=",
        "-c",
        "max_connections=100",
        "-c",
        "log_min_messages=warning",
        "-c",
        "timezone=UTC",
    ]);
    // Its own group: Ctrl-C in a terminal is for us to pass on, in order.
    command.process_group(0);
    #[expect(unsafe_code, reason = "a signal at the parent's death can only be asked for between fork and exec")]
    // SAFETY: prctl is async-signal-safe and touches nothing of the parent.
    unsafe {
        command.pre_exec(|| nix::sys::prctl::set_pdeathsig(Signal::SIGINT).map_err(std::io::Error::from));
    }
    command.spawn().context("start postgres")
}

async fn wait_until_ready(process: &mut Child, data_dir: &Path) -> anyhow::Result<()> {
    let maintenance = options(data_dir).database("postgres");
    let ready = async {
        while !connects(&maintenance).await {
            if let Some(status) = process.try_wait()? {
                bail!("postgres stopped while starting: {status}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    };
    tokio::time::timeout(START_LIMIT, ready).await.context("postgres does not become ready")??;
    create_database(&maintenance).await
}

async fn create_database(maintenance: &PgConnectOptions) -> anyhow::Result<()> {
    use sqlx::Connection;
    let mut connection = sqlx::PgConnection::connect_with(maintenance).await?;
    let exists =
        sqlx::query("SELECT FROM pg_database WHERE datname = 'weir'").fetch_optional(&mut connection).await?.is_some();
    if !exists {
        sqlx::query("CREATE DATABASE weir").execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

async fn connects(options: &PgConnectOptions) -> bool {
    use sqlx::Connection;
    match sqlx::PgConnection::connect_with(options).await {
        Ok(connection) => connection.close().await.is_ok(),
        Err(_) => false,
    }
}
