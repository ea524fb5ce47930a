//! What the usage log costs a disk: bytes that reach the device, which is what wears flash out.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use uuid::Uuid;
use weir_agent::store::disk::Folder;
use weir_agent::usage::spool::{Limits, Spool};
use weir_agent::usage::{Key, Positions, Reading};
use weir_protocol::usage::{LineUsage, Record};

const LIMITS: Limits = Limits { segment: 256 * 1024, quota: 8 * 1024 * 1024 };
/// Lines that move in each record: with the positions of their counters, about 600 bytes.
const LINES: u32 = 10;
/// Before measuring: enough that every file needed is there.
const BEFORE: u64 = 1_500;
/// Commits measured.
pub const COMMITS: u64 = 2_000;

/// A file system of its own, on a device whose writes the kernel counts.
struct Device {
    mounted: PathBuf,
    stat: PathBuf,
}

impl Device {
    /// Makes one in a folder. It is mounted for the calling thread alone, and gone when that ends.
    fn ext4(folder: &Path) -> Self {
        assert!(nix::unistd::geteuid().is_root(), "only root can mount a loop device");
        unshare(CloneFlags::CLONE_NEWNS).unwrap();
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_PRIVATE | MsFlags::MS_REC, None::<&str>).unwrap();
        let (image, mounted) = (folder.join("image"), folder.join("mounted"));
        std::fs::File::create(&image).unwrap().set_len(64 * 1024 * 1024).unwrap();
        std::fs::create_dir(&mounted).unwrap();
        // Blocks as on any larger disk; and what is set up later would be counted as ours.
        let options = ["-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"];
        run("mkfs.ext4", &[options.as_slice(), &[image.to_str().unwrap()]].concat());
        run("mount", &["-o", "loop", image.to_str().unwrap(), mounted.to_str().unwrap()]);
        let mounts = std::fs::read_to_string("/proc/thread-self/mounts").unwrap();
        let own = mounts.lines().find(|line| line.split(' ').nth(1) == mounted.to_str()).unwrap();
        let name = own.split(' ').next().and_then(|device| device.strip_prefix("/dev/")).unwrap();
        Self { mounted, stat: Path::new("/sys/block").join(name).join("stat") }
    }

    /// Bytes written to it so far.
    fn written(&self) -> u64 {
        let stat = std::fs::read_to_string(&self.stat).unwrap();
        stat.split_whitespace().nth(6).unwrap().parse::<u64>().unwrap() * 512
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What one commit comes to, in bytes.
#[derive(Debug)]
pub struct Cost {
    /// That are in the log.
    pub frame: f64,
    /// That reached the device for a sealed record.
    pub seal: f64,
    /// For a checkpoint.
    pub checkpoint: f64,
}

/// Seals and checkpoints on a device of their own, as on a router whose cloud follows.
pub fn cost() -> Cost {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    // The namespace is the thread's.
    let measured = std::thread::scope(|scope| scope.spawn(|| measure(&Device::ext4(folder.path()))).join());
    measured.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn measure(device: &Device) -> Cost {
    let disk = Folder::open(&device.mounted.join("usage")).unwrap();
    let (mut log, _) = Spool::open(disk, LIMITS, Uuid::from_u128(1)).unwrap();
    log.open_epoch([7; 8], &Positions::new()).unwrap();
    let mut seal = |count| {
        for _ in 0..count {
            let seq = log.tail().next_seq;
            let (record, positions) = record(seq);
            let prepared = log.prepare(record, positions);
            log.seal(prepared).unwrap();
            log.trim(&[7; 8], seq.saturating_sub(2)).unwrap();
        }
        (device.written(), log.tail().next_seq)
    };
    let before = seal(BEFORE).0;
    let (after, next) = seal(COMMITS);
    let (open, positions) = record(next);
    let frame = log_bytes(&open, &positions);
    for _ in 0..COMMITS {
        let (open, positions) = record(next);
        log.checkpoint(open, &positions).unwrap();
    }
    let each = |bytes: u64| bytes as f64 / COMMITS as f64;
    Cost { frame, seal: each(after - before), checkpoint: each(device.written() - after) }
}

/// The record after `seq - 1`, and where counters stand.
pub fn record(seq: u64) -> (Record, Positions) {
    let moved = |handle| LineUsage {
        handle,
        down_bytes: 1_000_000 + seq,
        up_bytes: 100_000,
        down_packets: 1_000,
        up_packets: 700,
        ..LineUsage::default()
    };
    let key = |handle: u32| Key { handle, generation: Uuid::from_u128(u128::from(handle) << 64 | 0x1234_5678) };
    let at = Reading { down_bytes: seq << 20, up_bytes: seq << 17, down_packets: seq << 10, up_packets: seq << 9 };
    let mut record = Record { start_ms: seq << 18, end_ms: (seq + 1) << 18, ..Record::default() };
    record.set_lines(&(1..=LINES).map(moved).collect::<Vec<_>>());
    (record, (1..=LINES).map(|handle| (key(handle), at)).collect())
}

/// Bytes of a frame with all of this.
fn log_bytes(record: &Record, positions: &Positions) -> f64 {
    use prost::Message;
    let positions = weir_agent::usage::spool::format::PositionColumns::from(positions);
    // Epoch, hash and the frame's own header.
    (record.encoded_len() + positions.encoded_len() + 50) as f64
}
