//! The pilot: an ISP's first months as one story, with people in a real browser, real packets, mail and a payment
//! provider; told on standard error, summed up as one line of JSON.
//!
//! `stage` is where it happens, `chapters` what happens, `visit` what people do in a browser.

mod chapters;
mod letters;
mod stage;
mod visit;

use anyhow::Result;
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

use stage::Stage;

/// How many steps the whole story has.
const STEPS: usize = 12;
/// Milliseconds within which a line must be open after its holder pressed *Pay*.
const RESTORE_MS_MAX: u64 = 1_000;

/// What the story measured.
#[derive(Debug, Default)]
struct Told {
    passed: usize,
    restore_ms: Option<u64>,
    mrr_minus_ledger: Option<String>,
}

impl Told {
    /// Tells a step; those after one that failed are not told.
    async fn step<T>(&mut self, words: &str, happens: impl Future<Output = Result<T>>) -> Result<T> {
        eprintln!("pilot: {words}");
        let outcome = happens.await.map_err(|error| error.context(words.to_owned()))?;
        self.passed += 1;
        Ok(outcome)
    }
}

/// Tells the story; pictures go to `screenshots`, `browser` is the folder of the browser's part.
pub async fn run(screenshots: &Path, browser: &Path) -> Result<ExitCode> {
    std::fs::create_dir_all(screenshots)?;
    let screenshots = screenshots.canonicalize()?;
    let mut told = Told::default();
    let mut stage = Stage::build(&screenshots, browser).await?;
    let ended = tell(&mut told, &mut stage).await;
    let in_time = told.restore_ms.is_some_and(|ms| ms <= RESTORE_MS_MAX);
    let equal = told.mrr_minus_ledger.as_deref() == Some("0.00");
    println!(
        "{}",
        json!({"steps": STEPS, "passed": told.passed, "restore_ms": told.restore_ms,
            "mrr_minus_ledger": told.mrr_minus_ledger, "screenshots": screenshots})
    );
    let whole = told.passed == STEPS && in_time && equal;
    if let Err(error) = &ended {
        eprintln!("pilot: {error:#}");
    }
    if !whole {
        stage.lab.tell_last_words();
        return Ok(ExitCode::FAILURE);
    }
    stage.lab.stop().await?;
    Ok(ExitCode::SUCCESS)
}

async fn tell(told: &mut Told, stage: &mut Stage) -> Result<()> {
    told.step("an ISP signs in, makes a plan and sets itself up", chapters::sets_up(stage)).await?;
    told.step("somebody signs up on a phone", chapters::signs_up(stage)).await?;
    let line = told.step("staff approve the order and sell the line", chapters::approves(stage)).await?;
    told.step("the line comes up as fast as it was sold", chapters::comes_up(stage, &line)).await?;
    told.step("she gets into the portal and leaves a card", chapters::leaves_a_card(stage, &line)).await?;
    let neighbours = told.step("a month passes; invoices go out by e-mail", chapters::bills(stage, &line)).await?;
    told.step("her card is declined when the invoice is due", chapters::is_declined(stage, &line)).await?;
    told.step("dunning reminds her and adds a fee", chapters::dunning_reminds(stage, &line)).await?;
    told.step("the router lets her reach the payment page only", chapters::is_walled(stage, &line)).await?;
    let paid = chapters::pays_from_the_garden(stage, &line);
    told.restore_ms = Some(told.step("she pays from there by card and is back online", paid).await?);
    told.step("a ticket's first answer is right", chapters::asks_for_help(stage, &line)).await?;
    let figures = chapters::owner_compares(stage, &neighbours);
    told.mrr_minus_ledger = Some(told.step("the owner's figures equal the ledger", figures).await?.to_string());
    Ok(())
}
