//! The lab's program: the demo for people, and the lab's own processes.

use anyhow::{Result, anyhow};
use clap::{Parser, Subcommand};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process::ExitCode;
use weir_lab::{Lab, Options, Router, demo, enclosure, inside, origin, pilot, provider};

#[derive(Parser)]
#[command(about = "An ISP in network namespaces: real programs, real packets")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a demo ISP with traffic until Ctrl-C
    Demo {
        /// Runs unattended instead, checks what was promised, and prints one line of JSON
        #[arg(long)]
        check: bool,
        /// The dashboard's port on 127.0.0.1; 0 takes a free one
        #[arg(long, default_value_t = 8080)]
        port: u16,
        /// How many subscribers
        #[arg(long, default_value_t = 8)]
        subscribers: u8,
        #[command(flatten)]
        past: demo::Past,
        /// The ISP has nothing behind it
        #[arg(long)]
        no_history: bool,
    },
    /// Tells the story of an ISP's first months, in a browser and on real packets, and prints one line of JSON
    Pilot {
        /// Where the screenshots go
        #[arg(long)]
        screenshots: PathBuf,
        /// The folder of the browser's part
        #[arg(long)]
        browser: PathBuf,
    },
    /// Asks the API of a demo ISP everything, with schemathesis, and prints one line of JSON
    Fuzz(demo::FuzzWish),
    /// Builds a lab without Weir, prints its process id, and holds it until its input ends
    Hold {
        /// How many subscribers
        #[arg(long, default_value_t = 2)]
        subscribers: u8,
    },
    /// (the lab's own) Makes the namespaces
    #[command(hide = true)]
    Enclosure {
        #[arg(long = "listener")]
        listeners: Vec<RawFd>,
        #[arg(long)]
        folder: PathBuf,
    },
    /// (the lab's own) Runs in the namespaces
    #[command(hide = true)]
    Inside,
    /// (the lab's own) Is a payment provider
    #[command(hide = true)]
    Provider {
        #[arg(long)]
        at: SocketAddr,
        /// The descriptor of the listener where people find its pages, if that is elsewhere
        #[arg(long)]
        pages: Option<RawFd>,
    },
    /// (the lab's own) Serves HTTP and echo on the internet
    #[command(hide = true)]
    Origin,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Enclosure { listeners, folder } => {
            enclosure::run(&listeners, &folder).map(|code| ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)))
        }
        Command::Inside => inside::run().map(|()| ExitCode::SUCCESS),
        Command::Origin => origin::run().map(|()| ExitCode::SUCCESS),
        Command::Provider { at, pages } => {
            in_runtime(async move { provider::run(at, pages).await.map(|()| ExitCode::SUCCESS) })
        }
        Command::Pilot { screenshots, browser } => in_runtime(pilot::run(&screenshots, &browser)),
        Command::Fuzz(wish) => in_runtime(async move { demo::fuzz(&wish).await }),
        Command::Hold { subscribers } => in_runtime(hold(subscribers)),
        Command::Demo { check: true, subscribers, .. } => in_runtime(demo::check(subscribers)),
        Command::Demo { check: false, port, subscribers, past, no_history } => {
            in_runtime(demo::run(port, subscribers, Some(past).filter(|_| !no_history)))
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("weir-lab: {error:#}");
        ExitCode::FAILURE
    })
}

fn in_runtime(work: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    tokio::runtime::Runtime::new()?.block_on(work)
}

async fn hold(subscribers: u8) -> Result<ExitCode> {
    let lab = Lab::start(Options { subscribers, router: Router::Plain, ..Options::default() }).await?;
    println!("holding {}", lab.inside().host_pid());
    std::io::stdout().flush()?;
    let waited = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    waited.await?.map_err(|error| anyhow!(error))?;
    Ok(ExitCode::SUCCESS)
}
