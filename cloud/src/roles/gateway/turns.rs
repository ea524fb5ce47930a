//! Turns at the database for usage records, handed out fairly: whoever floods keeps nobody else waiting.
//!
//! So many records are applied at once, fewer than there are connections. Those that wait stand in a row of their tenant,
//! and the tenants take turns, each with the same number of bytes (deficit round robin): a tenant with one agent waits for
//! those that are being applied and for one share of each other tenant, however long their rows are. A tenant that is alone
//! has half of the turns at once; while another has records too, no more than half of the processors are busy with it, so that
//! one is nearly always free for the other.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// Records applied at once; a third of the connections there are for tenants.
const AT_ONCE: usize = 8;
/// Of them of one tenant while no other has any.
const ALONE: usize = AT_ONCE / 2;
/// A tenant has records if it had one so lately.
const LATELY: Duration = Duration::from_secs(1);
/// What a tenant's records may weigh in one round, bytes.
const SHARE: usize = 32 * 1024;
/// What a record weighs beside its bytes.
const RECORD: usize = 8 * 1024;

/// Who has a turn, and who waits for one.
pub(super) struct Turns<T>(Mutex<Rows<T>>);

struct Rows<T> {
    /// Records of one tenant applied at once while another has some, too.
    each: usize,
    taken: usize,
    /// Who had a record last, and who else before, and when.
    last: [Option<(T, Instant)>; 2],
    tenants: HashMap<T, Row>,
    /// Tenants with records that wait; the first is served next.
    round: VecDeque<T>,
}

/// The records of one tenant.
#[derive(Default)]
struct Row {
    taken: usize,
    /// What it may still have in this round, bytes.
    left: usize,
    waiting: VecDeque<(usize, oneshot::Sender<()>)>,
}

/// A turn, taken until it is dropped.
pub(super) struct Turn<T: Copy + Eq + Hash> {
    turns: Arc<Turns<T>>,
    tenant: T,
}

/// A place in a row. It gives back the turn it was given if nobody waits in it any more.
struct Place<T: Copy + Eq + Hash> {
    turns: Arc<Turns<T>>,
    tenant: T,
    given: oneshot::Receiver<()>,
}

impl<T: Copy> Default for Turns<T> {
    fn default() -> Self {
        let each = (std::thread::available_parallelism().map_or(1, usize::from) / 2).clamp(1, ALONE);
        Self(Mutex::new(Rows { each, taken: 0, last: [None; 2], tenants: HashMap::new(), round: VecDeque::new() }))
    }
}

impl<T: Copy + Eq + Hash> Turns<T> {
    /// Waits for a turn of a tenant's, for a record of so many bytes.
    pub async fn take(self: &Arc<Self>, tenant: T, bytes: usize) -> Turn<T> {
        let given = self.lock().stand(tenant, bytes);
        let mut place = Place { turns: Arc::clone(self), tenant, given };
        // Nobody takes a place away, so this is a turn.
        let _given = (&mut place.given).await;
        Turn { turns: Arc::clone(self), tenant }
    }

    fn give_back(&self, tenant: T) {
        let mut rows = self.lock();
        rows.taken -= 1;
        if let Some(row) = rows.tenants.get_mut(&tenant) {
            row.taken -= 1;
        }
        rows.serve();
        rows.forget(tenant);
    }

    fn lock(&self) -> MutexGuard<'_, Rows<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Copy + Eq + Hash> Rows<T> {
    fn stand(&mut self, tenant: T, bytes: usize) -> oneshot::Receiver<()> {
        let (give, given) = oneshot::channel();
        let [last, before] = self.last;
        self.last = match last {
            Some((of, _)) if of == tenant => [Some((tenant, Instant::now())), before],
            other => [Some((tenant, Instant::now())), other],
        };
        let row = self.tenants.entry(tenant).or_default();
        if row.waiting.is_empty() {
            row.left = SHARE;
            self.round.push_back(tenant);
        }
        row.waiting.push_back((RECORD + bytes, give));
        self.serve();
        given
    }

    /// How many turns a tenant may have at once.
    fn limit(&self, tenant: T) -> usize {
        let other = self.last.iter().flatten().find(|(of, _)| *of != tenant);
        if other.is_some_and(|(_, at)| at.elapsed() < LATELY) { self.each } else { ALONE }
    }

    /// Hands out the turns there are.
    fn serve(&mut self) {
        // Tenants that cannot be served now keep their places in the round.
        let mut passed = VecDeque::new();
        while self.taken < AT_ONCE
            && let Some(tenant) = self.round.pop_front()
        {
            let limit = self.limit(tenant);
            let Some(row) = self.tenants.get_mut(&tenant) else { continue };
            if row.taken >= limit {
                passed.push_back(tenant);
                continue;
            }
            let Some((weight, give)) = row.waiting.pop_front() else { continue };
            if give.is_closed() {
                // Its session is over.
                self.go_on(tenant);
                continue;
            }
            if weight > row.left && !self.round.is_empty() {
                // Not in this round. Where nobody else waits there is none.
                row.left += SHARE;
                row.waiting.push_front((weight, give));
                self.round.push_back(tenant);
                continue;
            }
            row.left = row.left.saturating_sub(weight);
            if give.send(()).is_ok() {
                row.taken += 1;
                self.taken += 1;
            }
            self.go_on(tenant);
        }
        while let Some(tenant) = passed.pop_back() {
            self.round.push_front(tenant);
        }
    }

    /// A tenant whose share is not used up goes on before the others.
    fn go_on(&mut self, tenant: T) {
        let Some(row) = self.tenants.get_mut(&tenant).filter(|row| !row.waiting.is_empty()) else {
            self.forget(tenant);
            return;
        };
        if row.left > 0 {
            self.round.push_front(tenant);
        } else {
            row.left = SHARE;
            self.round.push_back(tenant);
        }
    }

    fn forget(&mut self, tenant: T) {
        if self.tenants.get(&tenant).is_some_and(|row| row.taken == 0 && row.waiting.is_empty()) {
            self.tenants.remove(&tenant);
        }
    }
}

impl<T: Copy + Eq + Hash> Drop for Turn<T> {
    fn drop(&mut self) {
        self.turns.give_back(self.tenant);
    }
}

impl<T: Copy + Eq + Hash> Drop for Place<T> {
    fn drop(&mut self) {
        self.given.close();
        if self.given.try_recv().is_ok() {
            self.turns.give_back(self.tenant);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll, Waker};

    use proptest::prelude::*;

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Turn<u8>>>>;

    /// Records of tenants, waiting and being applied.
    #[derive(Default)]
    struct World {
        turns: Arc<Turns<u8>>,
        waiting: VecDeque<(u8, Waiting)>,
        applied: VecDeque<(u8, Turn<u8>)>,
    }

    impl World {
        fn stands(&mut self, tenant: u8, bytes: usize) {
            let turns = Arc::clone(&self.turns);
            self.waiting.push_back((tenant, Box::pin(async move { turns.take(tenant, bytes).await })));
            self.look();
        }

        fn look(&mut self) {
            let mut context = Context::from_waker(Waker::noop());
            for (tenant, mut place) in std::mem::take(&mut self.waiting) {
                match place.as_mut().poll(&mut context) {
                    Poll::Ready(turn) => self.applied.push_back((tenant, turn)),
                    Poll::Pending => self.waiting.push_back((tenant, place)),
                }
            }
        }

        /// The record that was begun first is done.
        fn done(&mut self) -> Option<u8> {
            let (tenant, turn) = self.applied.pop_front()?;
            drop(turn);
            self.look();
            Some(tenant)
        }

        fn of(&self, tenant: u8) -> (usize, usize) {
            let waiting = self.waiting.iter().filter(|(of, _)| *of == tenant).count();
            (waiting, self.applied.iter().filter(|(of, _)| *of == tenant).count())
        }
    }

    #[test]
    fn whoever_floods_keeps_nobody_else_waiting() {
        let mut world = World::default();
        (0..1_000).for_each(|_| world.stands(1, 1_000));
        assert_eq!(world.of(1), (996, 4));
        world.stands(2, 1_000);
        assert_eq!(world.of(2), (0, 1), "it does not wait at all");
        let each = world.turns.lock().each;
        (0..3).for_each(|_| assert_eq!(world.done(), Some(1)));
        assert_eq!(world.of(1).1, each.max(1), "as long as another has records, too");
        // Many that flood take all turns; then it waits for a share of each.
        for tenant in 3..20 {
            (0..100).for_each(|_| world.stands(tenant, 100_000));
        }
        assert_eq!(world.applied.len(), AT_ONCE);
        world.stands(2, 1_000);
        let until = (1..).find(|_| {
            world.done();
            world.of(2) == (0, 0)
        });
        assert!(until < Some(2 * 20), "{until:?}");
    }

    #[test]
    fn large_and_small_records_get_the_same_share() {
        let mut world = World::default();
        (0..500).for_each(|_| world.stands(1, 24 * 1024));
        for tenant in 2..18 {
            (0..500).for_each(|_| world.stands(tenant, 0));
        }
        let mut done = [0_u32; 18];
        for _ in 0..650 {
            done[usize::from(world.done().unwrap())] += 1;
        }
        // Less than half as many, for each is four times as much; and it was alone for a while.
        assert!((5..=20).contains(&done[1]) && done[2].abs_diff(done[17]) < 10, "{done:?}");
    }

    proptest! {
        #[test]
        fn turns_are_bounded_used_and_come_back(steps in prop::collection::vec((0u8..4, 0usize..100_000, 0u8..4), 1..200)) {
            let mut world = World::default();
            for (tenant, bytes, what) in steps {
                match what {
                    0 => drop(world.done()),
                    1 => drop(world.waiting.pop_back()),
                    _ => world.stands(tenant, bytes),
                }
                world.look();
                prop_assert!(world.applied.len() <= AT_ONCE);
                for tenant in 0..4 {
                    let (waiting, applied) = world.of(tenant);
                    let each = world.turns.lock().each;
                    prop_assert!(applied <= ALONE);
                    prop_assert!(waiting == 0 || applied >= each || world.applied.len() == AT_ONCE, "a turn is left");
                }
            }
            while world.done().is_some() {}
            prop_assert!(world.waiting.is_empty());
            prop_assert!(world.turns.lock().tenants.is_empty() && world.turns.lock().round.is_empty());
        }
    }
}
