//! The demo: an ISP with subscribers whose traffic is real, for people to look at, or to be checked without them.
//!
//! `stage` builds it, `endless` keeps its subscribers busy, `check` runs it through its month and measures, `report` judges,
//! `fuzz` asks its API everything.

mod check;
mod endless;
mod fuzz;
mod report;
mod stage;

pub use fuzz::{Wish as FuzzWish, run as fuzz};

use anyhow::Result;
pub use stage::Past;
use stage::Stage;
use std::io::Write;
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};

/// Runs until Ctrl-C, with the dashboard on `port` of the host's loopback; with months behind it, or made for the moment.
pub async fn run(port: u16, subscribers: u8, past: Option<Past>) -> Result<ExitCode> {
    let mut terminated = signal(SignalKind::terminate())?;
    let begun = async {
        let stage = match past {
            Some(past) => Stage::build_with_history(port, subscribers, &past).await?,
            None => {
                let stage = Stage::build(port, subscribers).await?;
                stage.bill_and_collect().await?;
                stage
            }
        };
        println!("\n{}", stage.welcome());
        println!("Everything runs in namespaces of its own. Ctrl-C ends it and leaves nothing behind.");
        std::io::stdout().flush()?;
        endless::keep_busy(&stage).await;
        Ok(())
    };
    tokio::select! {
        ended = begun => ended.map(|()| ExitCode::SUCCESS),
        _ = tokio::signal::ctrl_c() => Ok(ExitCode::SUCCESS),
        _ = terminated.recv() => Ok(ExitCode::SUCCESS),
    }
}

/// Runs unattended, prints one line of JSON, and fails when a goal is missed.
pub async fn check(subscribers: u8) -> Result<ExitCode> {
    let mut stage = Stage::build(0, subscribers).await?;
    let report = match check::measure(&mut stage).await {
        Ok(report) => report,
        Err(error) => {
            stage.lab.tell_last_words();
            return Err(error);
        }
    };
    println!("{}", report.to_json());
    for missed in report.missed() {
        eprintln!("missed: {missed}");
    }
    if !report.missed().is_empty() {
        stage.lab.tell_last_words();
        return Ok(ExitCode::FAILURE);
    }
    stage.lab.stop().await?;
    Ok(ExitCode::SUCCESS)
}
