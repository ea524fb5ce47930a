//! Process 1 of the lab: makes nodes, starts programs in them, and obeys the outside line by line.
//!
//! It decides nothing. When its input ends it exits, and the kernel ends everything else in here with it.

mod net;
mod nodes;
mod processes;

use crate::enclosure::LISTENER_FDS;
use crate::wire::{Ask, End, Numbered, Said};
use anyhow::{Context, Result, anyhow};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::mount::{MsFlags, mount};
use nodes::Nodes;
use processes::{Processes, Spawn};
use serde::Serialize;
use serde_json::Value;
use std::io::{BufRead, Write};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Serves the outside until it hangs up.
pub fn run() -> Result<()> {
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .context("making the mounts private")?;
    if let Err(error) = mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), None::<&str>) {
        eprintln!("weir-lab: the host's /proc stays visible ({error})");
    }
    keep_listeners_private();
    let processes = Processes::start();
    let mut server = Server { nodes: Nodes::default(), processes, probes: net::Probes::default() };
    say(&Said::Ready);
    for line in std::io::stdin().lock().lines() {
        let Numbered { id, ask } = serde_json::from_str(&line?).context("reading a request")?;
        server.take(id, ask);
    }
    std::process::exit(0);
}

/// Writes one line to the outside.
fn say(said: &Said) {
    let Ok(mut line) = serde_json::to_string(said) else { return };
    line.push('\n');
    let mut out = std::io::stdout().lock();
    if out.write_all(line.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn answer<T: Serialize>(id: u64, result: Result<T>) {
    let result = result.and_then(|value| Ok(serde_json::to_value(value)?)).map_err(|error| format!("{error:#}"));
    say(&Said::Answer { id, result });
}

#[expect(unsafe_code, reason = "the listeners are inherited by number")]
fn keep_listeners_private() {
    for fd in LISTENER_FDS {
        // SAFETY: the number is only used for this call; a closed descriptor gives an error, which is fine.
        let listener = unsafe { BorrowedFd::borrow_raw(fd) };
        let _absent = fcntl(listener, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC));
    }
}

struct Server {
    nodes: Nodes,
    processes: Arc<Processes>,
    probes: net::Probes,
}

impl Server {
    /// Quick things happen here, in order; what waits gets a thread.
    fn take(&mut self, id: u64, ask: Ask) {
        match ask {
            Ask::Node { name } => answer(id, self.nodes.add(name)),
            Ask::Link { a, b } => answer(id, self.link(&a, &b)),
            Ask::Configure { node, ip, bridge, sysctls } => answer(id, self.configure(&node, &ip, &bridge, &sysctls)),
            Ask::Start { node, argv, env, log, listener } => {
                let started = self.nodes.get(&node).and_then(|net| {
                    self.processes.start_logged(&Spawn { net, argv: &argv, env: &env, listener, keep: None }, &log)
                });
                answer(id, started);
            }
            Ask::Run { node, argv, input } => {
                let spawned = self.nodes.get(&node).and_then(|net| {
                    self.processes.spawn(&Spawn { net, argv: &argv, env: &[], listener: None, keep: None })
                });
                let processes = self.processes.clone();
                in_thread(id, move || processes.finish(spawned?, &input));
            }
            Ask::Signal { pid, signal } => answer(id, self.processes.signal(pid, signal)),
            Ask::Counters { node, interface } => {
                let net = self.nodes.share(&node);
                in_thread(id, move || net::counters(&*net?, &interface));
            }
            Ask::Get { node, to, path, limit_ms } => {
                let net = self.nodes.share(&node);
                in_thread(id, move || net::get(&*net?, to, &path, limit_ms));
            }
            Ask::Probe { node, to, every_ms } => {
                answer(id, self.nodes.share(&node).and_then(|net| self.probes.begin(net, to, every_ms)));
            }
            Ask::ProbeEnd { probe } => {
                let ending = self.probes.end(probe);
                in_thread(id, move || ending?.join().map_err(|_| anyhow!("the probe panicked"))?);
            }
        }
    }

    fn link(&self, a: &End, b: &End) -> Result<Value> {
        let (here, there) = (self.nodes.get(&a.node)?, self.nodes.get(&b.node)?);
        let mac = |end: &End| end.mac.as_ref().map_or_else(String::new, |mac| format!("address {mac} "));
        let command = format!(
            "ip link add {} {}type veth peer name {} {}netns {}",
            a.interface,
            mac(a),
            b.interface,
            mac(b),
            nodes::path_of(there),
        );
        self.run(&Spawn { net: here, argv: &words(&command), env: &[], listener: None, keep: Some(there) }, "")
    }

    fn configure(&self, node: &str, ip: &str, bridge: &str, sysctls: &[(String, String)]) -> Result<Value> {
        let net = self.nodes.get(node)?;
        for (program, batch) in [("ip", ip), ("bridge", bridge)] {
            if !batch.is_empty() {
                let argv = words(&format!("{program} -batch -"));
                self.run(&Spawn { net, argv: &argv, env: &[], listener: None, keep: None }, batch)?;
            }
        }
        net::write_sysctls(net, sysctls)?;
        Ok(Value::Null)
    }

    /// Runs a configuration program and turns its failure into an error.
    fn run(&self, spawn: &Spawn<'_>, input: &str) -> Result<Value> {
        let done = self.processes.finish(self.processes.spawn(spawn)?, input)?;
        if done.code != Some(0) {
            return Err(anyhow!("{} failed: {}{}", spawn.argv.join(" "), done.stderr.trim(), done.stdout.trim()));
        }
        Ok(Value::Null)
    }
}

fn words(command: &str) -> Vec<String> {
    command.split_whitespace().map(str::to_owned).collect()
}

fn in_thread<T: Serialize>(id: u64, work: impl FnOnce() -> Result<T> + Send + 'static) {
    std::thread::spawn(move || answer(id, work()));
}
