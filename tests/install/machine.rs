//! A machine to install on: this system booted once more in namespaces, with an init of its own. Nothing of it stays.

use anyhow::{Context, Result, bail, ensure};
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use weir_lab::{Limit, until};

/// A running machine; dropping it ends everything in it.
pub struct Machine {
    unshare: Child,
    init: Pid,
    folder: PathBuf,
}

impl Machine {
    /// Boots; `shared` is seen inside as `/mnt`, `folder` is an empty one for the machine's files.
    pub async fn boot(folder: &Path, shared: &Path) -> Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/install/boot.sh");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "sh", script]).arg(folder).arg(shared);
        let unshare = command.stdin(Stdio::null()).spawn().context("booting the machine")?;
        let mut machine = Self { unshare, init: Pid::from_raw(0), folder: folder.to_owned() };
        until("the machine's boot", Limit::seconds(30), || std::future::ready(machine.is_booted())).await?;
        Ok(machine)
    }

    fn is_booted(&mut self) -> Result<Option<()>> {
        ensure!(self.unshare.try_wait()?.is_none(), "the machine could not be booted; it said why above");
        self.init = Pid::from_raw(self.child().unwrap_or(0));
        Ok((self.init.as_raw() > 0 && self.run("systemctl is-active machine.target")?.0).then_some(()))
    }

    /// Runs a line of shell as root; whether it succeeded, and all it printed.
    pub fn run(&self, line: &str) -> Result<(bool, String)> {
        let target = self.init.to_string();
        let mut enter = Command::new("nsenter");
        enter.args(["--target", &target, "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root"]);
        enter.args([
            "env",
            "-i",
            "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "LANG=C.UTF-8",
            "DEBIAN_FRONTEND=noninteractive",
        ]);
        let done = enter.args(["sh", "-c", &format!("exec 2>&1; cd /; {line}")]).stdin(Stdio::null()).output()?;
        Ok((done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned()))
    }

    /// Runs a line that must succeed, and returns what it printed.
    pub fn ok(&self, line: &str) -> Result<String> {
        match self.run(line)? {
            (true, said) => Ok(said),
            (false, said) => bail!("`{line}` failed: {said}\n{}", self.run("journalctl --no-pager -n 40")?.1),
        }
    }

    /// Moves the calling thread into the machine's network.
    pub fn enter_network(&self) -> Result<()> {
        let network = File::open(format!("/proc/{}/ns/net", self.init))?;
        setns(network, CloneFlags::CLONE_NEWNET).context("entering the machine's network")
    }

    fn child(&self) -> Option<i32> {
        let id = self.unshare.id();
        fs::read_to_string(format!("/proc/{id}/task/{id}/children")).ok()?.split_whitespace().next()?.parse().ok()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // The kernel ends every process of the machine before its init is gone, and that is waited for.
        let _gone_already = match self.init.as_raw() {
            1.. => kill(self.init, Signal::SIGKILL).is_err(),
            _ => self.unshare.kill().is_err(),
        };
        let _gone_already = self.unshare.wait();
        let list = PathBuf::from(format!("{}.cgroups", self.folder.display()));
        for group in fs::read_to_string(&list).unwrap_or_default().lines() {
            remove_groups(Path::new(group));
        }
        let _never_made = fs::remove_file(list);
    }
}

/// Groups are removed from the leaves up; the files in them are the kernel's.
fn remove_groups(group: &Path) {
    for inner in fs::read_dir(group).into_iter().flatten().flatten().filter(|entry| entry.path().is_dir()) {
        remove_groups(&inner.path());
    }
    if let Err(error) = fs::remove_dir(group) {
        eprintln!("the control group {} stays: {error}", group.display());
    }
}
