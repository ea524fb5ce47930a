//! The loop: sweeps, seals, applies and talks, one thing at a time.
//!
//! The only place that waits for more than one thing. What to send and when to retry is decided by pure code
//! elsewhere ([`crate::northbound`], [`enforce`], [`crate::usage`]); [`talk`] holds the half that concerns a
//! session. The persisted desired state is applied before the first attempt to connect.

mod addresses;
mod diagnose;
pub mod enforce;
mod fair_use;
mod guard;
mod measure;
mod metered;
mod probe;
mod quality;
mod renew;
mod route;
mod strangers;
mod talk;

use crate::clock::corrected::Corrected;
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::echo::Patrol;
use crate::garden::names;
use crate::memory;
use crate::northbound::backoff::Backoff;
use crate::northbound::renew::Renewal;
use crate::northbound::unread::Unread;
use crate::northbound::{link, tls};
use crate::plan::Wanted;
use crate::southbound::{self, Applied, Counter, Outcome, Southbound, Sweep};
use crate::status;
use crate::store::desired::{Key, Store};
use crate::store::disk::Folder;
use crate::store::identity::Identity;
use crate::subscribers::book::Book;
use crate::subscribers::kept;
use crate::subscribers::sources::Sources;
use crate::usage::journal::{Journal, Notice};
use crate::usage::live::Live;
use crate::usage::spool::{self, Limits};
use crate::usage::tally::Tally;
use diagnose::Diagnoses;
use enforce::{Meaning, Reports};
use fair_use::FairUse;
use guard::Guarding;
use measure::Measuring;
pub use probe::Asking;
use quality::Gathered;
use route::Route;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use strangers::Strangers;
use talk::Uplink;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use weir_protocol::brief::Upserts;
use weir_protocol::control::Event;
use weir_protocol::usage::SealReason;

const SEGMENT_BYTES: u64 = 1024 * 1024;
const DEFAULT_USAGE_INTERVAL_MS: u64 = 300_000;
const RETRY_BASE: Duration = Duration::from_secs(1);
const RETRY_CAP: Duration = Duration::from_secs(60);
/// Messages of the cloud that wait; more wait in the streams' own windows.
const INBOX: usize = 32;
/// Events kept while there is no session.
const EVENTS: usize = 64;
/// From so many lines on comparing them all is work, and is not done more often than this.
const MANY_LINES: usize = 5_000;
const MANY_COMPARED_EVERY: Duration = Duration::from_secs(60);
/// Longest wait for the last acknowledgements of an orderly stop.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why the agent cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state directory cannot be used.
    #[error("state directory: {0}")]
    Io(#[from] std::io::Error),
    /// The usage log cannot be opened.
    #[error("{0}")]
    Spool(#[from] spool::Error),
    /// The identity cannot be used.
    #[error("{0}")]
    Tls(#[from] tls::Error),
}

/// A running agent.
pub struct Agent<S, C> {
    config: Config,
    renewal: Renewal,
    southbound: S,
    clock: Corrected<C>,
    run: Folder,
    /// The state directory itself.
    state: Folder,
    store: Store<Folder>,
    volatile: bool,
    journal: Journal<Folder>,
    tally: Tally<Folder>,
    meaning: Meaning,
    fair_use: FairUse,
    book: Book,
    sources: Sources,
    /// What the kernel was last told to be.
    enforced: Wanted,
    /// How soon a line that moves may use up its allowance.
    soonest: Option<Duration>,
    /// Until when the journal knows every cut point, Unix milliseconds.
    cuts_until_ms: u64,
    reports: Reports,
    live: Live,
    measuring: Measuring,
    gathered: Gathered,
    strangers: Strangers,
    asking: Option<Asking>,
    probes: Vec<probe::Running>,
    diagnoses: Diagnoses,
    wanted: watch::Sender<Wanted>,
    capabilities: Vec<String>,
    uplink: Uplink,
    backoff: Backoff,
    attempt: u64,
    route: Route,
    /// What came with the generation held, if that is not acknowledged yet.
    unacknowledged: Option<Upserts>,
    told_held: BTreeSet<spool::Epoch>,
    /// The last record of each epoch that the cloud is known to have.
    confirmed: BTreeMap<spool::Epoch, u64>,
    /// People know that the router's clock is wrong.
    clock_wrong: bool,
    unread: Unread,
    guarding: Guarding,
    inbox: (mpsc::Sender<link::Event>, mpsc::Receiver<link::Event>),
    events: VecDeque<Event>,
    told_interval_ms: Option<u64>,
    sweep_at: Instant,
    checkpoint_at: Instant,
    verify_at: Instant,
    quality_at: Instant,
    retry: Option<(Instant, Duration)>,
    applied_ok: bool,
    drifted: Option<status::Drift>,
    sweep_failing: bool,
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Opens everything durable.
    pub fn open(config: Config, identity: Identity, southbound: S, clock: C) -> Result<Self, Error> {
        // What cannot be used is better said at once.
        tls::session(&identity, config.keepalive)?;
        let state = Folder::open(&config.state_dir)?;
        let (route, clock) = (Route::open(&state), Corrected::open(&state, clock));
        let store = Store::open(Folder::open(&config.state_dir.join("desired"))?)?;
        let limits = Limits { segment: SEGMENT_BYTES.min(config.spool_bytes / 4), quota: config.spool_bytes };
        let usage = Folder::open(&config.state_dir.join("usage"))?;
        let (run, marker) = (Folder::volatile(&config.run_dir)?, Folder::volatile(&config.run_dir)?);
        let mut journal = Journal::start(usage, marker, limits, clock.boot(), clock.now(), clock::random::<8>)?;
        let tally = Self::tally_of(&mut journal, Folder::open(&config.state_dir)?);
        let meaning = enforce::read(store.objects(), store.generation());
        let book = Self::book_of(&state, &clock, &meaning);
        let now = Instant::now();
        let mut agent = Self {
            backoff: Backoff::new(config.retry_cap),
            wanted: watch::Sender::new(Wanted::default()),
            sources: Sources::open(&config),
            checkpoint_at: now + config.checkpoint_interval,
            verify_at: now + config.verify_interval,
            quality_at: now,
            renewal: Renewal::open(&state, identity),
            run,
            state,
            book,
            store,
            volatile: false,
            journal,
            tally,
            fair_use: FairUse::read(&meaning.wanted),
            enforced: Wanted::default(),
            soonest: None,
            cuts_until_ms: 0,
            meaning,
            reports: Reports::default(),
            live: Live::default(),
            measuring: Measuring::default(),
            gathered: Gathered::default(),
            strangers: Strangers::default(),
            asking: None,
            probes: Vec::new(),
            diagnoses: Diagnoses::open(Folder::open(&config.state_dir)?),
            capabilities: Vec::new(),
            uplink: Uplink::Waiting(now),
            attempt: 0,
            route,
            unacknowledged: None,
            told_held: BTreeSet::new(),
            confirmed: BTreeMap::new(),
            clock_wrong: false,
            unread: Unread::default(),
            guarding: Guarding::default(),
            inbox: mpsc::channel(INBOX),
            events: VecDeque::new(),
            told_interval_ms: None,
            sweep_at: now,
            retry: None,
            applied_ok: false,
            drifted: None,
            sweep_failing: false,
            config,
            southbound,
            clock,
        };
        agent.set_cuts();
        let heard = agent.sources.look(agent.clock.uncorrected().wall_ms);
        agent.take_heard(heard);
        agent.wanted.send_replace(agent.shown());
        Ok(agent)
    }

    fn book_of(state: &Folder, clock: &Corrected<C>, meaning: &Meaning) -> Book {
        let mut book = kept::open(state, clock.boot());
        book.know_all(meaning.wanted.lines.iter().map(|(id, line)| (*id, line.as_ref())));
        book
    }

    fn tally_of(journal: &mut Journal<Folder>, disk: Folder) -> Tally<Folder> {
        let mut tally = Tally::open(disk, clock::random);
        if journal.take_break() {
            tally.renew(clock::random(), journal.spool());
        }
        journal.set_tally(*tally.id());
        tally
    }

    /// What the router should be, as it changes.
    pub fn wanted(&self) -> watch::Receiver<Wanted> {
        self.wanted.subscribe()
    }

    /// Tells also what asking around comes to.
    pub fn hear_of(&mut self, patrol: Arc<Patrol>) {
        self.gathered.set_patrol(patrol);
    }

    /// Runs until `stop` is ready; then seals, says goodbye and leaves the kernel as it is.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        match self.southbound.probe().await {
            Ok(capabilities) => self.capabilities = capabilities,
            Err(error) => self.tell_plainly("probe-failed", error.to_string()),
        }
        self.look();
        self.apply().await;
        // Before the cloud can speak of a fork, every counter must have been seen.
        self.sweep().await;
        self.measure().await;
        let mut hosts = names::watch(self.wanted());
        tokio::pin!(stop);
        loop {
            let wake = self.next_wake();
            tokio::select! {
                () = &mut stop => break,
                event = self.inbox.1.recv() => if let Some(event) = event { self.hear(event).await },
                Ok(()) = hosts.changed() => self.reach(hosts.borrow_and_update().clone()).await,
                told = self.diagnoses.heard(), if self.uplink.has_room() => self.pass_on(told),
                heard = self.sources.heard(|| self.clock.uncorrected().wall_ms) => self.learn(heard).await,
                () = sleep_until(wake) => self.tick().await,
            }
        }
        self.stop().await;
        Ok(())
    }

    async fn reach(&mut self, hosts: BTreeSet<IpAddr>) {
        if let Err(error) = self.southbound.reach(hosts).await {
            tracing::warn!(%error, "hosts reachable from the walled garden by name could not be written");
        }
    }

    fn next_wake(&self) -> Instant {
        let now_ms = self.clock.now().wall_ms;
        let ahead = |at_ms: &u64| *at_ms > now_ms;
        let wake = |at_ms: u64| Instant::now() + Duration::from_millis(at_ms.saturating_sub(now_ms).min(86_400_000));
        // A cut point passed may be one the log has no room for; a rule's turn passed was missed while something was done.
        let cut = self.journal.next_cut().filter(ahead).map(wake);
        let rule = self.fair_use.next_ms().map(wake);
        let retry = self.retry.map(|(at, _)| at);
        let reached = [self.uplink.wake(), self.route.wake(), self.renewal_wake(), self.trial_wake()];
        let others = [cut, rule, retry, self.probe_until()].into_iter().chain(reached);
        let regular = self.sweep_at.min(self.checkpoint_at).min(self.verify_at).min(self.quality_at);
        others.flatten().fold(regular, Instant::min)
    }

    async fn tick(&mut self) {
        let now = Instant::now();
        let now_ms = self.clock.now().wall_ms;
        let cut_passed =
            [self.journal.next_cut(), self.fair_use.next_ms()].into_iter().flatten().any(|at| at <= now_ms);
        if now >= self.sweep_at || cut_passed {
            if now >= self.sweep_at {
                self.sweep_at = (self.sweep_at + self.config.sweep_interval).max(now);
            }
            self.sweep().await;
        }
        if now >= self.checkpoint_at {
            self.checkpoint_at = now + self.config.checkpoint_interval;
            self.make_safe();
        }
        self.end_probes(now);
        self.tend_trial().await;
        if now >= self.quality_at {
            self.quality_at = now + self.quality_every();
            self.tell_quality();
            self.tell_strangers();
        }
        if now >= self.verify_at || self.retry.is_some_and(|(at, _)| now >= at) {
            self.apply().await;
        }
        self.tend_renewal();
        self.tend(now);
    }

    async fn sweep(&mut self) {
        let began = Instant::now();
        let sweep = match self.southbound.sweep().await {
            Ok(sweep) => sweep,
            Err(error) => {
                if !std::mem::replace(&mut self.sweep_failing, true) {
                    self.tell_plainly("sweep-failed", error.to_string());
                    // What cannot be counted may not be held either: look now, not at the next turn.
                    self.verify_at = Instant::now();
                }
                // The clock goes on all the same.
                return self.review(began.elapsed()).await;
            }
        };
        self.sweep_failing = false;
        let now = self.clock.now();
        let before = *self.journal.spool().tail();
        if self.journal.observe(&sweep.counters, now).is_ok() && self.journal.due(now, self.usage_interval_ms()) {
            self.measure().await;
            // A refusal is told as a notice, and the counters keep counting.
            if self.journal.seal(now, now.wall_ms, SealReason::Interval).is_ok() {
                self.leave(&sweep).await;
            }
            self.forget().await;
        }
        if let Some(sample) = self.live.observe(now.mono_ms, now.wall_ms, &sweep.counters) {
            self.uplink.show(&sample);
        }
        self.diagnoses.observe(now.mono_ms, &sweep.counters, &self.enforced);
        self.collect_notices();
        if *self.journal.spool().tail() != before {
            self.pump();
            self.write_status();
        }
        self.review(began.elapsed()).await;
    }

    /// What lines have left may go: all of this sweep is sealed.
    async fn leave(&mut self, sweep: &Sweep) {
        let left = sweep.counters.iter().filter(|counter| sweep.left.contains(&counter.generation));
        let left: Vec<Counter> = left.cloned().collect();
        if left.is_empty() {
            return;
        }
        if let Err(error) = self.southbound.leave(&left).await {
            tracing::warn!(%error, "classes that lines have left could not be taken away");
        }
    }

    async fn forget(&mut self) {
        if !self.applied_ok || self.store.lineage().is_empty() {
            return;
        }
        let gone = self.journal.forgettable(&self.meaning.handles());
        if gone.is_empty() {
            return;
        }
        let handles: Vec<u32> = gone.iter().copied().collect();
        match self.southbound.forget(&handles).await {
            Ok(()) => {
                self.journal.forget(&gone);
                self.tally.forget(&gone);
            }
            Err(error) => tracing::warn!(%error, "lines could not be forgotten"),
        }
    }

    fn make_safe(&mut self) {
        if let Err(error) = self.journal.checkpoint(self.clock.now()) {
            tracing::warn!(%error, "the open usage record could not be written");
        }
        self.keep_time();
        self.make_room();
        self.save_addresses();
        if self.volatile && self.store.persist().is_ok() {
            self.volatile = false;
            self.acknowledge();
        }
    }

    fn compared_every(&self) -> Duration {
        let every = self.config.verify_interval;
        if self.meaning.wanted.lines.len() < MANY_LINES { every } else { every.max(MANY_COMPARED_EVERY) }
    }

    /// Brings the kernel to the desired state held, whatever happened to it meanwhile, and reports.
    async fn apply(&mut self) {
        self.verify_at = Instant::now() + self.compared_every();
        if self.store.lineage().is_empty() {
            return;
        }
        let wanted = &self.meaning.wanted;
        let lines = wanted.lines.iter().map(|(id, line)| (*id, self.enforced_line(*id, line))).collect();
        self.enforced = Wanted { router: wanted.router.clone(), lines, nodes: wanted.nodes.clone() };
        let result = self.southbound.apply(&self.enforced).await;
        self.take_outcome(&BTreeSet::new(), result);
        memory::give_back();
    }

    /// Brings what these objects mean to the kernel, and reports; the others are as they were.
    async fn apply_some(&mut self, objects: BTreeSet<Key>) {
        if self.store.lineage().is_empty() {
            return;
        }
        let lines: BTreeSet<Uuid> = objects.iter().filter_map(enforce::line_id).collect();
        self.enforced.router.clone_from(&self.meaning.wanted.router);
        self.enforced.nodes.clone_from(&self.meaning.wanted.nodes);
        for id in &lines {
            match self.meaning.wanted.lines.get(id) {
                Some(line) => {
                    let line = self.enforced_line(*id, line);
                    self.enforced.lines.insert(*id, line);
                }
                None => drop(self.enforced.lines.remove(id)),
            }
        }
        let result = self.southbound.change(&self.enforced, &lines).await;
        self.take_outcome(&objects, result);
    }

    /// Takes in what became of everything, or, if the kernel needed no look at the rest, of these objects.
    fn take_outcome(&mut self, objects: &BTreeSet<Key>, result: Result<Applied, southbound::Error>) {
        let generation = self.meaning.generation;
        if let Err(error) = &result {
            tracing::error!(%error, generation, "the desired state could not be applied");
        }
        self.applied_ok = result
            .as_ref()
            .is_ok_and(|applied| !matches!(applied.router, Some(Outcome::Failed { .. } | Outcome::Rejected { .. })));
        if let Ok(applied) = &result {
            self.tell_drift(&applied.drift);
        }
        let outcome = result.as_ref().map_err(ToString::to_string);
        if result.as_ref().is_ok_and(|applied| !applied.whole) {
            self.reports.take_of(objects, &self.meaning, outcome);
        } else {
            self.verify_at = Instant::now() + self.compared_every();
            self.reports.take(&self.meaning, outcome);
        }
        self.retry = self.reports.any_failed().then(|| {
            let wait = self.retry.map_or(RETRY_BASE, |(_, wait)| wait.saturating_mul(2).min(RETRY_CAP));
            (Instant::now() + wait, wait)
        });
        self.put_to_the_proof();
        self.report();
        self.write_status();
    }

    fn tell_drift(&mut self, found: &[String]) {
        let Some(text) = enforce::drift(found) else { return };
        self.drifted = Some(status::Drift { found_at_ms: self.clock.now().wall_ms, text: text.clone() });
        self.tell_plainly("drift", text);
    }

    async fn stop(mut self) {
        tracing::info!("stopping; enforcement stays in place");
        let sweep = self.southbound.sweep().await;
        let now = self.clock.now();
        let seen = sweep.is_ok_and(|sweep| self.journal.observe(&sweep.counters, now).is_ok());
        self.measure().await;
        let sealed = self.journal.seal(now, now.wall_ms, SealReason::Shutdown);
        if !seen || sealed.is_err() {
            tracing::error!("the last usage could not be sealed; it stays in the kernel's counters");
        }
        self.follow();
        self.tally.save_or_warn();
        self.save_addresses();
        self.pump();
        self.farewell(FAREWELL).await;
        self.write_status();
    }

    fn usage_interval_ms(&self) -> u64 {
        let flag = self.config.usage_interval.map(|interval| interval.as_millis() as u64);
        self.usage_every_ms(flag.or(self.told_interval_ms).unwrap_or(DEFAULT_USAGE_INTERVAL_MS))
    }

    fn collect_notices(&mut self) {
        for Notice { kind, severity, text } in self.journal.take_notices() {
            tracing::warn!(kind, text, "notice");
            self.tell(kind, severity, text);
        }
    }

    fn write_status(&mut self) {
        let status = status::Running {
            desired_lineage: hex::encode(self.store.lineage()),
            desired_generation: self.store.generation(),
            objects: self.reports.summary(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            capabilities: self.capabilities.clone(),
            drift: self.drifted.clone(),
            unattributed: self.measuring.unattributed(),
            audits: self.measuring.audits(),
            addresses: self.book.counts().into(),
            connected: self.over().is_some(),
            over: self.over(),
            epochs: self.positions(),
            log_fill_permille: self.journal.spool().fill_permille(),
            certificate: self.certificate(),
            written_at_ms: self.clock.now().wall_ms,
        };
        if let Err(error) = status::write(&mut self.run, &status) {
            tracing::debug!(%error, "the status could not be written");
        }
    }
}
