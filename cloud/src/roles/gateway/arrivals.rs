//! Places on the way to a session: so many at once, and half of them at most for one address. Who finds none stands in a row,
//! and has the next one.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Agents on their way to a session at once: those that are heard are not kept waiting so long that they give up.
const PLACES: usize = 256;
/// Of them from one address, behind which many routers may be.
const PLACES_EACH: usize = PLACES / 2;
/// Agents that may wait for a place, half of them from one address. Whoever comes then is not heard.
const WAITING: usize = 2_048;
/// Longest wait for a place. Agents that are not heard ask again after one second, three and seven, and give up after ten: who
/// waited so long asks again just then, and nobody has the place of an agent that has given up.
const PATIENCE: Duration = Duration::from_millis(2_900);

/// Who is on the way, and who waits.
pub(super) struct Arrivals {
    places: Arc<Semaphore>,
    rows: Mutex<HashMap<IpAddr, Row>>,
}

/// Those of one address.
struct Row {
    places: Arc<Semaphore>,
    here: usize,
}

/// Somebody in a row, with a place or without.
struct Standing {
    arrivals: Arc<Arrivals>,
    address: IpAddr,
}

/// A turn in a row.
pub(super) struct Turn {
    standing: Standing,
    row: Arc<Semaphore>,
}

/// A place, taken until it is dropped.
pub(super) struct Place {
    _taken: [OwnedSemaphorePermit; 2],
    _standing: Standing,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), rows: Mutex::default() }
    }
}

impl Arrivals {
    /// Nobody finds a place any more, and whoever waits for one need not.
    pub fn close(&self) {
        self.places.close();
    }

    /// Stands in the row of an address, if that has an end yet.
    pub fn stand(self: &Arc<Self>, address: IpAddr) -> Option<Turn> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = rows.values().map(|row| row.here).sum();
        let own = rows.get(&address).map_or(0, |row| row.here);
        if all >= PLACES + WAITING || own >= PLACES_EACH + WAITING / 2 {
            return None;
        }
        let row = rows.entry(address).or_insert_with(|| Row { places: Arc::new(Semaphore::new(PLACES_EACH)), here: 0 });
        row.here += 1;
        Some(Turn { standing: Standing { arrivals: Arc::clone(self), address }, row: Arc::clone(&row.places) })
    }
}

impl Turn {
    /// Waits for the place; none if there was none for too long.
    pub async fn place(self) -> Option<Place> {
        self.place_within(PATIENCE).await
    }

    async fn place_within(self, patience: Duration) -> Option<Place> {
        let Self { standing, row } = self;
        let places = Arc::clone(&standing.arrivals.places);
        let taken = async move { Some([row.acquire_owned().await.ok()?, places.acquire_owned().await.ok()?]) };
        let taken = tokio::time::timeout(patience, taken).await.ok()??;
        Some(Place { _taken: taken, _standing: standing })
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        let mut rows = self.arrivals.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(row) = rows.get_mut(&self.address) {
            row.here -= 1;
            if row.here == 0 {
                rows.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(n: u8) -> IpAddr {
        IpAddr::from([10, 0, 0, n])
    }

    async fn take(arrivals: &Arc<Arrivals>, from: u8, count: usize) -> Vec<Place> {
        let mut taken = Vec::new();
        for _ in 0..count {
            taken.push(arrivals.stand(address(from)).unwrap().place().await.unwrap());
        }
        taken
    }

    #[tokio::test]
    async fn one_address_leaves_room_for_others_and_who_waits_has_the_next_place() {
        let arrivals = Arc::new(Arrivals::default());
        let mut taken = take(&arrivals, 1, PLACES_EACH).await;
        let impatient = arrivals.stand(address(1)).unwrap().place_within(Duration::from_millis(1));
        assert!(impatient.await.is_none(), "there is none");
        taken.extend(take(&arrivals, 2, PLACES_EACH).await);
        let turn = |n| arrivals.stand(address(n)).unwrap().place();
        let (first, second) = (tokio::spawn(turn(1)), tokio::spawn(turn(1)));
        let third = tokio::spawn(turn(3));
        tokio::task::yield_now().await;
        // One of the first address gives its own back: who waits for any has it, and the next of the row waits for any now.
        taken.remove(0);
        let third = third.await.unwrap();
        assert!(third.is_some() && !first.is_finished() && !second.is_finished());
        taken.pop();
        let first = first.await.unwrap();
        assert!(first.is_some() && !second.is_finished(), "the second address gave one back");
        drop((first, third, taken));
        assert!(second.await.unwrap().is_some());
        assert!(arrivals.rows.lock().unwrap().is_empty(), "and all came back");
        assert_eq!(arrivals.places.available_permits(), PLACES);
    }

    #[test]
    fn rows_have_an_end() {
        let arrivals = Arc::new(Arrivals::default());
        let one: Vec<_> = std::iter::from_fn(|| arrivals.stand(address(1))).collect();
        assert_eq!(one.len(), PLACES_EACH + WAITING / 2);
        let two: Vec<_> = std::iter::from_fn(|| arrivals.stand(address(2))).collect();
        assert_eq!(one.len() + two.len(), PLACES + WAITING);
        assert!(arrivals.stand(address(3)).is_none());
    }
}
