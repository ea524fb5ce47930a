//! What waits for a person, and what proves itself.

use super::desired::{Accepted, Key, Store};
use super::guard::{Guard, Lately, TRIES, Taken, Waits};
use super::sim::Sim;
use prost::Message;
use uuid::Uuid;
use weir_protocol::desired::{Access, Kind, Line, Router};
use weir_protocol::state::{Down, Object, ObjectKey};

fn line(n: u8, revision: u64, rate: u64) -> Object {
    let body = Line { handle: u32::from(n), rate_down_bps: rate, ..Line::default() }.encode_to_vec();
    Object { kind: Kind::Line as u32, id: vec![n; 16], revision, body, needs_rev: 0 }
}

fn change(from_gen: u64, upserts: Vec<Object>) -> Down {
    let snapshot = from_gen == 0;
    Down { lineage: vec![1; 16], from_gen, to_gen: from_gen + 1, snapshot, upserts, ..Down::default() }
}

#[test]
fn lines_that_go_in_great_number_stay_until_that_is_confirmed() {
    let disk = Sim::default();
    let mut store = Store::open(disk.clone()).unwrap();
    store.takes(&change(0, (1..=100).map(|n| line(n, 1, 5)).collect()));
    let keys = |lines: std::ops::RangeInclusive<u8>| {
        lines.map(|n| ObjectKey { kind: Kind::Line as u32, id: vec![n; 16] }).collect()
    };
    let held = |store: &Store<Sim>| (store.objects().len(), store.waiting(Waits::Removal));
    // A few go at once.
    store.takes(&Down { removes: keys(1..=20), ..change(1, Vec::new()) });
    assert_eq!(held(&store), (80, 0));
    // Many do not, whatever the digest says they are to the cloud; what comes with them is taken.
    store.takes(&Down { removes: keys(21..=60), ..change(2, vec![line(99, 2, 6)]) });
    assert_eq!(held(&store), (80, 40));
    assert_eq!(store.objects()[&Key { kind: 2, id: Uuid::from_bytes([99; 16]) }].revision, 2);
    let mut cloud = Store::open(Sim::default()).unwrap();
    cloud.takes(&change(0, (61..=100).map(|n| line(n, if n == 99 { 2 } else { 1 }, 5 + u64::from(n == 99))).collect()));
    assert_eq!(store.digest(), cloud.digest());
    // Nor does a snapshot without them take them away, or a restart; one that comes back is like any other.
    store.takes(&Down { snapshot: true, ..change(3, (60..=100).map(|n| line(n, 3, 5)).collect()) });
    assert_eq!(held(&store), (80, 39));
    let mut store = Store::open(disk).unwrap();
    assert_eq!(held(&store), (80, 39));
    store.takes(&Down { removals_confirmed: true, ..change(4, Vec::new()) });
    assert_eq!((held(&store), store.generation()), ((41, 0), 5));
    // Another lineage knows nothing of them, so nobody could confirm there that they go.
    store.takes(&Down { lineage: vec![2; 16], snapshot: true, ..change(0, vec![line(99, 4, 5)]) });
    assert_eq!(held(&store), (1, 0));
}

/// These lines, closed.
fn closed(closed: std::ops::RangeInclusive<u8>, revision: u64) -> Vec<Object> {
    let body = |n: u8| Line { access: Access::Closed.into(), handle: n.into(), rate_down_bps: 5, ..Line::default() };
    closed.map(|n| Object { body: body(n).encode_to_vec(), ..line(n, revision, 5) }).collect()
}

fn access(store: &Store<Sim>, n: u8) -> Access {
    let held = &store.objects()[&Key { kind: 2, id: Uuid::from_bytes([n; 16]) }];
    Line::decode(held.body().unwrap()).unwrap().access().max(Access::Open)
}

#[test]
fn lines_suspended_in_great_number_stay_as_they_were_until_that_is_confirmed() {
    let disk = Sim::default();
    let mut store = Store::open(disk.clone()).unwrap();
    store.takes(&change(0, (1..=200).map(|n| line(n, 1, 5)).collect()));
    store.takes(&change(1, closed(1..=50, 2)));
    assert_eq!((store.waiting(Waits::Suspension), access(&store, 50)), (0, Access::Closed));
    // A little at a time is as much.
    let guard = Guard { lately: store.taken(), ..Guard::default() };
    assert_eq!(guard.lately, Taken { removed: 0, suspended: 50 });
    store.accept(&change(2, closed(51..=60, 2)), guard);
    assert_eq!((store.waiting(Waits::Suspension), access(&store, 51)), (10, Access::Open));
    // The cloud's digest is that of what it sent.
    let mut cloud = Store::open(Sim::default()).unwrap();
    cloud.takes(&change(0, closed(1..=60, 2).into_iter().chain((61..=200).map(|n| line(n, 1, 5))).collect()));
    assert_eq!(store.digest(), cloud.digest());
    // Who pays is open at once, a restart changes nothing, and what waits goes on waiting.
    store.takes(&change(3, vec![line(51, 3, 5)]));
    store.takes(&change(4, closed(52..=52, 3)));
    let mut store = Store::open(disk.clone()).unwrap();
    assert_eq!((store.waiting(Waits::Suspension), store.generation()), (9, 5));
    assert_eq!([51, 52, 60].map(|n| access(&store, n)), [Access::Open; 3]);
    store.takes(&Down { removals_confirmed: true, ..change(5, Vec::new()) });
    assert_eq!([51, 52, 60].map(|n| access(&store, n)), [Access::Open, Access::Closed, Access::Closed]);
    assert_eq!(Store::open(disk).unwrap().waiting(Waits::Suspension), 0);
}

#[test]
fn a_restored_cloud_gives_at_once_and_takes_when_somebody_confirms_it() {
    let disk = Sim::default();
    let mut store = Store::open(disk.clone()).unwrap();
    store.takes(&change(0, closed(1..=1, 2).into_iter().chain((2..=4).map(|n| line(n, 2, 5))).collect()));
    // It knows nothing of line 4, holds line 2, has sold line 3 slower, line 1 paid, and line 5 is new; with another
    // lineage or the same.
    for (n, lineage) in [vec![1; 16], vec![2; 16]].into_iter().enumerate() {
        let older = [line(1, 1, 5), line(3, 1, 4), line(5, 1, 5)].into_iter().chain(closed(2..=2, 1));
        let older = Down { lineage, snapshot: true, ..change(1 + n as u64, older.collect()) };
        store.accept(&older, Guard { restored: true, ..Guard::default() });
        for store in [&store, &Store::open(disk.clone()).unwrap()] {
            assert_eq!([1, 2, 3, 4, 5].map(|n| access(store, n)), [Access::Open; 5]);
            let waiting = [Waits::Removal, Waits::Suspension, Waits::Reduction].map(|why| store.waiting(why));
            assert_eq!((waiting, store.objects().len()), ([1; 3], 5));
        }
    }
    let confirmed = Down { removals_confirmed: true, ..change(3, Vec::new()) };
    store.takes(&Down { lineage: vec![2; 16], ..confirmed });
    assert_eq!((store.objects().len(), access(&store, 2)), (4, Access::Closed));
}

#[test]
fn settings_are_tried_three_times_and_a_restart_comes_up_with_those_before() {
    let disk = Sim::default();
    let wired = |revision: u64, wan: &str| {
        let body = Router { wan_interface: wan.into(), ..Router::default() }.encode_to_vec();
        Object { kind: Kind::Router as u32, id: vec![9; 16], revision, body, needs_rev: 0 }
    };
    let wan = |store: &Store<Sim>| {
        let held = store.objects().values().next().unwrap();
        Router::decode(held.body().unwrap()).unwrap().wan_interface
    };
    let mut store = Store::open(disk.clone()).unwrap();
    store.takes(&change(0, vec![wired(1, "wan0")]));
    assert_eq!(store.begin_trial(), None, "there is nothing to go back to");
    store.takes(&change(1, vec![wired(2, "wan1")]));
    for tries in 1..=TRIES {
        assert_eq!(wan(&store), "wan0");
        assert_eq!(store.begin_trial().map(|(_, accepted)| accepted), Some(Accepted::Stored));
        assert_eq!((wan(&store), store.trial().map(|(_, tries)| tries)), ("wan1".into(), Some(tries)));
        if tries == 2 {
            store = Store::open(disk.clone()).unwrap();
        } else {
            store.end_trial(false);
        }
    }
    assert_eq!((wan(&store), store.begin_trial()), ("wan0".into(), None));
    // The same told again is no news; others are tried anew, and stay once they proved themselves.
    store.takes(&Down { snapshot: true, ..change(2, vec![wired(2, "wan1")]) });
    assert_eq!(store.begin_trial(), None);
    store.takes(&change(3, vec![wired(3, "wan2")]));
    store.begin_trial().unwrap();
    store.end_trial(true);
    assert_eq!((wan(&store), wan(&Store::open(disk).unwrap())), ("wan2".into(), "wan2".into()));
    assert_eq!(store.begin_trial(), None);
}

#[test]
fn what_is_taken_a_little_at_a_time_counts_together_for_ten_minutes() {
    let mut lately = Lately::default();
    let one = Taken { removed: 1, suspended: 2 };
    for minute in 0..4 {
        lately.add(minute * 60_000, one);
    }
    assert_eq!(lately.within(9 * 60_000), Taken { removed: 4, suspended: 8 });
    assert_eq!(lately.within(11 * 60_000), Taken { removed: 2, suspended: 4 });
    lately.forget();
    assert_eq!(lately.within(11 * 60_000), Taken::default());
}
