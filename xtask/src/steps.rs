//! A list of steps with their times, told on standard error as they happen.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Runs steps and remembers how each went.
#[derive(Default)]
pub struct Steps(Vec<(String, Duration, bool)>);

impl Steps {
    /// Runs one; a failure is told now and counted at the end.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("==> {name}");
        let began = Instant::now();
        let outcome = step();
        let took = began.elapsed();
        match &outcome {
            Ok(()) => eprintln!("<== {name}: ok, {:.1} s", took.as_secs_f64()),
            Err(error) => eprintln!("<== {name}: FAILED, {:.1} s: {error:#}", took.as_secs_f64()),
        }
        self.0.push((name.to_owned(), took, outcome.is_ok()));
        outcome.is_ok()
    }

    /// Sums up, and fails when a step failed.
    pub fn end(self) -> Result<()> {
        eprintln!();
        for (name, took, ok) in &self.0 {
            eprintln!("{} {:>7.1} s  {name}", if *ok { "ok    " } else { "FAILED" }, took.as_secs_f64());
        }
        let failed: Vec<_> = self.0.iter().filter(|(_, _, ok)| !ok).map(|(name, ..)| name.as_str()).collect();
        if !failed.is_empty() {
            bail!("{} of {} steps failed: {}", failed.len(), self.0.len(), failed.join(", "));
        }
        Ok(())
    }
}
