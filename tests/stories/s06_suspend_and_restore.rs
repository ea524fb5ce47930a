//! Suspend and restore: who does not pay sees why, and is back once paid. How soon is measured by the demo's check.

use crate::world::{World, story};
use anyhow::{Context, Result};
use chrono::Days;
use serde_json::json;
use weir_lab::{Family, Line};

/// Bills the month, lets the due day and the days of grace pass, and has the cloud notice.
async fn leave_unpaid(world: &mut World, line: &Line) -> Result<()> {
    let today = world.isp.today().await?;
    world.isp.api.patch("/tenant", &json!({"payment_terms_days": 14, "grace_days": 7})).await?;
    world.isp.bill(today).await?;
    assert_eq!(world.isp.invoices(line).await?.len(), 1);
    world.isp.access_becomes(line, "open").await?;
    world.isp.move_clock(today + Days::new(23)).await?;
    // The hourly check may be first; either way the line ends up in the walled garden.
    world.isp.api.post("/overdue-checks", &json!({})).await?;
    world.isp.access_becomes(line, "walled_garden").await
}

#[test]
fn an_unpaid_line_sees_the_walled_garden_and_is_open_again_once_paid() {
    story(async |world| {
        let household = world.household("Greta Oswald").await?;
        household.host.web_becomes(true, Family::V4).await?;
        leave_unpaid(world, &household.line).await?;
        for family in [Family::V4, Family::V6] {
            let page = household.host.web_becomes(false, family).await?;
            let explained = page.body.contains("Northwind Fibre") && page.body.contains("An invoice is past due");
            assert!(explained, "{family:?}: {}", page.body);
        }
        let refused = household.host.run(&["ping", "-c", "1", "-W", "1", "198.18.0.2"]).await?;
        assert_ne!(refused.code, Some(0), "only the garden's page answers");

        let paid = world.isp.pay(&household.line, "counter-1").await?;
        assert_eq!(paid["lines_restored"], 1);
        for family in [Family::V4, Family::V6] {
            household.host.web_becomes(true, family).await?;
        }
        let standing = world.isp.api.get(&format!("/accounts/{}/standing", household.line.account_id)).await?;
        assert_eq!(standing["overdue"]["amount"], "0.00", "{standing}");
        let holds = world.isp.api.get(&format!("/subscriptions/{}/holds", household.line.subscription_id)).await?;
        let hold = holds["items"].as_array().and_then(|holds| holds.first()).context("the hold is remembered")?;
        assert!(hold["kind"] == "unpaid" && hold["released_at"].is_string(), "{hold}");
        Ok(())
    });
}
