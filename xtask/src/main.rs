//! `cargo xtask`: everything this repository can do to itself. CI runs the same commands.
//!
//! Not part of the product. Start at [`Task`]; `tidy` holds the rules of the tree.

mod artifacts;
mod bench;
mod cases;
mod database;
mod deb;
mod decoders;
mod faults;
mod plugins;
mod run;
mod setup;
mod static_agent;
mod steps;
mod stock_kernel;
mod tests;
mod tidy;
mod workspace;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "What this repository can do to itself")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what the other tasks need; does nothing when all is there
    Setup,
    /// Runs the control plane for development, with its data under the target folder
    Dev {
        /// The dashboard's address
        #[arg(long, default_value = "127.0.0.1:8080")]
        http: String,
    },
    /// Runs a demo ISP on real traffic until Ctrl-C
    Demo {
        /// Runs unattended, checks what was promised, prints one line of JSON
        #[arg(long)]
        check: bool,
        /// The dashboard's port
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// Without the year that the ISP has behind it
        #[arg(long)]
        no_history: bool,
    },
    /// Tells one of the long stories and prints one line of JSON
    Story {
        /// Which
        #[arg(value_parser = ["pilot"])]
        name: String,
    },
    /// Asks the API of a demo ISP everything its description allows, and much it does not; prints one line of JSON
    Fuzz {
        /// Instead, give the protocol's decoders whatever libFuzzer makes of the golden bytes, so many seconds each
        #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "10", exclusive = true)]
        decoders: Option<u32>,
        /// Inputs made up for each operation, besides those at the edges of what is allowed
        #[arg(long, default_value_t = run::FUZZ_EXAMPLES)]
        examples: u32,
        /// Where chance begins
        #[arg(long, default_value_t = run::FUZZ_SEED)]
        seed: u64,
    },
    /// Runs the model of what is billed: faults that chance makes up, over and over; each scenario is a line of JSON
    Model {
        /// Runs of each scenario
        #[arg(long, default_value_t = run::MODEL_RUNS)]
        runs: usize,
        /// The seed of the first run; each later one has the next
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// This scenario alone
        #[arg(long)]
        scenario: Option<String>,
        /// Tells of every step of one run instead
        #[arg(long)]
        trace: bool,
    },
    /// Lives a year of an ISP with two hundred accounts, and has the books checked on every day of it; prints one line of JSON
    Year,
    /// Builds the example plugins into components below the target folder
    Plugins,
    /// Makes the Debian packages of both programs; prints their paths
    Deb(deb::Wish),
    /// Builds the agent as one static file, for routers that are not Debian; prints its path
    StaticAgent,
    /// Checks everything, as CI does
    Test,
    /// The same as `test`
    Ci,
    /// Runs the benches; each result is a line of JSON
    Bench {
        /// Which; all if none is named
        names: Vec<String>,
        /// Only results on standard output, as always; for scripts that want to say so
        #[arg(long)]
        json: bool,
    },
    /// Runs worked billing examples through the rules; prints those that fail, and how many passed
    Cases {
        /// A file of the form docs/billing-examples.md describes
        file: std::path::PathBuf,
    },
    /// Breaks everything that can break, and prints what that came to
    Faults,
    /// Boots the kernel Debian ships in an emulator, with the agent in it; each figure is a line of JSON
    TestKernel,
    /// Checks the rules of the tree: sizes, names, who may know whom
    Tidy,
    /// Renews the queries' offline cache
    Sqlx(Check),
    /// Renews `cloud/schema.sql`
    Schema(Check),
    /// Renews `cloud/openapi.json`
    Openapi(Check),
}

#[derive(clap::Args)]
struct Check {
    /// Changes nothing and fails when something is not as it should be
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Setup => setup::run(),
        Task::Dev { http } => run::dev(&http),
        Task::Demo { check, port, no_history } => run::demo(check, port, no_history),
        Task::Story { name: _ } => run::pilot(),
        Task::Fuzz { decoders: Some(seconds), .. } => decoders::run(seconds),
        Task::Fuzz { examples, seed, .. } => run::fuzz(examples, seed),
        Task::Model { runs, seed, scenario, trace } => run::model(runs, seed, scenario.as_deref(), trace),
        Task::Year => run::year(),
        Task::Plugins => workspace::build_programs().and_then(|programs| plugins::build(&programs).map(drop)),
        Task::Deb(wish) => deb::run(&wish),
        Task::StaticAgent => static_agent::run(),
        Task::Test | Task::Ci => tests::run(),
        Task::Bench { names, json: _ } => bench::run(&names),
        Task::Cases { file } => return cases::run(&file),
        Task::Faults => faults::run(),
        Task::TestKernel => stock_kernel::run(),
        Task::Tidy => tidy::run(),
        Task::Sqlx(Check { check }) => artifacts::sqlx(check),
        Task::Schema(Check { check }) => artifacts::schema(check),
        Task::Openapi(Check { check }) => artifacts::openapi(check),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
