//! Runs the model; each scenario is a line of JSON, each failure names the seed that repeats it.

use clap::Parser;
use std::process::ExitCode;
use weir_model::run::{many, told};
use weir_model::scenario::{SCENARIOS, Scenario, Shows};

#[derive(Parser)]
struct Wish {
    /// Runs of each scenario
    #[arg(long, default_value_t = 10_000)]
    runs: usize,
    /// The seed of the first run; each later one has the next
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// This one alone
    #[arg(long)]
    scenario: Option<String>,
    /// Tells of every step of the first run instead
    #[arg(long)]
    trace: bool,
}

fn main() -> ExitCode {
    let wish = Wish::parse();
    let chosen: Vec<&Scenario> = match &wish.scenario {
        Some(name) => Scenario::named(name).into_iter().collect(),
        None => SCENARIOS.iter().collect(),
    };
    if chosen.is_empty() {
        let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
        eprintln!("there is no such scenario; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    if wish.trace {
        let came = told(chosen[0], wish.seed, None, |step| println!("{step}"));
        println!("{came:?}");
        return if came.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let mut good = true;
    for scenario in chosen {
        let summary = many(scenario, wish.seed, wish.runs);
        println!("{}", summary.json(scenario));
        if summary.is_as_it_should(scenario) {
            continue;
        }
        good = false;
        if scenario.shows != Shows::Nothing && summary.failures.is_empty() {
            eprintln!("{}: the rule is left out and nothing fails", scenario.name);
        }
        for (seed, fault) in &summary.failures {
            eprintln!("--scenario {} --seed {seed} --runs 1: {fault:?}", scenario.name);
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
