//! One router and its cloud: the agent's own usage log on a simulated disk, its sender, and a network that reorders, repeats
//! and drops.

mod faults;
mod link;

use crate::account::{Account, Bytes, Fault, LINES};
use crate::cloud::Cloud;
use crate::dice::Dice;
use crate::ledger::Session;
use crate::rules::Rules;
use link::Link;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use uuid::Uuid;
use weir_agent::clock::Now;
use weir_agent::southbound::{Counter, Total};
use weir_agent::store::sim::Sim;
use weir_agent::usage::spool::{Epoch, Limits};
use weir_agent::usage::{Journal, Key};
use weir_protocol::hash::{self, Hash};
use weir_protocol::usage::{Down, Record, SealReason, Up};

/// Small files, so that runs go through many, and room for all a run makes.
const LIMITS: Limits = Limits { segment: 400, quota: 6400 };
/// A day in 2025: the past for every clock a run is made on.
const START_MS: u64 = 1_750_000_000_000;

thread_local! {
    static EPOCHS: RefCell<Dice> = RefCell::new(Dice::of("epochs", 0));
}

/// The name of a new epoch: another in every run, the same in every repetition.
fn fresh_epoch() -> Epoch {
    EPOCHS.with_borrow_mut(|dice| dice.roll().to_be_bytes())
}

/// What happens in one step.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// A line moves some bytes.
    Traffic,
    /// The open record is sealed.
    Seal,
    /// The open record is made safe against a power cut.
    Checkpoint,
    /// The process dies at any call to the disk while it writes.
    CrashInCommit,
    /// A write fails, or half of it does, and the process lives on.
    FailedWrite,
    /// A session begins.
    Connect,
    /// Some records are sent.
    Send,
    /// Something arrives in the cloud: in order or not, once or again, or never.
    Deliver,
    /// An answer arrives, or never does.
    Answer,
    /// For a while the network is as it should be.
    Calm,
    /// The process dies, perhaps once more while it starts.
    Crash,
    /// The power goes, perhaps in the middle of a write.
    Reboot,
    /// The cloud is backed up.
    Backup,
    /// The cloud is put back to its latest backup.
    RestoreLatest,
    /// The cloud is put back to any backup.
    RestoreAny,
    /// The disk is copied.
    Copy,
    /// The copy is put back under the running system.
    PutBack,
    /// The copy is put back, and the system booted.
    PutBackAndBoot,
    /// The virtual machine's memory and disk are saved.
    Save,
    /// The virtual machine is put back to what was saved.
    Resume,
    /// The disk is lost.
    LoseDisk,
    /// The disk is lost together with what is noted in memory.
    LoseAll,
    /// Another disk is put in, or the first one again.
    SwapDisk,
    /// The router is enrolled anew and keeps its log.
    EnrollAnew,
}

/// A disk that may return.
struct Copied {
    disk: Sim,
    /// When it was made.
    boot: u128,
    /// The epoch its log ends in.
    epoch: Epoch,
}

/// The virtual machine as it was saved.
struct Machine {
    copied: Copied,
    run: Sim,
    counted: Bytes,
    safe: [usize; LINES],
    announced: [usize; LINES],
}

/// Everything.
pub struct World {
    rules: Rules,
    dice: Dice,
    cloud: Cloud,
    account: Account,
    disk: Sim,
    run: Sim,
    journal: Option<Journal<Sim>>,
    boot: u128,
    now: Now,
    /// What the kernel's counters counted since the boot.
    counted: Bytes,
    /// What of it the agent saw in its last sweep.
    swept: Rc<Bytes>,
    /// The same at every instant a record may end at.
    sweeps: BTreeMap<u64, Rc<Bytes>>,
    /// How much of it is on the disk for good, and how much was announced to be.
    safe: [usize; LINES],
    announced: [usize; LINES],
    agent: usize,
    sessions: u64,
    link: Option<Link>,
    up: Vec<(Session, Up)>,
    /// What the router deleted and the cloud forgot, and headers of the log still know.
    only_in_headers: Vec<Hash>,
    down: Vec<(Session, Down)>,
    backups: usize,
    copy: Option<Copied>,
    other: Option<Copied>,
    saved: Option<Machine>,
    /// Whether a log went back to where the agent cannot tell that it did: what it holds then may be lost.
    may_hold: bool,
    /// Whether the counters went back in time, and whether the cloud was not asked since.
    resumed: bool,
    unasked: bool,
    /// Whether the note in memory could not be written since the agent started.
    unnoted: bool,
}

impl World {
    /// A router that was just enrolled.
    pub fn new(scenario: &str, seed: u64, rules: Rules, mut cloud: Cloud) -> Result<Self, Fault> {
        EPOCHS.set(Dice::of(&format!("epochs of {scenario}"), seed));
        let agent = cloud.enroll()?;
        let backups = cloud.backup()?;
        let mut world = Self {
            rules,
            dice: Dice::of(scenario, seed),
            cloud,
            account: Account::default(),
            disk: Sim::default(),
            run: Sim::default(),
            journal: None,
            boot: 1,
            now: Now { wall_ms: START_MS, mono_ms: 1_000 },
            counted: Bytes::default(),
            swept: Rc::default(),
            sweeps: BTreeMap::new(),
            safe: [0; LINES],
            announced: [0; LINES],
            agent,
            sessions: 0,
            link: None,
            up: Vec::new(),
            only_in_headers: Vec::new(),
            down: Vec::new(),
            backups,
            copy: None,
            other: None,
            saved: None,
            may_hold: false,
            resumed: false,
            unasked: false,
            unnoted: false,
        };
        world.start()?;
        Ok(world)
    }

    /// Takes one step; nothing may be billed twice after it.
    pub fn step(&mut self, step: Step) -> Result<(), Fault> {
        self.pass(100);
        match step {
            Step::Traffic => self.traffic(),
            Step::Seal => self.seal(SealReason::Interval)?,
            Step::Checkpoint => self.checkpoint()?,
            Step::Connect => self.connect()?,
            Step::Send => self.send(),
            Step::Deliver => self.deliver()?,
            Step::Answer => self.answer()?,
            Step::Calm => self.calm()?,
            Step::Backup => self.backups = self.cloud.backup()?,
            Step::EnrollAnew => self.enroll()?,
            other => self.fault(other)?,
        }
        let billed = self.account.billed(self.cloud.effects())?;
        self.cloud.check(billed)
    }

    /// Where the log and the cloud are, for people who follow a run.
    pub fn describe(&self) -> String {
        let log = self.journal.as_ref().map_or_else(Vec::new, |journal| journal.spool().epochs());
        let held = log.iter().map(|held| format!("{:02x}:{}-{}", held.epoch[0], held.first_seq, held.last_seq));
        let counted = self.counted.each_ref().map(Vec::len);
        let recorded: [_; LINES] = std::array::from_fn(|line| self.recorded(line).unwrap_or(0));
        let log = held.collect::<Vec<_>>().join(" ");
        format!("log {log}; counted {counted:?}, recorded {recorded:?}, billed records {}", self.cloud.effects().len())
    }

    /// Lets everything arrive, and reckons: bytes moved and bytes that are missing and may be.
    pub fn settle(&mut self) -> Result<(usize, usize), Fault> {
        self.drain()?;
        self.forgive_held();
        self.cloud.check(self.account.billed(self.cloud.effects())?)?;
        self.account.settle(self.cloud.effects())
    }

    fn pass(&mut self, ms: u64) {
        self.now.wall_ms += ms;
        self.now.mono_ms += ms;
    }

    fn traffic(&mut self) {
        let (line, count) = (self.dice.below(LINES), 1 + self.dice.below(40));
        let names = self.account.moves(line, count);
        self.counted[line].extend(names);
    }

    /// Starts the agent, which sweeps before it does anything else.
    fn start(&mut self) -> Result<(), Fault> {
        (self.journal, self.link, self.unnoted) = (None, None, false);
        if !self.rules.cumulative {
            self.forget_unsealed();
        }
        if !self.rules.marker {
            self.run = Sim::default();
        }
        let boot = Uuid::from_u128(self.boot);
        let journal = Journal::start(self.disk.clone(), self.run.clone(), LIMITS, boot, self.now, fresh_epoch);
        let Ok(journal) = journal else { return Ok(()) };
        self.journal = Some(journal);
        self.forgive_regressed();
        self.sweep();
        self.learn()
    }

    fn sweep(&mut self) {
        self.pass(1);
        let total = |line: &Vec<u32>| Total { bytes: line.len() as u64, packets: line.len() as u64 };
        let counter = |(n, line): (usize, &Vec<u32>)| Counter {
            handle: n as u32 + 1,
            generation: Uuid::from_u128(self.boot),
            base_down: Total::default(),
            base_up: Total::default(),
            down: total(line),
            up: Total::default(),
        };
        let counters: Vec<Counter> = self.counted.iter().enumerate().map(counter).collect();
        self.swept = Rc::new(self.counted.clone());
        self.sweeps.insert(self.now.wall_ms, Rc::clone(&self.swept));
        if let Some(journal) = &mut self.journal {
            let _ = journal.observe(&counters, self.now);
        }
    }

    fn seal(&mut self, reason: SealReason) -> Result<(), Fault> {
        self.sweep();
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let sealed = journal.seal(self.now, self.now.wall_ms, reason).is_ok();
        self.wrote(sealed);
        self.learn()
    }

    fn checkpoint(&mut self) -> Result<(), Fault> {
        self.sweep();
        let Some(journal) = &mut self.journal else { return Ok(()) };
        let kept = journal.checkpoint(self.now).is_ok();
        self.wrote(kept);
        Ok(())
    }

    fn wrote(&mut self, safely: bool) {
        let swept = self.swept.each_ref().map(Vec::len);
        self.announced = swept;
        if safely {
            self.safe = swept;
        }
    }

    /// Takes in what was sealed since the last time.
    fn learn(&mut self) -> Result<(), Fault> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let spool = journal.spool();
        for held in spool.epochs() {
            let Ok(epoch) = Epoch::try_from(held.epoch.as_slice()) else { continue };
            for seq in (held.first_seq..=held.last_seq).rev() {
                if spool.hash_of(&epoch, seq).is_some_and(|hash| self.account.knows(&hash)) {
                    break;
                }
                let body = spool.read(&epoch, seq).map_err(|error| Fault::Strange(error.to_string()))?;
                let record: Record =
                    prost::Message::decode(body.as_slice()).map_err(|error| Fault::Strange(error.to_string()))?;
                let counted = self.sweeps.get(&record.end_ms);
                let counted = counted.ok_or_else(|| Fault::Strange(format!("a record ends at {}", record.end_ms)))?;
                self.account.learn(hash::usage_record(&body), &record, counted)?;
            }
        }
        Ok(())
    }

    /// Every record that can be read back.
    fn on_disk(&self) -> Vec<Hash> {
        let Some(journal) = &self.journal else { return Vec::new() };
        let spool = journal.spool();
        let mut hashes = Vec::new();
        for held in spool.epochs() {
            let Ok(epoch) = Epoch::try_from(held.epoch.as_slice()) else { continue };
            hashes.extend((held.first_seq..=held.last_seq).filter_map(|seq| spool.hash_of(&epoch, seq)));
        }
        hashes
    }

    /// How far a line's counter of this boot is recorded in the log.
    fn recorded(&self, line: usize) -> Option<usize> {
        let key = Key { handle: line as u32 + 1, generation: Uuid::from_u128(self.boot) };
        let positions = self.journal.as_ref()?.spool().positions();
        Some(positions.get(&key)?.down_bytes as usize)
    }
}
