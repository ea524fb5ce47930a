//! What breaks, and what may be missing because it did: reckoned when it happens, from what was on the disk and what is.

use super::{Copied, Machine, Step, World};
use crate::account::{Bytes, Fault, LINES};
use weir_agent::store::sim::Sim;
use weir_agent::usage::spool::Epoch;
use weir_protocol::hash::Hash;
use weir_protocol::usage::SealReason;

/// More calls to a disk than one commit makes.
const CALLS: usize = 9;

impl World {
    pub(super) fn fault(&mut self, step: Step) -> Result<(), Fault> {
        match step {
            Step::CrashInCommit => self.crash_in_commit(),
            Step::FailedWrite => self.failed_write(),
            Step::Crash => self.restart(),
            Step::Reboot => self.reboot(),
            Step::RestoreLatest => self.restore(self.backups),
            Step::RestoreAny => {
                let any = 1 + self.dice.below(self.backups);
                self.restore(any)
            }
            Step::Copy => {
                self.copy = Some(self.copied());
                Ok(())
            }
            Step::PutBack => self.put_back(false),
            Step::PutBackAndBoot => self.put_back(true),
            Step::Save => {
                // A note that could not be written makes a machine that is put back look like a disk that was.
                if !(self.rules.asked && self.unnoted) {
                    self.save();
                }
                Ok(())
            }
            Step::Resume => self.resume(),
            Step::LoseDisk => {
                let boots = self.dice.percent(40) || self.must_ask();
                self.exchange(Sim::default(), boots)
            }
            Step::LoseAll => {
                self.account.forgive(&self.counted, &[]);
                self.run = Sim::default();
                self.exchange(Sim::default(), false)
            }
            Step::SwapDisk => self.swap(),
            _ => Ok(()),
        }
    }

    /// Writes with the disk as it was made to fail.
    fn commit(&mut self) -> Result<(), Fault> {
        if self.dice.percent(70) { self.seal(SealReason::Interval) } else { self.checkpoint() }
    }

    fn crash_in_commit(&mut self) -> Result<(), Fault> {
        if self.dice.percent(15) {
            self.run.die_after(0);
            self.disk.die_after(0);
        }
        self.disk.die_after(self.dice.below(CALLS));
        self.commit()?;
        self.restart()
    }

    fn failed_write(&mut self) -> Result<(), Fault> {
        if self.dice.percent(20) {
            self.run.fail_once_after(0);
            self.unnoted = true;
        }
        self.disk.fail_once_after(self.dice.below(CALLS));
        self.commit()?;
        self.disk.revive();
        self.run.revive();
        self.learn()
    }

    /// The process dies and is started again; sometimes it dies while it starts.
    pub(super) fn restart(&mut self) -> Result<(), Fault> {
        self.disk.revive();
        self.run.revive();
        if self.dice.percent(30) {
            self.disk.die_after(self.dice.below(CALLS));
            self.start()?;
            self.disk.revive();
        }
        self.start()
    }

    fn reboot(&mut self) -> Result<(), Fault> {
        if self.dice.percent(50) {
            self.disk.die_after(self.dice.below(CALLS));
            self.commit()?;
        }
        let unsafe_yet: Bytes = std::array::from_fn(|n| self.counted[n][self.safe[n]..].to_vec());
        self.account.forgive(&unsafe_yet, &[]);
        self.boot();
        self.restart()
    }

    fn boot(&mut self) {
        let torn = if self.dice.percent(20) { 0 } else { self.dice.roll() };
        self.disk.cut_power(torn);
        self.run = Sim::default();
        self.boot = u128::from(self.dice.roll());
        self.counted = Bytes::default();
        (self.safe, self.announced) = ([0; LINES], [0; LINES]);
    }

    fn copied(&self) -> Copied {
        let epoch = self.journal.as_ref().map_or_else(Epoch::default, |journal| journal.spool().tail().epoch);
        Copied { disk: self.disk.image(), boot: self.boot, epoch }
    }

    /// Whether a log may return without the note in memory: one the cloud never heard of, or forgot, it takes for new.
    fn may_return(&self, copied: &Copied) -> bool {
        !self.rules.asked || self.cloud.knows(&copied.epoch)
    }

    fn put_back(&mut self, boots: bool) -> Result<(), Fault> {
        let boots = boots || self.must_ask();
        let Some(copied) = self.copy.as_ref().filter(|copied| !boots || self.may_return(copied)) else { return Ok(()) };
        let (copy, of_boot) = (copied.disk.image(), copied.boot);
        if of_boot != self.boot {
            // Whether such a log is older or newer than the memory cannot be told: the counters begin anew.
            let counted = self.counted.clone();
            self.account.forgive(&counted, &self.on_disk());
        }
        self.exchange(copy, boots)
    }

    fn swap(&mut self) -> Result<(), Fault> {
        if self.other.as_ref().is_some_and(|other| !self.may_return(other)) {
            return Ok(());
        }
        let out = self.copied();
        let new = self.other.replace(out).map(|other| other.disk);
        self.exchange(new.unwrap_or_default(), true)
    }

    /// Whether memory went back, and nothing else may happen until the cloud was asked.
    fn must_ask(&self) -> bool {
        self.rules.asked && self.unasked
    }

    /// Puts in another disk: what was on the old one alone may be missing, and so may what was announced and not written.
    fn exchange(&mut self, disk: Sim, boots: bool) -> Result<(), Fault> {
        self.lose_headers();
        let before = self.on_disk();
        let counted = self.counted.clone();
        let announced = self.announced;
        self.disk = disk;
        if boots {
            self.may_hold = true;
            self.boot();
        }
        self.restart()?;
        let after = self.on_disk();
        let gone: Vec<&Hash> = before.iter().filter(|hash| !after.contains(hash)).collect();
        self.account.forgive_records(gone);
        let all = boots || self.resumed;
        let at_risk: Bytes = std::array::from_fn(|n| {
            let end = if all { counted[n].len() } else { announced[n].min(counted[n].len()) };
            counted[n][..end].to_vec()
        });
        self.account.forgive(&at_risk, &after);
        Ok(())
    }

    /// Whatever only headers of the log know may be missing with it.
    fn lose_headers(&mut self) {
        let headers = std::mem::take(&mut self.only_in_headers);
        self.account.forgive_records(&headers);
    }

    fn save(&mut self) {
        self.saved = Some(Machine {
            copied: self.copied(),
            run: self.run.image(),
            counted: self.counted.clone(),
            safe: self.safe,
            announced: self.announced,
        });
    }

    fn resume(&mut self) -> Result<(), Fault> {
        let before = self.on_disk();
        self.lose_headers();
        let Some(saved) = self.saved.as_ref().filter(|saved| self.may_return(&saved.copied)) else { return Ok(()) };
        let counted = std::mem::replace(&mut self.counted, saved.counted.clone());
        (self.disk, self.run) = (saved.copied.disk.image(), saved.run.image());
        (self.safe, self.announced, self.boot) = (saved.safe, saved.announced, saved.copied.boot);
        (self.may_hold, self.resumed, self.unasked) = (true, true, true);
        self.restart()?;
        let after = self.on_disk();
        let gone: Vec<&Hash> = before.iter().filter(|hash| !after.contains(hash)).collect();
        self.account.forgive_records(gone);
        let again = |n: usize, name: &u32| self.counted[n].contains(name);
        let vanished: Bytes =
            std::array::from_fn(|n| counted[n].iter().filter(|name| !again(n, name)).copied().collect());
        self.account.forgive(&vanished, &after);
        Ok(())
    }

    /// Puts the cloud back: what it forgets and the router deleted is missing.
    fn restore(&mut self, backup: usize) -> Result<(), Fault> {
        if self.must_ask() {
            return Ok(());
        }
        let before = self.cloud.effects().to_vec();
        self.cloud.restore(backup)?;
        self.link = None;
        let (after, held) = (self.cloud.effects(), self.on_disk());
        let gone = before.into_iter().filter(|hash| !after.contains(hash) && !held.contains(hash));
        let told = self.told_by_headers();
        let (told, lost): (Vec<Hash>, Vec<Hash>) = gone.partition(|hash| self.account.stands_before(hash, &told));
        self.account.forgive_records(&lost);
        self.only_in_headers.extend(told);
        Ok(())
    }

    /// The last record deleted of each epoch of the log: what it and those before it came to is in a header.
    fn told_by_headers(&self) -> Vec<Hash> {
        let log = self.journal.as_ref().map_or_else(Vec::new, |journal| journal.spool().epochs());
        log.iter().filter_map(|held| held.first_prev_hash.as_slice().try_into().ok()).collect()
    }

    /// Counters behind what the log says of them count for nothing until they are past it.
    pub(super) fn forgive_regressed(&mut self) {
        for line in (0..LINES).filter(|_| self.resumed) {
            if self.recorded(line).is_some_and(|recorded| recorded > self.counted[line].len()) {
                let mut behind = Bytes::default();
                behind[line].clone_from(&self.counted[line]);
                self.account.forgive(&behind, &[]);
            }
        }
    }

    /// Where counters are set to zero as they are read, what the agent had read and not sealed dies with it.
    pub(super) fn forget_unsealed(&mut self) {
        for line in 0..LINES {
            let (sealed, read) = (self.recorded(line).unwrap_or(0), self.swept[line].len());
            let ends = read.min(self.counted[line].len());
            if sealed < ends {
                self.counted[line].drain(sealed..ends);
            }
        }
    }

    /// What a router gives into quarantine because its log went back may be missing.
    pub(super) fn forgive_quarantined(&mut self, epoch: &Epoch, seq: u64) {
        let held = self.link.as_ref().is_some_and(|link| link.held.contains(epoch));
        if held && self.may_hold {
            let mut given = self.account.of_epoch(epoch);
            given.retain(|hash| self.account.seq(hash) == Some(seq));
            self.account.forgive_records(&given);
        }
    }

    /// What a router holds because its log went back may be missing.
    pub(super) fn forgive_held(&mut self) {
        let of_current = self.account.of_epoch(&self.copied().epoch);
        let headers = std::mem::take(&mut self.only_in_headers);
        self.account.forgive_records(headers.iter().filter(|hash| !of_current.contains(hash)));

        let held = self.link.as_ref().map(|link| link.held.clone()).unwrap_or_default();
        let on_disk = self.on_disk();
        for epoch in held.iter().filter(|_| self.may_hold) {
            let of_it = self.account.of_epoch(epoch);
            self.account.forgive_records(of_it.iter().filter(|hash| on_disk.contains(hash)));
        }
    }
}
