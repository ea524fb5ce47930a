//! The model in every run of the tests: many runs on the rules in memory, and fewer in which the product on PostgreSQL must
//! answer each question the same.

mod postgres;

use postgres::Postgres;
use weir_model::run::{Summary, many, once};
use weir_model::scenario::{SCENARIOS, Scenario};

/// Runs on PostgreSQL, and threads that share them.
const RUNS: u64 = 200;
const THREADS: u64 = 4;

/// Runs of each scenario in memory.
const RUNS_IN_MEMORY: usize = 100;

#[test]
fn the_product_bills_no_byte_twice_and_loses_none_unexplained() {
    let run = |seed: u64| {
        let name = if seed.is_multiple_of(2) { "everything" } else { "everything-now-and-then" };
        let scenario = Scenario::named(name).unwrap();
        let came = once(scenario, seed, Some(Box::new(Postgres::new())));
        assert!(came.is_ok(), "{came:?}: cargo xtask model --scenario {name} --seed {seed} --runs 1");
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            scope.spawn(move || (1 + thread..=RUNS).step_by(THREADS as usize).for_each(run));
        }
    });
}

#[test]
fn every_scenario_shows_what_it_should() {
    for scenario in SCENARIOS {
        check(scenario, &many(scenario, 1, RUNS_IN_MEMORY));
    }
}

#[test]
fn a_seed_makes_the_same_run_again() {
    let scenario = Scenario::named("everything").unwrap();
    for seed in 1..20 {
        assert_eq!(once(scenario, seed, None), once(scenario, seed, None));
    }
}

fn check(scenario: &Scenario, summary: &Summary) {
    // What a rare failure needs is shown by `cargo xtask model`, which has time for it.
    let name = scenario.name;
    let rare = ["without-supersession", "without-asking"].contains(&name) && summary.failures.is_empty();
    assert!(
        rare || summary.is_as_it_should(scenario),
        "{name}: {summary:?}; cargo xtask model --scenario {name} --seed N"
    );
}
