//! The journal against crashes at every write, full and failing disks, reboots and disks put back in time.
//!
//! A [`World`] feeds traffic, and a cloud takes every record held as soon as it is on disk. The claim: what the
//! cloud adds up to is what was fed, never more; after a power cut, less by at most what no write had covered.

use super::journal::Journal;
use super::spool::{Epoch, Error, Limits};
use crate::clock::{self, Now};
use crate::southbound::{Counter, Total};
use crate::store::disk::Disk;
use crate::store::sim::Sim;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;
use weir_protocol::hash;
use weir_protocol::usage::{Record, SealReason};

#[path = "../../../tests/faults.rs"]
mod faults;

const LIMITS: Limits = Limits { segment: 1200, quota: 1 << 20 };

struct World {
    disk: Sim,
    run: Sim,
    journal: Option<Journal<Sim>>,
    limits: Limits,
    boot: u128,
    now: Now,
    counters: BTreeMap<u32, u64>,
    fed: u64,
    lost: u64,
    applied: BTreeMap<(Vec<u8>, u64), Record>,
}

impl World {
    fn new(limits: Limits) -> Self {
        let mut world = Self {
            disk: Sim::default(),
            run: Sim::default(),
            journal: None,
            limits,
            boot: 1,
            now: Now { wall_ms: 1_000_000, mono_ms: 1_000 },
            counters: BTreeMap::new(),
            fed: 0,
            lost: 0,
            applied: BTreeMap::new(),
        };
        world.start();
        world.sweep();
        world
    }

    fn start(&mut self) {
        let boot = Uuid::from_u128(self.boot);
        let fresh: fn() -> Epoch = clock::random::<8>;
        let started = Journal::start(self.disk.clone(), self.run.clone(), self.limits, boot, self.now, fresh);
        self.journal = started.ok();
        self.deliver();
    }

    fn feed(&mut self, handle: u32, bytes: u64) {
        *self.counters.entry(handle).or_default() += bytes;
        self.fed += bytes;
        self.now.wall_ms += 100;
        self.now.mono_ms += 100;
    }

    fn counters(&self) -> Vec<Counter> {
        let counter = |(handle, bytes): (&u32, &u64)| Counter {
            handle: *handle,
            generation: Uuid::from_u128(self.boot),
            base_down: Total::default(),
            base_up: Total::default(),
            down: Total { bytes: *bytes, packets: *bytes },
            up: Total::default(),
        };
        self.counters.iter().map(counter).collect()
    }

    fn sweep(&mut self) {
        let (counters, now) = (self.counters(), self.now);
        if let Some(journal) = &mut self.journal {
            let _ = journal.observe(&counters, now);
        }
        self.deliver();
    }

    fn seal(&mut self, reason: SealReason) {
        let now = self.now;
        if let Some(journal) = &mut self.journal {
            let _ = journal.seal(now, now.wall_ms, reason);
        }
        self.deliver();
    }

    fn checkpoint(&mut self) {
        let now = self.now;
        if let Some(journal) = &mut self.journal {
            let _ = journal.checkpoint(now);
        }
    }

    /// The cloud applies every record held, exactly once, and checks the chain.
    fn deliver(&mut self) {
        let Some(journal) = &self.journal else { return };
        for held in journal.spool().epochs() {
            let epoch = Epoch::try_from(held.epoch.as_slice()).unwrap();
            for seq in held.first_seq..=held.last_seq {
                let bytes = match journal.spool().read(&epoch, seq) {
                    Ok(bytes) => bytes,
                    Err(Error::Damaged(_)) => continue,
                    Err(error) => panic!("{error}"),
                };
                let record = prost::Message::decode(bytes.as_slice()).unwrap();
                let before = self.applied.insert((held.epoch.clone(), seq), Record::clone(&record));
                assert!(before.is_none_or(|before| before == record), "a record changed after it was sent");
                assert_eq!(journal.spool().hash_of(&epoch, seq), Some(hash::usage_record(&bytes)));
            }
        }
    }

    fn billed(&self) -> u64 {
        self.applied.values().flat_map(|record| record.lines().unwrap()).map(|line| line.down_bytes).sum()
    }

    /// Asserts that everything is billed, whatever happened; the row is that of the fault matrix.
    fn exact(&self, row: u8, what: &str) {
        faults::note(row, self.fed, self.billed());
        assert_eq!(self.billed(), self.fed, "{what}");
    }

    fn trim(&mut self, keep: u64) {
        let Some(journal) = &mut self.journal else { return };
        for held in journal.spool().epochs() {
            let epoch = Epoch::try_from(held.epoch.as_slice()).unwrap();
            let _ = journal.trim(&epoch, held.last_seq.saturating_sub(keep));
        }
    }

    fn kill_and_restart(&mut self) {
        self.journal = None;
        self.disk.revive();
        self.start();
    }

    fn cut_power(&mut self, seed: u64) {
        self.journal = None;
        self.disk.cut_power(seed);
        self.run = Sim::default();
        self.boot += 1;
        self.counters.clear();
        self.start();
        self.lost = self.fed - self.billed();
        self.sweep();
    }

    fn settle(&mut self) {
        self.disk.revive();
        if self.journal.is_none() {
            self.start();
        }
        self.sweep();
        self.seal(SealReason::Shutdown);
    }
}

/// A little of everything.
fn story(world: &mut World) {
    for step in 0..24u64 {
        world.feed((step % 3) as u32 + 1, 1000 + step);
        world.sweep();
        match step % 6 {
            1 | 4 => world.seal(SealReason::Interval),
            2 => world.checkpoint(),
            5 => world.trim(2),
            _ => {}
        }
    }
}

#[test]
fn a_crash_at_any_write_loses_nothing_and_bills_nothing_twice() {
    let mut world = World::new(LIMITS);
    let before = world.disk.operations();
    story(&mut world);
    let writes = world.disk.operations() - before;
    assert!(writes >= 20, "{writes} writes");
    for n in 0..writes {
        let mut world = World::new(LIMITS);
        world.disk.die_after(n);
        story(&mut world);
        world.kill_and_restart();
        story(&mut world);
        world.settle();
        world.exact(1, &format!("killed at write {n}"));
    }
}

#[test]
fn a_power_cut_at_any_write_keeps_every_acknowledged_record() {
    let mut world = World::new(LIMITS);
    let before = world.disk.operations();
    story(&mut world);
    let writes = world.disk.operations() - before;
    for n in 0..writes {
        for seed in [0, 1, 7, 1000] {
            let mut world = World::new(LIMITS);
            world.disk.die_after(n);
            story(&mut world);
            let acknowledged = world.billed();
            world.cut_power(seed);
            assert!(world.billed() >= acknowledged && world.billed() <= world.fed, "write {n} seed {seed}");
            story(&mut world);
            world.settle();
            faults::note(4, world.fed, world.billed());
            assert_eq!(world.billed() + world.lost, world.fed, "write {n} seed {seed}");
        }
    }
}

#[test]
fn a_write_that_fails_once_is_made_up_for() {
    let mut world = World::new(LIMITS);
    let before = world.disk.operations();
    story(&mut world);
    world.settle();
    for n in 0..world.disk.operations() - before {
        let mut world = World::new(LIMITS);
        world.disk.fail_once_after(n);
        story(&mut world);
        world.settle();
        world.exact(9, &format!("failed at write {n}"));
        world.kill_and_restart();
        world.settle();
        world.exact(9, &format!("failed at write {n}, then restarted"));
    }
}

#[test]
fn a_boot_that_could_not_be_written_is_no_disk_put_back() {
    for n in 0..8 {
        let mut world = World::new(LIMITS);
        story(&mut world);
        world.seal(SealReason::Interval);
        // A reboot, and then the disk takes nothing any more.
        (world.journal, world.run, world.boot) = (None, Sim::default(), world.boot + 1);
        world.counters.clear();
        world.disk.die_after(n);
        world.start();
        world.feed(1, 500);
        world.sweep();
        world.seal(SealReason::Shutdown);
        world.kill_and_restart();
        story(&mut world);
        world.settle();
        world.exact(9, &format!("no write after {n}"));
    }
}

#[test]
fn a_reboot_seals_the_newest_checkpoint() {
    let mut world = World::new(LIMITS);
    world.feed(1, 500);
    world.sweep();
    world.checkpoint();
    world.feed(1, 70);
    world.sweep();
    world.cut_power(0);
    faults::note(5, world.fed, world.billed());
    assert_eq!((world.billed(), world.lost), (500, 70));
    let record = world.applied.values().next().unwrap();
    assert_eq!(record.seal_reason(), SealReason::Recovered);
    assert_eq!(record.boot_id, Uuid::from_u128(1).as_bytes());
}

#[test]
fn what_is_open_takes_its_room_once() {
    let mut world = World::new(Limits { segment: 1200, quota: 8000 });
    for _ in 0..500 {
        world.feed(1, 100);
        world.sweep();
        world.checkpoint();
    }
    let bytes: u64 = world.disk.list().unwrap().iter().map(|name| world.disk.length(name).unwrap()).sum();
    let fill = world.journal.as_ref().unwrap().spool().fill_permille();
    assert!(bytes < 2000 && fill < 125, "{bytes} bytes and {fill} thousandths for one open record");
    world.cut_power(0);
    assert_eq!((world.billed(), world.lost), (50_000, 0));
}

#[test]
fn no_record_straddles_a_cut_point_no_sweep_was_taken_at() {
    let ends: [fn(&mut World); 3] = [
        |world| world.seal(SealReason::Shutdown),
        |world| {
            world.checkpoint();
            world.cut_power(0);
        },
        |world| {
            world.counters.insert(1, 0);
            world.sweep();
            world.settle();
        },
    ];
    for end in ends {
        let mut world = World::new(LIMITS);
        let cut = world.now.wall_ms + 150;
        world.journal.as_mut().unwrap().set_cuts(vec![cut], world.now);
        world.feed(1, 100);
        world.sweep();
        world.now.wall_ms += 1_000;
        end(&mut world);
        assert_eq!(world.billed(), 100);
        let record = world.applied.values().next().unwrap();
        assert!(record.end_ms <= cut, "{record:?}");
    }
}

#[test]
fn a_disk_put_back_in_time_never_bills_twice() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.seal(SealReason::Interval);
    let old = world.disk.image();
    story(&mut world);
    world.seal(SealReason::Interval);
    let billed = world.billed();
    assert_eq!(billed, world.fed);
    world.disk = old;
    world.kill_and_restart();
    let kinds: Vec<_> = world.journal.as_mut().unwrap().take_notices().iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, ["spool-rolled-back"]);
    story(&mut world);
    world.settle();
    world.exact(13, "in the end");
}

#[test]
fn after_a_fork_nothing_that_may_overlap_is_in_the_new_epoch() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.seal(SealReason::Interval);
    let old = world.disk.image();
    story(&mut world);
    world.seal(SealReason::Interval);
    assert_eq!(world.billed(), world.fed);
    (world.disk, world.run) = (old, Sim::default());
    world.kill_and_restart();
    let (now, fed) = (world.now, world.fed);
    let mut journal = world.journal.take().unwrap();
    journal.observe(&world.counters(), now).unwrap();
    journal.fork(now);
    let held = journal.spool().epochs();
    let epoch = Epoch::try_from(held.last().unwrap().epoch.as_slice()).unwrap();
    world.feed(2, 777);
    journal.observe(&world.counters(), world.now).unwrap();
    journal.seal(world.now, world.now.wall_ms, SealReason::Interval).unwrap();
    let bytes = journal.spool().read(&epoch, 1).unwrap();
    let record: Record = prost::Message::decode(bytes.as_slice()).unwrap();
    let volume: u64 = record.lines().unwrap().iter().map(|line| line.down_bytes).sum();
    assert_eq!((volume, world.fed), (777, fed + 777));
}

#[test]
fn a_lost_log_goes_on_from_the_marker() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.seal(SealReason::Interval);
    world.disk = Sim::default();
    world.kill_and_restart();
    story(&mut world);
    world.settle();
    world.exact(11, "in the end");
}

#[test]
fn without_log_and_marker_the_first_sweep_is_the_baseline() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.seal(SealReason::Interval);
    (world.disk, world.run) = (Sim::default(), Sim::default());
    world.kill_and_restart();
    world.sweep();
    world.feed(1, 11);
    world.settle();
    world.exact(12, "in the end");
}

#[test]
fn the_baseline_of_a_new_log_outlives_a_crash_before_anything_is_sealed() {
    for n in 0..8 {
        let mut world = World::new(LIMITS);
        story(&mut world);
        world.seal(SealReason::Interval);
        (world.disk, world.run) = (Sim::default(), Sim::default());
        world.disk.die_after(n);
        world.start();
        world.sweep();
        world.kill_and_restart();
        world.sweep();
        world.feed(1, 11);
        world.settle();
        assert_eq!(world.billed(), world.fed, "killed at write {n}");
    }
}

#[test]
fn a_disk_put_back_is_noticed_again_after_a_crash() {
    for n in 0..8 {
        let mut world = World::new(LIMITS);
        story(&mut world);
        let old = world.disk.image();
        story(&mut world);
        world.seal(SealReason::Interval);
        world.disk = old;
        world.disk.die_after(n);
        world.start();
        world.kill_and_restart();
        story(&mut world);
        world.settle();
        assert_eq!(world.billed(), world.fed, "killed at write {n}");
    }
}

#[test]
fn a_disk_put_back_by_one_record_is_noticed() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.seal(SealReason::Interval);
    let old = world.disk.image();
    world.feed(1, 70);
    world.sweep();
    world.seal(SealReason::Interval);
    world.disk = old;
    world.kill_and_restart();
    world.feed(1, 30);
    world.settle();
    assert_eq!(world.billed(), world.fed);
}

#[test]
fn a_disk_lost_before_anything_is_sealed_in_a_boot_loses_nothing() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.cut_power(0);
    world.feed(1, 50);
    world.sweep();
    world.disk = Sim::default();
    world.kill_and_restart();
    world.settle();
    assert_eq!(world.billed() + world.lost, world.fed);
}

#[test]
fn memory_put_back_under_a_newer_log_bills_nothing_twice() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.seal(SealReason::Interval);
    world.feed(1, 40);
    world.sweep();
    let (run, counters, boot) = (world.run.image(), world.counters.clone(), world.boot);
    world.feed(1, 500);
    world.sweep();
    world.seal(SealReason::Interval);
    world.cut_power(0);
    world.feed(1, 60);
    world.settle();
    (world.run, world.counters, world.boot) = (run, counters, boot);
    world.kill_and_restart();
    world.sweep();
    world.feed(1, 9);
    world.settle();
    assert_eq!(world.billed() + world.lost, world.fed);
}

#[test]
fn memory_put_back_under_a_log_that_saw_another_boot_bills_nothing_twice() {
    let mut world = World::new(LIMITS);
    story(&mut world);
    world.seal(SealReason::Interval);
    let (run, counters, boot) = (world.run.image(), world.counters.clone(), world.boot);
    world.cut_power(0);
    (world.run, world.counters, world.boot) = (run, counters, boot);
    world.kill_and_restart();
    world.sweep();
    world.feed(1, 9);
    world.settle();
    assert_eq!(world.billed(), world.fed);
}

#[test]
fn a_checkpoint_after_a_failed_write_is_as_good_as_any() {
    for n in 0..4 {
        for seed in 0..16 {
            let mut world = World::new(LIMITS);
            world.feed(1, 500);
            world.sweep();
            world.disk.fail_once_after(n);
            world.seal(SealReason::Interval);
            world.feed(1, 70);
            world.sweep();
            world.disk.revive();
            world.checkpoint();
            world.cut_power(seed);
            assert_eq!((world.billed(), world.lost), (570, 0), "failed at write {n}, seed {seed}");
        }
    }
}

#[test]
fn what_a_cloud_that_was_put_back_lacks_is_not_deleted() {
    let seals = |world: &mut World, count: u64| {
        for _ in 0..count {
            world.feed(1, 100);
            world.sweep();
            world.seal(SealReason::Interval);
        }
    };
    let first = |world: &World| world.journal.as_ref().unwrap().spool().epochs().last().unwrap().first_seq;
    for count in 2..16 {
        let mut world = World::new(LIMITS);
        seals(&mut world, count);
        let epoch = world.journal.as_ref().unwrap().spool().tail().epoch;
        // It had all of them, some in the file that is still written to; now it has one.
        world.trim(0);
        let kept = first(&world);
        world.journal.as_mut().unwrap().ask_anew();
        seals(&mut world, 20);
        world.journal.as_mut().unwrap().trim(&epoch, 1).unwrap();
        assert_eq!(first(&world), kept, "{count} records");
    }
}

#[test]
fn a_start_that_fails_to_write_what_was_open_is_no_rollback() {
    for n in 0..6 {
        let mut world = World::new(LIMITS);
        world.feed(1, 500);
        world.sweep();
        world.checkpoint();
        world.feed(1, 70);
        world.journal = None;
        world.disk.fail_once_after(n);
        world.start();
        world.kill_and_restart();
        let notices = world.journal.as_mut().unwrap().take_notices();
        assert!(notices.iter().all(|notice| notice.kind != "spool-rolled-back"), "failed at write {n}: {notices:?}");
        world.settle();
        assert_eq!(world.billed(), world.fed, "failed at write {n}");
    }
}

#[test]
fn a_full_log_keeps_usage_in_the_kernel_and_recovers() {
    let mut world = World::new(Limits { segment: 700, quota: 4000 });
    for _ in 0..80 {
        world.feed(1, 100);
        world.sweep();
        world.seal(SealReason::Interval);
    }
    let journal = world.journal.as_mut().unwrap();
    assert!(journal.spool().fill_permille() >= 900);
    assert!(journal.take_notices().iter().any(|notice| notice.kind == "spool-full"));
    world.trim(0);
    world.settle();
    world.exact(8, "in the end");
}

#[test]
fn no_record_straddles_a_cut_point() {
    let mut world = World::new(LIMITS);
    let cuts: Vec<u64> = (1..8).map(|n| 1_000_000 + n * 730).collect();
    let now = world.now;
    world.journal.as_mut().unwrap().set_cuts(cuts.clone(), now);
    story(&mut world);
    story(&mut world);
    world.settle();
    world.exact(37, "in the end");
    for record in world.applied.values() {
        assert!(!cuts.iter().any(|cut| record.start_ms < *cut && *cut < record.end_ms), "{record:?}");
    }
    let boundaries = world.applied.values().filter(|record| record.seal_reason() == SealReason::Boundary);
    assert!(boundaries.clone().count() > 3);
    assert!(boundaries.into_iter().all(|record| cuts.contains(&record.end_ms)));
}

#[test]
fn a_clock_that_was_ahead_does_not_hold_what_comes_after_it_is_put_right() {
    const MONTH_MS: u64 = 30 * 24 * 3_600_000;
    let mut world = World::new(LIMITS);
    let right = world.now.wall_ms;
    world.now.wall_ms += MONTH_MS;
    world.feed(1, 100);
    world.sweep();
    world.seal(SealReason::Interval);
    assert!(world.applied.values().any(|record| record.end_ms > right + MONTH_MS));

    world.now.wall_ms -= MONTH_MS;
    let cut = world.now.wall_ms + 5_000;
    world.journal.as_mut().unwrap().set_cuts(vec![right - 1, cut], world.now);
    let before = world.applied.len();
    for _ in 0..100 {
        world.feed(1, 10);
        world.sweep();
    }
    world.seal(SealReason::Interval);
    let later: Vec<_> = world.applied.values().skip(before).collect();
    assert!(later.len() >= 2, "{later:?}");
    for record in later {
        assert!(record.start_ms <= record.end_ms && record.end_ms <= world.now.wall_ms, "{record:?}");
        assert!(record.start_ms >= right && !(record.start_ms < cut && cut < record.end_ms), "{record:?}");
    }
    world.exact(36, "in the end");
}

#[test]
fn what_a_clock_that_was_behind_measured_is_dated_when_it_is_put_right() {
    const YEAR_MS: u64 = 365 * 24 * 3_600_000;
    let mut world = World::new(LIMITS);
    let right = world.now.wall_ms + YEAR_MS;
    world.journal.as_mut().unwrap().set_cuts(vec![right - 1], world.now);
    world.feed(1, 100);
    world.sweep();
    world.now.wall_ms += YEAR_MS;
    world.feed(1, 10);
    world.sweep();
    world.seal(SealReason::Interval);
    for record in world.applied.values() {
        assert!(record.start_ms >= right - 1 && record.end_ms <= world.now.wall_ms, "{record:?}");
    }
    world.exact(36, "in the end");
}

#[test]
fn a_clock_set_back_a_little_leaves_no_overlap() {
    let mut world = World::new(LIMITS);
    world.feed(1, 100);
    world.sweep();
    world.seal(SealReason::Interval);
    let end = world.applied.values().next_back().unwrap().end_ms;
    world.now.wall_ms -= 60_000;
    world.feed(1, 100);
    world.sweep();
    world.seal(SealReason::Interval);
    assert_eq!(world.applied.values().next_back().unwrap().start_ms, end);
}

#[test]
fn a_counter_running_backwards_opens_a_new_epoch() {
    let mut world = World::new(LIMITS);
    world.feed(1, 900);
    world.feed(2, 100);
    world.sweep();
    world.counters.insert(1, 300);
    world.sweep();
    world.feed(1, 40);
    world.settle();
    world.exact(6, "in the end");
    let epochs: BTreeSet<_> = world.applied.keys().map(|(epoch, _)| epoch.clone()).collect();
    assert_eq!(epochs.len(), 2);
    let kinds: Vec<_> = world.journal.as_mut().unwrap().take_notices().iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, ["counter-regression"]);
}

#[test]
fn a_flipped_bit_never_panics_and_never_adds_volume() {
    let limits = Limits { segment: 400, quota: 4000 };
    let mut world = World::new(limits);
    for _ in 0..6 {
        world.feed(1, 1000);
        world.sweep();
        world.seal(SealReason::Interval);
    }
    world.feed(2, 50);
    world.sweep();
    world.checkpoint();
    let names: Vec<String> = world.disk.list().unwrap();
    assert!(names.len() >= 3);
    for name in names {
        for bit in 0..world.disk.length(&name).unwrap() as usize * 8 {
            let mut bad = World::new(limits);
            bad.disk = world.disk.image();
            bad.disk.flip(&name, bit);
            (bad.run, bad.boot) = (Sim::default(), 2);
            bad.start();
            assert!(bad.journal.is_some(), "{name} bit {bit}");
            faults::note(10, world.fed, bad.billed());
            assert!(bad.billed() <= world.fed, "{name} bit {bit}");
        }
    }
}

#[derive(Debug, Clone)]
enum Op {
    Feed(u32, u64),
    Sweep,
    Seal,
    Checkpoint,
    Trim(u64),
    Fail(usize),
    Kill(usize),
    PowerCut(usize, u64),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1u32..5, 1u64..1_000_000).prop_map(|(handle, bytes)| Op::Feed(handle, bytes)),
        6 => Just(Op::Sweep),
        4 => Just(Op::Seal),
        2 => Just(Op::Checkpoint),
        2 => (0u64..4).prop_map(Op::Trim),
        1 => (0usize..4).prop_map(Op::Fail),
        1 => (0usize..8).prop_map(Op::Kill),
        1 => (0usize..8, any::<u64>()).prop_map(|(after, seed)| Op::PowerCut(after, seed)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_billed_is_what_was_fed(ops in prop::collection::vec(op(), 1..120)) {
        let mut world = World::new(LIMITS);
        for op in ops {
            match op {
                Op::Feed(handle, bytes) => world.feed(handle, bytes),
                Op::Sweep => world.sweep(),
                Op::Seal => world.seal(SealReason::Interval),
                Op::Checkpoint => world.checkpoint(),
                Op::Trim(keep) => world.trim(keep),
                Op::Fail(after) => world.disk.fail_once_after(after),
                Op::Kill(after) => {
                    world.disk.die_after(after);
                    story(&mut world);
                    world.kill_and_restart();
                }
                Op::PowerCut(after, seed) => {
                    world.disk.die_after(after);
                    story(&mut world);
                    let acknowledged = world.billed();
                    world.cut_power(seed);
                    prop_assert!(world.billed() >= acknowledged);
                }
            }
            prop_assert!(world.billed() <= world.fed);
        }
        world.settle();
        prop_assert_eq!(world.billed() + world.lost, world.fed);
    }
}
