//! Processes that run plugins, kept between calls; each serves one tenant in its whole life. And the process that compiles.
//!
//! This process only ever writes frames to them and reads frames back: nothing of a plugin runs or is parsed here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Semaphore;
use uuid::Uuid;
use weir_plugin_host::call::{Call, Fault, Hook, Reply};
use weir_plugin_host::compile::{Refusal, Report};
use weir_plugin_host::runner::{Ask, Hello};
use weir_plugin_host::sign::Signer;
use weir_plugin_host::{fingerprint, frame, limits};

use super::Error;
use crate::config::Config;
use crate::ids::TenantId;
use crate::secrets::Secrets;

/// Runners at work at once.
const RUNNERS: usize = 2;
/// A call that takes longer is given up, and its runner ended.
const DEADLINE: Duration = Duration::from_secs(5);
/// A compiler that takes longer is ended.
const COMPILE_DEADLINE: Duration = Duration::from_secs(60);
/// Calls after which a runner is replaced.
const CALLS_MAX: u32 = 5_000;
/// Compiled plugins kept at hand.
const CODE_MAX: usize = 32;

/// SHA-256 of a component.
pub(super) type Digest = [u8; 32];

/// Machine code of a component, signed.
pub(super) struct Code {
    pub digest: Digest,
    pub hook: Hook,
    pub code: Vec<u8>,
    pub signature: Vec<u8>,
}

/// Everything that runs plugins for this process.
pub struct Runners {
    program: PathBuf,
    signer: Signer,
    fingerprint: OnceLock<String>,
    turns: Semaphore,
    compiling: Semaphore,
    idle: Mutex<Vec<Runner>>,
    code: Mutex<BTreeMap<(TenantId, Digest), Arc<Code>>>,
}

struct Runner {
    tenant: Uuid,
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
    loaded: BTreeSet<Digest>,
    calls: u32,
}

impl Runners {
    /// No runner yet: the first call starts one.
    pub fn new(config: &Config, secrets: &Secrets) -> std::io::Result<Self> {
        let own = || std::env::current_exe().unwrap_or_else(|_| PathBuf::from("weir"));
        let signer = Signer::from_secret(&secrets.derived("plugin code"));
        Ok(Self {
            program: config.plugin_program.clone().unwrap_or_else(own),
            signer: signer.ok_or_else(|| std::io::Error::other("the installation's key makes no key to sign with"))?,
            fingerprint: OnceLock::new(),
            turns: Semaphore::new(RUNNERS),
            compiling: Semaphore::new(1),
            idle: Mutex::default(),
            code: Mutex::default(),
        })
    }

    /// Names the engine this program compiles for.
    pub(super) fn engine(&self) -> &str {
        self.fingerprint.get_or_init(fingerprint)
    }

    /// Signs code that [`Runners::compile`] made.
    pub(super) fn sign(&self, tenant: TenantId, digest: &Digest, code: &[u8]) -> Vec<u8> {
        self.signer.sign(tenant.uuid(), digest, code)
    }

    /// Checks and compiles a component in a process that ends with it.
    pub(super) async fn compile(&self, component: &[u8]) -> Result<(Report, Vec<u8>), Error> {
        if component.len() > limits::COMPONENT_BYTES_MAX {
            return Err(Refusal::TooLarge(component.len()).into());
        }
        let _turn = self.compiling.acquire().await.map_err(std::io::Error::other)?;
        let (_child, mut to, mut from) = self.start("plugin-compiler")?;
        let work = async {
            send(&mut to, component).await?;
            let report: Result<Report, Refusal> = receive(&mut from).await?;
            Ok::<_, std::io::Error>(match report {
                Ok(report) => Ok((report, read(&mut from).await?)),
                Err(refusal) => Err(refusal),
            })
        };
        match tokio::time::timeout(COMPILE_DEADLINE, work).await {
            Ok(Ok(compiled)) => Ok(compiled?),
            Ok(Err(_)) => Err(Refusal::Limits("its compiler ended".into()).into()),
            Err(_) => Err(Refusal::Limits(format!("it took more than {} s", COMPILE_DEADLINE.as_secs())).into()),
        }
    }

    /// Compiled code kept at hand.
    pub(super) fn kept(&self, tenant: TenantId, digest: &Digest) -> Option<Arc<Code>> {
        self.code.lock().unwrap_or_else(PoisonError::into_inner).get(&(tenant, *digest)).cloned()
    }

    /// Keeps compiled code at hand.
    pub(super) fn keep(&self, tenant: TenantId, code: Code) -> Arc<Code> {
        let mut kept = self.code.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= CODE_MAX {
            kept.clear();
        }
        let code = Arc::new(code);
        kept.insert((tenant, code.digest), code.clone());
        code
    }

    /// Makes a call in a runner of the tenant. Whatever goes wrong is in the reply: it is the plugin's fault, not ours.
    pub(super) async fn call(&self, tenant: TenantId, code: &Code, call: Call) -> Result<Reply, Error> {
        let _turn = self.turns.acquire().await.map_err(std::io::Error::other)?;
        let mut runner = match self.idle_of(tenant.uuid()) {
            Some(runner) => runner,
            None => self.runner(tenant.uuid())?,
        };
        let key = self.signer.public_key();
        let reply = match tokio::time::timeout(DEADLINE, runner.answer(key, code, call)).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) => Reply::fault(Fault::Crash, runner.end(&error).await),
            Err(_) => Reply::fault(Fault::Time, format!("no answer within {} s", DEADLINE.as_secs())),
        };
        // Whoever broke off leaves nothing behind: its process ends here, killed by being dropped.
        let broke = reply.result.as_ref().is_err_and(|(fault, _)| {
            !matches!(fault, Fault::InvalidInput | Fault::Misconfigured | Fault::Failed | Fault::Answer)
        });
        if !broke && runner.calls < CALLS_MAX {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(runner);
        }
        Ok(reply)
    }

    /// The tenant's idle runner. Of other tenants' no more are kept than leave room for it.
    fn idle_of(&self, tenant: Uuid) -> Option<Runner> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = idle.iter().position(|runner| runner.tenant == tenant) {
            return Some(idle.remove(at));
        }
        while idle.len() >= RUNNERS {
            idle.remove(0);
        }
        None
    }

    fn runner(&self, tenant: Uuid) -> Result<Runner, Error> {
        let (child, to, from) = self.start("plugin-runner")?;
        Ok(Runner { tenant, child, to, from, loaded: BTreeSet::new(), calls: 0 })
    }

    /// A process of our own program: nothing of our environment, nothing but its two pipes.
    fn start(&self, role: &str) -> Result<(Child, ChildStdin, ChildStdout), Error> {
        let mut command = Command::new(&self.program);
        command.arg(role).env_clear().current_dir("/").kill_on_drop(true);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let missing = || std::io::Error::other("a process without its pipes");
        let (to, from) = (child.stdin.take().ok_or_else(missing)?, child.stdout.take().ok_or_else(missing)?);
        Ok((child, to, from))
    }
}

impl Runner {
    async fn answer(&mut self, public_key: Vec<u8>, code: &Code, call: Call) -> std::io::Result<Reply> {
        if self.calls == 0 && self.loaded.is_empty() {
            send_value(&mut self.to, &Hello { tenant: self.tenant, public_key }).await?;
        }
        if !self.loaded.contains(&code.digest) {
            let load = Ask::Load { digest: code.digest, hook: code.hook, signature: code.signature.clone() };
            send_value(&mut self.to, &load).await?;
            send(&mut self.to, &code.code).await?;
            let loaded: Result<(), String> = receive(&mut self.from).await?;
            if let Err(message) = loaded {
                return Ok(Reply::fault(Fault::Load, message));
            }
            self.loaded.insert(code.digest);
        }
        self.calls += 1;
        send_value(&mut self.to, &Ask::Call { digest: code.digest, call: Box::new(call) }).await?;
        receive(&mut self.from).await
    }

    /// How a runner ended that did not answer.
    async fn end(&mut self, error: &std::io::Error) -> String {
        let _it_may_have_ended = self.child.start_kill();
        match self.child.wait().await {
            Ok(status) => format!("its runner ended: {status}"),
            Err(_) => format!("its runner ended: {error}"),
        }
    }
}

async fn send(to: &mut ChildStdin, bytes: &[u8]) -> std::io::Result<()> {
    to.write_all(&frame::framed(bytes)?).await?;
    to.flush().await
}

async fn send_value(to: &mut ChildStdin, value: &impl serde::Serialize) -> std::io::Result<()> {
    send(to, &serde_json::to_vec(value)?).await
}

async fn read(from: &mut ChildStdout) -> std::io::Result<Vec<u8>> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await?;
    let mut bytes = vec![0; frame::length(head)?];
    from.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn receive<T: DeserializeOwned>(from: &mut ChildStdout) -> std::io::Result<T> {
    Ok(serde_json::from_slice(&read(from).await?)?)
}
