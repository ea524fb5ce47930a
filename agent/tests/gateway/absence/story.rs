//! One router's three days: what happens to it when, and what must come of it.

use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, LocalSet};
use weir_agent::config::{Adapter, Config};
use weir_agent::run::Agent;
use weir_agent::store::desired::{Accepted, Store};
use weir_agent::store::disk::Folder;
use weir_agent::store::guard::Guard;
use weir_agent::store::identity::Identity;
use weir_protocol::desired::Line;

use super::account::{self, Told};
use super::chance::Chance;
use super::clock::Shown;
use super::kernel::Kernel;
use super::subscriber::{Patience, Subscriber};
use super::{DAY_MS, lines};
use crate::bench::Gateway;

const MINUTE_MS: u64 = 60_000;
pub const HOUR_MS: u64 = 60 * MINUTE_MS;
const LENGTH_MS: u64 = 3 * DAY_MS;
const CHECKPOINT_MS: u64 = 120_000;
const SPOOL_BYTES: u64 = 64 * 1024 * 1024;

/// What happens to an agent, and how long it is away for, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub enum Incident {
    /// Asked to stop.
    Stop(u64),
    /// Killed in whatever it is doing.
    Kill(u64),
    /// The router loses its power that long after the agent was killed, and the wall clock is so much off afterwards.
    PowerCut { killed: u64, dark: u64, off: i64 },
    /// So is it as soon as a line has used up its allowance, if one does in half a day.
    OnceSlowed { dark: u64, off: i64 },
    /// No counter can be read for so long.
    Blind(u64),
    /// The router is shut down in order.
    Reboot { dark: u64, off: i64 },
}

/// What is to happen.
pub struct Story {
    pub incidents: Vec<(u64, Incident)>,
    pub sweep_ms: u64,
    /// How long the kernel is busy with one call.
    pub took_ms: u64,
    seed: u64,
    wall_ms: u64,
    pub lines: Vec<Line>,
    pub spool_bytes: u64,
}

impl Story {
    /// A story that is told the same each time.
    pub fn new(seed: u64, wall_ms: u64) -> Self {
        let mut chance = Chance::of(seed);
        let (mut incidents, mut at) = (Vec::new(), 0);
        loop {
            at += chance.between(MINUTE_MS, 8 * HOUR_MS);
            if at >= LENGTH_MS {
                break;
            }
            let incident = incident(&mut chance);
            incidents.push((at, incident));
            at += incident.away_ms();
        }
        let lines = lines::some(&mut chance, wall_ms);
        let (sweep_ms, took_ms) = (chance.pick(&[30_000, 60_000, 60_000]), chance.pick(&[0, 3, 200]));
        Self { incidents, sweep_ms, took_ms, seed, wall_ms, lines, spool_bytes: SPOOL_BYTES }
    }

    /// Lives through it and settles the account.
    pub fn run(self) -> Told {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        let seed = self.seed;
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            runtime.block_on(LocalSet::new().run_until(self.live()))
        }));
        told.unwrap_or_else(|_| panic!("in the story of seed {seed}"))
    }

    async fn live(self) -> Told {
        let clock = Shown::at(self.wall_ms);
        let (folder, identity) = (memory(), Gateway::start().identity());
        let config = self.config(folder.path());
        let mut store = Store::open(Folder::open(&config.state_dir.join("desired")).unwrap()).unwrap();
        assert_eq!(store.accept(&lines::told(&self.lines), Guard::default()), Accepted::Stored);
        let subscribers = self.lines.iter().map(|line| Subscriber::new(line.clone(), self.seed)).collect();
        let (patience, took) = (self.patience(), Duration::from_millis(self.took_ms));
        let kernel = Kernel::new(subscribers, clock.clone(), patience, took);
        let mut router = Router { config, identity, clock, kernel };
        let (mut agent, mut fullest_permille) = (router.start(), 0);
        for (at, incident) in self.incidents {
            router.clock.until(at).await;
            agent = router.suffer(agent, incident).await;
            fullest_permille = fullest_permille.max(router.log_permille());
        }
        router.clock.until(LENGTH_MS).await;
        router.stop(agent).await;
        fullest_permille = fullest_permille.max(router.log_permille());
        assert!(fullest_permille <= 1000);
        // A log that was full has room again.
        router.config.spool_bytes = SPOOL_BYTES;
        router.stop(router.start()).await;
        // What moved during the last sweep is in the kernel alone.
        router.kernel.cut_power();
        let told = account::settle(&router.config.state_dir.join("usage"), &router.kernel);
        Told { fullest_permille, ..told }
    }

    fn patience(&self) -> Patience {
        let edge_ms = 4 * self.took_ms + 5;
        Patience { edge_ms, sweep_ms: self.sweep_ms, safe_ms: CHECKPOINT_MS + self.sweep_ms + edge_ms }
    }

    fn config(&self, folder: &Path) -> Config {
        Config {
            run_dir: folder.join("run"),
            southbound: Adapter::Null,
            sweep_interval: Duration::from_millis(self.sweep_ms),
            checkpoint_interval: Duration::from_millis(CHECKPOINT_MS),
            verify_interval: Duration::from_secs(600),
            retry_cap: Duration::from_secs(4 * 3600),
            spool_bytes: self.spool_bytes,
            ..Config::new(folder.join("state"))
        }
    }
}

/// Durability costs nothing there.
fn memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn incident(chance: &mut Chance) -> Incident {
    let soon = |chance: &mut Chance| chance.between(0, 3) * chance.between(0, 20 * MINUTE_MS);
    let off = (chance.between(0, 20 * MINUTE_MS)).cast_signed() - 10 * MINUTE_MS.cast_signed();
    let dark = match chance.between(0, 12) {
        0 => 30 * HOUR_MS,
        _ => chance.between(10_000, 30 * MINUTE_MS),
    };
    match chance.between(0, 10) {
        0 | 1 => Incident::Stop(soon(chance)),
        2 | 3 => Incident::Kill(0),
        4 => Incident::Kill(soon(chance)),
        5 => Incident::Reboot { dark, off },
        6 => Incident::Blind(soon(chance)),
        7 => Incident::OnceSlowed { dark, off },
        _ => Incident::PowerCut { killed: soon(chance), dark, off },
    }
}

impl Incident {
    fn away_ms(self) -> u64 {
        match self {
            Self::Stop(away) | Self::Kill(away) | Self::Blind(away) => away,
            Self::Reboot { dark, .. } | Self::OnceSlowed { dark, .. } => dark,
            Self::PowerCut { killed, dark, .. } => killed + dark,
        }
    }
}

struct Router {
    config: Config,
    identity: Identity,
    clock: Shown,
    kernel: Kernel,
}

struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Router {
    fn start(&self) -> Running {
        let (config, identity) = (self.config.clone(), self.identity.clone());
        let agent = Agent::open(config, identity, self.kernel.clone(), self.clock.clone()).unwrap();
        self.kernel.minded();
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        Running { stop, task: tokio::task::spawn_local(async { agent.run(stopped).await.unwrap() }) }
    }

    async fn stop(&self, agent: Running) {
        agent.stop.send(()).unwrap();
        agent.task.await.unwrap();
        self.kernel.left(true);
    }

    async fn kill(&self, agent: Running) {
        agent.task.abort();
        if let Err(ended) = agent.task.await
            && ended.is_panic()
        {
            std::panic::resume_unwind(ended.into_panic());
        }
        self.kernel.left(false);
    }

    async fn suffer(&self, agent: Running, incident: Incident) -> Running {
        match incident {
            Incident::Blind(away) => {
                self.kernel.blind(away);
                self.wait(away).await;
                return agent;
            }
            Incident::OnceSlowed { .. } => {
                self.until_slowed().await;
                self.kill(agent).await;
            }
            Incident::Stop(_) | Incident::Reboot { .. } => self.stop(agent).await,
            Incident::Kill(_) | Incident::PowerCut { .. } => self.kill(agent).await,
        }
        match incident {
            Incident::Stop(away) | Incident::Kill(away) | Incident::Blind(away) => self.wait(away).await,
            Incident::Reboot { dark, off } | Incident::OnceSlowed { dark, off } => self.darken(dark, off).await,
            Incident::PowerCut { killed, dark, off } => {
                self.wait(killed).await;
                self.darken(dark, off).await;
            }
        }
        self.start()
    }

    async fn wait(&self, ms: u64) {
        self.clock.until(self.clock.elapsed_ms() + ms).await;
    }

    async fn until_slowed(&self) {
        let before = self.kernel.slowed();
        for _ in 0..12 * 60 * 6 {
            self.wait(10_000).await;
            if self.kernel.slowed() > before {
                break;
            }
        }
    }

    async fn darken(&self, ms: u64, off_ms: i64) {
        self.kernel.cut_power();
        self.wait(ms).await;
        self.kernel.cut_power();
        self.clock.reboot(off_ms);
        std::fs::remove_dir_all(&self.config.run_dir).unwrap();
    }

    fn log_permille(&self) -> u64 {
        let files = std::fs::read_dir(self.config.state_dir.join("usage")).unwrap();
        let bytes: u64 = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        (bytes * 1000).div_ceil(self.config.spool_bytes)
    }
}
