//! The unattended demo: shaping, metering through three faults, a bill, a suspension, a payment; measured from outside.

use super::report::Report;
use super::stage::{Stage, first_of_month, tell};
use crate::api::Api;
use crate::clock::{Limit, now_us, until};
use crate::isp::Line;
use crate::traffic::{Carried, Direction, Family, Load};
use crate::wire::Probe;
use anyhow::{Context, Result, bail, ensure};
use chrono::{Months, NaiveDate};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
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
    report.metered = metered(stage, report.sent).await?;
    (report.lost, report.doubled) = lost_and_doubled(stage).await?;
    tell("billing the month");
    report.billed = billed(stage).await?;
    tell("suspending for non-payment, then paying");
    (report.suspend_ms, report.restore_ms) = suspend_and_restore(stage).await?;
    Ok(report)
}

/// What was delivered, the meter's own basis: down at the subscribers' ports, up at the internet's.
///
/// What a subscriber sends beyond its rate is dropped by the shaper, so its own port counts more than is billed.
async fn carried(stage: &Stage) -> Result<Carried> {
    let readings = stage.lines.iter().map(|line| async { stage.lab.subscriber(line.number).carried().await });
    let delivered = try_join_all(readings).await?.into_iter().fold(Carried::default(), |sum, reading| sum + reading);
    Ok(Carried { up_bytes: stage.lab.received_by_internet().await?, ..delivered })
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

/// What the cloud counted, once it has stopped growing and is near what was sent, or the limit has passed.
async fn metered(stage: &Stage, sent: Carried) -> Result<Carried> {
    let mut last = Carried::default();
    let mut same = 0;
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    for _ in 0..120 {
        tick.tick().await;
        let now = usage(stage).await?;
        same = if now == last && now.total() > 0 { same + 1 } else { 0 };
        last = now;
        let near = now.total() as f64 >= sent.total() as f64 * 0.999;
        if near && same >= 6 {
            break;
        }
    }
    Ok(last)
}

async fn usage(stage: &Stage) -> Result<Carried> {
    let from = first_of_month()?;
    let to = from + Months::new(1);
    let readings = stage.lines.iter().map(|line| async move {
        let path = format!("/subscriptions/{}/usage?from={from}&to={to}", line.subscription_id);
        Ok(bytes_of(&stage.isp.api.get(&path).await?))
    });
    let readings: Vec<Carried> = try_join_all(readings).await.map_err(|error: anyhow::Error| error)?;
    Ok(readings.into_iter().fold(Carried::default(), |sum, reading| sum + reading))
}

fn bytes_of(counted: &Value) -> Carried {
    let field = |name: &str| counted[name].as_u64().unwrap_or_default();
    Carried { down_bytes: field("down_bytes"), up_bytes: field("up_bytes") }
}

/// Every epoch's log is contiguous from 1: fewer records than its watermark are lost, more are doubled.
async fn lost_and_doubled(stage: &Stage) -> Result<(u64, u64)> {
    let (mut lost, mut doubled) = (0, 0);
    let agents = stage.isp.api.list("/agents").await?;
    ensure!(!agents.is_empty(), "the cloud knows no agent");
    for agent in agents {
        let id = agent["id"].as_str().context("an agent without an id")?;
        let agent = stage.isp.api.get(&format!("/agents/{id}")).await?;
        for epoch in agent["epochs"].as_array().with_context(|| format!("an agent without epochs: {agent}"))? {
            let applied = epoch["applied_seq"].as_u64().context("an epoch without applied_seq")?;
            let records = epoch["records"].as_u64().context("an epoch without records")?;
            lost += applied.saturating_sub(records);
            doubled += records.saturating_sub(applied);
        }
    }
    Ok((lost, doubled))
}

/// Moves the clock past the month's end, runs billing, and adds up the usage lines of all invoices.
async fn billed(stage: &mut Stage) -> Result<Carried> {
    let as_of = first_of_month()? + Months::new(1);
    move_clock(stage, as_of).await?;
    let run = stage.isp.api.post("/billing-runs", &json!({"as_of": as_of})).await?;
    let path = format!("/billing-runs/{}", run["id"].as_str().context("a billing run without an id")?);
    let api = stage.isp.api.clone();
    until("the billing run", Limit::seconds(30), || async {
        let run = api.get(&path).await?;
        match run["status"].as_str() {
            Some("done") => Ok(Some(())),
            Some("failed") => bail!("the billing run failed: {run}"),
            _ => Ok(None),
        }
    })
    .await?;
    let mut sum = Carried::default();
    for line in &stage.lines {
        for invoice in api.list(&format!("/invoices?account_id={}", line.account_id)).await? {
            let id = invoice["id"].as_str().context("an invoice without an id")?;
            let invoice = api.get(&format!("/invoices/{id}")).await?;
            let lines = invoice["lines"].as_array().context("an invoice without lines")?;
            sum = lines.iter().filter(|line| line["kind"] == "usage").fold(sum, |sum, line| sum + bytes_of(line));
        }
    }
    Ok(sum)
}

/// Sets the cloud's clock to 06:00 UTC of a day; sessions may end by that, so the owner signs in again.
async fn move_clock(stage: &mut Stage, to: NaiveDate) -> Result<()> {
    let nobody: Api = stage.lab.api()?;
    nobody.post("/dev/clock", &json!({"set": format!("{to}T06:00:00Z")})).await?;
    stage.isp.api = nobody.sign_in(&stage.isp.owner.email, &stage.isp.owner.password).await?;
    Ok(())
}

/// Lets the invoices become overdue, pays one account, then holds its line; returns both delays in milliseconds.
async fn suspend_and_restore(stage: &mut Stage) -> Result<(u64, u64)> {
    move_clock(stage, first_of_month()? + Months::new(4)).await?;
    let line = stage.lines[0].clone();
    let subscriber = stage.lab.subscriber(line.number);
    // The hourly check may be first; either way the unpaid line ends up in the walled garden.
    stage.isp.api.post("/overdue-checks", &json!({})).await?;
    access_becomes(stage, &line, "walled_garden").await?;
    web_answers(stage, line.number, false).await?;
    let probe = subscriber.probe(Family::V4, PROBE_EVERY_MS).await?;
    pay(stage, &line).await?;
    let paid_us = now_us();
    let opened = web_answers(stage, line.number, true).await;
    let hold = json!({"kind": "manual", "effect": "walled_garden", "reason": "measured by the check"});
    let held = stage.isp.api.post(&format!("/subscriptions/{}/holds", line.subscription_id), &hold).await;
    let held_us = now_us();
    let shut = web_answers(stage, line.number, false).await;
    let seen = probe.end().await?;
    opened?;
    held?;
    shut?;
    delays(&seen, paid_us, held_us)
}

async fn access_becomes(stage: &Stage, line: &Line, access: &str) -> Result<()> {
    let path = format!("/subscriptions/{}", line.subscription_id);
    until("the line's access state", Limit::seconds(20), || async {
        Ok((stage.isp.api.get(&path).await?["access"] == access).then_some(()))
    })
    .await
}

/// Waits until the web answers a line, or the walled garden's page does in its place.
async fn web_answers(stage: &Stage, number: u8, open: bool) -> Result<()> {
    let subscriber = stage.lab.subscriber(number);
    let (what, wanted) = if open { ("access", 204) } else { ("the walled garden's page", 511) };
    until(what, Limit::seconds(10), || async {
        let answered =
            subscriber.http_get("/generate_204", Family::V4).await.is_ok_and(|answer| answer.status == wanted);
        Ok(answered.then_some(()))
    })
    .await
}

async fn pay(stage: &Stage, line: &Line) -> Result<()> {
    let standing = stage.isp.api.get(&format!("/accounts/{}/standing", line.account_id)).await?;
    let payment = json!({"account_id": line.account_id, "method": "cash", "amount": standing["open"],
        "received_on": first_of_month()? + Months::new(4), "reference": "demo"});
    stage.isp.api.post_once("/payments", "demo-payment-1", &payment).await.map(drop)
}

/// Milliseconds from the hold to the first packet refused, and from the payment to the first packet passed.
fn delays(seen: &[Probe], paid_us: u64, held_us: u64) -> Result<(u64, u64)> {
    let opened_us = seen.iter().filter_map(|probe| probe.answered_us).min().context("the line was never opened")?;
    let last_echo_us = seen.iter().filter(|probe| probe.answered_us.is_some()).map(|probe| probe.sent_us).max();
    let last_echo_us = last_echo_us.context("the line was never opened")?;
    let closed = seen.iter().find(|probe| probe.sent_us > last_echo_us).context("the line was never closed")?;
    let ms = |later: u64, earlier: u64| later.saturating_sub(earlier).div_ceil(1_000);
    Ok((ms(closed.sent_us, held_us), ms(opened_us, paid_us)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_read_from_the_probe() -> Result<()> {
        let probe = |sent_ms: u64, answered: bool| Probe {
            sent_us: sent_ms * 1_000,
            answered_us: answered.then_some(sent_ms * 1_000 + 400),
        };
        let seen = [(0, false), (5, false), (10, false), (15, true), (20, true), (25, true), (30, false), (35, false)];
        let seen = seen.map(|(sent_ms, answered)| probe(sent_ms, answered));
        assert_eq!(delays(&seen, 8_000, 22_000)?, (8, 8));
        assert!(delays(&seen[..6], 8_000, 22_000).is_err());
        assert!(delays(&seen[..3], 8_000, 22_000).is_err());
        Ok(())
    }
}
