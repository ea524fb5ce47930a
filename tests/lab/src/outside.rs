//! The outside's hand in the lab: starts the enclosure, asks, and follows the programs inside.
//!
//! Dropping the last handle ends the lab: its input closes, process 1 exits, and the kernel ends the rest.

use crate::clock::Limit;
use crate::programs::program;
use crate::wire::{Ask, Finished, Listener, Numbered, Said};
use anyhow::{Context, Result, anyhow, bail};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::Signal;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{oneshot, watch};

pub use crate::wire::Finished as Output;

/// A lab's process 1, seen from the outside. Cheap to clone.
#[derive(Clone)]
pub struct Inside(Arc<Connection>);

struct Connection {
    child: Mutex<Child>,
    requests: Mutex<Option<ChildStdin>>,
    next: AtomicU64,
    heard: Arc<Heard>,
}

#[derive(Default)]
struct Heard {
    open: Mutex<HashMap<u64, oneshot::Sender<Result<Value, String>>>>,
    programs: Mutex<HashMap<i32, Arc<watch::Sender<Progress>>>>,
    ready: Mutex<Option<oneshot::Sender<()>>>,
}

/// What a program has said and whether it is gone.
#[derive(Debug, Default, Clone)]
struct Progress {
    lines: Vec<String>,
    /// Outer: gone or not; inner: its exit code unless a signal ended it.
    ended: Option<Option<i32>>,
}

impl Inside {
    /// Builds the enclosure; `listeners` are passed on to the programs that ask for one, `folder` is removed at its end.
    pub async fn start(listeners: &[TcpListener; 2], folder: &Path) -> Result<Self> {
        let fds = listeners.each_ref().map(AsRawFd::as_raw_fd);
        let mut command = Command::new(program("weir-lab")?);
        command.arg("enclosure").arg("--folder").arg(folder);
        command.args(fds.iter().flat_map(|fd| ["--listener".to_owned(), fd.to_string()]));
        // A Ctrl-C is for us: we end the lab in order.
        command.process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        inherit(&mut command, fds);
        let mut child = command.spawn().context("starting the enclosure")?;
        let requests = child.stdin.take();
        let said = child.stdout.take().ok_or_else(|| anyhow!("the enclosure has no output"))?;
        let (ready, is_ready) = oneshot::channel();
        let heard = Arc::new(Heard { ready: Mutex::new(Some(ready)), ..Heard::default() });
        let listening = heard.clone();
        std::thread::spawn(move || listening.listen(said));
        let inside = Self(Arc::new(Connection {
            child: Mutex::new(child),
            requests: Mutex::new(requests),
            next: AtomicU64::new(1),
            heard,
        }));
        let made = tokio::time::timeout(Limit::seconds(10).0, is_ready).await;
        made.ok().and_then(Result::ok).ok_or_else(|| anyhow!("the enclosure could not be built; it said why above"))?;
        Ok(inside)
    }

    /// The process id of the enclosure, in the host's numbers.
    #[must_use]
    pub fn host_pid(&self) -> u32 {
        lock(&self.0.child).id()
    }

    /// Asks, and waits for the answer.
    pub async fn ask<T: DeserializeOwned>(&self, ask: Ask) -> Result<T> {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        lock(&self.0.heard.open).insert(id, sender);
        let mut line = serde_json::to_string(&Numbered { id, ask })?;
        line.push('\n');
        {
            let mut requests = lock(&self.0.requests);
            let pipe = requests.as_mut().ok_or_else(|| anyhow!("the lab has ended"))?;
            pipe.write_all(line.as_bytes()).context("the lab has ended")?;
        }
        let answer = answer.await.map_err(|_| anyhow!("the lab ended without an answer"))?;
        Ok(serde_json::from_value(answer.map_err(|error| anyhow!(error))?)?)
    }

    /// Starts a program that stays; its output is appended to `log`.
    pub async fn launch(&self, node: &str, argv: &[&str], log: &Path) -> Result<Process> {
        self.launch_listening(node, argv, log, None).await
    }

    /// The same, with one of the host's listeners passed on to it.
    pub async fn launch_listening(
        &self,
        node: &str,
        argv: &[&str],
        log: &Path,
        listener: Option<Listener>,
    ) -> Result<Process> {
        let ask = Ask::Start {
            node: node.into(),
            argv: argv.iter().map(|&word| word.to_owned()).collect(),
            env: Vec::new(),
            log: log.to_owned(),
            listener,
        };
        let pid = self.ask(ask).await?;
        let name = argv.first().and_then(|path| path.rsplit('/').next()).unwrap_or_default().to_owned();
        Ok(Process { pid, name, progress: self.0.heard.program(pid).subscribe(), inside: self.clone() })
    }

    /// Runs a program to its end.
    pub async fn run(&self, node: &str, argv: &[&str]) -> Result<Finished> {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        self.ask(Ask::Run { node: node.into(), argv, input: String::new() }).await
    }

    /// Runs a program that must succeed, and returns its standard output.
    pub async fn run_ok(&self, node: &str, argv: &[&str]) -> Result<String> {
        let done = self.run(node, argv).await?;
        if done.code != Some(0) {
            bail!("{} ended with {:?}: {}{}", argv.join(" "), done.code, done.stderr.trim(), done.stdout.trim());
        }
        Ok(done.stdout)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        drop(lock(&self.requests).take());
        let _gone_already = lock(&self.child).wait();
    }
}

#[expect(unsafe_code, reason = "passing descriptors on")]
fn inherit(command: &mut Command, fds: [RawFd; 2]) {
    // SAFETY: system calls between fork and exec, on descriptors the caller holds open.
    unsafe {
        command.pre_exec(move || {
            for fd in fds {
                fcntl(BorrowedFd::borrow_raw(fd).as_fd(), FcntlArg::F_SETFD(FdFlag::empty()))?;
            }
            Ok(())
        });
    }
}

impl Heard {
    fn listen(&self, said: ChildStdout) {
        for line in BufReader::new(said).lines().map_while(Result::ok) {
            match serde_json::from_str(&line) {
                Ok(Said::Ready) => {
                    if let Some(ready) = lock(&self.ready).take() {
                        let _nobody_waits = ready.send(());
                    }
                }
                Ok(Said::Answer { id, result }) => {
                    if let Some(asker) = lock(&self.open).remove(&id) {
                        let _gave_up = asker.send(result);
                    }
                }
                Ok(Said::Line { pid, text }) => self.program(pid).send_modify(|progress| progress.lines.push(text)),
                Ok(Said::Exited { pid, code }) => {
                    self.program(pid).send_modify(|progress| progress.ended = Some(code));
                }
                Err(error) => eprintln!("weir-lab: the inside said something unclear: {error}"),
            }
        }
        drop(lock(&self.ready).take());
        lock(&self.open).clear();
        lock(&self.programs).clear();
    }

    fn program(&self, pid: i32) -> Arc<watch::Sender<Progress>> {
        lock(&self.programs).entry(pid).or_insert_with(|| Arc::new(watch::Sender::default())).clone()
    }
}

/// A program that runs in a node.
#[derive(Clone)]
pub struct Process {
    pid: i32,
    name: String,
    progress: watch::Receiver<Progress>,
    inside: Inside,
}

impl Process {
    /// Waits until it has written a line with `text` in it, and returns that line.
    pub async fn line_with(&mut self, text: &str, limit: Limit) -> Result<String> {
        self.line(&format!("{text:?}"), |line| line.contains(text), limit).await
    }

    /// Waits until it has written a line that `fits`, and returns that line; `what` names it when it never comes.
    pub async fn line(&mut self, what: &str, fits: impl Fn(&str) -> bool, limit: Limit) -> Result<String> {
        let found = |progress: &Progress| progress.lines.iter().find(|line| fits(line)).cloned();
        let done = |progress: &Progress| found(progress).is_some() || progress.ended.is_some();
        let seen = tokio::time::timeout(limit.0, self.progress.wait_for(|progress| done(progress))).await;
        let seen = seen.map(|lived| lived.map(|progress| progress.clone()));
        let progress = match seen {
            Ok(Ok(progress)) => progress,
            Ok(Err(_)) => bail!("the lab ended"),
            Err(_) => bail!("{} did not say {what} within {:?}; {}", self.name, limit.0, self.last_words()),
        };
        found(&progress).ok_or_else(|| {
            anyhow!("{} ended ({:?}) before it said {what}; {}", self.name, progress.ended, self.last_words())
        })
    }

    /// Hands over each line it writes until it has ended; returns its exit code, `None` when a signal ended it.
    pub async fn told(&mut self, limit: Limit, mut tell: impl FnMut(&str)) -> Result<Option<i32>> {
        let until = tokio::time::Instant::now() + limit.0;
        let mut told = 0;
        loop {
            let progress = self.progress.borrow_and_update().clone();
            progress.lines[told..].iter().for_each(|line| tell(line));
            told = progress.lines.len();
            if let Some(code) = progress.ended {
                return Ok(code);
            }
            match tokio::time::timeout_at(until, self.progress.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => bail!("the lab ended"),
                Err(_) => bail!("{} still runs after {:?}", self.name, limit.0),
            }
        }
    }

    /// How many lines with `text` in them it has written so far.
    #[must_use]
    pub fn count_of(&self, text: &str) -> usize {
        self.progress.borrow().lines.iter().filter(|line| line.contains(text)).count()
    }

    /// Whether it still runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.progress.borrow().ended.is_none()
    }

    /// Sends a signal.
    pub async fn signal(&self, signal: Signal) -> Result<()> {
        self.inside.ask(Ask::Signal { pid: self.pid, signal: signal as i32 }).await
    }

    /// Waits for its end; returns its exit code, `None` when a signal ended it.
    pub async fn ended(&mut self, limit: Limit) -> Result<Option<i32>> {
        let ended = tokio::time::timeout(limit.0, self.progress.wait_for(|progress| progress.ended.is_some())).await;
        match ended {
            Ok(Ok(progress)) => Ok(progress.ended.flatten()),
            Ok(Err(_)) => bail!("the lab ended"),
            Err(_) => bail!("{} still runs after {:?}", self.name, limit.0),
        }
    }

    /// Sends a signal and waits for the end.
    pub async fn stop(&mut self, signal: Signal, limit: Limit) -> Result<Option<i32>> {
        if self.is_running() {
            self.signal(signal).await?;
        }
        self.ended(limit).await
    }

    fn last_words(&self) -> String {
        let progress = self.progress.borrow();
        let last = &progress.lines[progress.lines.len().saturating_sub(12)..];
        format!("its last words:\n{}", last.join("\n"))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
