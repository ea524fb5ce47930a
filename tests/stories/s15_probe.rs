//! Is it me or the network: the router measures a line because somebody asks, and the answer is what is the case.

use crate::world::{Household, World, story};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use weir_lab::{Direction, Family, Limit, Load, until};

/// Longer than a probe and the way to it take.
const BUSY_SECONDS: u32 = 12;

/// Asks about a line, sooner or later, and waits for the answer.
async fn probe(world: &World, home: &Household) -> Result<Value> {
    let path = format!("/subscriptions/{}/probes", home.line.subscription_id);
    let asked =
        until("a turn to ask", Limit::seconds(20), || async { Ok(world.isp.api.post(&path, &json!({})).await.ok()) });
    let id = asked.await?["id"].as_str().context("a probe without an id")?.to_owned();
    until("the answer", Limit::seconds(20), || async {
        let probe = world.isp.api.get(&format!("/line-probes/{id}")).await?;
        Ok((probe["state"] != "asked").then_some(probe))
    })
    .await
}

#[test]
fn a_line_that_is_well_full_or_held_is_said_to_be() {
    story(async |world| {
        let home = world.household("Farida Haddad").await?;
        let well = probe(world, &home).await?;
        assert_eq!((&well["state"], &well["verdict"]), (&json!("answered"), &json!("well")), "{well}");
        let hosts = well["measured"]["echoes"].as_array().context("no echoes")?;
        let own = hosts.iter().find(|host| host["role"] == "subscriber").context("the line's host was not asked")?;
        assert!(own["answered"].as_u64() >= Some(6) && own["rtt_p50_us"].as_u64() > Some(0), "{own}");

        let busy = home.host.flow(Direction::Down, Load::seconds(BUSY_SECONDS), Family::V4);
        let asked = async {
            world.flowing(&home).await?;
            probe(world, &home).await
        };
        let (_, full) = tokio::try_join!(busy, asked)?;
        assert_eq!(full["verdict"], "line_full", "{full}");
        assert!(full["measured"]["down"]["used_permille"].as_u64() >= Some(900), "{full}");

        let hold = world.isp.hold(&home.line, "walled_garden", "asked about").await?;
        home.host.web_becomes(false, Family::V4).await?;
        let held = probe(world, &home).await?;
        assert_eq!(
            (&held["verdict"], &held["measured"]["access"]),
            (&json!("held"), &json!("walled_garden")),
            "{held}"
        );
        world.isp.release(&hold).await?;
        home.host.web_becomes(true, Family::V4).await.map(drop)
    });
}
