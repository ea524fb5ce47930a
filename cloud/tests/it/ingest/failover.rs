//! The database fails over to a standby: nothing is lost that a synchronous one has, and what an asynchronous one lacks is sent
//! again, or said and billed as the router added it up.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use weir_cloud::app::App;
use weir_cloud::db::Db;
use weir_cloud::fleet::sessions::Session;
use weir_cloud::{http, usage};
use weir_protocol::PROTO_REV;
use weir_protocol::control::{Hello, Verdict};
use weir_protocol::usage::Outcome;

use super::{Edge, Log, stands};
use crate::harness::apart;
use crate::money::harness::{Isp, story};
use crate::played::until;

/// A server of PostgreSQL in a folder: the one of an installation, or a copy that follows one.
struct Server {
    /// Where its socket is.
    socket: PathBuf,
    cluster: PathBuf,
    /// Ends with the thread that started it.
    _process: Option<Child>,
}

impl Server {
    /// The private one of an installation.
    fn of(app: &App) -> Self {
        let folder = app.config.data_dir.join("postgres");
        Self { socket: folder.join("run"), cluster: folder.join("data"), _process: None }
    }

    /// A program of PostgreSQL, run as whoever runs this server.
    fn program(&self, name: &str) -> Command {
        let versions = std::fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL is installed").flatten();
        let newest =
            versions.max_by_key(|version| version.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
        let program = newest.expect("a version").path().join("bin").join(name);
        let owner = std::fs::metadata(&self.cluster).expect("a cluster");
        let mut command = Command::new("setpriv");
        if owner.uid() != std::fs::metadata("/proc/self").expect("this process").uid() {
            let (user, group) = (owner.uid().to_string(), owner.gid().to_string());
            command.args(["--reuid", &user, "--regid", &group, "--clear-groups"]);
        }
        command.args(["--pdeathsig", "INT"]).arg(program).stdin(Stdio::null()).current_dir("/");
        command
    }

    /// A standby that follows this one, with all it has until now.
    fn standby(&self, name: &str) -> Self {
        let beside = |name: &str| self.cluster.with_file_name(name);
        let (cluster, socket) = (beside(name), beside(&format!("{name}-run")));
        let owner = std::fs::metadata(&self.cluster).expect("a cluster");
        std::fs::create_dir(&socket).expect("a folder");
        chown(&socket, Some(owner.uid()), Some(owner.gid())).expect("a folder of its user");
        let mut copy = self.program("pg_basebackup");
        copy.args(["-U", "weir_super", "-X", "stream", "-c", "fast", "-R", "--no-manifest", "--no-sync", "-h"])
            .arg(&self.socket);
        let made = copy.arg("-D").arg(&cluster).output().expect("pg_basebackup runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let mut server = Self { socket, cluster, _process: None };
        server._process = Some(server.start());
        server
    }

    fn start(&self) -> Child {
        let mut server = self.program("postgres");
        server.arg("-D").arg(&self.cluster).arg("-k").arg(&self.socket);
        server.args([
            "-c",
            "listen_addresses=",
            "-c",
            "log_min_messages=panic",
            "-c",
            "timezone=UTC",
            "-c",
            "fsync=off",
        ]);
        server.spawn().expect("postgres starts")
    }

    fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass().socket(&self.socket).username("weir_super").database("weir")
    }

    async fn connect(&self) -> PgConnection {
        let connected =
            until("server", async || PgConnection::connect_with(&self.options()).await, Result::is_ok).await;
        connected.expect("a connection")
    }

    async fn does(&self, statements: &[&str]) {
        let mut superuser = self.connect().await;
        for statement in statements {
            sqlx::query(AssertSqlSafe((*statement).to_owned())).execute(&mut superuser).await.expect(statement);
        }
        superuser.close().await.expect("disconnect");
    }

    /// Waits until a standby follows that every commit waits for, or none that any does.
    async fn is_followed(&self, how: &str) {
        let states = async || {
            let mut superuser = self.connect().await;
            let states =
                sqlx::query_scalar("SELECT coalesce(string_agg(sync_state, ' '), '') FROM pg_stat_replication");
            let states: String = states.fetch_one(&mut superuser).await.expect("an answer");
            superuser.close().await.expect("disconnect");
            states
        };
        until("standby", states, |states: &String| states == how).await;
    }

    /// Has it end: in order (`-INT`), or at once as by a power cut (`-QUIT`).
    async fn ends(&self, signal: &str) {
        let file = std::fs::read_to_string(self.cluster.join("postmaster.pid")).expect("a running server");
        let pid = file.lines().next().expect("a number");
        assert!(Command::new("kill").args([signal, pid]).status().expect("kill runs").success());
        let gone = async || !self.socket.join(".s.PGSQL.5432").exists();
        until("end of the server", gone, |gone: &bool| *gone).await;
    }

    /// Makes it the one there is, and the installation go on with it.
    async fn takes_over(&self, edge: &mut Edge) {
        self.does(&["SELECT pg_promote()"]).await;
        let Isp { app, tenant, token, .. } = &edge.isp;
        let db = Db::connect(&self.options(), app.clock.clone(), app.links.clone()).await.expect("it answers");
        let app = App { db, ..app.clone() };
        edge.isp = Isp { router: http::router::router(app.clone()), app, tenant: *tenant, token: token.clone() };
    }
}

/// What an agent of today says of a log of which it deleted all before a record.
async fn session(edge: &Edge, log: &Log, first_seq: u64) -> (Session, Vec<(u64, Verdict)>) {
    let hello = Hello { proto_rev: PROTO_REV, epochs: vec![log.offered(first_seq)], ..Hello::default() };
    let opened = edge.says(&hello).await;
    (opened.session, stands(&opened.streams))
}

#[test]
fn a_database_that_fails_over_bills_every_byte_once() {
    story(async {
        let installation = apart("failover");
        let first = Server::of(&installation);
        let mut edge = Edge::of(Isp::of(&installation, "failover", "2026-10-10T10:00:00Z").await).await;
        let mut log = Log::new(b"epoch A.");
        let records = log.records(8, 10);

        // A commit that is answered is on the standby: what comes next continues it, in the same session.
        let second = first.standby("second");
        first.does(&["ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()"]).await;
        first.is_followed("sync").await;
        let (told, _) = session(&edge, &log, 1).await;
        edge.applies(told, &records[..3]).await;
        first.ends("-QUIT").await;
        second.takes_over(&mut edge).await;
        edge.applies(told, &records[3..4]).await;
        assert_eq!(session(&edge, &log, 5).await.1, [(4, Verdict::Ok)]);

        // Of an asynchronous one the last commits may be missing, and whoever had told them may have deleted them.
        let mut third = second.standby("third");
        second.is_followed("async").await;
        third.ends("-INT").await;
        let (told, _) = session(&edge, &log, 5).await;
        edge.applies(told, &records[4..7]).await;
        assert_eq!(edge.billed().await, 70);
        second.ends("-QUIT").await;
        third._process = Some(third.start());
        third.takes_over(&mut edge).await;
        assert_eq!(edge.billed().await, 40, "they are missing");
        // The session is older than that of the standby, or the same: it writes nothing out of turn.
        let late = usage::apply(&edge.isp.app, told, &records[7]).await;
        assert!(!late.is_ok_and(|late| late.outcome == Outcome::Applied));
        let (told, position) = session(&edge, &log, 6).await;
        assert_eq!(position, [(4, Verdict::Gap)]);
        assert_eq!(edge.fills(told, &log.totals(5, 50)).await, (Outcome::Applied, 5));
        edge.applies(told, &records[5..]).await;
        edge.bills(24, 80, 80).await;
        assert_eq!(edge.told("usage-gap-filled").await.len(), 1);
    });
}
