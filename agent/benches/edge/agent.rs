//! The program itself, with thousands of lines from its disk: what it takes of a router.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use weir_agent::store::disk::Folder;
use weir_agent::store::identity;

use crate::disk::{enrolled, hold_all};
use crate::figure::Goal::AtMost;
use crate::figure::print;
use crate::many::sold;
use crate::net::sh;

/// While its processor time is taken.
const WATCHED: Duration = Duration::from_secs(40);
/// Ticks of the processor clock in a second, as Linux tells them to programs.
const TICKS: f64 = 100.0;

pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

impl Running {
    /// Asks it to stop, and waits until it has.
    pub fn finish(mut self) {
        sh(&format!("kill -TERM {}", self.0.id()));
        assert!(self.0.wait().expect("an end").success(), "it stops in order");
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{file}", self.0.id())).expect("it runs")
    }

    fn memory_mb(&self) -> f64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("memory");
        line.trim().trim_end_matches("kB").trim().parse::<f64>().expect("a number") / 1024.0
    }

    fn processor_seconds(&self) -> f64 {
        let stat = self.read("stat");
        let fields: Vec<&str> = stat.rsplit(") ").next().expect("fields").split(' ').collect();
        let ticks = |at: usize| fields[at].parse::<f64>().expect("a number");
        (ticks(11) + ticks(12)) / TICKS
    }
}

/// The program as routers get it if the environment names it, otherwise the one of this build.
pub fn program() -> String {
    std::env::var("WEIR_AGENT").unwrap_or(env!("CARGO_BIN_EXE_weir-agent").into())
}

pub fn running() {
    let program = program();
    let bytes = std::fs::metadata(&program).expect("the program").len();
    print("agent_bin_mib", bytes as f64 / 1048576.0, "MiB", AtMost(6.0), 1, "as routers get it");
    for (lines, memory) in [(10_000, 32.0), (50_000, 96.0)] {
        let state = tempfile::tempdir().expect("a folder");
        identity::save(&mut Folder::open(state.path()).expect("a folder"), &enrolled()).expect("saved");
        hold_all(state.path(), &sold(lines, 50, false));
        let agent = start(state.path());
        let note = format!("{lines} lines, all applied from disk, sweeps every 10 s");
        let name = format!("agent_rss_{}k_mb", lines / 1000);
        if lines == 10_000 {
            let (began, before) = (Instant::now(), agent.processor_seconds());
            std::thread::sleep(WATCHED);
            let share = (agent.processor_seconds() - before) / began.elapsed().as_secs_f64();
            print("agent_cpu_pct", share * 100.0, "% of a core", AtMost(1.0), 1, &note);
        }
        print(&name, agent.memory_mb(), "MB", AtMost(memory), 1, &note);
        drop(agent);
        sh(&format!("{program} uninstall --state-dir {}", state.path().display()));
    }
}

/// Starts it on a state.
pub fn spawn(state: &Path, options: &[&str]) -> Running {
    let mut command = verb("run", state);
    Running(command.args(options).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"))
}

/// What it tells of itself.
pub fn status(state: &Path) -> serde_json::Value {
    serde_json::from_slice(&verb("status", state).output().expect("a status").stdout).unwrap_or_default()
}

fn verb(verb: &str, state: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg(verb).arg("--state-dir").arg(state).arg("--run-dir").arg(state.join("run"));
    command
}

/// Starts it, and waits until all is applied.
fn start(state: &Path) -> Running {
    let agent = spawn(state, &["--sweep-interval-ms", "10000"]);
    let limit = Instant::now() + Duration::from_secs(900);
    loop {
        let status = status(state);
        let objects = &status["agent"]["objects"];
        if objects["applied"].as_u64().is_some_and(|applied| applied > 1) {
            return agent;
        }
        assert!(Instant::now() < limit, "not applied in time: {status}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
