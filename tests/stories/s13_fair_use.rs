//! Fair use: with the cloud away a line is throttled when its allowance is used up; a top-up opens it again.

use crate::world::{World, story};
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

async fn plan(world: &World) -> Result<String> {
    let price = json!({"amount": "25.00", "currency": world.isp.currency});
    let throttle = json!({"rate_down_bps": THROTTLED_BPS, "rate_up_bps": THROTTLED_BPS});
    let plan = json!({"name": "Fair 12", "rate_down_bps": SOLD_BPS, "rate_up_bps": SOLD_BPS, "price": price,
        "allowance_bytes": ALLOWANCE, "throttle": throttle});
    let made = world.isp.api.post("/plans", &plan).await?;
    Ok(made["versions"][0]["id"].as_str().context("a plan without a version")?.to_owned())
}

#[test]
fn a_line_is_throttled_without_the_cloud_and_a_top_up_opens_it() {
    story(async |world| {
        let version = plan(world).await?;
        let home = world.household_with("Paulo Nogueira", &version).await?;
        let standing = || async {
            let path = format!("/subscriptions/{}/fair-use", home.line.subscription_id);
            world.isp.api.get(&path).await
        };
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
        let told = until("the router to tell", Limit::seconds(30), || async {
            let standing = standing().await?;
            Ok((standing["rule"] == "exhausted").then_some(standing))
        });
        let told = told.await?;
        assert_eq!((&told["remaining_bytes"], &told["turns"][0]["rule"]), (&json!(0), &json!("exhausted")), "{told}");

        let more = json!({"name": "50 MB more", "bytes": 50_000_000,
            "price": {"amount": "3.00", "currency": world.isp.currency}});
        let product = world.isp.api.post("/top-up-products", &more).await?["id"].clone();
        let sale = json!({"product_id": product, "reference": "at the counter"});
        let path = format!("/subscriptions/{}/top-ups", home.line.subscription_id);
        world.isp.api.post(&path, &sale).await?;
        let open = until("the line to be open", Limit::seconds(10), || async {
            let standing = standing().await?;
            Ok((standing["rule"] == "sold").then_some(standing))
        });
        let open: Value = open.await?;
        assert_eq!(open["top_up_bytes"], 50_000_000, "{open}");
        home.assert_shaped(Direction::Down, Family::V4, SOLD_BPS).await?;
        world.assert_counted_once(&[&home], before).await.map(drop)
    });
}
