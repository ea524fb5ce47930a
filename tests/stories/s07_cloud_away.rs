//! Cloud away: the router enforces and counts on, and when the cloud is back it learns all of it, once.

use crate::world::{HOME, story};
use weir_lab::{Direction, Family, Limit, until};

const BUSY_SECONDS: u32 = 24;

#[test]
fn without_the_cloud_lines_stay_as_they_are_and_usage_arrives_once_when_it_is_back() {
    story(async |world| {
        let (busy, other) = (world.household("Hugo Baptista").await?, world.household("Iria Loureiro").await?);
        let walled = world.household("Jonas Keller").await?;
        world.isp.hold(&walled.line, "walled_garden", "before the cut").await?;
        walled.host.web_becomes(false, Family::V4).await?;
        let before = world.reading(&[&busy, &other, &walled]).await?;
        let away = async {
            world.flowing(&busy).await?;
            world.lab.cloud_link(false).await?;
            let noticed = async || Ok((world.isp.enforcement().await?["connected"] == false).then_some(()));
            until("the cloud to miss its router", Limit::seconds(30), noticed).await?;

            let late = world.isp.hold(&other.line, "walled_garden", "during the cut").await?;
            other.assert_shaped(Direction::Down, Family::V4, HOME.rate_down_bps).await?;
            walled.host.web_becomes(false, Family::V6).await?;
            let state = world.isp.enforcement().await?;
            assert_ne!(state["applied_gen"], state["desired_gen"], "the cloud knows what the router can't know yet");

            world.lab.cloud_link(true).await?;
            other.host.web_becomes(false, Family::V4).await?;
            world.isp.release(&late).await?;
            other.host.web_becomes(true, Family::V4).await.map(drop)
        };
        tokio::try_join!(busy.stay_busy(BUSY_SECONDS), away)?;
        world.assert_counted_once(&[&busy, &other, &walled], before).await.map(drop)
    });
}
