//! A killed gateway, and with it the whole control plane and its database: nothing that was acknowledged is lost.

use crate::world::story;
use weir_lab::{Family, Limit};

const BUSY_SECONDS: u32 = 12;

#[test]
fn traffic_flows_and_is_counted_once_through_a_killed_gateway() {
    story(async |world| {
        let household = world.household("Mara Sola").await?;
        let before = world.reading(&[&household]).await?;
        let killed = async {
            world.flowing(&household).await?;
            world.lab.kill_cloud().await?;
            world.lab.start_cloud().await
        };
        tokio::try_join!(household.stay_busy(BUSY_SECONDS), killed)?;
        world.assert_counted_once(&[&household], before).await?;

        // The router came back by itself and takes orders.
        let hold = world.isp.hold(&household.line, "walled_garden", "after the kill").await?;
        household.host.web_becomes(false, Family::V4).await?;
        world.isp.release(&hold).await?;
        world.isp.applied(Limit::seconds(10)).await.map(drop)
    });
}
