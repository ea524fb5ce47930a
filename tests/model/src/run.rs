//! Many runs of a scenario, and what came of them.

use crate::account::Fault;
use crate::cloud::{Cloud, Product};
use crate::dice::Dice;
use crate::scenario::{Scenario, Shows};
use crate::world::World;
use serde_json::{Value, json};
use std::time::Instant;

/// Steps of one run.
const STEPS: usize = 120;

/// What came of the runs of a scenario.
#[derive(Debug, Default)]
pub struct Summary {
    /// How many there were.
    pub runs: usize,
    /// In which a byte was billed twice.
    pub over: usize,
    /// In which a byte is missing that no fault explains.
    pub not_exact: usize,
    /// In which something was not as the model takes it to be.
    pub strange: usize,
    /// Seeds of the first failures, with what failed.
    pub failures: Vec<(u64, Fault)>,
    moved: usize,
    missing: usize,
    seconds: f64,
}

/// Runs once; answers bytes moved and bytes that are missing and may be.
pub fn once(scenario: &Scenario, seed: u64, product: Option<Box<dyn Product>>) -> Result<(usize, usize), Fault> {
    told(scenario, seed, product, |_| {})
}

/// The same, telling of every step.
pub fn told(
    scenario: &Scenario,
    seed: u64,
    product: Option<Box<dyn Product>>,
    tell: impl Fn(String),
) -> Result<(usize, usize), Fault> {
    let mut world = World::new(scenario.name, seed, scenario.rules, Cloud::new(scenario.rules, product))?;
    let (mut dice, steps) = (Dice::of("steps", seed), scenario.steps());
    for _ in 0..STEPS {
        let step = dice.weighted(&steps);
        let came = world.step(step);
        tell(format!("{step:?}: {}", world.describe()));
        came?;
    }
    let settled = world.settle();
    tell(format!("settled: {}", world.describe()));
    settled
}

/// Runs from a seed on.
pub fn many(scenario: &Scenario, seed: u64, runs: usize) -> Summary {
    let (mut summary, began) = (Summary::default(), Instant::now());
    for seed in (seed..).take(runs) {
        summary.add(seed, once(scenario, seed, None));
    }
    summary.seconds = began.elapsed().as_secs_f64();
    summary
}

impl Summary {
    /// Takes what came of a run in.
    pub fn add(&mut self, seed: u64, outcome: Result<(usize, usize), Fault>) {
        self.runs += 1;
        match outcome {
            Ok((moved, missing)) => {
                self.moved += moved;
                self.missing += missing;
            }
            Err(fault) => {
                match fault {
                    Fault::Over(_) => self.over += 1,
                    Fault::Lost(_) => self.not_exact += 1,
                    Fault::Strange(_) => self.strange += 1,
                }
                if self.failures.len() < 3 {
                    self.failures.push((seed, fault));
                }
            }
        }
    }

    /// Whether it is what the scenario must show.
    pub fn is_as_it_should(&self, scenario: &Scenario) -> bool {
        match scenario.shows {
            Shows::Nothing => self.over + self.not_exact + self.strange == 0,
            Shows::Over => self.over > 0 && self.strange == 0,
            Shows::Loss => self.not_exact > 0 && self.strange == 0,
        }
    }

    /// For people and programs.
    pub fn json(&self, scenario: &Scenario) -> Value {
        let mean_under = self.missing as f64 / self.moved.max(1) as f64;
        json!({
            "scenario": scenario.name,
            "runs": self.runs,
            "over": self.over,
            "not_exact": self.not_exact,
            "mean_under": (mean_under * 10_000.0).round() / 10_000.0,
            "seconds": (self.seconds * 10.0).round() / 10.0,
        })
    }
}
