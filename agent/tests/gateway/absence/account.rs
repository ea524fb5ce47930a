//! The log at the end, against what was moved.

use std::collections::BTreeMap;
use std::path::Path;

use prost::Message;
use uuid::Uuid;
use weir_agent::store::disk::Folder;
use weir_agent::usage::spool::{Epoch, Limits, Spool};
use weir_protocol::hash;
use weir_protocol::usage::Record;

use super::kernel::Kernel;
use super::policy::{MINUTE_MS, says};
use super::subscriber::Both;

/// What a story came to.
#[derive(Debug, Default, Clone, Copy)]
pub struct Told {
    /// How full the log was at most.
    pub fullest_permille: u64,
    pub slowed: u64,
    pub records: u64,
    pub lost_bytes: u64,
}

/// Adds the log up: each boot's bytes are there once, but for what the power took with it.
pub fn settle(usage: &Path, kernel: &Kernel) -> Told {
    let records = records(usage);
    check_cuts(&records, kernel);
    let mut sealed: BTreeMap<(Vec<u8>, u32), Both> = BTreeMap::new();
    for record in &records {
        for line in record.lines().unwrap() {
            let sum = sealed.entry((record.boot_id.clone(), line.handle)).or_default();
            *sum = [sum[0] + line.down_bytes, sum[1] + line.up_bytes];
        }
    }
    let mut told = Told { records: records.len() as u64, ..Told::default() };
    for line in &kernel.world().lines {
        told.slowed += u64::from(line.slowed);
        for (boot, (moved, losable)) in &line.moved {
            let boot_id = Uuid::from_u128((*boot).into()).as_bytes().to_vec();
            let sealed = sealed.remove(&(boot_id, line.line.handle)).unwrap_or_default();
            for way in 0..2 {
                let what = format!("line {} way {way} boot {boot}", line.line.handle);
                assert!(sealed[way] <= moved[way], "{what}: {} of {} sealed", sealed[way], moved[way]);
                let lost = moved[way] - sealed[way];
                assert!(lost <= losable[way], "{what}: {lost} lost, {} may be", losable[way]);
                told.lost_bytes += lost;
            }
        }
    }
    assert!(sealed.is_empty(), "nobody moved {sealed:?}");
    told
}

/// The records of the only chain there may be.
fn records(usage: &Path) -> Vec<Record> {
    let limits = Limits { segment: u64::MAX, quota: u64::MAX };
    let (spool, _) = Spool::open(Folder::open(usage).unwrap(), limits, Uuid::nil()).unwrap();
    let epochs = spool.epochs();
    assert_eq!(epochs.len(), 1, "the log was never broken");
    let epoch = Epoch::try_from(epochs[0].epoch.as_slice()).unwrap();
    assert_eq!(epochs[0].first_seq, 1);
    let mut before = hash::GENESIS.to_vec();
    let mut records = Vec::new();
    for seq in 1..=epochs[0].last_seq {
        let bytes = spool.read(&epoch, seq).unwrap();
        let record = Record::decode(bytes.as_slice()).unwrap();
        assert_eq!((record.seq, &record.prev_hash), (seq, &before));
        before = hash::usage_record(&bytes).to_vec();
        records.push(record);
    }
    records
}

fn check_cuts(records: &[Record], kernel: &Kernel) {
    for record in records {
        let (start, end) = (record.start_ms, record.end_ms);
        assert!(start <= end, "{record:?}");
        let minutes = (start / MINUTE_MS + 1..).map(|n| n * MINUTE_MS).take_while(|minute| *minute < end);
        for minute in minutes {
            let cut = |line| says(line, minute).is_cut_from(&says(line, minute - MINUTE_MS));
            let straddled = kernel.world().lines.iter().map(|one| &one.line).find(|line| cut(line)).cloned();
            assert!(straddled.is_none(), "{start} to {end} straddles {minute} of {straddled:?}");
        }
    }
    for (one, next) in records.iter().zip(&records[1..]) {
        assert!(one.boot_id != next.boot_id || one.end_ms <= next.start_ms, "{one:?} overlaps {next:?}");
    }
}
