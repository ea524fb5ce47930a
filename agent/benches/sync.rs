//! Usage from counters to acknowledgement: sealed, synced to disk, framed, read, answered, deleted; against writing and
//! syncing the same bytes alone, and against the numbers themselves.

mod figure;
mod spool;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use figure::Goal::{AtLeast, AtMost};
use figure::{print, quantile};
use prost::Message;
use spool::counted::Counted;
use uuid::Uuid;
use weir_agent::clock::Now;
use weir_agent::northbound::sender::{Effect, Sender};
use weir_agent::southbound::{Counter, Total};
use weir_agent::store::disk::Folder;
use weir_agent::usage::journal::Journal;
use weir_agent::usage::spool::Limits;
use weir_protocol::usage::{Down, LineUsage, Outcome, Record, SealReason, Up};
use weir_protocol::{PROTO_REV, frame, hash};

const LINES: u32 = 1_000;
const RECORDS: u64 = 100;
const ROUNDS: usize = 3;

fn main() {
    if spool::opened() {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder on a real disk");
    let (mut shares, mut rates, mut last) = (Vec::new(), Vec::new(), None);
    for round in 0..ROUNDS {
        let run = pipeline(&folder.path().join(format!("round-{round}")));
        let floor = floor(folder.path(), &run.written);
        rates.push(RECORDS as f64 / run.seconds);
        shares.push(floor / run.seconds);
        last = Some(run);
    }
    let run = last.expect("a round");
    let note = format!("records of {LINES} lines from counters to acknowledged and deleted");
    print("sync_records_per_s", quantile(&rates, 0.5), "records/s", AtLeast(20.0), ROUNDS, &note);
    let note = "time to write and sync the same bytes, of the time all of it takes";
    print("sync_vs_fsync", quantile(&shares, 0.5), "of floor", AtLeast(0.4), ROUNDS, note);

    let count = f64::from(LINES) * RECORDS as f64;
    let wire = run.wire as f64 / count;
    let numbers = run.numbers as f64 / count;
    print("sync_bytes_per_line", wire, "B", AtMost(14.0), RECORDS as usize, "on the wire, for one line in one record");
    let note = format!("the four numbers as packed varints, nothing else: {numbers:.2} B");
    print("sync_bytes_vs_numbers", wire / numbers, "x", AtMost(1.2), RECORDS as usize, &note);
    let disk = run.written.iter().sum::<usize>() as f64 / count;
    print(
        "sync_disk_bytes_per_line",
        disk,
        "B",
        AtMost(60.0),
        RECORDS as usize,
        "written to disk: the record and the counters' positions",
    );
    spool::print_all();
}

struct Run {
    seconds: f64,
    /// Bytes written to the log, record by record.
    written: Vec<usize>,
    /// Bytes on the wire.
    wire: usize,
    /// Bytes of the four numbers of each line alone.
    numbers: usize,
}

fn now(n: u64) -> Now {
    Now { wall_ms: 1_000_000 + n * 300_000, mono_ms: n * 300_000 }
}

fn pipeline(folder: &Path) -> Run {
    let limits = Limits { segment: 1024 * 1024, quota: 64 * 1024 * 1024 };
    let (log, run_dir) = (folder.join("log"), folder.join("run"));
    let (disk, written) = Counted::new(Folder::open(&log).expect("the log's folder"));
    let (run, _) = Counted::new(Folder::volatile(&run_dir).expect("the run folder"));
    let mut journal = Journal::start(disk, run, limits, Uuid::from_u128(9), now(0), || [7; 8]).expect("a journal");
    let mut counters = idle();
    journal.observe(&counters, now(0)).expect("the first sweep");
    let (mut sender, _) = Sender::welcome(journal.spool(), &[], PROTO_REV);
    let mut cloud = Cloud { applied: 0, hash: hash::GENESIS, bytes: BTreeMap::new() };
    let mut done = Run { seconds: 0.0, written: Vec::new(), wire: 0, numbers: 0 };
    let mut chance = 1;
    for n in 1..=RECORDS {
        let moved = traffic(&mut counters, &mut chance);
        done.numbers += moved.iter().map(numbers).sum::<usize>();
        let before = written.get();
        let began = Instant::now();
        journal.observe(&counters, now(n)).expect("a sweep");
        journal.seal(now(n), now(n).wall_ms, SealReason::Interval).expect("sealed");
        while let Some((epoch, seq)) = sender.next(journal.spool()) {
            let record = journal.spool().read(&epoch, seq).expect("read back");
            let frame = frame::encode(&Up { record, ..Up::default() }).expect("framed");
            done.wire += frame.len();
            let answer = cloud.take(&frame);
            for effect in sender.answer(journal.spool(), &answer) {
                let Effect::Trim(epoch, seq) = effect else { panic!("{effect:?}") };
                journal.trim(&epoch, seq).expect("trimmed");
            }
        }
        done.seconds += began.elapsed().as_secs_f64();
        done.written.push(written.get() - before);
    }
    assert_eq!(cloud.applied, RECORDS);
    for counter in &counters {
        assert_eq!(
            cloud.bytes[&counter.handle],
            counter.down.bytes + counter.up.bytes,
            "nothing lost, nothing doubled"
        );
    }
    done
}

/// The cloud's part without its database: the chain checked, the columns read.
struct Cloud {
    applied: u64,
    hash: hash::Hash,
    bytes: BTreeMap<u32, u64>,
}

impl Cloud {
    fn take(&mut self, bytes: &[u8]) -> Down {
        let up: Up = frame::decode(bytes[4], &bytes[5..]).expect("a frame");
        let record = Record::decode(up.record.as_slice()).expect("a record");
        assert_eq!((record.seq, record.prev_hash.as_slice()), (self.applied + 1, self.hash.as_slice()));
        for line in record.lines().expect("columns") {
            *self.bytes.entry(line.handle).or_default() += line.down_bytes + line.up_bytes;
        }
        (self.applied, self.hash) = (record.seq, hash::usage_record(&up.record));
        Down { epoch: record.epoch, applied_seq: record.seq, trim_seq: record.seq, outcome: Outcome::Applied as i32 }
    }
}

fn idle() -> Vec<Counter> {
    let none = Total::default();
    let generation = |handle: u32| Uuid::from_u128(0x1234_5678_9abc_def0_u128 << 32 | u128::from(handle));
    let counter = |handle| Counter {
        handle,
        generation: generation(handle),
        base_down: none,
        base_up: none,
        down: none,
        up: none,
    };
    (1..=LINES).map(counter).collect()
}

/// Five minutes: most lines a little, some a lot, the same each run.
fn traffic(counters: &mut [Counter], chance: &mut u64) -> Vec<LineUsage> {
    let mut roll = || {
        *chance ^= *chance << 13;
        *chance ^= *chance >> 7;
        *chance ^= *chance << 17;
        *chance
    };
    let mut add = |counter: &mut Counter| {
        let scale = roll() % 20;
        let down_bytes = (roll() % 3_000) << scale;
        let (down_packets, up_packets) = (down_bytes / 1_200 + 1, down_bytes / 2_600 + 1);
        let up_bytes = up_packets * (60 + roll() % 80);
        counter.down = Total { bytes: counter.down.bytes + down_bytes, packets: counter.down.packets + down_packets };
        counter.up = Total { bytes: counter.up.bytes + up_bytes, packets: counter.up.packets + up_packets };
        LineUsage { handle: counter.handle, down_bytes, up_bytes, down_packets, up_packets, ..LineUsage::default() }
    };
    counters.iter_mut().map(&mut add).collect()
}

fn numbers(line: &LineUsage) -> usize {
    let numbers = [line.down_bytes, line.up_bytes, line.down_packets, line.up_packets];
    numbers.into_iter().map(prost::encoding::encoded_len_varint).sum()
}

/// Seconds to append and sync as many bytes as many times.
fn floor(folder: &Path, written: &[usize]) -> f64 {
    let path: PathBuf = folder.join("floor");
    let mut file = File::create(&path).expect("a file");
    let bytes = vec![0x5a; written.iter().copied().max().unwrap_or(0)];
    let began = Instant::now();
    for length in written {
        file.write_all(&bytes[..*length]).expect("written");
        file.sync_data().expect("synced");
    }
    began.elapsed().as_secs_f64()
}
