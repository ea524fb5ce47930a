//! The files of the log: crashes at every call, laps, revision 1, and how much room they take.

use super::ring::{segment_name, spare_number};
use super::*;
use crate::store::sim::Sim;
use crate::usage::{Key, Reading};
use format::PositionColumns;

const EPOCH: Epoch = [7; 8];
const BOOT: Uuid = Uuid::from_u128(3);
const LIMITS: Limits = Limits { segment: 2_000, quota: 20_000 };
const COMMITS: u64 = 200;
/// Records the cloud is behind.
const BEHIND: u64 = 3;
/// Records it takes at once.
const AT_ONCE: u64 = 17;

/// What a line moved up to a record; every record is as long as the others.
fn record(seq: u64) -> (Record, Positions) {
    let key = Key { handle: 1, generation: Uuid::from_u128(9) };
    let reading = Reading { down_bytes: (1 << 20) + seq * 100, ..Reading::default() };
    let mut record = Record {
        boot_id: BOOT.as_bytes().to_vec(),
        start_ms: (1 << 20) + seq,
        end_ms: (1 << 20) + seq + 1,
        ..Record::default()
    };
    record.set_lines(&[LineUsage { handle: 1, down_bytes: 100, ..LineUsage::default() }]);
    (record, Positions::from([(key, reading)]))
}

fn open(disk: &Sim, limits: Limits) -> (Spool<Sim>, Findings) {
    Spool::open(disk.clone(), limits, BOOT).unwrap()
}

fn begun(disk: &Sim, limits: Limits) -> Spool<Sim> {
    let (mut log, findings) = open(disk, limits);
    if !findings.any {
        log.open_epoch(EPOCH, &Positions::new()).unwrap();
    }
    log
}

fn commit(log: &mut Spool<Sim>) -> Result<(), Error> {
    let (record, positions) = record(log.tail().next_seq);
    let prepared = log.prepare(record, positions);
    log.seal(prepared)
}

fn fill(log: &mut Spool<Sim>, count: u64) {
    (0..count).for_each(|_| commit(log).unwrap());
}

fn bytes(disk: &Sim) -> u64 {
    disk.list().unwrap().iter().map(|name| disk.length(name).unwrap()).sum()
}

/// What is sure of a run that ended somewhere.
#[derive(Debug, Default, Clone, Copy)]
struct Sure {
    sealed: u64,
    /// Where the newest checkpoint goes on, and how far it counts.
    checkpoint: Option<(u64, u64)>,
    /// What may be gone.
    trimmed: u64,
}

/// Two hundred commits with checkpoints between them, trimmed as a cloud does; until the disk fails.
fn trace(disk: &Sim) -> Sure {
    let mut sure = Sure::default();
    let Ok((mut log, _)) = Spool::open(disk.clone(), LIMITS, BOOT) else { return sure };
    if log.open_epoch(EPOCH, &Positions::new()).is_err() {
        return sure;
    }
    for seq in 1..=COMMITS {
        for more in 0..seq % 3 {
            let (open, positions) = record(seq);
            let end_ms = open.end_ms + more;
            if log.checkpoint(Record { end_ms, ..open }, &positions).is_err() {
                return sure;
            }
            sure.checkpoint = Some((seq, end_ms));
        }
        if commit(&mut log).is_err() {
            return sure;
        }
        sure.sealed = seq;
        if seq % AT_ONCE == 0 {
            sure.trimmed = seq.saturating_sub(BEHIND);
            if log.trim(&EPOCH, sure.trimmed).is_err() {
                return sure;
            }
        }
        assert!(bytes(disk) <= LIMITS.quota);
    }
    sure
}

/// The log is a prefix of what was written, with everything that is sure, and can be gone on with.
fn check(disk: &Sim, sure: Sure, what: &str) {
    let (log, findings) = open(disk, LIMITS);
    assert_eq!(findings.damaged, 0, "{what}");
    let last = log.tail().next_seq - 1;
    assert!((sure.sealed..=sure.sealed + 1).contains(&last), "{what}: {last} of {sure:?}");
    let mut first = 1;
    if last > 0 {
        assert_eq!(log.positions(), &record(last).1, "{what}");
        assert_eq!(log.totals().unwrap()[&1].down_bytes, 100 * last, "{what}");
        let held = &log.epochs()[0];
        assert!(held.first_seq <= sure.trimmed.max(1) + 1 && held.last_seq == last, "{what}: {held:?} of {sure:?}");
        first = held.first_seq;
    }
    let mut before = None;
    // Also what came back of what was given up: none of it was written over.
    for seq in first..=last {
        let bytes = log.read(&EPOCH, seq).unwrap();
        let read = Record::decode(bytes.as_slice()).unwrap();
        assert_eq!((read.seq, read.start_ms), (seq, record(seq).0.start_ms), "{what}");
        assert!(before.is_none_or(|before: Hash| read.prev_hash == before), "{what}: the chain");
        before = Some(hash::usage_record(&bytes));
    }
    if let Some((seq, end_ms)) = sure.checkpoint.filter(|(seq, _)| *seq == last + 1) {
        let found = findings.checkpoint.expect(what);
        assert!(found.0.seq == seq && found.0.end_ms >= end_ms, "{what}");
    }
    drop(log);
    let mut log = begun(disk, LIMITS);
    fill(&mut log, 15);
    let (tail, again) = (*log.tail(), open(disk, LIMITS).0);
    assert_eq!(*again.tail(), tail, "{what}: gone on with");
}

#[test]
fn a_crash_at_every_call_of_two_hundred_commits_recovers_what_was_acknowledged() {
    let whole = Sim::default();
    assert_eq!(trace(&whole).sealed, COMMITS);
    let calls = whole.operations();
    assert!(calls > 2 * COMMITS as usize, "{calls} calls");
    for call in 0..calls {
        let disk = Sim::default();
        disk.die_after(call);
        let sure = trace(&disk);
        let killed = disk.image();
        killed.revive();
        check(&killed, sure, &format!("killed at call {call}"));
        for seed in [0, call as u64 + 1, 7 * call as u64 + 2, u64::MAX - call as u64] {
            let cut = disk.image();
            cut.cut_power(seed);
            check(&cut, sure, &format!("power cut at call {call}, seed {seed}"));
        }
    }
}

#[test]
fn what_a_power_cut_brings_back_was_not_written_over() {
    let limits = Limits { segment: 1_000, ..LIMITS };
    for (call, seed) in (0..6).flat_map(|call| (1..60).map(move |seed| (call, seed))) {
        let disk = Sim::default();
        let mut log = begun(&disk, limits);
        fill(&mut log, 20);
        // The next record is the first of a segment.
        while log.index.segments[&log.newest.unwrap()].size - log.end > 100 {
            fill(&mut log, 1);
        }
        let last = log.tail().next_seq - 1;
        log.trim(&EPOCH, last - 3).unwrap();
        disk.die_after(call);
        let newest = log.newest;
        assert!(commit(&mut log).is_err() || log.newest != newest);
        disk.cut_power(seed);
        let (again, findings) = open(&disk, limits);
        let held = &again.epochs()[0];
        assert_eq!(findings.damaged, 0);
        for seq in held.first_seq..=held.last_seq {
            assert!(again.read(&EPOCH, seq).is_ok(), "call {call}, seed {seed}: {seq} of {held:?}");
        }
    }
}

/// What would be a record if no checksum told that it is of another lap.
fn seal_at(bytes: &[u8]) -> Option<Sealed> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    Sealed::decode(bytes.get(frame::HEADER..frame::HEADER + length)?).ok()
}

#[test]
fn frames_of_an_earlier_lap_are_not_believed() {
    let disk = Sim::default();
    let mut log = begun(&disk, LIMITS);
    let (mut laps, mut left) = (0, 0);
    for seq in 1..=300 {
        let before = log.newest;
        fill(&mut log, 1);
        log.trim(&EPOCH, seq).unwrap();
        laps += u64::from(log.newest != before);
        // Records are of one length: behind the last one a whole frame of the lap before may begin.
        let file = disk.read(&segment_name(log.newest.unwrap())).unwrap();
        let rest = &file[log.end as usize..];
        left += usize::from(rest.get(4) == Some(&format::SEAL) && seal_at(rest).is_some());
        let (again, findings) = open(&disk, LIMITS);
        assert_eq!((again.tail(), findings.damaged), (log.tail(), 0));
    }
    assert!(laps > 10 && left > 50, "{laps} turns, {left} frames of earlier laps");
    assert!(disk.list().unwrap().len() <= 3, "{:?}", disk.list());
}

#[test]
fn a_quiet_log_is_small_and_a_growing_one_takes_what_it_may() {
    let disk = Sim::default();
    let mut log = begun(&disk, LIMITS);
    for seq in 1..100 {
        fill(&mut log, 1);
        log.trim(&EPOCH, seq).unwrap();
        assert!(bytes(&disk) <= 2 * LIMITS.segment);
    }
    let mut refused = false;
    for _ in 0..300 {
        refused |= commit(&mut log).is_err();
        assert!(bytes(&disk) <= LIMITS.quota);
    }
    assert!(refused && log.fill_permille() > 970, "{}", log.fill_permille());
    let last = log.tail().next_seq - 1;
    log.trim(&EPOCH, last).unwrap();
    assert!(log.fill_permille() <= 100);
    let spares = disk.list().unwrap().iter().filter(|name| spare_number(name).is_some()).count();
    assert_eq!(spares, 4, "others are removed");
    let mut same = disk.clone();
    let waiting: Vec<String> = disk.list().unwrap().into_iter().filter(|name| spare_number(name).is_some()).collect();
    waiting.iter().for_each(|name| same.remove(name).unwrap());
    fill(&mut log, 20);
    assert_eq!(open(&disk, LIMITS).0.tail(), log.tail());
}

#[test]
fn a_segment_that_is_waiting_counts_nothing_after_a_restart() {
    let disk = Sim::default();
    let mut log = begun(&disk, LIMITS);
    fill(&mut log, 60);
    let full = log.fill_permille();
    log.trim(&EPOCH, 60).unwrap();
    disk.cut_power(0);
    assert_eq!(open(&disk, LIMITS).0.fill_permille(), full, "no name was synced: all of it is back");
    let mut log = begun(&disk, LIMITS);
    log.trim(&EPOCH, 60).unwrap();
    fill(&mut log, 12);
    disk.cut_power(0);
    assert!(open(&disk, LIMITS).0.fill_permille() < 250);
}

#[test]
fn records_are_found_wherever_they_are() {
    let limits = Limits { segment: 200_000, quota: 2_000_000 };
    let disk = Sim::default();
    let mut log = begun(&disk, limits);
    fill(&mut log, 1500);
    log.open_epoch([8; 8], &Positions::new()).unwrap();
    fill(&mut log, 1500);
    let again = open(&disk, limits).0;
    assert_eq!(again.epochs(), log.epochs());
    for (epoch, seq) in [EPOCH, [8; 8]].into_iter().flat_map(|epoch| (1..=1500).map(move |seq| (epoch, seq))) {
        let read = log.read(&epoch, seq).unwrap();
        assert_eq!(Record::decode(read.as_slice()).unwrap().seq, seq);
        assert_eq!(again.read(&epoch, seq).unwrap(), read);
        assert_eq!(again.hash_of(&epoch, seq), Some(hash::usage_record(&read)));
    }
    assert!(matches!(again.read(&EPOCH, 1501), Err(Error::Damaged(1501))));
    let first = &disk.read(&segment_name(1)).unwrap();
    let header = frame::at(first, 0).expect("a header checks by itself, whatever the revision");
    assert_eq!(format::Header::decode(header.body).unwrap().revision, 2);
}

/// A log as agents of old left it: files that grew, each frame by itself, the checkpoint in one file.
fn of_revision_1(disk: &mut Sim) -> (Vec<Vec<u8>>, Tail) {
    let mut tail = Tail { epoch: EPOCH, next_seq: 1, hash: hash::GENESIS, end_ms: 0 };
    let mut files = Vec::new();
    for number in 1..=2u64 {
        let header = format::Header {
            revision: 1,
            epoch: tail.epoch.to_vec(),
            next_seq: tail.next_seq,
            prev_hash: tail.hash.to_vec(),
            boot_id: BOOT.as_bytes().to_vec(),
            end_ms: tail.end_ms,
            positions: Some(PositionColumns::from(&record(tail.next_seq - 1).1)),
            lap: 0,
            totals: None,
        };
        let mut file = frame::encode(format::HEADER, &header.encode_to_vec());
        for _ in 0..5 {
            let (sealed, bytes) = sealed_of_old(&tail);
            file.extend_from_slice(&frame::encode(format::SEAL, &sealed));
            (tail.next_seq, tail.hash) = (tail.next_seq + 1, hash::usage_record(&bytes));
            tail.end_ms = record(tail.next_seq - 1).0.end_ms;
        }
        if number == 2 {
            file.extend_from_slice(b"torn");
        }
        disk.append(&segment_name(number), &file).unwrap();
        disk.sync(&segment_name(number)).unwrap();
        files.push(file);
    }
    disk.replace("open", &frame::encode(format::CHECKPOINT, &sealed_of_old(&tail).0)).unwrap();
    (files, tail)
}

fn sealed_of_old(tail: &Tail) -> (Vec<u8>, Vec<u8>) {
    let (record, positions) = record(tail.next_seq);
    let (epoch, prev_hash) = (tail.epoch.to_vec(), tail.hash.to_vec());
    let record = Record { epoch, seq: tail.next_seq, prev_hash, ..record }.encode_to_vec();
    let sealed = Sealed { record: record.clone(), positions: Some(PositionColumns::from(&positions)), number: 0 };
    (sealed.encode_to_vec(), record)
}

#[test]
fn a_log_of_revision_1_is_read_on() {
    let mut disk = Sim::default();
    let (files, tail) = of_revision_1(&mut disk);
    let (mut log, findings) = open(&disk, LIMITS);
    assert_eq!((findings.damaged, *log.tail()), (0, tail));
    assert_eq!(findings.checkpoint.expect("the checkpoint of old").0.seq, 11);
    fill(&mut log, 3);
    let (open_record, positions) = record(14);
    log.checkpoint(open_record, &positions).unwrap();
    for (n, file) in files.iter().enumerate() {
        assert_eq!(&disk.read(&segment_name(n as u64 + 1)).unwrap(), file, "not written to");
    }
    let (mut again, findings) = open(&disk, LIMITS);
    assert_eq!(again.tail(), log.tail());
    assert_eq!(findings.checkpoint.expect("a checkpoint").0.seq, 14);
    for seq in 1..=13 {
        assert_eq!(Record::decode(again.read(&EPOCH, seq).unwrap().as_slice()).unwrap().seq, seq);
    }
    again.trim(&EPOCH, 7).unwrap();
    assert!(disk.read(&segment_name(1)).is_err() && disk.read(&segment_name(2)).is_ok());
    again.trim(&EPOCH, 13).unwrap();
    assert!(!disk.list().unwrap().iter().any(|name| spare_number(name).is_some()), "files of old are removed");
    assert_eq!(open(&disk, LIMITS).0.tail(), again.tail());
    assert_eq!(again.totals(), None, "what was trimmed before is not known");
    again.open_epoch([8; 8], &Positions::new()).unwrap();
    fill(&mut again, 2);
    assert_eq!(open(&disk, LIMITS).0.totals().unwrap()[&1].down_bytes, 200);
}

#[test]
fn many_lines_make_larger_segments() {
    let limits = Limits { segment: 2_000, quota: 400_000 };
    let disk = Sim::default();
    let mut log = begun(&disk, limits);
    for n in 0..40 {
        let key = |handle| Key { handle, generation: Uuid::from_u128(u128::from(handle)) };
        let at = Reading { down_bytes: n, ..Reading::default() };
        let positions: Positions = (0..100).map(|handle| (key(handle), at)).collect();
        let prepared = log.prepare(record(n).0, positions);
        log.seal(prepared).unwrap();
    }
    let segments = log.index.segments.len();
    assert!(segments <= 14, "{segments} headers for 40 records");
    assert_eq!(open(&disk, limits).0.positions(), log.positions());
}
