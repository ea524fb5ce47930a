//! Roles apart: three processes and one database do what one process does.

use crate::world::{HOME, World, alone, northwind};
use anyhow::Context;
use nix::sys::signal::Signal;
use weir_lab::{Direction, Family, Lab, Options, Role};

const BUSY_SECONDS: u32 = 8;

#[test]
fn api_gateway_and_worker_apart_do_the_loop_on_one_database() {
    alone(async {
        let mut lab = Lab::start(Options { subscribers: 2, ..Options::default() }).await?;
        for role in [Role::Api, Role::Gateway, Role::Worker] {
            lab.start_role(role).await?;
        }
        let isp = northwind(&lab).await?;
        let token = isp.enrollment_token().await?;
        lab.start_agent(Some(&token)).await?;
        let mut world = World::of(lab, isp).await?;
        let household = world.household("Ada Ferreira").await?;
        let before = world.reading(&[&household]).await?;
        household.assert_shaped(Direction::Down, Family::V4, HOME.rate_down_bps).await?;

        let killed = async {
            world.flowing(&household).await?;
            world.lab.end_role(Role::Gateway, Signal::SIGKILL).await?;
            assert_eq!(world.isp.api.list("/subscriptions").await?.len(), 1, "the API does not need the gateway");
            world.lab.start_role(Role::Gateway).await
        };
        tokio::try_join!(household.stay_busy(BUSY_SECONDS), killed)?;
        world.assert_counted_once(&[&household], before).await?;

        let hold = world.isp.hold(&household.line, "walled_garden", "by another process").await?;
        household.host.web_becomes(false, Family::V4).await?;
        world.isp.release(&hold).await?;
        household.host.web_becomes(true, Family::V4).await?;

        let today = world.isp.today().await?;
        world.isp.bill(today).await.context("the worker bills")?;
        assert_eq!(world.isp.invoices(&household.line).await?.len(), 1);
        for role in [Role::Worker, Role::Gateway, Role::Api] {
            assert_eq!(world.lab.end_role(role, Signal::SIGTERM).await?, Some(0), "{role:?} ends in order");
        }
        world.lab.stop().await
    });
}
