//! The program itself, on a router that never reaches its cloud: it enforces from disk, heals, and leaves no trace.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use weir_agent::store::disk::Folder;
use weir_agent::store::identity;
use weir_protocol::desired::Access;

use crate::disk::{enrolled, hold};
use crate::net::{Net, in_namespaces, line, online, sh, text, until};

pub const AGENT: &str = env!("CARGO_BIN_EXE_weir-agent");

/// What an enrolled agent that once had this state leaves on disk.
fn furnish(state: &Path, access: Access) {
    let identity = enrolled();
    identity::save(&mut Folder::open(state).unwrap(), &identity).unwrap();
    hold(state, line(7, 30, 30, access));
}

pub struct Running(pub Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

fn agent(net: &Net, verb: &str, flags: &[&str]) -> Command {
    let state = net.state.path();
    let mut command = Command::new(AGENT);
    command.arg(verb).arg("--state-dir").arg(state).arg("--run-dir").arg(state.join("run")).args(flags);
    command
}

fn start(net: &Net) -> Running {
    let mut command = agent(net, "run", &["--verify-interval-ms", "200", "--log", "json"]);
    Running(command.stderr(Stdio::null()).spawn().unwrap())
}

fn tables() -> String {
    text("nft list ruleset")
}

#[test]
fn the_last_state_is_enforced_from_disk_without_a_network() {
    in_namespaces(module_path!(), "the_last_state_is_enforced_from_disk_without_a_network", async |net| {
        assert!(online(net), "nothing is enforced yet");
        // No way to any cloud, and none to find one.
        sh("ip route del default 2>/dev/null || true");
        furnish(net.state.path(), Access::Closed);
        let _agent = start(net);
        until("the line is closed", || !online(net));
        until("its class is there", || text("tc class show dev lan0").contains("7765:10 "));
        until("the status is written", || {
            let output = agent(net, "status", &[]).output().unwrap();
            let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
            let running = &status["agent"];
            running["connected"] == false && running["desired_generation"] == 4 && running["objects"]["applied"] == 2
        });
    });
}

#[test]
fn a_disk_gone_read_only_keeps_nobody_from_enforcing() {
    in_namespaces(module_path!(), "a_disk_gone_read_only_keeps_nobody_from_enforcing", async |net| {
        let (state, run) = (net.state.path().to_owned(), tempfile::tempdir().unwrap());
        furnish(&state, Access::Closed);
        // As a first start leaves it, before the disk fails.
        let started = || {
            let mut command = Command::new(AGENT);
            command.arg("run").arg("--state-dir").arg(&state).arg("--run-dir").arg(run.path());
            Running(command.stderr(Stdio::null()).spawn().unwrap())
        };
        let first = started();
        until("the line is closed", || !online(net));
        drop(first);
        sh("nft flush ruleset");
        assert!(online(net));
        let folder = state.display();
        sh(&format!("mount --bind {folder} {folder}; mount -o remount,ro,bind {folder}"));
        assert!(std::fs::write(state.join("probe"), "").is_err(), "the disk is read-only");
        let _second = started();
        until("the line is closed again", || !online(net));
        let mut third = started();
        let refused = third.0.wait().unwrap();
        assert!(!refused.success(), "one agent a folder, also on such a disk");
    });
}

#[test]
fn drift_is_healed_while_nothing_happens_and_uninstalling_leaves_no_trace() {
    let name = "drift_is_healed_while_nothing_happens_and_uninstalling_leaves_no_trace";
    in_namespaces(module_path!(), name, async |net| {
        furnish(net.state.path(), Access::Closed);
        let running = start(net);
        until("the line is closed", || !online(net));
        sh("nft flush ruleset");
        until("the table is back", || tables().contains("table inet weir"));
        assert!(!online(net));
        sh("tc qdisc del dev lan0 root");
        until("the queues are back", || text("tc class show dev lan0").contains("7765:10 "));
        until("the status tells", || {
            let status = String::from_utf8(agent(net, "status", &[]).output().unwrap().stdout).unwrap();
            status.contains("lan0 had lost our queues")
        });

        let refused = agent(net, "uninstall", &[]).output().unwrap();
        assert!(!refused.status.success(), "not under a running agent");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("stop it first"));
        drop(running);
        assert!(tables().contains("table inet weir") && !online(net), "a stop leaves enforcement in place");
        assert!(agent(net, "uninstall", &[]).status().unwrap().success());
        let left = text("nft list ruleset; tc qdisc show; tc class show dev lan0; tc class show dev wan0");
        assert!(!left.contains("weir") && !left.contains("htb"), "{left}");
        for gone in ["classes.json", "fallback.json"] {
            assert!(!net.state.path().join(gone).exists(), "{gone}");
        }
        assert!(agent(net, "uninstall", &[]).status().unwrap().success(), "twice is no error");
    });
}

#[test]
fn what_is_missing_is_said_before_anything_is_touched() {
    in_namespaces(module_path!(), "what_is_missing_is_said_before_anything_is_touched", async |net| {
        let check = Command::new(AGENT).arg("check").output().unwrap();
        let found: serde_json::Value = serde_json::from_slice(&check.stdout).unwrap();
        assert!(check.status.success() && found["missing"] == serde_json::json!([]), "{found}");
        assert!(found["capabilities"].as_array().unwrap().iter().any(|name| name == "htb"), "{found}");

        furnish(net.state.path(), Access::Closed);
        let unprivileged = |arguments: &[&str]| {
            let state = net.state.path().to_str().unwrap();
            let mut command = Command::new("setpriv");
            command.args(["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs", AGENT]).args(arguments);
            if arguments != ["check"] {
                command.args(["--state-dir", state]);
            }
            let output = command.output().unwrap();
            assert!(!output.status.success());
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        for verb in ["check", "run", "uninstall"] {
            let said = unprivileged(&[verb]);
            assert!(said.contains("CAP_NET_ADMIN"), "{verb}: {said}");
        }
        assert_eq!(tables(), "", "nothing was touched");
    });
}
