//! Fair use: with the cloud away a line is throttled when its allowance is used up, and so are all lines that share it; a
//! top-up opens it again.

use crate::world::{Household, World, story};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::time::Instant;
use weir_lab::{Direction, Family, Limit, Load, until};

const SOLD_BPS: u64 = 12_000_000;
const THROTTLED_BPS: u64 = 1_500_000;
const ALLOWANCE: u64 = 20_000_000;
/// Payload that passes the allowance and goes on.
const PAYLOAD: u64 = 22_000_000;
/// What the line moves at its full rate from one sweep to the next.
const OVERSHOOT_MAX: f64 = SOLD_BPS as f64 / 8.0;
/// What each of two lines moves that share it: together they pass it.
const SHARES: [u64; 2] = [7_000_000, 15_000_000];

async fn plan(world: &World, name: &str, shared: bool) -> Result<String> {
    let price = json!({"amount": "25.00", "currency": world.isp.currency});
    let throttle = json!({"rate_down_bps": THROTTLED_BPS, "rate_up_bps": THROTTLED_BPS});
    let plan = json!({"name": name, "rate_down_bps": SOLD_BPS, "rate_up_bps": SOLD_BPS, "price": price,
        "allowance_bytes": ALLOWANCE, "allowance_shared": shared, "throttle": throttle});
    let made = world.isp.api.post("/plans", &plan).await?;
    Ok(made["versions"][0]["id"].as_str().context("a plan without a version")?.to_owned())
}

/// How a line stands once its router has told this rule.
async fn standing_when(world: &World, home: &Household, rule: &str) -> Result<Value> {
    let path = format!("/subscriptions/{}/fair-use", home.line.subscription_id);
    until("the router to tell", Limit::seconds(30), || async {
        let standing = world.isp.api.get(&path).await?;
        Ok((standing["rule"] == rule).then_some(standing))
    })
    .await
}

/// Sells 50 MB more on a line.
async fn top_up(world: &World, name: &str, home: &Household) -> Result<()> {
    let price = json!({"amount": "3.00", "currency": world.isp.currency});
    let more = json!({"name": name, "bytes": 50_000_000, "price": price});
    let product = world.isp.api.post("/top-up-products", &more).await?["id"].clone();
    let sale = json!({"product_id": product, "reference": "at the counter"});
    world.isp.api.post(&format!("/subscriptions/{}/top-ups", home.line.subscription_id), &sale).await.map(drop)
}

#[test]
fn a_line_is_throttled_without_the_cloud_and_a_top_up_opens_it() {
    story(async |world| {
        let version = plan(world, "Fair 12", false).await?;
        let home = world.household_with("Paulo Nogueira", &version).await?;
        let before = world.reading(&[&home]).await?;
        world.lab.cloud_link(false).await?;

        let (carried, began) = (home.host.carried().await?, Instant::now());
        home.host.download(Load::bytes(PAYLOAD), Family::V4).await?;
        let (seconds, moved) = (began.elapsed().as_secs_f64(), home.host.carried().await?.since(carried).total());
        // So much at the sold rate and the rest at the other took as long as it took.
        let (sold, throttled) = (SOLD_BPS as f64 / 8.0, THROTTLED_BPS as f64 / 8.0);
        let fast = (moved as f64 - seconds * throttled) / (1.0 - throttled / sold);
        let overshoot = fast - ALLOWANCE as f64;
        assert!(
            overshoot.abs() <= OVERSHOOT_MAX,
            "throttled {overshoot:.0} bytes beyond {ALLOWANCE}: {moved} in {seconds:.1} s"
        );
        let slow = home.host.flow(Direction::Down, Load::seconds(6), Family::V6).await?;
        assert!(slow.goodput_bps < THROTTLED_BPS as f64 * 1.1, "{:.0} bit/s", slow.goodput_bps);
        let agent = world.lab.agent().context("the agent does not run")?;
        assert!(agent.is_running(), "all of this without the cloud");

        world.lab.cloud_link(true).await?;
        let told = standing_when(world, &home, "exhausted").await?;
        assert_eq!((&told["remaining_bytes"], &told["turns"][0]["rule"]), (&json!(0), &json!("exhausted")), "{told}");

        top_up(world, "50 MB more", &home).await?;
        let open = standing_when(world, &home, "sold").await?;
        assert_eq!(open["top_up_bytes"], 50_000_000, "{open}");
        home.assert_shaped(Direction::Down, Family::V4, SOLD_BPS).await?;
        world.assert_counted_once(&[&home], before).await.map(drop)
    });
}

#[test]
fn lines_that_share_an_allowance_are_throttled_together_and_a_top_up_on_one_opens_both() {
    story(async |world| {
        let version = plan(world, "Family 12", true).await?;
        let one = world.household_with("Rosa Teixeira", &version).await?;
        let two = world.household_beside(&one).await?;
        let homes = [&one, &two];
        let before = world.reading(&homes).await?;
        world.lab.cloud_link(false).await?;

        let alone = one.host.download(Load::bytes(SHARES[0]), Family::V4).await?;
        assert!(alone.goodput_bps > SOLD_BPS as f64 * 0.8, "{:.0} bit/s", alone.goodput_bps);
        two.host.download(Load::bytes(SHARES[1]), Family::V4).await?;
        for home in homes {
            let slow = home.host.flow(Direction::Down, Load::seconds(6), Family::V6).await?;
            assert!(slow.goodput_bps < THROTTLED_BPS as f64 * 1.1, "{:.0} bit/s", slow.goodput_bps);
        }
        world.lab.cloud_link(true).await?;
        for home in homes {
            let told = standing_when(world, home, "exhausted").await?;
            assert_eq!((&told["remaining_bytes"], &told["sharing_lines"]), (&json!(0), &json!(2)), "{told}");
        }
        top_up(world, "50 MB for all", &two).await?;
        for home in homes {
            let open = standing_when(world, home, "sold").await?;
            assert_eq!(open["top_up_bytes"], 50_000_000, "{open}");
        }
        one.assert_shaped(Direction::Down, Family::V4, SOLD_BPS).await?;
        world.assert_counted_once(&homes, before).await.map(drop)
    });
}
