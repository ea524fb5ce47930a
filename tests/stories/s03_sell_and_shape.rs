//! Sell: a sold plan is the line's speed, over both protocols and both ways, and another plan is another speed.

use crate::world::{HOME, Household, story};
use anyhow::Result;
use serde_json::json;
use weir_lab::{Direction, Family, Limit, PlanTerms};

const FASTER: PlanTerms = PlanTerms { name: "Home 10", rate_down_bps: 10_000_000, price: "40.00", ..HOME };

async fn assert_both_families(v4: &Household, v6: &Household, direction: Direction, sold_bps: u64) -> Result<()> {
    let flows = (v4.assert_shaped(direction, Family::V4, sold_bps), v6.assert_shaped(direction, Family::V6, sold_bps));
    tokio::try_join!(flows.0, flows.1).map(drop)
}

#[test]
fn a_sold_plan_is_the_lines_speed_and_another_plan_is_another_speed() {
    story(async |world| {
        let (one, other) = (world.household("Bruno Castelo").await?, world.household("Chloe Marchetti").await?);
        assert_both_families(&one, &other, Direction::Down, HOME.rate_down_bps).await?;
        assert_both_families(&one, &other, Direction::Up, HOME.rate_up_bps).await?;

        let faster = world.isp.plan(&FASTER).await?;
        let change = json!({"plan_version_id": faster, "effective_on": world.isp.today().await?});
        world.isp.api.post(&format!("/subscriptions/{}/change-plan", one.line.subscription_id), &change).await?;
        world.isp.applied(Limit::seconds(10)).await?;
        let flows = (
            one.assert_shaped(Direction::Down, Family::V6, FASTER.rate_down_bps),
            other.assert_shaped(Direction::Down, Family::V4, HOME.rate_down_bps),
        );
        tokio::try_join!(flows.0, flows.1).map(drop)
    });
}
