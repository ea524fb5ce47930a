//! `cargo xtask fuzz --decoders`: libFuzzer against what reads the protocol, from the golden bytes of every revision on.
//!
//! The targets are in cargo-fuzz's own form (`protocol/fuzz`). Here they are built by the toolchain of the workspace: what guides
//! the engine is instrumentation of the compiler's stable flags; a sanitizer finds nothing more in code without `unsafe`.

use crate::workspace::{cargo, command, must, output, root, target};
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::path::Path;

/// A target, and the messages it begins with: those whose names begin so.
const TARGETS: [(&str, &[&str]); 6] = [
    ("control", &["control.", "live.", "quality.", "diagnosis."]),
    ("state", &["state."]),
    ("usage", &["usage."]),
    ("enroll", &["enroll."]),
    ("desired", &["desired."]),
    ("frame", &["plain", "compressed"]),
];
/// What cargo-fuzz tells the compiler, but for the sanitizer.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1";

/// Builds all targets and runs each so many seconds. What is found is below the target folder, and fails.
pub fn run(seconds: u32) -> Result<()> {
    let told = output(&mut command("rustc", &["-vV"]))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let built = target().join("fuzz");
    let mut build = cargo(&["build", "--release", "--manifest-path", "protocol/fuzz/Cargo.toml", "--target", host]);
    must(build.arg("--target-dir").arg(&built).env("RUSTFLAGS", FLAGS))?;
    for (name, messages) in TARGETS {
        let (corpus, found) = (built.join("corpus").join(name), built.join("found").join(name));
        std::fs::create_dir_all(&found)?;
        seed(&corpus, messages)?;
        let program = built.join(host).join("release").join(name).display().to_string();
        let mut fuzz = command(&program, &[&format!("-max_total_time={seconds}"), "-max_len=4096", "-verbosity=0"]);
        fuzz.arg(format!("-artifact_prefix={}/", found.display()));
        must(fuzz.arg("-print_final_stats=1").arg(&corpus))?;
    }
    Ok(())
}

/// Puts the golden bytes of messages into a corpus.
fn seed(corpus: &Path, messages: &[&str]) -> Result<()> {
    std::fs::create_dir_all(corpus)?;
    for folder in std::fs::read_dir(root().join("protocol/golden"))? {
        let folder = folder?.path();
        let revision = folder.file_name().unwrap_or_default().display().to_string();
        let mut golden = golden(&folder)?;
        golden.extend(pair(&golden));
        let wanted = |name: &str| messages.iter().any(|message| name.starts_with(message));
        for (name, bytes) in golden.iter().filter(|(name, _)| wanted(name)) {
            std::fs::write(corpus.join(format!("{revision}-{name}")), bytes)?;
        }
    }
    Ok(())
}

/// The golden bytes of a revision, by name.
fn golden(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut golden = BTreeMap::new();
    for file in ["frames.txt", "messages.txt"] {
        let text = std::fs::read_to_string(folder.join(file))?;
        for (name, bytes) in text.lines().filter_map(|line| line.split_once(' ')) {
            golden.insert(name.to_owned(), hex(bytes)?);
        }
    }
    Ok(golden)
}

/// A change and a report of it, as the target of the state stream reads both: the length of the change comes first.
fn pair(golden: &BTreeMap<String, Vec<u8>>) -> Option<(String, Vec<u8>)> {
    let (change, report) = (golden.get("state.Down")?, golden.get("state.Up.Applied")?);
    let length = u16::try_from(change.len()).ok()?;
    Some(("state.pair".to_owned(), [&length.to_le_bytes()[..], change, report].concat()))
}

fn hex(text: &str) -> Result<Vec<u8>> {
    let digits = |at: usize| text.get(at..at + 2).context("half a byte");
    (0..text.len()).step_by(2).map(|at| Ok(u8::from_str_radix(digits(at)?, 16)?)).collect()
}
