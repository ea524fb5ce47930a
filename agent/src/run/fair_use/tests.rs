//! Lines that share an allowance, and what is carried over, against sums kept beside.

use super::*;
use crate::clock::Now;
use crate::southbound::{Counter, Total};
use crate::store::sim::Sim;
use crate::usage::journal::Journal;
use crate::usage::spool::Limits;
use proptest::prelude::*;
use weir_protocol::desired::{Access, Allowance, Step};
use weir_protocol::usage::SealReason;

/// Periods begin at midnight, as those of calendars do.
const START_MS: u64 = 20_000 * DAY_MS;
const PERIOD_MS: u64 = DAY_MS;
const BYTES: u64 = 1_000;
const LIMITS: Limits = Limits { segment: 4096, quota: 1 << 20 };

fn line(handle: u32, pool: &[u8], carry_max_bytes: u64, elsewhere_bytes: u64) -> Line {
    let period = |n: u64| Allowance {
        start_ms: START_MS + n * PERIOD_MS,
        end_ms: START_MS + (n + 1) * PERIOD_MS,
        bytes: BYTES,
        elsewhere_bytes: if n == 0 { elsewhere_bytes } else { 0 },
        carry_max_bytes: if n == 0 { 0 } else { carry_max_bytes },
        top_ups: Vec::new(),
    };
    let fair_use = weir_protocol::desired::FairUse {
        time_zone: "UTC".into(),
        allowances: vec![period(0), period(1)],
        exhausted_down_bps: 10,
        exhausted_up_bps: 10,
        steps: vec![Step { over_bytes: 500, garden: true, ..Step::default() }],
        pool: pool.to_vec(),
        ..Default::default()
    };
    Line {
        handle,
        rate_down_bps: 8_000,
        rate_up_bps: 8_000,
        access: Access::Open.into(),
        fair_use: Some(fair_use.into()),
        ..Line::default()
    }
}

/// A router's loop without a loop.
struct World {
    journal: Journal<Sim>,
    tally: Tally<Sim>,
    fair_use: FairUse,
    wanted: Wanted,
    now: Now,
    counters: BTreeMap<u32, u64>,
}

impl World {
    fn new(lines: Vec<Line>) -> Self {
        let now = Now { wall_ms: START_MS + 1, mono_ms: 1 };
        let (log, run) = (Sim::default(), Sim::default());
        let journal = Journal::start(log, run, LIMITS, Uuid::from_u128(1), now, clock::random::<8>).unwrap();
        let tally = Tally::open(Sim::default(), clock::random);
        let counters = lines.iter().map(|line| (line.handle, 0)).collect();
        let of = |line: Line| (Uuid::from_u128(line.handle.into()), Arc::new(line));
        let wanted = Wanted { lines: lines.into_iter().map(of).collect(), ..Wanted::default() };
        let fair_use = FairUse::read(&wanted);
        let mut world = Self { journal, tally, fair_use, wanted, now, counters };
        world.journal.set_tally(*world.tally.id());
        world.sweep();
        world
    }

    fn pass(&mut self, ms: u64) {
        self.now = Now { wall_ms: self.now.wall_ms + ms, mono_ms: self.now.mono_ms + ms };
    }

    fn sweep(&mut self) {
        let counter = |(handle, bytes): (&u32, &u64)| Counter {
            handle: *handle,
            generation: Uuid::from_u128(1),
            base_down: Total::default(),
            base_up: Total::default(),
            down: Total { bytes: *bytes, packets: 0 },
            up: Total::default(),
        };
        let counters: Vec<_> = self.counters.iter().map(counter).collect();
        self.journal.observe(&counters, self.now).unwrap();
    }

    fn seal(&mut self) {
        self.journal.seal(self.now, self.now.wall_ms, SealReason::Interval).unwrap();
    }

    fn look(&mut self) -> Review {
        self.tally.follow(self.journal.spool(), &self.fair_use);
        self.fair_use.review(&mut self.tally, &self.journal.open().lines, self.now.wall_ms)
    }

    fn enforced(&self, handle: u32) -> Arc<Line> {
        let id = Uuid::from_u128(handle.into());
        self.fair_use.enforced_line(id, &self.wanted.lines[&id])
    }
}

/// What a line of this use is, by the words of the protocol.
fn due(used: u64, limit: u64) -> (u64, Access) {
    match used {
        used if used < limit => (8_000, Access::Open),
        used if used < limit + 500 => (10, Access::Open),
        _ => (8_000, Access::WalledGarden),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_shared_limit_is_acted_upon_at_the_first_look_that_sees_it_reached(
        steps in prop::collection::vec((1u32..4, 0u64..200, 0u8..4), 1..60),
        elsewhere in 0u64..400,
        carry_max in 0u64..1500,
    ) {
        let mut world = World::new((1..4).map(|handle| line(handle, &[7; 16], carry_max, elsewhere)).collect());
        let (mut used, mut limit) = (elsewhere, BYTES);
        for (n, (handle, bytes, then)) in steps.iter().enumerate() {
            *world.counters.get_mut(handle).unwrap() += bytes;
            world.pass(1);
            world.sweep();
            used += bytes;
            if *then == 0 {
                world.seal();
            }
            world.look();
            for handle in 1..4 {
                let line = world.enforced(handle);
                prop_assert_eq!((line.rate_down_bps, line.access()), due(used, limit), "{} of {}", used, limit);
            }
            if n == steps.len() / 2 {
                let end_ms = START_MS + PERIOD_MS;
                world.pass(end_ms.saturating_sub(world.now.wall_ms));
                world.seal();
                limit = BYTES + BYTES.saturating_sub(used).min(carry_max);
                used = 0;
            }
        }
    }
}

#[test]
fn the_next_look_is_as_soon_as_all_that_move_may_reach_the_end_together() {
    let mut world = World::new(vec![line(1, &[7; 16], 0, 0), line(2, &[7; 16], 0, 0), line(3, &[], 0, 0)]);
    assert_eq!(world.look().soonest, None, "nobody moves");
    let moves = |world: &mut World, handles: &[u32]| {
        for handle in handles {
            *world.counters.get_mut(handle).unwrap() += 100;
        }
        world.pass(1);
        world.sweep();
        world.look().soonest.unwrap()
    };
    // 16,000 bit/s are 2 bytes a millisecond.
    assert_eq!(moves(&mut world, &[3]), Duration::from_millis(900 / 2));
    assert_eq!(moves(&mut world, &[1]), Duration::from_millis(900 / 2));
    assert_eq!(moves(&mut world, &[1, 2]), Duration::from_millis(700 / 4));
}

#[test]
fn a_cap_is_a_hold_for_its_quota_and_no_other_hold_is_less() {
    let held = |access: Access, kind: &str| Line {
        access: access.into(),
        hold_kind: kind.into(),
        throttled_down_bps: 5,
        throttled_up_bps: 5,
        ..line(1, &[], 0, BYTES + 500)
    };
    let enforced = |line: Line| {
        let mut world = World::new(vec![line]);
        let review = world.look();
        assert_eq!(review.capped.len(), 1);
        let line = world.enforced(1);
        (line.access(), line.hold_kind.clone())
    };
    assert_eq!(enforced(held(Access::Open, "")), (Access::WalledGarden, "quota".into()));
    assert_eq!(enforced(held(Access::Throttled, "unpaid")), (Access::WalledGarden, "quota".into()));
    assert_eq!(enforced(held(Access::WalledGarden, "unpaid")), (Access::WalledGarden, "unpaid".into()));
    assert_eq!(enforced(held(Access::Closed, "abuse")), (Access::Closed, "abuse".into()));
}

#[test]
fn what_was_left_is_known_for_as_long_as_two_periods_last() {
    let mut line = line(1, &[], 600, 0);
    let fair_use = line.fair_use.as_mut().unwrap();
    for (period, n) in fair_use.allowances.iter_mut().zip(0..) {
        (period.start_ms, period.end_ms) = (START_MS + n * 31 * DAY_MS, START_MS + (n + 1) * 31 * DAY_MS);
    }
    let mut world = World::new(vec![line]);
    for _ in 0..60 {
        *world.counters.get_mut(&1).unwrap() += 20;
        world.pass(DAY_MS);
        world.sweep();
        world.seal();
        world.look();
    }
    let told = world.fair_use.take_unsaid(&world.tally).unwrap().lines.remove(0);
    assert_eq!((told.carried_bytes, told.limit_bytes), (400, 1_400), "30 days' records ended in it");
}
