//! Decides when a record is sealed, under which epoch, and what a restart means for the counters.

use super::aside::Aside;
use super::marker::{Judgement, Marker};
use super::meter::{Meter, Open};
use super::spool::{Epoch, Error, Findings, Limits, Spool, Tail};
use super::{Positions, reading};
use crate::clock::Now;
use crate::southbound::{Counter, Measured};
use crate::store::disk::Disk;
use std::collections::BTreeSet;
use uuid::Uuid;
use weir_protocol::control::Severity;
use weir_protocol::usage::{Record, SealReason};

/// Above this fill (thousandths) records grow three times longer.
const WIDEN: u64 = 700;
/// Above this fill records grow twelve times longer.
const WIDEN_MORE: u64 = 850;
/// Above this fill only boundaries and the orderly stop are sealed.
const RESERVE: u64 = 970;
/// Above this fill there are no checkpoints.
const NO_CHECKPOINTS: u64 = 950;
/// A clock that goes forward by more than time passed was behind and is put right.
const CLOCK_FORWARD_MS: u64 = 120_000;
/// A clock that goes back by more was ahead and is put right; by less, records wait until it is where it was.
const CLOCK_BACK_MS: u64 = 3_600_000;
/// Failed writes in a row whose traces are told from a rollback.
const ENDS: usize = 64;

/// Something people should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// A stable name.
    pub kind: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// One plain sentence.
    pub text: String,
}

/// The meter, its log, and the rules between them.
#[derive(Debug)]
pub struct Journal<D> {
    spool: Spool<D>,
    run: D,
    meter: Meter,
    aside: Aside,
    boot: Uuid,
    fresh_epoch: fn() -> Epoch,
    start_ms: u64,
    sealed_mono_ms: u64,
    /// The clocks as they were looked at last.
    seen: Now,
    /// The log has this boot for sure.
    boot_in_log: bool,
    cuts: Vec<u64>,
    /// The first sweep is the baseline, and a new epoch begins with it: what was recorded before is not known.
    seed: bool,
    full_told: bool,
    /// The tally records are part of.
    tally: Vec<u8>,
    /// The log no longer holds all that was sealed.
    broken: bool,
    announced: Vec<Tail>,
    notices: Vec<Notice>,
}

impl<D: Disk> Journal<D> {
    /// Opens the log in `disk` and goes on from it. `run` is storage that does not outlive the boot.
    pub fn start(
        disk: D,
        run: D,
        limits: Limits,
        boot: Uuid,
        now: Now,
        fresh_epoch: fn() -> Epoch,
    ) -> Result<Self, Error> {
        let (spool, findings) = Spool::open(disk, limits, boot)?;
        let boot_in_log = findings.any && spool.boot() == boot;
        let mut journal = Self {
            spool,
            run,
            meter: Meter::default(),
            aside: Aside::default(),
            boot,
            fresh_epoch,
            start_ms: now.wall_ms,
            sealed_mono_ms: now.mono_ms,
            seen: now,
            boot_in_log,
            cuts: Vec::new(),
            seed: false,
            full_told: false,
            tally: Vec::new(),
            broken: false,
            announced: Vec::new(),
            notices: Vec::new(),
        };
        journal.resume(findings, now);
        Ok(journal)
    }

    fn resume(&mut self, findings: Findings, now: Now) {
        if findings.damaged > 0 {
            let text = format!("{} segments of the usage log are damaged", findings.damaged);
            self.tell("spool-damaged", Severity::Critical, text);
        }
        let marker = Marker::load(&self.run).filter(|marker| marker.is_of(self.boot));
        if findings.any {
            let seen = marker.as_ref().map(Marker::recorded).unwrap_or_default();
            let had_boot = marker.as_ref().is_some_and(Marker::boot_in_log);
            match marker.as_ref().map_or(Judgement::Sound, |marker| marker.judge(self.boot, self.spool.tail())) {
                Judgement::RolledBack(seen) => self.take_rollback(&seen),
                // It ends as announced, and has seen another boot since.
                Judgement::Sound if self.spool.boot() != self.boot && had_boot && !seen.is_empty() => {
                    self.take_rollback(&seen)
                }
                Judgement::Sound => {
                    let recovered = self.recover(findings.checkpoint);
                    self.enter_boot();
                    if recovered {
                        // From here on a disk that is lost or put back is noticed, whether anything is sealed by then or not.
                        self.settle(&self.spool.positions().clone());
                    }
                }
            }
        } else {
            let seen = marker.map(|marker| marker.recorded());
            if seen.is_some() || findings.damaged > 0 {
                self.tell(
                    "spool-lost",
                    Severity::Critical,
                    "the usage log is gone; records not yet sent are lost".into(),
                );
                self.broken = true;
            }
            match seen {
                Some(seen) => self.new_epoch(&seen),
                None => self.seed = true,
            }
        }
        let end_ms = self.spool.tail().end_ms;
        if end_ms > 0 && end_ms < now.wall_ms {
            self.start_ms = end_ms;
        }
        self.meter = Meter::new(self.spool.positions());
    }

    fn enter_boot(&mut self) {
        if self.spool.boot() != self.boot {
            let written = self.spool.open_boot(self.boot);
            self.boot_in_log = written.is_ok();
            self.complain(written);
        }
    }

    fn take_rollback(&mut self, seen: &Positions) {
        let text = "the usage log is older than the counters: the disk was put back in time".to_owned();
        self.tell("spool-rolled-back", Severity::Critical, text);
        self.broken = true;
        if self.spool.boot() != self.boot {
            // It may as well be newer than the memory, and hold what the counters count again.
            self.seed = true;
            return;
        }
        let mut positions = self.spool.positions().clone();
        for (key, reading) in seen {
            let held = positions.entry(*key).or_default();
            *held = held.max(reading);
        }
        self.replace_epoch(&positions);
    }

    /// Seals what a checkpoint kept; whether that is so, or there was none.
    fn recover(&mut self, checkpoint: Option<(Record, Positions)>) -> bool {
        let Some((mut record, positions)) = checkpoint else { return true };
        record.set_seal_reason(SealReason::Recovered);
        let written = self.write(record, positions);
        let recovered = written.is_ok();
        self.complain(written);
        recovered
    }

    /// Sets the instants no record may straddle, and begins the open record at the last one passed if nothing
    /// was measured since before it.
    pub fn set_cuts(&mut self, mut at_ms: Vec<u64>, now: Now) {
        at_ms.sort_unstable();
        self.cuts = at_ms;
        if self.meter.open().lines.is_empty() {
            let passed = self.cuts.iter().rev().find(|cut| **cut <= now.wall_ms);
            self.start_ms = self.start_ms.max(passed.copied().unwrap_or(0));
        }
    }

    /// Where the open record begins, Unix milliseconds.
    pub fn start_ms(&self) -> u64 {
        self.start_ms
    }

    /// The next instant a sweep must be taken at, Unix milliseconds.
    pub fn next_cut(&self) -> Option<u64> {
        self.cuts.iter().copied().find(|cut| *cut > self.start_ms)
    }

    /// Takes a sweep in, and seals at a cut point if one has come.
    pub fn observe(&mut self, sweep: &[Counter], now: Now) -> Result<(), Error> {
        self.put_right(now);
        // A boundary that could not be sealed yet: newer traffic stays in the kernel's counters meanwhile.
        self.seal_passed_cuts(now, true)?;
        if std::mem::take(&mut self.seed) {
            let positions = sweep.iter().map(reading).collect();
            self.replace_epoch(&positions);
            self.meter.rebase(&positions);
        }
        let regressed = self.meter.regressed(sweep);
        if !regressed.is_empty() {
            self.seal(now, now.wall_ms, SealReason::Interval)?;
            let handles: Vec<String> = regressed.keys().map(|key| key.handle.to_string()).collect();
            let text = format!("counters of lines {} ran backwards; that step is not billed", handles.join(", "));
            self.tell("counter-regression", Severity::Warning, text);
            self.new_epoch(&regressed);
            self.meter.rebase(&regressed);
        }
        self.meter.observe(sweep);
        self.seal_passed_cuts(now, false)
    }

    /// Takes in what was measured beside the counters; it goes with the records of the lines it is about.
    pub fn set_aside(&mut self, measured: &Measured) {
        self.aside.take(measured);
    }

    fn seal_passed_cuts(&mut self, now: Now, only_overdue: bool) -> Result<(), Error> {
        if only_overdue && self.meter.open().lines.is_empty() {
            return Ok(());
        }
        while let Some(cut) = self.next_cut().filter(|cut| *cut <= now.wall_ms) {
            if only_overdue && !self.full_told {
                return Ok(());
            }
            self.seal(now, cut, SealReason::Boundary)?;
        }
        Ok(())
    }

    /// Whether the open record has lasted `interval_ms` (longer while the log fills up).
    pub fn due(&self, now: Now, interval_ms: u64) -> bool {
        let fill = self.spool.fill_permille();
        let widening = if fill >= WIDEN_MORE {
            12
        } else if fill >= WIDEN {
            3
        } else {
            1
        };
        now.mono_ms.saturating_sub(self.sealed_mono_ms) >= interval_ms.saturating_mul(widening)
    }

    /// Seals the open record up to `end_ms` or a cut point before it; nothing is written if no line moved.
    pub fn seal(&mut self, now: Now, end_ms: u64, reason: SealReason) -> Result<(), Error> {
        self.put_right(now);
        self.sealed_mono_ms = now.mono_ms;
        let open = self.meter.open();
        let end_ms = self.within(end_ms);
        if !open.lines.is_empty() {
            if reason == SealReason::Interval && self.spool.fill_permille() >= RESERVE {
                return self.refuse(Error::Full);
            }
            let record = self.record(&open, end_ms, reason);
            if let Err(error) = self.write(record, open.positions.clone()) {
                return self.refuse(error);
            }
            self.meter.seal(&open.positions);
            self.aside.sealed(&open.lines);
        }
        self.full_told = false;
        self.start_ms = end_ms;
        Ok(())
    }

    /// Where the open record ends if it ends by then: what was seen of it was moved before the next cut point.
    fn within(&self, end_ms: u64) -> u64 {
        self.next_cut().map_or(end_ms, |cut| end_ms.min(cut)).max(self.start_ms)
    }

    /// A clock that was ahead would leave every later record where nobody believes it: what is open began when the
    /// monotonic clock says, and the cut points since are due again. What was measured by a clock that was behind is as much
    /// later.
    fn put_right(&mut self, now: Now) {
        let seen = std::mem::replace(&mut self.seen, now);
        let (shown, passed) = (now.wall_ms.saturating_sub(seen.wall_ms), now.mono_ms.saturating_sub(seen.mono_ms));
        if shown > passed.saturating_add(CLOCK_FORWARD_MS) {
            self.start_ms = (self.start_ms + (shown - passed)).min(now.wall_ms);
        }
        if self.start_ms > now.wall_ms.saturating_add(CLOCK_BACK_MS) {
            self.start_ms = now.wall_ms.saturating_sub(now.mono_ms.saturating_sub(self.sealed_mono_ms));
        }
    }

    /// Goes by a clock that was put right by somebody who knows, however little it went back: the open record began when the
    /// monotonic clock says.
    pub fn follow_clock(&mut self, now: Now) {
        self.put_right(now);
        if self.start_ms > now.wall_ms {
            self.start_ms = now.wall_ms.saturating_sub(now.mono_ms.saturating_sub(self.sealed_mono_ms));
        }
    }

    /// Makes the open record safe against a power cut.
    pub fn checkpoint(&mut self, now: Now) -> Result<(), Error> {
        let open = self.meter.open();
        if open.lines.is_empty() || self.spool.fill_permille() >= NO_CHECKPOINTS {
            return Ok(());
        }
        let record = self.record(&open, self.within(now.wall_ms), SealReason::Recovered);
        self.spool.checkpoint(record, &open.positions)
    }

    /// Opens a new epoch for what is sealed from here on; the old one's records stay, and so does the open
    /// record: if the log was put back in time, that is where bytes may overlap with what the cloud has.
    pub fn fork(&mut self, now: Now) {
        let open = self.meter.open().positions;
        let held = self.seal(now, now.wall_ms, SealReason::Boundary);
        self.broken = true;
        self.new_epoch(&open);
        if held.is_err() {
            self.tell("usage-dropped", Severity::Critical, "usage of a forked log could not be kept".into());
            self.meter.seal(&open);
        }
    }

    /// Handles known to the meter, not wanted any more, with nothing left to seal.
    pub fn forgettable(&self, wanted: &BTreeSet<u32>) -> BTreeSet<u32> {
        let open: BTreeSet<u32> = self.meter.open().lines.iter().map(|line| line.handle).collect();
        let known = self.meter.handles();
        known.filter(|handle| !wanted.contains(handle) && !open.contains(handle)).collect()
    }

    /// Forgets lines the kernel has forgotten.
    pub fn forget(&mut self, handles: &BTreeSet<u32>) {
        self.meter.forget(handles);
        self.spool.forget(|handle| handles.contains(&handle));
    }

    /// What a record sealed now would hold.
    pub fn open(&self) -> Open {
        self.meter.open()
    }

    /// The tally the records from here on are part of.
    pub fn set_tally(&mut self, tally: [u8; 8]) {
        self.tally = tally.to_vec();
    }

    /// Whether, since the last call, the log stopped holding all that was sealed.
    pub fn take_break(&mut self) -> bool {
        std::mem::take(&mut self.broken)
    }

    /// The log.
    pub fn spool(&self) -> &Spool<D> {
        &self.spool
    }

    /// Deletes what the cloud will never ask for again.
    pub fn trim(&mut self, epoch: &Epoch, seq: u64) -> Result<(), Error> {
        self.spool.trim(epoch, seq)
    }

    /// Forgets what the cloud said may be deleted and is not yet: it may have been put back to before that.
    pub fn ask_anew(&mut self) {
        self.spool.ask_anew();
    }

    /// What happened since the last call.
    pub fn take_notices(&mut self) -> Vec<Notice> {
        std::mem::take(&mut self.notices)
    }

    fn record(&self, open: &Open, end_ms: u64, reason: SealReason) -> Record {
        let boot_id = self.boot.as_bytes().to_vec();
        let tally = self.tally.clone();
        let mut record = Record { boot_id, start_ms: self.start_ms, end_ms, tally, ..Record::default() };
        record.set_seal_reason(reason);
        record.set_lines(&self.aside.beside(&open.lines));
        record
    }

    fn write(&mut self, record: Record, positions: Positions) -> Result<(), Error> {
        let mut after = Positions::new();
        // What is recovered of an earlier boot says nothing of this one's counters.
        if self.spool.boot() == self.boot {
            after.clone_from(self.spool.positions());
            after.extend(&positions);
        }
        let prepared = self.spool.prepare(record, positions);
        self.expect_end_of_now();
        self.announce(&prepared.after, &after);
        self.spool.seal(prepared)?;
        self.settle(&after);
        Ok(())
    }

    fn new_epoch(&mut self, positions: &Positions) {
        self.expect_end_of_now();
        self.replace_epoch(positions);
    }

    /// The same where the log must not be gone on with if it still ends as it does now.
    fn replace_epoch(&mut self, positions: &Positions) {
        let epoch = (self.fresh_epoch)();
        let mut known = self.spool.positions().clone();
        known.extend(positions);
        let after = Tail { epoch, next_seq: 1, hash: weir_protocol::hash::GENESIS, end_ms: 0 };
        self.announce(&after, &known);
        self.enter_boot();
        let written = self.spool.open_epoch(epoch, positions);
        if written.is_ok() {
            self.boot_in_log |= self.spool.boot() == self.boot;
            self.settle(&known);
        }
        self.complain(written);
    }

    /// A write that never comes leaves the log as it is, and one reported as failed may be on the disk all the same.
    fn expect_end_of_now(&mut self) {
        let tail = *self.spool.tail();
        if self.announced.first() != Some(&tail) || self.announced.len() >= ENDS {
            self.announced = vec![tail];
        }
    }

    fn announce(&mut self, after: &Tail, positions: &Positions) {
        self.announced.push(*after);
        self.mark(positions);
    }

    /// What was announced is written: from here on a log without it was put back.
    fn settle(&mut self, positions: &Positions) {
        self.announced = vec![*self.spool.tail()];
        self.mark(positions);
    }

    fn mark(&mut self, positions: &Positions) {
        let marker = Marker::announce(self.boot, self.boot_in_log, &self.announced, positions);
        if let Err(error) = marker.save(&mut self.run) {
            tracing::warn!(%error, "the usage intent marker could not be written");
        }
    }

    fn refuse(&mut self, error: Error) -> Result<(), Error> {
        if !std::mem::replace(&mut self.full_told, true) {
            let text = format!("usage cannot be written ({error}); counters keep counting");
            self.tell("spool-full", Severity::Critical, text);
        }
        Err(error)
    }

    fn complain(&mut self, written: Result<(), Error>) {
        if let Err(error) = written {
            self.tell("spool-failing", Severity::Critical, format!("the usage log cannot be written: {error}"));
        }
    }

    fn tell(&mut self, kind: &'static str, severity: Severity, text: String) {
        self.notices.push(Notice { kind, severity, text });
    }
}
