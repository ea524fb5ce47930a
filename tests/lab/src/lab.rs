//! One lab: its nodes, its programs, and the handles to them.

use crate::api::Api;
use crate::clock::Limit;
use crate::cloud::Role;
use crate::outside::{Inside, Process};
use crate::programs::program;
use crate::subscriber::Subscriber;
use crate::topology::{self, CLOUD_ADDRESS, PAGES_PORT, Place};
use crate::traffic::Carried;
use crate::wire::Ask;
use anyhow::{Context, Result, anyhow, bail};
use futures_util::future::try_join_all;
use nix::sys::signal::Signal;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU16;
use tempfile::TempDir;

/// What runs on the router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Router {
    /// The agent, and its NAT.
    Agent,
    /// Nothing: the kernel forwards, and the internet knows the way back.
    Plain,
}

/// How a lab is made.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many subscribers, 1 to 200.
    pub subscribers: u8,
    /// What runs on the router.
    pub router: Router,
    /// Where the dashboard listens on the host's loopback; 0 takes a free port.
    pub http_port: u16,
    /// How often the agent seals usage.
    pub usage_interval_ms: u64,
    /// Whether people in the lab reach the pages at [`topology::PAGES_PORT`], and these are the addresses in links.
    pub pages_inside: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { subscribers: 8, router: Router::Agent, http_port: 0, usage_interval_ms: 1_000, pages_inside: false }
    }
}

/// A running lab; dropping it ends everything in it and removes its folder.
pub struct Lab {
    // Before `folder`: fields are dropped in order, and programs must be gone before their files.
    pub(crate) cloud: Vec<(Role, Process)>,
    agent: Option<Process>,
    /// Agents of routers that have no node of their own.
    elsewhere: Vec<Process>,
    pub(crate) inside: Inside,
    pub(crate) database_url: Option<String>,
    folder: TempDir,
    http: SocketAddr,
    options: Options,
    next_port: Arc<AtomicU16>,
    _origin: Process,
    _listeners: [TcpListener; 2],
}

impl Lab {
    /// Builds the nodes and starts the internet's servers; cloud and agent are started by their own methods.
    pub async fn start(options: Options) -> Result<Self> {
        if !(1..=200).contains(&options.subscribers) {
            bail!("a lab has 1 to 200 subscribers, not {}", options.subscribers);
        }
        let folder = tempfile::Builder::new().prefix("weir-lab-").tempdir()?;
        // PostgreSQL runs as another user when we are root, and must be able to reach its files.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
        std::fs::create_dir(folder.path().join("logs"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.http_port))
            .with_context(|| format!("listening on 127.0.0.1:{}", options.http_port))?;
        let http = listener.local_addr()?;
        let provider = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("listening on 127.0.0.1")?;
        let listeners = [listener, provider];
        let inside = Inside::start(&listeners, folder.path()).await?;
        topology::build(&inside, options.subscribers, options.router == Router::Plain).await?;
        let log = folder.path().join("logs/origin.log");
        let serve = [&*program("weir-lab")?, "origin"];
        let mut origin = inside.launch(&Place::Internet.name(), &serve, &log).await?;
        origin.line_with("ready", Limit::seconds(10)).await?;
        Ok(Self {
            cloud: Vec::new(),
            agent: None,
            elsewhere: Vec::new(),
            inside,
            database_url: None,
            folder,
            http,
            options,
            next_port: Arc::default(),
            _origin: origin,
            _listeners: listeners,
        })
    }

    /// The nodes and programs, for what has no method of its own.
    #[must_use]
    pub fn inside(&self) -> &Inside {
        &self.inside
    }

    /// The address in links: of people in the lab, or of the host.
    #[must_use]
    pub fn public_url(&self) -> String {
        if self.options.pages_inside { format!("http://{CLOUD_ADDRESS}:{PAGES_PORT}") } else { self.url() }
    }

    /// Whether people in the lab reach the pages, and not those on the host.
    pub(crate) fn pages_inside(&self) -> bool {
        self.options.pages_inside
    }

    /// Where the dashboard and the API are, from the host.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The API without anybody's credentials.
    pub fn api(&self) -> Result<Api> {
        Api::new(self.url())
    }

    /// Subscriber `n`, from 1.
    #[must_use]
    pub fn subscriber(&self, n: u8) -> Subscriber {
        Subscriber {
            inside: self.inside.clone(),
            number: n,
            logs: self.folder.path().join("logs"),
            next_port: self.next_port.clone(),
        }
    }

    /// How many subscribers there are.
    #[must_use]
    pub fn subscribers(&self) -> u8 {
        self.options.subscribers
    }

    /// A folder of this lab, made when missing.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Tells, on standard error, how the programs' logs end.
    pub fn tell_last_words(&self) {
        const LINES: usize = 30;
        for name in ["weir", "agent"] {
            let text = std::fs::read_to_string(self.log(name)).unwrap_or_default();
            let lines: Vec<_> = text.lines().collect();
            eprintln!("--- {name}.log, last {LINES} lines\n{}", lines[lines.len().saturating_sub(LINES)..].join("\n"));
        }
    }

    /// Layer-3 bytes the internet's port received so far: all that left the router upwards.
    pub async fn received_by_internet(&self) -> Result<u64> {
        let ask = Ask::Counters { node: Place::Internet.name(), interface: "i0".into() };
        let counters = self.inside().ask(ask).await?;
        Ok(Carried::from_counters(&counters).down_bytes)
    }

    /// What was delivered on these lines so far, the meter's own basis: down at the subscribers' ports, up at the internet's.
    ///
    /// What a subscriber sends beyond its rate is dropped by the shaper, so its own port counts more than is billed.
    /// Upwards it is the traffic of all lines: others must be quiet.
    pub async fn delivered(&self, numbers: impl IntoIterator<Item = u8>) -> Result<Carried> {
        let readings = numbers.into_iter().map(|number| async move { self.subscriber(number).carried().await });
        let sum = try_join_all(readings).await?.into_iter().fold(Carried::default(), |sum, reading| sum + reading);
        Ok(Carried { up_bytes: self.received_by_internet().await?, ..sum })
    }

    /// Cuts or restores the router's link to the cloud.
    pub async fn cloud_link(&self, up: bool) -> Result<()> {
        let state = if up { "up" } else { "down" };
        self.inside.run_ok(&Place::Cloud.name(), &["ip", "link", "set", "c0", state]).await.map(drop)
    }

    /// Starts the agent and waits until it has a session; `token` enrolls it the first time.
    pub async fn start_agent(&mut self, token: Option<&str>) -> Result<()> {
        self.start_agent_offline(token).await?;
        let agent = self.agent.as_mut().ok_or_else(|| anyhow!("the agent does not run"))?;
        agent.line_with("session open", Limit::seconds(30)).await.map(drop)
    }

    /// Starts the agent without waiting for its session.
    pub async fn start_agent_offline(&mut self, token: Option<&str>) -> Result<()> {
        let (agent, state) = (program("weir-agent")?, self.agent_dir()?);
        let (interval, run) = (self.options.usage_interval_ms.to_string(), format!("{state}/run"));
        // A lab has no time for the patience of a real router.
        let mut argv = vec![
            agent.as_str(),
            "run",
            "--state-dir",
            &state,
            "--run-dir",
            &run,
            "--usage-interval-ms",
            &interval,
            "--retry-cap-ms",
            "2000",
            "--keepalive-ms",
            "1000",
        ];
        argv.extend(token.iter().flat_map(|token| ["--token", token]));
        self.agent = Some(self.inside.launch(&Place::Router.name(), &argv, &self.log("agent")).await?);
        Ok(())
    }

    /// Starts the agent of a router that has no node in the lab: it does all an agent does but touch a kernel.
    pub async fn start_agent_elsewhere(&mut self, name: &str, token: &str) -> Result<()> {
        let (agent, state) = (program("weir-agent")?, self.folder(name)?.display().to_string());
        let run = format!("{state}/run");
        let argv = [&agent, "run", "--state-dir", &state, "--run-dir", &run, "--southbound", "null", "--token", token];
        let mut process = self.inside.launch(&Place::Router.name(), &argv, &self.log(name)).await?;
        process.line_with("session open", Limit::seconds(30)).await?;
        self.elsewhere.push(process);
        Ok(())
    }

    /// Tells the agent of a lease, with the words a server's script has for it.
    pub async fn lease(&self, words: &[&str]) -> Result<()> {
        let (agent, run) = (program("weir-agent")?, format!("{}/run", self.agent_dir()?));
        let argv: Vec<_> = [&*agent, "lease", "--run-dir", &run].into_iter().chain(words.iter().copied()).collect();
        self.inside.run_ok(&Place::Router.name(), &argv).await.map(drop)
    }

    /// Takes from the router what a reboot takes: the kernel's objects, the boot's identity, memory-backed storage.
    pub async fn reboot_router(&self) -> Result<()> {
        const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
        if self.agent.is_some() {
            bail!("a router does not reboot under its agent: kill it first");
        }
        let node = Place::Router.name();
        self.inside.run_ok(&node, &["nft", "flush", "ruleset"]).await?;
        for port in ["lan0", "wan0"] {
            self.inside.run_ok(&node, &["tc", "qdisc", "del", "dev", port, "root"]).await?;
        }
        let boot_id = self.folder("boot")?.join("id");
        std::fs::write(&boot_id, std::fs::read("/proc/sys/kernel/random/uuid")?)?;
        self.inside.run_ok(&node, &["mount", "--bind", &boot_id.display().to_string(), BOOT_ID]).await?;
        Ok(std::fs::remove_dir_all(format!("{}/run", self.agent_dir()?))?)
    }

    /// Ends the agent at once, as the kernel would when memory is short.
    pub async fn kill_agent(&mut self) -> Result<()> {
        let mut agent = self.agent.take().ok_or_else(|| anyhow!("the agent does not run"))?;
        agent.stop(Signal::SIGKILL, Limit::seconds(10)).await.map(drop)
    }

    /// The agent's process, when it runs.
    #[must_use]
    pub fn agent(&self) -> Option<&Process> {
        self.agent.as_ref()
    }

    /// Ends agent and cloud in order, as their service manager would; everything else ends with the lab.
    pub async fn stop(mut self) -> Result<()> {
        // Whoever was started first may hold the database.
        let cloud = std::mem::take(&mut self.cloud).into_iter().rev().map(|(_, process)| process);
        let agents = self.agent.take().into_iter().chain(std::mem::take(&mut self.elsewhere));
        for mut program in agents.chain(cloud) {
            program.stop(Signal::SIGTERM, Limit::seconds(20)).await?;
        }
        Ok(())
    }

    /// Where a program's output is kept.
    pub(crate) fn log(&self, program: &str) -> PathBuf {
        self.folder.path().join(format!("logs/{program}.log"))
    }

    /// Spoils the desired state on the router's disk behind its first hundred bytes, as bad sectors would: the objects.
    pub fn spoil_desired_state(&self) -> Result<()> {
        const HEAD: usize = 100;
        let file = PathBuf::from(self.agent_dir()?).join("desired/desired");
        let mut bytes = std::fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let behind = bytes.get_mut(HEAD..).filter(|behind| !behind.is_empty()).context("nothing is stored")?;
        behind.iter_mut().step_by(16).for_each(|byte| *byte = !*byte);
        Ok(std::fs::write(&file, bytes)?)
    }

    fn agent_dir(&self) -> Result<String> {
        Ok(self.folder("agent")?.display().to_string())
    }
}
