//! Places on the way to a session: so many at once, and half of them at most for one network. Who finds none stands in a row,
//! and has the next one.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Agents on their way to a session at once: those that are heard are not kept waiting so long that they give up.
const PLACES: usize = 256;
/// Of them from one network, behind which many routers may be.
const PLACES_EACH: usize = PLACES / 2;
/// Agents that may wait for a place. Whoever comes then is not heard.
const WAITING: usize = 2_048;
/// Bits of an IPv6 address that are one network's: whoever has one has all of its addresses.
const NETWORK_BITS: u32 = 64;
/// Longest wait for a place. Agents that are not heard ask again after one second, three and seven, and give up after ten: who
/// waited so long asks again just then, and nobody has the place of an agent that has given up.
const PATIENCE: Duration = Duration::from_millis(2_900);

/// Who is on the way, and who waits.
pub(super) struct Arrivals {
    places: Arc<Semaphore>,
    rows: Mutex<HashMap<IpAddr, Row>>,
}

/// Those of one network.
struct Row {
    places: Arc<Semaphore>,
    here: usize,
}

/// Somebody in a row, with a place or without.
struct Standing {
    arrivals: Arc<Arrivals>,
    network: IpAddr,
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

    /// Stands in the row of an address's network, if there are no more of it than there is room left for others: whoever comes
    /// takes half of what was left at most, so that a few cannot take all.
    pub fn stand(self: &Arc<Self>, address: IpAddr) -> Option<Turn> {
        let network = network_of(address);
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = rows.values().map(|row| row.here).sum();
        let own = rows.get(&network).map_or(0, |row| row.here);
        if own >= (PLACES + WAITING).saturating_sub(all) {
            return None;
        }
        let row = rows.entry(network).or_insert_with(|| Row { places: Arc::new(Semaphore::new(PLACES_EACH)), here: 0 });
        row.here += 1;
        Some(Turn { standing: Standing { arrivals: Arc::clone(self), network }, row: Arc::clone(&row.places) })
    }
}

/// Whose an address is: one's alone over IPv4, of a network over IPv6.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << NETWORK_BITS)).into(),
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
        if let Some(row) = rows.get_mut(&self.network) {
            row.here -= 1;
            if row.here == 0 {
                rows.remove(&self.network);
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
    fn a_few_networks_leave_room_for_another() {
        let arrivals = Arc::new(Arrivals::default());
        let mut standing = Vec::new();
        for n in 1..=10 {
            let before = standing.len();
            standing.extend(std::iter::from_fn(|| arrivals.stand(address(n))));
            assert!(standing.len() > before, "there is none for network {n}");
            assert!(standing.len() < PLACES + WAITING);
        }
        assert_eq!(std::iter::from_fn(|| arrivals.stand(address(1))).count(), 0, "the first has its share");
        drop(standing);
        let alone = std::iter::from_fn(|| arrivals.stand(address(1))).collect::<Vec<_>>();
        assert_eq!(alone.len(), (PLACES + WAITING) / 2);
    }

    #[test]
    fn addresses_of_one_network_stand_in_one_row() {
        let of = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("::ffff:192.0.2.1"), of("::ffff:192.0.2.2"));
    }
}
