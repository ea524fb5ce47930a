//! The unattended demo: shaping, metering through three faults, a bill, a suspension, a payment; measured from outside.

use super::report::Report;
use super::stage::{Stage, first_of_month, tell};
use crate::clock::{Limit, now_us, until};
use crate::isp::{Crossing, bytes_of, ms_between};
use crate::traffic::{Carried, Direction, Family, Load};
use anyhow::{Context, Result};
use chrono::Months;
use futures_util::future::try_join_all;
use serde_json::json;
use std::time::Duration;

const SHAPING_SECONDS: u32 = 12;
const CUT: Duration = Duration::from_secs(30);
/// Bits a second of the traffic that runs through the faults, on each line: less than half of the slowest plan.
const STEADY_DOWN_BPS: u64 = 2_000_000;
const STEADY_UP_BPS: u64 = 400_000;
const PROBE_EVERY_MS: u64 = 5;

/// Runs the whole story.
pub async fn measure(stage: &mut Stage) -> Result<Report> {
    let mut report = Report::default();
    let before = carried(stage).await?;
    tell("measuring the sold rates");
    report.shaped_error = shaped_error(stage).await?;
    tell("sending through a killed agent, a killed gateway and a cut link");
    through_faults(stage).await?;
    report.sent = carried(stage).await?.since(before);
    tell("waiting for the meter");
    report.metered = stage.isp.metered(&stage.lines, report.sent).await?;
    report.faults = stage.isp.record_faults().await?;
    tell("billing the month");
    report.billed = billed(stage).await?;
    tell("suspending for non-payment, then paying");
    (report.suspend_ms, report.restore_ms) = suspend_and_restore(stage).await?;
    Ok(report)
}

async fn carried(stage: &Stage) -> Result<Carried> {
    stage.lab.delivered(stage.lines.iter().map(|line| line.number)).await
}

/// Fills one line of each plan, first downwards, then upwards; two of them over IPv6.
async fn shaped_error(stage: &Stage) -> Result<f64> {
    let mut worst: f64 = 0.0;
    for direction in [Direction::Down, Direction::Up] {
        let flows = stage.lines.iter().enumerate().take(super::stage::PLANS.len()).map(|(index, line)| async move {
            let family = if index % 2 == 0 { Family::V4 } else { Family::V6 };
            let terms = stage.terms(index);
            let sold = if direction == Direction::Down { terms.rate_down_bps } else { terms.rate_up_bps };
            let flow =
                stage.lab.subscriber(line.number).flow(direction, Load::seconds(SHAPING_SECONDS), family).await?;
            let error = (flow.goodput_bps / (sold as f64 * family.payload_share()) - 1.0).abs();
            tell(&format!(
                "  {} {direction:?} {family:?}: {:.2} Mbit/s, error {error:.4}",
                terms.name,
                flow.goodput_bps / 1e6
            ));
            anyhow::Ok(error)
        });
        worst = try_join_all(flows).await?.into_iter().fold(worst, f64::max);
    }
    Ok(worst)
}

/// Steady traffic on every line, both ways, while things break; it ends when everything works again.
async fn through_faults(stage: &mut Stage) -> Result<()> {
    const SECONDS: u32 = 55;
    let subscribers: Vec<_> = stage.lines.iter().map(|line| stage.lab.subscriber(line.number)).collect();
    let traffic = try_join_all(subscribers.into_iter().flat_map(|subscriber| {
        let family = if subscriber.number() % 2 == 0 { Family::V4 } else { Family::V6 };
        let ways = [(Direction::Down, STEADY_DOWN_BPS), (Direction::Up, STEADY_UP_BPS)];
        ways.map(|(direction, rate)| {
            let subscriber = subscriber.clone();
            async move {
                let flow = subscriber.flow(direction, Load::seconds(SECONDS).at(rate), family).await;
                flow.context("traffic must not notice what happens to agent and cloud")
            }
        })
    }));
    tokio::try_join!(traffic, faults(stage)).map(drop)
}

async fn faults(stage: &mut Stage) -> Result<()> {
    first_bytes(stage).await?;
    stage.lab.kill_agent().await?;
    stage.lab.start_agent(None).await?;
    stage.lab.kill_cloud().await?;
    stage.lab.start_cloud().await?;
    stage.lab.cloud_link(false).await?;
    let _always_elapses = tokio::time::timeout(CUT, std::future::pending::<()>()).await;
    stage.lab.cloud_link(true).await
}

/// Faults are only worth something while bytes flow.
async fn first_bytes(stage: &Stage) -> Result<()> {
    let before = carried(stage).await?;
    until("traffic", Limit::seconds(10), || async {
        Ok((carried(stage).await?.since(before).total() > 1_000_000).then_some(()))
    })
    .await
}

/// Moves the clock past the month's end, runs billing, and adds up the usage lines of all invoices.
async fn billed(stage: &mut Stage) -> Result<Carried> {
    let as_of = first_of_month()? + Months::new(1);
    stage.isp.move_clock(as_of).await?;
    stage.isp.bill(as_of).await?;
    let mut sum = Carried::default();
    for line in &stage.lines {
        for invoice in stage.isp.invoices(line).await? {
            let lines = invoice["lines"].as_array().context("an invoice without lines")?;
            sum = lines.iter().filter(|line| line["kind"] == "usage").fold(sum, |sum, line| sum + bytes_of(line));
        }
    }
    Ok(sum)
}

/// Lets the invoices become overdue, pays one account, then holds its line; returns both delays in milliseconds.
async fn suspend_and_restore(stage: &mut Stage) -> Result<(u64, u64)> {
    let isp = &mut stage.isp;
    isp.move_clock(first_of_month()? + Months::new(4)).await?;
    let line = &stage.lines[0];
    let subscriber = stage.lab.subscriber(line.number);
    // The hourly check may be first; either way the unpaid line ends up in the walled garden.
    isp.api.post("/overdue-checks", &json!({})).await?;
    isp.access_becomes(line, "walled_garden").await?;
    subscriber.web_becomes(false, Family::V4).await?;
    let probe = subscriber.probe(Family::V4, PROBE_EVERY_MS).await?;
    isp.pay(line, "demo-payment-1").await?;
    let paid_us = now_us();
    let opened = subscriber.web_becomes(true, Family::V4).await;
    let held = isp.hold(line, "walled_garden", "measured by the check").await;
    let held_us = now_us();
    let shut = subscriber.web_becomes(false, Family::V4).await;
    let seen = Crossing::read(&probe.end().await?)?;
    opened?;
    held?;
    shut?;
    let closed_us = seen.closed_us.context("the line was never closed")?;
    Ok((ms_between(held_us, closed_us), ms_between(paid_us, seen.opened_us)))
}
