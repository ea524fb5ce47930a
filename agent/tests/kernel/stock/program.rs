//! The agent's own program, from its disk to the kernel and away again.

use std::process::{Child, Command, Stdio};

use serde_json::Value;
use weir_agent::store::disk::Folder;
use weir_agent::store::identity;
use weir_protocol::desired::{Access, Line};

use crate::disk::{enrolled, hold};
use crate::net::{Net, line, online, sh, text, until};

const AGENT: &str = "weir-agent";

/// A running agent; it ends with this value.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

/// The agent with these arguments, on this router's disk.
pub fn agent(net: &Net, verb: &str, flags: &[&str]) -> Command {
    let mut command = Command::new(AGENT);
    command.arg(verb).arg("--state-dir").arg(net.state.path()).args(flags);
    command
}

/// Starts an agent that was told to hold a line.
pub fn start(net: &Net, line: Line, flags: &[&str]) -> Running {
    let state = net.state.path();
    identity::save(&mut Folder::open(state).expect("a folder"), &enrolled()).expect("an identity");
    hold(state, line);
    let run = state.join("run").display().to_string();
    let mut command = agent(net, "run", &[&["--run-dir", &run], flags].concat());
    Running(command.stderr(Stdio::null()).spawn().expect("run the agent"))
}

/// What the running agent says of itself.
pub fn status(net: &Net) -> Value {
    let run = net.state.path().join("run").display().to_string();
    let said = agent(net, "status", &["--run-dir", &run]).output().expect("run the agent");
    serde_json::from_slice::<Value>(&said.stdout).expect("JSON")["agent"].take()
}

/// What `weir-agent check` finds, and whether it was content.
pub fn found() -> (Value, bool) {
    let said = Command::new(AGENT).arg("check").output().expect("run the agent");
    (serde_json::from_slice(&said.stdout).expect("JSON"), said.status.success())
}

/// All queues, classes and rules of this router.
pub fn everything() -> String {
    let listed = text(
        "for port in lan0 wan0; do tc qdisc show dev $port; tc class show dev $port; tc filter show dev $port; done
         nft list ruleset",
    );
    // Cake lists a class for each flow it has just seen.
    listed.lines().filter(|line| !line.starts_with("class cake ")).collect::<Vec<_>>().join("\n")
}

pub fn uninstalling_leaves_what_was_there(net: &mut Net) {
    sh("nft add table inet theirs; nft add chain inet theirs forward '{ type filter hook forward priority 10; }'");
    let before = everything();
    let running = start(net, line(7, 10, 10, Access::Open), &[]);
    until("the line is held", || status(net)["objects"]["applied"] == 2);
    let held = everything();
    assert!(held.contains("htb") && held.contains("table inet weir"), "{held}");
    drop(running);
    assert_eq!(everything(), held, "a stop leaves enforcement in place");
    assert!(online(net));
    assert!(agent(net, "uninstall", &[]).status().expect("run the agent").success());
    assert_eq!(everything(), before);
    assert!(online(net), "an unshaped router forwards");
}
