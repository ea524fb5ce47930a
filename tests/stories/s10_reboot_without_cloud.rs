//! A reboot while the cloud is away: the last state the router was given is enforced before it reaches anybody.

use crate::world::{HOME, story};
use anyhow::Context;
use weir_lab::{Direction, Family, Limit};

#[test]
fn a_rebooted_router_enforces_its_last_state_before_it_has_a_connection() {
    story(async |world| {
        let (open, walled) = (world.household("Nils Ekman").await?, world.household("Olive Grant").await?);
        let hold = world.isp.hold(&walled.line, "walled_garden", "before the reboot").await?;
        walled.host.web_becomes(false, Family::V4).await?;

        world.lab.kill_agent().await?;
        world.lab.cloud_link(false).await?;
        world.lab.reboot_router().await?;
        walled.host.web_becomes(true, Family::V6).await.context("a router without rules only forwards")?;

        world.lab.start_agent_offline(None).await?;
        walled.host.web_becomes(false, Family::V6).await?;
        walled.host.web_becomes(false, Family::V4).await?;
        let before = world.reading(&[&open]).await?;
        open.assert_shaped(Direction::Down, Family::V4, HOME.rate_down_bps).await?;
        open.assert_shaped(Direction::Up, Family::V6, HOME.rate_up_bps).await?;
        let agent = world.lab.agent().context("the agent does not run")?;
        assert!(agent.is_running() && agent.count_of("session open") == 0, "all of this without the cloud");

        world.lab.cloud_link(true).await?;
        world.assert_counted_once(&[&open], before).await?;
        world.isp.release(&hold).await?;
        world.isp.applied(Limit::seconds(10)).await?;
        walled.host.web_becomes(true, Family::V4).await.map(drop)
    });
}

#[test]
fn a_router_whose_disk_lost_a_part_of_its_state_is_told_everything_again() {
    story(async |world| {
        let home = world.household("Petra Moreau").await?;
        world.lab.kill_agent().await?;
        world.lab.spoil_desired_state()?;
        world.lab.reboot_router().await?;
        world.lab.start_agent(None).await?;
        world.isp.applied(Limit::seconds(10)).await?;
        // What was applied before the reboot was told to be applied: a connection begun before the router is told again
        // would stay without NAT for as long as the kernel remembers it.
        home.host.web_becomes(true, Family::V4).await?;
        home.assert_shaped(Direction::Down, Family::V4, HOME.rate_down_bps).await
    });
}
