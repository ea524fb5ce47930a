//! A kernel on simulated time: lines move bytes at the rates it holds, and its counters live as long as a boot.

use std::cell::{Ref, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::sleep;
use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::southbound::{Applied, Counter, Error, Outcome, Southbound, Sweep, Total};
use weir_protocol::desired::{Access, Line};
use weir_protocol::state::ObservedLine;

use super::clock::Shown;
use super::policy::{Held, MINUTE_MS};
use super::subscriber::{Patience, Stretch, Subscriber};

/// Handles share one kernel.
#[derive(Clone)]
pub struct Kernel(Rc<RefCell<World>>);

pub struct World {
    pub lines: Vec<Subscriber>,
    clock: Shown,
    passed_ms: u64,
    /// Where the minute at hand is cut, about changes by the clock; the last is its end.
    marks: [u64; 3],
    /// Since when an agent is at work, and since when it can read the counters.
    minded_since: Option<u64>,
    read_since: Option<u64>,
    /// Until when no counter can be read.
    blind_until: u64,
    patience: Patience,
    took: Duration,
}

impl Kernel {
    /// Every call takes so long.
    pub fn new(lines: Vec<Subscriber>, clock: Shown, patience: Patience, took: Duration) -> Self {
        let (marks, minded_since, read_since) = ([0; 3], None, None);
        let world =
            World { lines, clock, passed_ms: 0, marks, minded_since, read_since, blind_until: 0, patience, took };
        Self(Rc::new(RefCell::new(world)))
    }

    pub fn world(&self) -> Ref<'_, World> {
        self.0.borrow()
    }

    /// How often use slowed a line by now.
    pub fn slowed(&self) -> u32 {
        self.pass();
        self.world().lines.iter().map(|line| line.slowed).sum()
    }

    /// Lets time pass up to now.
    fn pass(&self) {
        self.0.borrow_mut().pass();
    }

    /// An agent begins to mind it.
    pub fn minded(&self) {
        let mut world = self.0.borrow_mut();
        world.pass();
        world.minded_since = Some(world.passed_ms);
    }

    /// No counter can be read for so long.
    pub fn blind(&self, for_ms: u64) {
        let mut world = self.0.borrow_mut();
        world.pass();
        world.read_since = None;
        world.blind_until = world.passed_ms + for_ms;
    }

    /// Its agent is gone; if in order, all it read in a last sweep is on the disk.
    pub fn left(&self, in_order: bool) {
        let mut world = self.0.borrow_mut();
        world.pass();
        let read = std::mem::take(&mut world.read_since).is_some();
        world.minded_since = None;
        if in_order && read {
            let read_at = world.passed_ms - world.took.as_millis() as u64;
            world.lines.iter_mut().for_each(|line| line.settle(read_at + 1));
        }
    }

    pub fn cut_power(&self) {
        let mut world = self.0.borrow_mut();
        world.pass();
        let boot = world.clock.boot_number();
        world.lines.iter_mut().for_each(|line| line.lose(boot));
    }
}

impl World {
    fn pass(&mut self) {
        let now = self.clock.elapsed_ms();
        while self.passed_ms < now {
            let wall = self.clock.wall_ms(self.passed_ms);
            let to = now.min(self.passed_ms + self.quiet(wall));
            self.stretch(Stretch { from: self.passed_ms, to, wall });
            self.passed_ms = to;
        }
    }

    /// For how long nothing changes by the clock.
    fn quiet(&mut self, wall: u64) -> u64 {
        let minute = wall - wall % MINUTE_MS;
        if self.marks[2] != minute + MINUTE_MS {
            let edge_ms = self.patience.edge_ms;
            let mut changes = |at: u64| self.lines.iter_mut().any(|line| line.says(at) != line.says(at - MINUTE_MS));
            let after = if changes(minute) { minute + edge_ms } else { minute };
            let next = minute + MINUTE_MS;
            self.marks = [after, if changes(next) { next - edge_ms } else { next }, next];
        }
        self.marks.iter().filter(|mark| **mark > wall).map(|mark| mark - wall).min().unwrap_or(MINUTE_MS)
    }

    fn stretch(&mut self, stretch: Stretch) {
        let Self { patience, minded_since, read_since, .. } = *self;
        let boot = self.clock.boot_number();
        let long = |since: Option<u64>, ms| since.is_some_and(|since| since + ms <= stretch.from);
        let (minded, safe) = (long(minded_since, patience.edge_ms), long(read_since, patience.safe_ms));
        let read = long(read_since, patience.edge_ms);
        for line in &mut self.lines {
            line.pass(stretch, boot, patience);
            if minded {
                line.judge(stretch, read, patience);
            }
            if safe {
                line.settle(stretch.from - patience.safe_ms);
            }
        }
    }

    /// The counters are read; what nobody read before may be counted as of now.
    fn read(&mut self) -> Option<Vec<Counter>> {
        if self.passed_ms < self.blind_until {
            return None;
        }
        if self.read_since.is_none() {
            let (wall, patience) = (self.clock.wall_ms(self.passed_ms), self.patience);
            self.lines.iter_mut().for_each(|line| line.find(wall, patience));
            self.read_since = Some(self.passed_ms);
        }
        Some(self.counters())
    }

    fn hold(&mut self, wanted: &Wanted, is_meant: impl Fn(&Uuid) -> bool) {
        for line in &mut self.lines {
            let wanted = wanted.lines.iter().find(|(_, wanted)| wanted.handle == line.line.handle);
            if wanted.is_none_or(|(id, _)| is_meant(id)) {
                line.held = wanted.map(|(_, wanted)| held(wanted));
            }
        }
    }

    fn counters(&self) -> Vec<Counter> {
        let boot = self.clock.boot_number();
        let counted = self.lines.iter().filter(|line| line.held.is_some());
        let counter = |line: &Subscriber| Counter {
            handle: line.line.handle,
            generation: Uuid::from_u128(u128::from(boot) << 64 | u128::from(line.line.handle)),
            base_down: Total::default(),
            base_up: Total::default(),
            down: line.counters[0],
            up: line.counters[1],
        };
        counted.map(counter).collect()
    }
}

fn held(line: &Line) -> Held {
    let access = line.access();
    let throttled = access == Access::Throttled;
    let of = |throttled_bps, open_bps| if throttled { throttled_bps } else { open_bps };
    let down_bps = of(line.throttled_down_bps, line.rate_down_bps);
    Held { access, down_bps, up_bps: of(line.throttled_up_bps, line.rate_up_bps) }
}

impl Kernel {
    /// Holds the lines that are meant, and tells of those.
    async fn take(&mut self, wanted: &Wanted, is_meant: impl Fn(&Uuid) -> bool, whole: bool) -> Applied {
        let took = self.world().took;
        sleep(took).await;
        self.pass();
        self.0.borrow_mut().hold(wanted, &is_meant);
        let observed = |line: &Line| {
            let Held { access, down_bps, up_bps } = held(line);
            ObservedLine {
                rate_down_bps: down_bps,
                rate_up_bps: up_bps,
                access: access.into(),
                ..ObservedLine::default()
            }
        };
        let meant = wanted.lines.iter().filter(|(id, _)| is_meant(id));
        let lines = meant.map(|(id, line)| (*id, Outcome::Applied(observed(line)))).collect();
        let router = wanted.router.as_ref().map(|_| Outcome::Applied(ObservedLine::default()));
        Applied { router, nodes: Vec::new(), lines, drift: Vec::new(), whole }
    }
}

impl Southbound for Kernel {
    async fn probe(&mut self) -> Result<Vec<String>, Error> {
        Ok(vec!["simulated".to_owned()])
    }

    async fn apply(&mut self, wanted: &Wanted) -> Result<Applied, Error> {
        Ok(self.take(wanted, |_| true, true).await)
    }

    async fn change(&mut self, wanted: &Wanted, changed: &BTreeSet<Uuid>) -> Result<Applied, Error> {
        Ok(self.take(wanted, |id| changed.contains(id), false).await)
    }

    async fn sweep(&mut self) -> Result<Sweep, Error> {
        self.pass();
        let took = self.world().took;
        let counters = self.0.borrow_mut().read();
        sleep(took).await;
        counters
            .map(|counters| Sweep { counters, ..Sweep::default() })
            .ok_or_else(|| Error::Incomplete("lan0".to_owned()))
    }

    async fn forget(&mut self, handles: &[u32]) -> Result<(), Error> {
        panic!("lines {handles:?} are wanted");
    }

    async fn uninstall(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
