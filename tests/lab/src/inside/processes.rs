//! Programs in nodes: started from one long-lived thread, ended by pid, reaped here (orphans too: this is process 1).
//!
//! The parent-death signal fires when the *thread* that forked ends, so `spawn` must be called from the main thread.

use super::say;
use crate::wire::{Finished, Listener, Said};
use anyhow::{Context, Result, anyhow, bail};
use nix::errno::Errno;
use nix::libc;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// What to start and where.
pub struct Spawn<'a> {
    /// The node's namespace.
    pub net: &'a OwnedFd,
    /// Program and arguments.
    pub argv: &'a [String],
    /// Added to the environment.
    pub env: &'a [(String, String)],
    /// Which of the host's TCP listeners is passed on.
    pub listener: Option<Listener>,
    /// A descriptor the program keeps under its number.
    pub keep: Option<&'a OwnedFd>,
}

/// The registry of everything started here.
#[derive(Default)]
pub struct Processes {
    /// Held while forking, so that the reaper can't take a child that `Command` still waits for.
    forking: Mutex<()>,
    table: Mutex<Table>,
    changed: Condvar,
}

#[derive(Default)]
struct Table {
    running: BTreeSet<i32>,
    gone: BTreeMap<i32, Option<i32>>,
}

impl Processes {
    /// Makes the registry and its reaper.
    pub fn start() -> Arc<Self> {
        let processes = Arc::new(Self::default());
        let reaper = processes.clone();
        std::thread::spawn(move || reaper.reap());
        processes
    }

    /// Starts a program with pipes on all three standard streams.
    pub fn spawn(&self, spawn: &Spawn<'_>) -> Result<Child> {
        let (program, arguments) = spawn.argv.split_first().ok_or_else(|| anyhow!("no program named"))?;
        let mut command = Command::new(program);
        command.args(arguments).envs(spawn.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A lab is on its own, whatever database the shell around it works with.
        command.env_remove("DATABASE_URL");
        // The last words of a program that failed are its error, not its stack.
        command.env_remove("RUST_BACKTRACE");
        if spawn.listener == Some(Listener::Pages) {
            command.env("LISTEN_FDS", "1");
        }
        prepare(&mut command, spawn);
        let _forking = lock(&self.forking);
        let child = command.spawn().with_context(|| format!("starting {program}"))?;
        lock(&self.table).running.insert(pid_of(&child));
        self.changed.notify_all();
        Ok(child)
    }

    /// Starts a program whose output lines are appended to `log` and told to the outside; returns its pid.
    pub fn start_logged(self: &Arc<Self>, spawn: &Spawn<'_>, log: &Path) -> Result<i32> {
        let file = OpenOptions::new().create(true).append(true).open(log);
        let file = Arc::new(file.with_context(|| format!("opening {}", log.display()))?);
        let mut child = self.spawn(spawn)?;
        let pid = pid_of(&child);
        drop(child.stdin.take());
        let streams: [Option<Box<dyn Read + Send>>; 2] =
            [child.stdout.take().map(|s| Box::new(s) as _), child.stderr.take().map(|s| Box::new(s) as _)];
        let mut readers = Vec::new();
        for stream in streams.into_iter().flatten() {
            let file = file.clone();
            readers.push(std::thread::spawn(move || {
                for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
                    let text = String::from_utf8_lossy(&line).into_owned();
                    let _full = writeln!(&*file, "{text}");
                    say(&Said::Line { pid, text });
                }
            }));
        }
        let processes = self.clone();
        std::thread::spawn(move || {
            let code = processes.wait(pid);
            say(&Said::Exited { pid, code });
        });
        Ok(pid)
    }

    /// Feeds a started program its input, collects its output, and waits for its end.
    pub fn finish(&self, mut child: Child, input: &str) -> Result<Finished> {
        let pid = pid_of(&child);
        let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
        let mut stdin = child.stdin.take();
        let errors = std::thread::spawn(move || read_all(err.as_mut()));
        if let Some(stdin) = &mut stdin {
            let _closed_early = stdin.write_all(input.as_bytes());
        }
        drop(stdin);
        let stdout = read_all(out.as_mut());
        let stderr = errors.join().unwrap_or_default();
        Ok(Finished { code: self.wait(pid), stdout, stderr })
    }

    /// Sends a signal to a program that was started here and still runs.
    pub fn signal(&self, pid: i32, signal: i32) -> Result<()> {
        let signal = Signal::try_from(signal).context("no such signal")?;
        let table = lock(&self.table);
        if !table.running.contains(&pid) {
            bail!("process {pid} does not run");
        }
        kill(Pid::from_raw(pid), signal).with_context(|| format!("signalling {pid}"))
    }

    fn wait(&self, pid: i32) -> Option<i32> {
        let mut table = lock(&self.table);
        loop {
            if let Some(code) = table.gone.remove(&pid) {
                return code;
            }
            table = self.changed.wait(table).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn reap(&self) {
        loop {
            match waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) {
                Ok(status) => {
                    let Some(pid) = status.pid() else { continue };
                    let _not_while_forking = lock(&self.forking);
                    let code = match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                        Ok(WaitStatus::Exited(_, code)) => Some(code),
                        Ok(WaitStatus::Signaled(..)) => None,
                        _ => continue,
                    };
                    let mut table = lock(&self.table);
                    if table.running.remove(&pid.as_raw()) {
                        table.gone.insert(pid.as_raw(), code);
                        self.changed.notify_all();
                    }
                }
                Err(Errno::ECHILD) => {
                    let table = lock(&self.table);
                    drop(self.changed.wait_while(table, |table| table.running.is_empty()));
                }
                Err(_) => {}
            }
        }
    }
}

#[expect(unsafe_code, reason = "a child enters its namespace between fork and exec")]
fn prepare(command: &mut Command, spawn: &Spawn<'_>) {
    let net = spawn.net.as_raw_fd();
    let kept = [spawn.listener.map(Listener::fd), spawn.keep.map(AsRawFd::as_raw_fd)];
    // SAFETY: the closure makes system calls only (setns, fcntl, prctl): no allocation, no lock. The descriptors
    // are open in the parent during the fork, and the numbers of listeners are taken since before `Command` made its own pipe.
    unsafe {
        command.pre_exec(move || {
            setns(BorrowedFd::borrow_raw(net), CloneFlags::CLONE_NEWNET)?;
            for fd in kept.iter().flatten() {
                keep_over_exec(*fd)?;
            }
            nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
            Ok(())
        });
    }
}

#[expect(unsafe_code, reason = "called between fork and exec")]
fn keep_over_exec(fd: RawFd) -> std::io::Result<()> {
    // SAFETY: a system call on a number; a closed descriptor is an error.
    let done = unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
    if done < 0 { Err(std::io::Error::last_os_error()) } else { Ok(()) }
}

fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap_or(i32::MAX)
}

fn read_all(stream: Option<&mut impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(stream) = stream {
        let _cut_short = stream.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
