//! `cargo xtask test`: everything that guards `main`, in the order that finds mistakes soonest.

use crate::steps::Steps;
use crate::workspace::{build_programs, cargo, command, must, must_or_say_why, root, target};
use crate::{artifacts, faults, plugins, run, setup, tidy};
use anyhow::Result;
use std::path::Path;

/// Runs all checks; goes on after a failure unless nothing later could work.
pub fn run() -> Result<()> {
    let mut steps = Steps::default();
    if !steps.run("setup", setup::run) {
        return steps.end();
    }
    steps.run("fmt", || must(&mut cargo(&["fmt", "--all", "--check"])));
    steps.run("tidy", tidy::run);
    let strict = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
    steps.run("clippy", || must_or_say_why(&mut cargo(&strict)));
    if !steps.run("build", || build_programs().map(drop)) {
        return steps.end();
    }
    let programs = target().join("debug");
    steps.run("plugins", || plugins::build(&programs).and_then(|_| plugins::test(&programs)));
    steps.run("sqlx", || artifacts::sqlx(true));
    steps.run("schema", || artifacts::schema(true));
    steps.run("openapi", || artifacts::openapi(true));
    steps.run("tests", rust_tests);
    steps.run("demo --check", || run::demo(true, 0, false));
    steps.run("story pilot", run::pilot);
    steps.run("fuzz", || run::fuzz(run::FUZZ_EXAMPLES, run::FUZZ_SEED));
    let browser = root().join("tests/browser");
    if browser.join("package.json").exists() {
        steps.run("browser", || browser_tests(&browser));
    }
    steps.end()
}

/// The screens in Chromium, on the programs just built; screenshots stay below the target folder.
fn browser_tests(folder: &Path) -> Result<()> {
    let mut npm = command("npm", &["test", "--silent"]);
    npm.env("WEIR_PROGRAMS", target().join("debug")).env("WEIR_ARTIFACTS", target().join("artifacts"));
    must_or_say_why(npm.current_dir(folder))
}

/// Unit tests, integration tests, and the stories in the lab; then what faults came to.
fn rust_tests() -> Result<()> {
    faults::forget()?;
    let mut heard = faults::Heard::default();
    let passed = heard.listen(&mut cargo(&["test", "--workspace", "--no-fail-fast"]));
    passed.and(heard.table())
}
