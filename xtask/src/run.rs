//! Runs the product: for development, and as a demo.

use crate::workspace::{build_programs, cargo, command, must, must_or_say_why, root, target};
use crate::{plugins, setup};
use anyhow::Result;

/// The control plane alone, with data under the target folder and a clock that can be moved.
pub fn dev(http: &str) -> Result<()> {
    setup::run()?;
    let programs = build_programs()?;
    let data = target().join("dev").display().to_string();
    let url = format!("http://{http}");
    let weir = programs.join("weir").display().to_string();
    must(&mut command(&weir, &["all", "--data-dir", &data, "--http", http, "--public-url", &url, "--dev-clock"]))
}

/// A demo ISP in network namespaces, or its unattended check.
/// The demo comes with a year behind it unless that is not wanted; the check never does.
pub fn demo(check: bool, port: u16, no_history: bool) -> Result<()> {
    setup::run()?;
    let programs = build_programs()?;
    let (lab, port) = (programs.join("weir-lab").display().to_string(), port.to_string());
    let mut demo = command(&lab, &["demo"]);
    match (check, no_history) {
        (true, _) => demo.arg("--check"),
        (false, true) => demo.args(["--port", &port, "--no-history"]),
        (false, false) => demo.args(["--port", &port, "--rules"]).arg(plugins::build(&programs)?),
    };
    if check { must_or_say_why(&mut demo) } else { must(&mut demo) }
}

/// The pilot: an ISP's first months, with people in a real browser; pictures stay below the target folder.
pub fn pilot() -> Result<()> {
    setup::run()?;
    let lab = build_programs()?.join("weir-lab").display().to_string();
    let screenshots = target().join("artifacts/pilot").display().to_string();
    let browser = root().join("tests/browser").display().to_string();
    must_or_say_why(&mut command(&lab, &["pilot", "--screenshots", &screenshots, "--browser", &browser]))
}

/// Enough to ask more than 15,000 times.
pub const FUZZ_EXAMPLES: u32 = 50;
/// The same on every run, so that a failure is of the change at hand.
pub const FUZZ_SEED: u64 = 1;

/// The API of a demo ISP, asked everything by schemathesis.
pub fn fuzz(examples: u32, seed: u64) -> Result<()> {
    setup::run()?;
    let lab = build_programs()?.join("weir-lab").display().to_string();
    let peers = root().join("tests/peers");
    let (program, hooks) = (peers.join("venv/bin/schemathesis"), peers.join("hooks.py"));
    let (program, hooks) = (program.display().to_string(), hooks.display().to_string());
    let (examples, seed) = (examples.to_string(), seed.to_string());
    let wish = ["--schemathesis", &program, "--hooks", &hooks, "--examples", &examples, "--seed", &seed];
    must_or_say_why(command(&lab, &["fuzz"]).args(wish))
}

/// Enough that what one run in a thousand shows is seen.
pub const MODEL_RUNS: usize = 10_000;

/// The agent's usage log and the cloud's rules under every fault there is.
pub fn model(runs: usize, seed: u64, scenario: Option<&str>, trace: bool) -> Result<()> {
    let mut model = cargo(&["run", "--quiet", "--package", "weir-model", "--"]);
    model.args(["--runs", &runs.to_string(), "--seed", &seed.to_string()]);
    model.args(scenario.into_iter().flat_map(|name| ["--scenario", name]));
    if trace {
        model.arg("--trace");
    }
    must(&mut model)
}

/// Lives the whole year whose first quarter the tests live.
pub fn year() -> Result<()> {
    let test = "paying::year::the_books_agree_on_every_day_of_a_year_or_its_first_quarter";
    let mut lived = cargo(&["test", "--quiet", "--package", "weir-cloud", "--test", "it"]);
    lived.args(["--", "--exact", "--nocapture", test]).env("WEIR_WHOLE_YEAR", "1");
    must(&mut lived)
}
