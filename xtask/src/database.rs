//! A private PostgreSQL for one task: in a temporary folder, on a unix socket only, stopped and removed after.

use crate::setup::is_root;
use crate::workspace::{command, must, output, root};
use anyhow::{Context, Result, anyhow};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SUPERUSER: &str = "weir_super";
const DATABASE: &str = "weir";

/// A running server; dropping it stops it.
pub struct Database {
    folder: PathBuf,
    programs: PathBuf,
}

impl Database {
    /// Starts a server and applies all migrations.
    pub fn migrated() -> Result<Self> {
        let database = Self::start()?;
        let mut migrations: Vec<_> = fs::read_dir(root().join("cloud/migrations"))?.collect::<Result<_, _>>()?;
        migrations.sort_by_key(fs::DirEntry::file_name);
        for migration in
            migrations.iter().map(fs::DirEntry::path).filter(|path| path.extension().is_some_and(|e| e == "sql"))
        {
            let sql = fs::File::open(&migration)?;
            let quiet =
                ["--quiet", "--no-psqlrc", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"];
            let mut psql = database.client("psql", &quiet);
            output(psql.stdin(sql)).with_context(|| format!("applying {}", migration.display()))?;
        }
        Ok(database)
    }

    fn start() -> Result<Self> {
        let programs = programs()?;
        let folder = PathBuf::from(output(&mut command("mktemp", &["-d", "/tmp/weir-pg-XXXXXX"]))?.trim());
        let database = Self { folder, programs };
        if is_root()? {
            must(&mut command("chown", &["postgres", &database.path("")]))?;
        }
        let encoding = ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"];
        let mut initdb = database.server("initdb")?;
        output(initdb.args(["--username", SUPERUSER, "-D", &database.path("data")]).args(encoding))?;
        let options = format!("-c listen_addresses= -c unix_socket_directories={} -c fsync=off", database.path(""));
        let log = database.path("log");
        let mut start = database.server("pg_ctl")?;
        start.args(["start", "-w", "-s", "-D", &database.path("data"), "-l", &log, "-o", &options]);
        // The server outlives pg_ctl: it must not hold our pipes.
        must(start.stdin(Stdio::null()).stdout(Stdio::null()))?;
        output(&mut database.client("createdb", &[DATABASE]))?;
        Ok(database)
    }

    /// How programs reach it.
    pub fn url(&self) -> String {
        format!("postgres://{SUPERUSER}@localhost/{DATABASE}?host={}", self.folder.display())
    }

    /// A path beside its data, removed with it.
    pub fn scratch(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A client program of PostgreSQL that talks to this server.
    pub fn client(&self, program: &str, arguments: &[&str]) -> Command {
        let mut client = command(&self.programs.join(program).display().to_string(), arguments);
        client.env("PGHOST", &self.folder).env("PGUSER", SUPERUSER);
        if program != "createdb" {
            client.env("PGDATABASE", DATABASE);
        }
        client
    }

    /// A server program; PostgreSQL refuses root.
    fn server(&self, program: &str) -> Result<Command> {
        let path = self.programs.join(program).display().to_string();
        let mut server =
            if is_root()? { command("runuser", &["-u", "postgres", "--", &path]) } else { command(&path, &[]) };
        server.current_dir("/");
        Ok(server)
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut stop) = self.server("pg_ctl") {
            stop.args(["stop", "-w", "-s", "-m", "immediate", "-D", &self.path("data")]);
            let _not_running = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        let _left_to_the_system = fs::remove_dir_all(&self.folder);
    }
}

/// The folder of the newest installed server's programs.
pub fn programs() -> Result<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path());
    let newest = versions.filter(|path| path.join("bin/initdb").exists()).max_by_key(|path| version_of(path));
    if let Some(version) = newest {
        return Ok(version.join("bin"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
    found.ok_or_else(|| anyhow!("PostgreSQL's server programs are not installed (package postgresql)"))
}

fn version_of(path: &Path) -> u32 {
    path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok()).unwrap_or_default()
}
