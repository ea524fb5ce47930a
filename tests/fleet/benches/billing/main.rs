//! Billing runs as operators have them: the rules alone, and from the API's start to the run's end with the worker at it.
//! `cargo bench --bench billing -- engine 5k` runs parts: `engine`, `posting`, and the runs `5k`, `20k` and `100k`.

mod engine;
#[path = "../../../../agent/benches/figure/mod.rs"]
mod figure;
mod floor;
mod posting;
mod run;

use anyhow::Result;
use weir_fleet::installation::Installation;

use figure::Goal::{AtLeast, AtMost};
use figure::print;

/// Runs, in the order they are had: accounts of each.
const RUNS: [(&str, usize); 3] = [("5k", 5_000), ("20k", 20_000), ("100k", 100_000)];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let known = |word: &str| ["engine", "posting"].contains(&word) || RUNS.iter().any(|(name, _)| *name == word);
    if let Some(unknown) = words.iter().find(|word| !known(word)) {
        anyhow::bail!("there is no part {unknown}; there are engine, posting, 5k, 20k and 100k");
    }
    let wanted = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    if wanted("engine") {
        engine::run()?;
    }
    // The database ends with the thread that started it: this one.
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut installation = Installation::start().await?;
        installation.start_worker().await?;
        let mut costs = Vec::new();
        for (name, accounts) in RUNS.into_iter().filter(|(name, _)| wanted(name)) {
            costs.push(run::measure(&installation, name, accounts).await?);
        }
        if let [first, .., last] = costs.as_slice() {
            let note = format!("seconds an invoice at {} accounts against {}", last.accounts, first.accounts);
            print("cost_growth", last.each() / first.each(), "x", AtMost(1.2), last.accounts, &note);
        }
        if let Some(last) = costs.last() {
            let floor = floor::of_run(&installation, last).await?;
            let note = format!(
                "{:.0} s from the start through the API to the run's end, against {floor:.0} s for the same rows by COPY over one connection, \
                 500 invoices and all that follows from them in a transaction, into tables of the same columns, checks, keys and indexes",
                last.seconds
            );
            print("run_vs_floor", last.seconds / floor, "x", AtMost(2.5), last.accounts, &note);
        }
        if wanted("posting") {
            posting::run(&installation).await?;
        }
        installation.end().await
    })
}

/// What a figure of invoices a second should be.
fn at_least(goal: f64) -> figure::Goal {
    AtLeast(goal)
}
