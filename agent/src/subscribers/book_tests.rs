//! Leases come, go, expire and contradict each other; what lines have of them, and what of it survives.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use uuid::Uuid;
use weir_protocol::desired::{Identity, Line, Prefix, identity};
use weir_protocol::{frame, state};

use super::book::{Book, Kept};
use super::kept;
use super::lease::{Event, Lease, Source};
use super::who::Who;
use crate::store::sim::Sim;

const HOUR_MS: u64 = 3_600_000;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn who(names: &str) -> BTreeSet<Who> {
    names.split(' ').map(|name| name.parse().unwrap()).collect()
}

fn line(names: &str, prefixes: &[&str]) -> Line {
    let identity = |name: &str| {
        let who = match name.parse().unwrap() {
            Who::Mac(mac) => identity::Who::Mac(mac.to_vec()),
            Who::CircuitId(id) => identity::Who::CircuitId(id),
            Who::RemoteId(id) => identity::Who::RemoteId(id),
            Who::PppoeUser(name) => identity::Who::PppoeUser(name),
            Who::Duid(duid) => identity::Who::Duid(duid),
        };
        Identity { who: Some(who) }
    };
    let prefix = |text: &&str| match text.parse().unwrap() {
        IpNet::V4(net) => Prefix { address: net.addr().octets().to_vec(), length: net.prefix_len().into() },
        IpNet::V6(net) => Prefix { address: net.addr().octets().to_vec(), length: net.prefix_len().into() },
    };
    let identities = names.split_whitespace().map(identity).collect();
    Line { identities, prefixes: prefixes.iter().map(prefix).collect(), ..Line::default() }
}

const ANN: &str = "mac:02:00:00:00:00:0a";
const BEN: &str = "mac:02:00:00:00:00:0b";

fn lease(prefix: &str, names: &str) -> Lease {
    let prefix = prefix.parse().unwrap();
    Lease { prefix, source: Source::Dnsmasq, who: who(names), session: None, until_ms: None }
}

fn up(at_ms: u64, lease: Lease) -> Event {
    Event { at_ms, gone: false, lease }
}

fn down(at_ms: u64, lease: Lease) -> Event {
    Event { at_ms, gone: true, lease }
}

/// Ann is line 1, Ben line 2.
fn book() -> Book {
    let mut book = Book::default();
    let (ann, ben) = (line(ANN, &[]), line(BEN, &["10.0.9.0/24"]));
    book.know_all([(id(1), &ann), (id(2), &ben)]);
    book
}

/// What a line has beside what the cloud gave it.
fn has(book: &Book, n: u128) -> Vec<String> {
    let prefixes = book.joined(id(n), Line::default().into()).prefixes.clone();
    prefixes.iter().map(|prefix| crate::plan::check::network(prefix).unwrap().to_string()).collect()
}

#[test]
fn a_lease_is_the_lines_whose_name_it_has_until_it_ends() {
    let mut book = book();
    book.hear(up(1, lease("10.0.0.7/32", ANN)));
    book.hear(up(1, lease("10.0.0.8/32", "mac:02:00:00:00:00:99")));
    assert_eq!(book.settle(1), BTreeSet::from([id(1)]));
    assert_eq!((has(&book, 1), book.counts()), (vec!["10.0.0.7/32".into()], (1, 1, 0)));
    assert_eq!(book.settle(2), BTreeSet::new());
    // The address is another's now: both lines change, in one step.
    book.hear(up(3, lease("10.0.0.7/32", BEN)));
    assert_eq!(book.settle(3), BTreeSet::from([id(1), id(2)]));
    assert_eq!((has(&book, 1), has(&book, 2)), (vec![], vec!["10.0.0.7/32".into()]));
    // Ann's end arrives late, and ends nothing of Ben's.
    book.hear(down(4, lease("10.0.0.7/32", ANN)));
    assert_eq!(book.settle(4), BTreeSet::new());
    book.hear(up(5, Lease { until_ms: Some(100), ..lease("10.0.0.7/32", BEN) }));
    book.expire(99);
    assert_eq!(book.settle(99), BTreeSet::new());
    book.expire(100);
    assert_eq!((book.settle(100), book.counts()), (BTreeSet::from([id(2)]), (0, 1, 0)));
    // A line that is named later has what was leased before.
    let late = line("mac:02:00:00:00:00:99", &[]);
    book.know([(id(3), Some(&late)), (id(1), None)]);
    assert_eq!(book.settle(101), BTreeSet::from([id(3)]));
}

#[test]
fn what_two_lines_claim_is_nobodys_and_told_once() {
    let mut book = book();
    let user = line("pppoe-user:eve", &[]);
    book.know([(id(3), Some(&user))]);
    book.hear(up(1, lease("10.0.0.7/32", ANN)));
    book.settle(1);
    // By two names.
    book.hear(up(2, lease("10.0.0.7/32", &format!("{ANN} pppoe-user:eve"))));
    assert_eq!(book.settle(2), BTreeSet::from([id(1)]));
    let news = book.take_news();
    let lines = [id(1), id(3)].map(|id| id.to_string());
    assert!(news.len() == 1 && news[0].starts_with("10.0.0.7/32 "), "{news:?}");
    assert!(lines.iter().all(|line| news[0].contains(line)), "{news:?}");
    assert_eq!((has(&book, 1), has(&book, 3), book.counts().2), (vec![], vec![], 1));
    // By two servers; and by what the cloud gave somebody, which stays theirs.
    book.hear(up(3, Lease { source: Source::Kea, ..lease("10.0.0.8/32", ANN) }));
    book.hear(up(3, lease("10.0.0.8/32", BEN)));
    book.hear(up(3, lease("10.0.9.9/32", ANN)));
    book.hear(up(3, Lease { source: Source::Kea, ..lease("2001:db8:7::/48", BEN) }));
    book.hear(up(3, lease("2001:db8:7:1::/64", ANN)));
    assert_eq!(book.settle(3), BTreeSet::new());
    assert_eq!((book.take_news().len(), book.counts()), (4, (0, 0, 5)));
    book.settle(4);
    assert_eq!(book.take_news(), Vec::<String>::new());
    // One lets go: it is the other's; the same conflict is not told twice an hour.
    book.hear(down(5, lease("10.0.0.8/32", BEN)));
    assert_eq!((book.settle(5), has(&book, 1)), (BTreeSet::from([id(1)]), vec!["10.0.0.8/32".into()]));
    book.hear(up(6, lease("10.0.0.8/32", BEN)));
    assert_eq!((book.settle(6), book.take_news().len()), (BTreeSet::from([id(1)]), 0));
}

#[test]
fn where_a_switch_says_whose_it_is_nobody_takes_it_by_a_neighbours_address() {
    let mut book = book();
    let (circuit, remote) = (line("circuit-id:65746831", &[]), line("remote-id:aa", &[]));
    book.know([(id(3), Some(&circuit)), (id(4), Some(&remote))]);
    book.hear(up(1, lease("10.0.0.7/32", ANN)));
    book.hear(up(1, lease("10.0.0.8/32", &format!("{ANN} duid:00030001 circuit-id:65746831"))));
    // A switch that names nobody's port says nothing of whose it is; and two may contradict each other.
    book.hear(up(1, lease("10.0.0.9/32", &format!("{BEN} circuit-id:65746899"))));
    book.hear(up(1, lease("10.0.0.10/32", "circuit-id:65746831 remote-id:aa")));
    book.settle(1);
    assert_eq!((has(&book, 1), has(&book, 3)), (vec!["10.0.0.7/32".into()], vec!["10.0.0.8/32".into()]));
    assert_eq!((has(&book, 2), has(&book, 4), book.counts().2), (vec!["10.0.0.9/32".into()], vec![], 1));
}

#[test]
fn what_a_switch_added_outweighs_while_it_is_in_the_news_and_contradicts_when_it_is_old() {
    let mut book = book();
    let circuit = line("circuit-id:65746831", &[]);
    book.know([(id(3), Some(&circuit))]);
    let told = |names: &str| lease("10.0.0.7/32", names);
    book.hear(up(1, told(&format!("{ANN} circuit-id:65746831"))));
    // A file never has it.
    book.read(Source::Dnsmasq, "leases", vec![told(ANN)], 2);
    book.settle(2);
    assert_eq!((has(&book, 1), has(&book, 3)), (vec![], vec!["10.0.0.7/32".into()]));
    // The equipment may stand elsewhere: that is not guessed away.
    book.hear(up(3, told(ANN)));
    book.settle(3);
    assert_eq!((has(&book, 1), has(&book, 3), book.counts().2), (vec![], vec![], 1));
    book.read(Source::Dnsmasq, "leases", vec![told(ANN)], 4);
    book.settle(4);
    assert_eq!(book.counts().2, 1, "a file knows no better");
    book.hear(up(5, told(&format!("{ANN} circuit-id:65746831"))));
    book.settle(5);
    assert_eq!((has(&book, 3), book.counts().2), (vec!["10.0.0.7/32".into()], 0));
}

#[test]
fn a_conflict_that_lasts_is_told_again_every_day() {
    let mut book = book();
    let user = line("pppoe-user:eve", &[]);
    book.know([(id(3), Some(&user))]);
    book.hear(up(1, lease("10.0.0.7/32", &format!("{ANN} pppoe-user:eve"))));
    let told = |book: &mut Book, at_ms: u64| {
        book.expire(at_ms);
        book.settle(at_ms);
        book.take_news().len()
    };
    let hours = [0, 1, 5, 23, 24, 25, 47, 48].map(|hour| told(&mut book, 1 + hour * HOUR_MS));
    assert_eq!(hours, [1, 0, 0, 0, 1, 0, 0, 1]);
}

#[test]
fn a_report_of_many_lines_comes_in_parts_that_a_frame_carries() {
    let mut book = Book::default();
    let name = |n: u32| format!("mac:02:00:00:00:{:02x}:{:02x}", n / 256, n % 256);
    let lines: BTreeMap<Uuid, Line> = (0..20_000).map(|n| (id(n.into()), line(&name(n), &[]))).collect();
    book.know_all(lines.iter().map(|(id, line)| (*id, line)));
    for n in 0..20_000 {
        book.hear(up(1, lease(&format!("10.0.{}.{}/32", n / 250, n % 250), &name(n))));
        book.hear(up(1, lease(&format!("2001:db8:{n:x}::/48"), &name(n))));
    }
    book.settle(1);
    let parts = book.take_unsaid();
    assert!(parts.len() > 1 && parts[0].complete && parts[1..].iter().all(|part| !part.complete));
    let told: BTreeSet<Vec<u8>> = parts.iter().flat_map(|part| &part.lines).map(|line| line.id.clone()).collect();
    assert_eq!((told.len(), parts.iter().map(|part| part.lines.len()).sum::<usize>()), (20_000, 20_000));
    for part in parts {
        let message = state::Up { message: Some(state::up::Message::Addresses(part)) };
        assert!(frame::encode(&message).unwrap().len() < frame::MAX_FRAME / 4);
    }
    assert_eq!(book.take_unsaid(), []);
}

#[test]
fn a_file_says_everything_but_what_is_newer() {
    let mut book = book();
    let file = |book: &mut Book, as_of_ms, leases| book.read(Source::Dnsmasq, "/leases", leases, as_of_ms);
    file(&mut book, 10, vec![lease("10.0.0.7/32", ANN), lease("10.0.0.8/32", BEN)]);
    book.settle(10);
    book.hear(up(20, lease("10.0.0.9/32", ANN)));
    book.hear(down(20, lease("10.0.0.8/32", BEN)));
    // Written before, read after.
    file(&mut book, 15, vec![lease("10.0.0.7/32", ANN), lease("10.0.0.8/32", BEN)]);
    book.settle(20);
    assert_eq!((has(&book, 1), has(&book, 2)), (vec!["10.0.0.7/32".into(), "10.0.0.9/32".into()], vec![]));
    file(&mut book, 30, vec![lease("10.0.0.9/32", ANN)]);
    assert_eq!(book.settle(30), BTreeSet::new(), "it may be half written");
    file(&mut book, 30, vec![lease("10.0.0.9/32", ANN)]);
    assert_eq!((book.settle(30), has(&book, 1)), (BTreeSet::from([id(1)]), vec!["10.0.0.9/32".into()]));
    // Half written, whole again, half written: nobody loses anything.
    for (at_ms, leases) in [(31, Vec::new()), (32, vec![lease("10.0.0.9/32", ANN)]), (33, Vec::new())] {
        file(&mut book, at_ms, leases);
        assert_eq!((book.settle(at_ms), has(&book, 1)), (BTreeSet::new(), vec!["10.0.0.9/32".into()]));
    }
    file(&mut book, 40, Vec::new());
    book.read(Source::Kea, "/other", vec![lease("10.0.0.8/32", BEN)], 40);
    book.settle(40);
    assert_eq!((has(&book, 1), has(&book, 2)), (vec![], vec!["10.0.0.8/32".into()]));
}

#[test]
fn a_file_that_tells_fewer_names_takes_none_away() {
    let mut book = Book::default();
    let circuit = line("circuit-id:65746831", &[]);
    book.know_all([(id(1), &circuit)]);
    book.hear(up(1, lease("10.0.0.7/32", &format!("{ANN} circuit-id:65746831"))));
    book.read(Source::Dnsmasq, "/leases", vec![lease("10.0.0.7/32", ANN)], 2);
    book.settle(2);
    assert_eq!(has(&book, 1), ["10.0.0.7/32"]);
    // Another circuit of the same host is not the old one; nor is another host of the same address.
    for (at_ms, names) in [(3, format!("{ANN} circuit-id:65746832")), (5, BEN.to_owned())] {
        book.read(Source::Dnsmasq, "/leases", vec![lease("10.0.0.7/32", &names)], at_ms);
        book.settle(at_ms);
        assert_eq!(has(&book, 1), Vec::<String>::new());
        book.hear(up(4, lease("10.0.0.7/32", "circuit-id:65746831")));
    }
}

#[test]
fn a_session_ends_with_its_interface_and_with_its_boot() {
    let mut book = Book::default();
    let (ann, ben) = (line("pppoe-user:ann", &[]), line("pppoe-user:ben", &[]));
    let lines = [(id(1), &ann), (id(2), &ben)];
    book.know_all(lines);
    let session = |address: &str, user: &str, name: &str| {
        let (session, source) = (Some(name.into()), Source::Pppoe);
        Lease { session, source, ..lease(address, &format!("pppoe-user:{user}")) }
    };
    book.hear(up(1, session("100.64.0.1/32", "ann", "ppp0")));
    book.hear(up(1, session("100.64.0.2/32", "ben", "ppp1")));
    book.hear(up(2, session("100.64.0.1/32", "ann", "ppp2")));
    book.hear(down(3, session("100.64.0.1/32", "ann", "ppp0")));
    book.settle(3);
    assert_eq!((has(&book, 1).len(), has(&book, 2).len()), (1, 1), "the older session of the same address ended");
    let mut disk = Sim::default();
    kept::save(&mut disk, &book, id(77)).unwrap();
    book.end_sessions(|name| name != "ppp1");
    assert_eq!(book.settle(4), BTreeSet::from([id(2)]));
    let reopened = |boot| {
        let mut book = kept::open(&disk, boot);
        book.know_all(lines);
        book.settle(5);
        (has(&book, 1).len(), has(&book, 2).len())
    };
    assert_eq!((reopened(id(77)), reopened(id(78))), ((1, 1), (0, 0)));
}

#[test]
fn what_was_learned_survives_and_is_told_once() {
    let mut book = book();
    book.hear(up(1, Lease { until_ms: Some(HOUR_MS), ..lease("10.0.0.7/32", ANN) }));
    book.hear(up(1, lease("10.0.0.99/32", "mac:02:00:00:00:00:99")));
    book.settle(5);
    assert!(book.take_unsaved() && !book.take_unsaved());
    let [report] = &book.take_unsaid()[..] else { panic!("one report") };
    let prefixes = &report.lines[0].prefixes;
    assert_eq!((report.complete, report.unclaimed, report.lines.len(), prefixes.len()), (true, 1, 1, 1));
    assert_eq!((prefixes[0].since_ms, prefixes[0].until_ms), (5, HOUR_MS));
    // A renewal is neither told nor kept at once.
    book.hear(up(6, Lease { until_ms: Some(2 * HOUR_MS), ..lease("10.0.0.7/32", ANN) }));
    assert_eq!((book.settle(6), book.take_unsaid(), book.take_unsaved()), (BTreeSet::new(), vec![], false));
    let mut disk = Sim::default();
    kept::save(&mut disk, &book, id(9)).unwrap();
    let mut later = kept::open(&disk, id(10));
    let (ann, ben) = (line(ANN, &[]), line(BEN, &[]));
    later.know_all([(id(1), &ann), (id(2), &ben)]);
    later.expire(HOUR_MS + 1);
    assert_eq!(later.settle(HOUR_MS + 1), BTreeSet::new());
    let [report] = &later.take_unsaid()[..] else { panic!("one report") };
    assert_eq!((report.lines[0].prefixes[0].since_ms, report.lines[0].prefixes[0].until_ms), (5, 2 * HOUR_MS));
    later.hear(down(HOUR_MS + 2, lease("10.0.0.7/32", ANN)));
    later.settle(HOUR_MS + 2);
    let [report] = &later.take_unsaid()[..] else { panic!("one report") };
    assert_eq!((report.complete, report.lines.len(), report.lines[0].prefixes.len()), (false, 1, 0));
    later.restart();
    let [report] = &later.take_unsaid()[..] else { panic!("one report") };
    assert_eq!((report.complete, report.lines.len()), (true, 0));
}

#[test]
fn a_damaged_file_is_begun_anew_and_a_clock_set_back_hides_nothing() {
    use crate::store::disk::Disk;
    let mut disk = Sim::default();
    disk.replace("leases.json", b"{\"boot\":").unwrap();
    assert_eq!(kept::open(&disk, id(1)).keep(id(0)), Kept::default());
    let mut book = book();
    book.hear(up(10 * HOUR_MS, lease("10.0.0.7/32", ANN)));
    book.hear(down(10 * HOUR_MS, lease("10.0.0.8/32", BEN)));
    book.expire(HOUR_MS);
    book.hear(up(HOUR_MS + 1, lease("10.0.0.7/32", BEN)));
    book.hear(up(HOUR_MS + 1, lease("10.0.0.8/32", BEN)));
    book.settle(HOUR_MS + 1);
    assert_eq!(has(&book, 2), ["10.0.0.7/32", "10.0.0.8/32"]);
}

#[test]
fn thousands_are_settled_in_no_time() {
    let mut book = Book::default();
    let name = |n: u32| format!("mac:02:00:00:00:{:02x}:{:02x}", n / 256, n % 256);
    let lines: BTreeMap<Uuid, Line> = (0..5_000).map(|n| (id(n.into()), line(&name(n), &[]))).collect();
    book.know_all(lines.iter().map(|(id, line)| (*id, line)));
    let began = std::time::Instant::now();
    for n in 0..5_000 {
        book.hear(up(1, lease(&format!("10.0.{}.{}/32", n / 250, n % 250), &name(n))));
    }
    assert_eq!(book.settle(1).len(), 5_000);
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
}
