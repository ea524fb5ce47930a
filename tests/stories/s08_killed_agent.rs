//! A killed agent: the kernel goes on without it, and what it had not written down is still in the counters.

use crate::world::{HOME, story};
use weir_lab::{Direction, Family};

const BUSY_SECONDS: u32 = 14;

#[test]
fn traffic_flows_and_is_counted_once_through_a_killed_agent() {
    story(async |world| {
        let (busy, other) = (world.household("Kasia Nowak").await?, world.household("Leo Fontana").await?);
        let before = world.reading(&[&busy, &other]).await?;
        let killed = async {
            world.flowing(&busy).await?;
            world.lab.kill_agent().await?;
            other.assert_shaped(Direction::Down, Family::V6, HOME.rate_down_bps).await?;
            world.lab.start_agent(None).await
        };
        tokio::try_join!(busy.stay_busy(BUSY_SECONDS), killed)?;
        world.assert_counted_once(&[&busy, &other], before).await.map(drop)
    });
}
