//! One boot: the machine, its time limit, and what it says of each check.

use super::debugger;
use super::kernel::Kernel;
use crate::workspace::command;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Far more than a slow machine needs.
const LIMIT: Duration = Duration::from_secs(600);
/// How much of the console is told when something went wrong.
const LAST_LINES: usize = 60;
/// The image is unpacked beside itself.
const MEMORY_MIB: &str = "1024";

/// What is booted.
pub struct Guest<'a> {
    /// The kernel.
    pub kernel: &'a Kernel,
    /// What it finds in its memory.
    pub initrd: &'a Path,
    /// Which checks it runs.
    pub set: &'a str,
}

/// What the guest said so far.
#[derive(Default)]
struct Report {
    awaited: BTreeSet<String>,
    failed: Vec<String>,
    announced: bool,
    finished: bool,
}

/// The emulator; it ends with this value.
struct Machine(Child);

impl Drop for Machine {
    fn drop(&mut self) {
        let _gone_already = self.0.kill();
        let _status = self.0.wait();
    }
}

impl Guest<'_> {
    /// Boots it, and fails unless every check it announces passes and every figure meets its goal.
    pub fn run(&self) -> Result<()> {
        let console = self.initrd.with_file_name("console.log");
        let socket = self.initrd.with_file_name("debugger");
        let (_machine, lines) = self.boot(&console, &socket)?;
        let mut report = Report::default();
        let heard = listen(&lines, &mut report, &socket);
        if let Err(error) = heard.and_then(|()| report.verdict()) {
            bail!("{error:#}\nthe console's last lines, of {}:\n{}", console.display(), tail(&console)?);
        }
        Ok(())
    }

    fn boot(&self, console: &Path, socket: &Path) -> Result<(Machine, Receiver<String>)> {
        for old in [console, socket] {
            if old.exists() {
                fs::remove_file(old)?;
            }
        }
        let mut machine = command("qemu-system-x86_64", &["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "1"]);
        machine.args(["-m", MEMORY_MIB, "-nodefaults", "-display", "none", "-nic", "none", "-no-reboot"]);
        // The first line is the kernel's, whose messages would tear ours.
        machine.arg("-serial").arg(format!("file:{}", console.display())).args(["-serial", "stdio"]);
        machine.arg("-gdb").arg(format!("unix:{},server=on,wait=off", socket.display()));
        machine.arg("-kernel").arg(&self.kernel.image).arg("-initrd").arg(self.initrd).arg("-append");
        machine.arg(format!("console=ttyS0 loglevel=4 panic=-1 WEIR_SET={}", self.set));
        machine.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = machine.spawn().context("running qemu-system-x86_64")?;
        let said = child.stdout.take().context("no output")?;
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
                if sender.send(String::from_utf8_lossy(&line).trim().to_owned()).is_err() {
                    break;
                }
            }
        });
        Ok((Machine(child), lines))
    }
}

/// Hears the guest out.
fn listen(lines: &Receiver<String>, report: &mut Report, socket: &Path) -> Result<()> {
    let limit = Instant::now() + LIMIT;
    while !report.finished {
        match lines.recv_timeout(limit.saturating_duration_since(Instant::now())) {
            Ok(line) => match serde_json::from_str::<Value>(&line) {
                Ok(said) if said["hide"].is_string() => debugger::hide(socket, said["hide"].as_str().unwrap_or(""))?,
                Ok(said) => report.take(&said),
                Err(_) => eprintln!("{line}"),
            },
            Err(RecvTimeoutError::Timeout) => {
                bail!("not finished within {} s; not heard of: {:?}", LIMIT.as_secs(), report.awaited)
            }
            Err(RecvTimeoutError::Disconnected) => bail!("the machine ended early; not heard of: {:?}", report.awaited),
        }
    }
    Ok(())
}

impl Report {
    fn take(&mut self, said: &Value) {
        let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
        if let Some(names) = said["checks"].as_array() {
            self.announced = true;
            self.awaited.extend(names.iter().filter_map(Value::as_str).map(str::to_owned));
        } else if said["check"].is_string() {
            let (name, passed) = (text("check"), said["passed"] == true);
            let seconds = said["seconds"].as_f64().unwrap_or_default();
            eprintln!("{} {seconds:>7.1} s  {name}", if passed { "ok    " } else { "FAILED" });
            self.awaited.remove(&name);
            if !passed {
                self.failed.push(format!("{name}: {}", text("why")));
            }
        } else if said["finished"] == true {
            self.finished = true;
        } else {
            println!("{said}");
            if said["met"] != true {
                self.failed.push(format!("{}: {} {}, not {}", text("name"), said["value"], text("unit"), text("goal")));
            }
        }
    }

    fn verdict(&self) -> Result<()> {
        ensure!(self.announced, "the guest did not say what it checks");
        ensure!(self.awaited.is_empty(), "these checks were not run: {:?}", self.awaited);
        ensure!(self.failed.is_empty(), "{}", self.failed.join("\n"));
        Ok(())
    }
}

fn tail(console: &Path) -> Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(console)?.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes).replace('\r', "");
    let lines: Vec<_> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(LAST_LINES)..].join("\n"))
}
