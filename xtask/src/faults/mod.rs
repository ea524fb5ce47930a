//! The fault matrix: which tests break what, and what that came to. [`rows`] is the table, this runs and prints it.

mod rows;

use crate::workspace::{cargo, each_line, target};
use anyhow::{Context, Result, ensure};
use rows::{Binary, How, ROWS, Row};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

/// What tests said: which passed, and what each row's faults came to.
#[derive(Default)]
pub struct Heard {
    binary: String,
    /// Binary and test; whether it passed.
    tests: BTreeMap<(String, String), bool>,
}

/// What the faults of a row came to.
#[derive(Default)]
struct Sum {
    runs: u64,
    moved: u64,
    lost: u64,
    doubled: u64,
}

/// Runs the tests of the table, and prints it.
pub fn run() -> Result<()> {
    let mut wanted: BTreeMap<Binary, BTreeSet<&str>> = BTreeMap::new();
    for (binary, test) in ROWS.iter().flat_map(|row| row.tests()) {
        wanted.entry(*binary).or_default().insert(test);
    }
    forget()?;
    let mut heard = Heard::default();
    let mut failed = Ok(());
    for (binary, tests) in wanted {
        let mut tests: Vec<_> = tests.into_iter().collect();
        let mut command = cargo(&["test"]);
        command.args(binary.arguments()).args(["--", "--exact"]).args(tests.drain(..));
        failed = failed.and(heard.listen(&mut command));
    }
    heard.table()?;
    failed
}

/// Where tests note what faults came to.
fn notes() -> PathBuf {
    target().join("faults.jsonl")
}

/// Forgets what earlier runs noted.
pub fn forget() -> Result<()> {
    match std::fs::remove_file(notes()) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

impl Heard {
    /// Runs tests, one at a time: several measure time and rates, and two cores carry one lab at once.
    pub fn listen(&mut self, command: &mut Command) -> Result<()> {
        command.env("RUST_TEST_THREADS", "1").env("WEIR_FAULTS", notes());
        each_line(command, |line| self.hear(line))
    }

    fn hear(&mut self, line: &str) {
        if let Some((_, program)) = line.trim_start().strip_prefix("Running ").and_then(|line| line.rsplit_once('/')) {
            self.binary = program.rsplit_once('-').map_or(program, |(name, _)| name).to_owned();
        }
        // What came of it may stand lines below, after what the test's own programs print; whoever failed is named at the end.
        if let Some((test, came)) = line.strip_prefix("test ").and_then(|line| line.split_once(" ... ")) {
            if came.starts_with("ignored") {
                return;
            }
            self.tests.insert((self.binary.clone(), test.to_owned()), true);
        } else if let Some(failed) = line.strip_prefix("    ") {
            self.tests.entry((self.binary.clone(), failed.to_owned())).and_modify(|passed| *passed = false);
        }
    }

    /// Prints what became of each fault.
    ///
    /// # Errors
    /// When a test of the table did not run or failed, bytes were billed twice, or lost where none may be.
    pub fn table(&self) -> Result<()> {
        let sums = sums()?;
        let (mut ran, mut lost, mut doubled, mut wrong) = (0, 0, 0, Vec::new());
        println!(
            " row  fault                                                         runs      bytes moved   lost  doubled"
        );
        for row in ROWS {
            let sum = sums.get(&row.number);
            println!("{}", self.line(row, sum));
            wrong.extend(self.wrong(row, sum));
            if let (How::Tests(_), Some(sum)) = (&row.how, sum) {
                (lost, doubled) = (lost + if row.exact { sum.lost } else { 0 }, doubled + sum.doubled);
            }
            ran += usize::from(matches!(row.how, How::Tests(_)));
        }
        println!("{ran} of {} rows ran; {lost} bytes lost where none may be, {doubled} doubled", ROWS.len());
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        Ok(())
    }

    fn line(&self, row: &Row, sum: Option<&Sum>) -> String {
        let head = format!("{:>4}  {:<58}", row.number, row.fault);
        match (&row.how, sum) {
            (How::Cannot(why), _) => format!("{head}  cannot run here: {why}"),
            (How::Tests(tests), None) => format!("{head} {:>7}                -      -        -", tests.len()),
            (How::Tests(_), Some(Sum { runs, moved, lost, doubled })) => {
                let mark = if row.exact { "" } else { "  less may be billed: see the test" };
                format!("{head} {runs:>7} {moved:>16} {lost:>6} {doubled:>8}{mark}")
            }
        }
    }

    /// What is not as it must be.
    fn wrong(&self, row: &Row, sum: Option<&Sum>) -> Vec<String> {
        let number = row.number;
        let missing = row.tests().iter().filter_map(|(binary, test)| {
            match self.tests.get(&(binary.name().to_owned(), (*test).to_owned())) {
                Some(true) => None,
                Some(false) => Some(format!("row {number}: {test} failed")),
                None => Some(format!("row {number}: {test} of {} did not run", binary.name())),
            }
        });
        let mut wrong: Vec<_> = missing.collect();
        let Some(sum) = sum else { return wrong };
        if sum.doubled > 0 || (row.exact && sum.lost > 0) {
            wrong.push(format!("row {number}: {} bytes lost, {} doubled", sum.lost, sum.doubled));
        }
        wrong
    }
}

/// What tests noted.
fn sums() -> Result<BTreeMap<u8, Sum>> {
    let text = std::fs::read_to_string(notes()).context("no test noted what a fault came to")?;
    let mut sums: BTreeMap<u8, Sum> = BTreeMap::new();
    for line in text.lines() {
        let note: Value = serde_json::from_str(line).with_context(|| format!("a note that is none: {line}"))?;
        let number = |name: &str| note[name].as_u64().with_context(|| format!("no {name} in {line}"));
        let (moved, billed) = (number("moved")?, number("billed")?);
        let sum = sums.entry(u8::try_from(number("row")?)?).or_default();
        sum.runs += 1;
        sum.moved += moved;
        sum.lost += moved.saturating_sub(billed);
        sum.doubled += billed.saturating_sub(moved);
    }
    Ok(sums)
}
