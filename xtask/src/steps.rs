//! A list of steps with their times, told on standard error as they happen.

use anyhow::{Result, bail};
use std::time::{Duration, Instant};

/// Runs steps and remembers how each went.
#[derive(Default)]
pub struct Steps(Vec<(String, Duration, Result<()>)>);

impl Steps {
    /// Runs one; that it failed is told now, and why at the end, where it is looked for.
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        eprintln!("==> {name}");
        let began = Instant::now();
        let outcome = step();
        let took = began.elapsed();
        match &outcome {
            Ok(()) => eprintln!("<== {name}: ok, {:.1} s", took.as_secs_f64()),
            Err(_) => eprintln!("<== {name}: FAILED, {:.1} s", took.as_secs_f64()),
        }
        let ok = outcome.is_ok();
        self.0.push((name.to_owned(), took, outcome));
        ok
    }

    /// Sums up, and fails when a step failed.
    pub fn end(self) -> Result<()> {
        for (name, _, outcome) in &self.0 {
            if let Err(error) = outcome {
                eprintln!("\n==> why {name} failed\n{error:#}");
            }
        }
        eprintln!();
        for (name, took, outcome) in &self.0 {
            eprintln!("{} {:>7.1} s  {name}", if outcome.is_ok() { "ok    " } else { "FAILED" }, took.as_secs_f64());
        }
        let failed: Vec<_> = self.0.iter().filter(|step| step.2.is_err()).map(|(name, ..)| name.as_str()).collect();
        if !failed.is_empty() {
            bail!("{} of {} steps failed: {}", failed.len(), self.0.len(), failed.join(", "));
        }
        Ok(())
    }
}
