//! Known by name: a line without an address of its own is what its subscriber was leased, and shaped as it was sold.

use crate::world::{HOME, World, story};
use anyhow::{Context, Result};
use serde_json::Value;
use weir_lab::{Direction, Family, Limit, subscriber_mac, subscriber_v4, until};

/// What the cloud shows of the line's learned addresses, once there are so many.
async fn learned(world: &World, subscription: &str, count: usize) -> Result<Vec<Value>> {
    until("the router to tell", Limit::seconds(20), || async {
        let sold = world.isp.api.get(&format!("/subscriptions/{subscription}")).await?;
        let learned = sold["learned_prefixes"].as_array().context("no learned prefixes")?;
        Ok((learned.len() == count).then(|| learned.clone()))
    })
    .await
}

#[test]
fn a_line_known_by_its_ethernet_address_is_what_it_was_leased() {
    story(async |world| {
        let home = world.household_known_by_mac("Lena Okoro").await?;
        let subscription = &home.line.subscription_id;
        assert_eq!(learned(world, subscription, 0).await?, Vec::<Value>::new());
        // As the script of a DHCP server on the router tells.
        let (mac, address) = (subscriber_mac(home.line.number), subscriber_v4(home.line.number).to_string());
        world.lab.lease(&["dnsmasq", "add", &mac, &address]).await?;
        let told = learned(world, subscription, 1).await?;
        assert_eq!(
            (told[0]["prefix"].as_str(), told[0]["source"].as_str()),
            (Some(&*format!("{address}/32")), Some("dnsmasq"))
        );
        home.assert_shaped(Direction::Down, Family::V4, HOME.rate_down_bps).await?;
        home.assert_shaped(Direction::Up, Family::V4, HOME.rate_up_bps).await?;

        world.lab.lease(&["dnsmasq", "del", &mac, &address]).await?;
        learned(world, subscription, 0).await.map(drop)
    });
}
