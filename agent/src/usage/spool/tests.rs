//! The log by itself: chaining, rolling, trimming and reading back.

use super::*;
use crate::store::sim::Sim;
use crate::usage::{Key, Reading};
use weir_protocol::usage::LineUsage;

fn record(n: u64) -> (Record, Positions) {
    let key = Key { handle: 1, generation: Uuid::from_u128(9) };
    let reading = Reading { down_bytes: n * 100, ..Reading::default() };
    (Record { start_ms: n, end_ms: n + 1, ..Record::default() }, Positions::from([(key, reading)]))
}

fn spool(disk: &Sim) -> Spool<Sim> {
    let (mut spool, findings) =
        Spool::open(disk.clone(), Limits { segment: 600, quota: 100_000 }, Uuid::nil()).unwrap();
    if !findings.any {
        spool.open_epoch([7; 8], &Positions::new()).unwrap();
    }
    spool
}

fn fill(spool: &mut Spool<Sim>, count: u64) {
    for _ in 0..count {
        let (record, positions) = record(spool.tail().next_seq);
        let prepared = spool.prepare(record, positions);
        spool.seal(prepared).unwrap();
    }
}

#[test]
fn reopening_gives_the_same_log() {
    let disk = Sim::default();
    let mut before = spool(&disk);
    fill(&mut before, 20);
    let after = spool(&disk);
    assert_eq!(after.tail(), before.tail());
    assert_eq!(after.positions(), before.positions());
    assert_eq!(after.epochs(), before.epochs());
    for seq in 1..=20 {
        assert_eq!(after.read(&[7; 8], seq).unwrap(), before.read(&[7; 8], seq).unwrap());
    }
}

#[test]
fn trimming_keeps_the_baseline_the_chain_and_what_was_not_acknowledged() {
    let disk = Sim::default();
    let mut log = spool(&disk);
    fill(&mut log, 30);
    let files = log.index.segments.len();
    assert!(files > 3, "{files} segments");
    log.trim(&[7; 8], 17).unwrap();
    assert!(log.index.segments.len() < files);
    let reopened = spool(&disk);
    assert_eq!(reopened.positions(), log.positions());
    assert_eq!(reopened.tail(), log.tail());
    let held = &reopened.epochs()[0];
    assert!(held.first_seq > 1 && held.first_seq <= 18, "first held is {}", held.first_seq);
    for seq in held.first_seq..=30 {
        assert!(reopened.read(&[7; 8], seq).is_ok());
    }
    let before = reopened.hash_of(&[7; 8], held.first_seq - 1).unwrap();
    assert_eq!(before.as_slice(), held.first_prev_hash);
}

#[test]
fn a_superseded_epoch_is_held_until_it_is_trimmed() {
    let disk = Sim::default();
    let mut log = spool(&disk);
    fill(&mut log, 3);
    log.open_epoch([8; 8], &Positions::new()).unwrap();
    fill(&mut log, 10);
    let epochs: Vec<_> =
        spool(&disk).epochs().iter().map(|held| (held.epoch[0], held.first_seq, held.last_seq)).collect();
    assert_eq!(epochs, [(7, 1, 3), (8, 1, 10)]);
    log.trim(&[8; 8], 10).unwrap();
    assert_eq!(log.epochs().len(), 2, "trimming one epoch leaves the other");
    log.trim(&[7; 8], 3).unwrap();
    assert_eq!(log.epochs().len(), 1);
}

#[test]
fn a_full_log_refuses_and_changes_nothing() {
    let disk = Sim::default();
    let (mut log, _) = Spool::open(disk, Limits { segment: 600, quota: 900 }, Uuid::nil()).unwrap();
    log.open_epoch([7; 8], &Positions::new()).unwrap();
    let refused = loop {
        let (record, positions) = record(log.tail().next_seq);
        let before = *log.tail();
        let prepared = log.prepare(record, positions);
        if let Err(error) = log.seal(prepared) {
            assert_eq!(*log.tail(), before);
            break error;
        }
    };
    assert!(matches!(refused, Error::Full));
}

#[test]
fn what_records_came_to_that_are_gone_or_cannot_be_read_is_told_exactly() {
    let (disk, epoch) = (Sim::default(), [7; 8]);
    let mut log = spool(&disk);
    for n in 1..=30 {
        let (mut record, positions) = record(n);
        record.set_lines(&[LineUsage { handle: 1, down_bytes: n, ..LineUsage::default() }]);
        let prepared = log.prepare(record, positions);
        log.seal(prepared).unwrap();
    }
    let moved = |log: &Spool<Sim>, after: u64| {
        let fill = log.gap_fill(&epoch, after, b"a tally.").unwrap();
        let totals = fill.totals.unwrap();
        assert_eq!((totals.tally.as_slice(), totals.end_ms), (&b"a tally."[..], totals.seq + 1));
        assert_eq!(fill.last_hash, log.hash_of(&epoch, totals.seq).unwrap());
        (totals.seq, totals.lines().unwrap()[0].down_bytes)
    };
    log.trim(&epoch, 17).unwrap();
    let log = spool(&disk);
    let first = log.epochs()[0].first_seq;
    assert!(first > 2, "first held is {first}");
    let gone = (first - 1, first * (first - 1) / 2);
    assert_eq!([moved(&log, 0), moved(&log, first - 2)], [gone, gone]);
    // A record in the middle can no longer be read: all up to the next segment is told at once.
    let (last, sum) = moved(&log, first);
    assert!(last > first && last < 30 && sum == last * (last + 1) / 2, "up to {last}: {sum}");
    // Of the newest segment, all up to the end.
    assert_eq!(moved(&log, 29), (30, 465));
    assert!(log.gap_fill(&epoch, 30, &[]).is_none() && log.gap_fill(&[8; 8], 0, &[]).is_none());
}

/// What is told of so many lines that are gone, each of which moved up to so much.
fn told_of(lines: u32, most: u64) -> weir_protocol::usage::GapFill {
    let disk = Sim::default();
    let limits = Limits { segment: 32 << 20, quota: 256 << 20 };
    let (mut log, _) = Spool::open(disk, limits, Uuid::nil()).unwrap();
    log.open_epoch([7; 8], &Positions::new()).unwrap();
    let mut record = Record { start_ms: 1, end_ms: 2, ..Record::default() };
    // Digits without a pattern, as those of real traffic.
    let moved = |handle: u32| {
        let digits = |n: u64| u64::from(handle).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(n as u32) % most;
        let (down_packets, up_packets) = (digits(19), digits(37));
        LineUsage {
            handle,
            down_bytes: digits(0),
            up_bytes: digits(50),
            down_packets,
            up_packets,
            ..LineUsage::default()
        }
    };
    record.set_lines(&(1..=lines).map(moved).collect::<Vec<_>>());
    let prepared = log.prepare(record, Positions::new());
    log.seal(prepared).unwrap();
    log.gap_fill(&[7; 8], 0, b"a tally.").unwrap()
}

#[test]
fn what_is_told_of_records_that_are_gone_fits_into_a_message() {
    let sum = |fill: &weir_protocol::usage::GapFill, part: fn(&LineUsage) -> u64| -> u64 {
        fill.totals.as_ref().unwrap().lines().unwrap().iter().map(part).sum()
    };
    let few = told_of(1_000, 1 << 40);
    assert!(sum(&few, |line| line.down_packets) > 0 && sum(&few, |line| line.up_bytes) > 0);
    let (many, too_many) = (told_of(70_000, 1 << 40), told_of(100_000, 1 << 62));
    assert!(
        sum(&many, |line| line.down_packets) == 0 && sum(&many, |line| line.down_bytes) > 0,
        "packets are no money"
    );
    let nothing = too_many.totals.as_ref().unwrap();
    assert_eq!((nothing.seq, nothing.end_ms, nothing.lines().unwrap().len()), (1, 0, 0));
    for fill in [few, many, too_many] {
        let message = weir_protocol::usage::Up { gap_fill: Some(fill), ..Default::default() };
        assert!(weir_protocol::frame::encode(&message).is_ok());
    }
}
