//! Places on the way to a session: so many at once, and half of them at most for one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Agents on their way to a session at once. Others are not heard yet: they ask again a little later by themselves, and
/// those that are heard are not kept waiting so long that they give up.
const PLACES: usize = 256;
/// Of them from one address, behind which many routers may be.
const PLACES_EACH: usize = PLACES / 2;

/// Who is on the way.
#[derive(Default)]
pub(super) struct Arrivals(Mutex<HashMap<IpAddr, usize>>);

/// A place, taken until it is dropped.
pub(super) struct Place {
    arrivals: Arc<Arrivals>,
    address: IpAddr,
}

impl Arrivals {
    /// A place, if there is one for this address.
    pub fn place(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.values().sum::<usize>() >= PLACES || taken.get(&address).is_some_and(|own| *own >= PLACES_EACH) {
            return None;
        }
        *taken.entry(address).or_default() += 1;
        Some(Place { arrivals: Arc::clone(self), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.arrivals.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.address) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_room_for_others_and_places_come_back() {
        let arrivals = Arc::new(Arrivals::default());
        let address = |n: u8| IpAddr::from([10, 0, 0, n]);
        let mut taken: Vec<_> = std::iter::from_fn(|| arrivals.place(address(1))).collect();
        assert_eq!(taken.len(), PLACES_EACH);
        taken.extend(std::iter::from_fn(|| arrivals.place(address(2))));
        assert_eq!(taken.len(), PLACES);
        assert!(arrivals.place(address(3)).is_none());
        taken.pop();
        assert!(arrivals.place(address(1)).is_none() && arrivals.place(address(3)).is_some());
        taken.clear();
        assert!(arrivals.0.lock().unwrap().is_empty());
    }
}
