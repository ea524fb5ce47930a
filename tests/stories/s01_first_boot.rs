//! First boot: an empty folder is all it takes, and what was put in survives every way to end.

use crate::world::{alone, northwind};
use anyhow::{Context, Result};
use nix::sys::signal::Signal;
use weir_lab::{Isp, Lab, Limit, Options, Role, Router, until};

async fn empty_lab() -> Result<Lab> {
    Lab::start(Options { subscribers: 1, router: Router::Plain, ..Options::default() }).await
}

/// Everything that was put in is there, and more can be.
async fn assert_at_work(isp: &Isp) -> Result<()> {
    assert_eq!(isp.api.list("/sites").await?.len(), 1);
    let subscriber = serde_json::json!({"name": "Ada Ferreira"});
    isp.api.post("/subscribers", &subscriber).await.map(drop)
}

#[test]
fn the_first_boot_makes_a_database_that_stops_with_it_and_survives_kills() {
    alone(async {
        let mut lab = empty_lab().await?;
        assert!(lab.folder("cloud")?.read_dir()?.next().is_none(), "the data folder is empty");
        lab.start_cloud().await?;
        let isp = northwind(&lab).await?;
        let server = lab.private_database().await?.context("the private database does not run")?;

        // A second start in the same folder adopts it, and leaves it running.
        lab.start_role(Role::Worker).await?;
        assert_eq!(lab.private_database().await?, Some(server));
        assert_eq!(lab.end_role(Role::Worker, Signal::SIGTERM).await?, Some(0));
        assert_eq!(lab.private_database().await?, Some(server));
        assert_at_work(&isp).await?;

        assert_eq!(lab.end_role(Role::All, Signal::SIGTERM).await?, Some(0));
        assert_eq!(lab.private_database().await?, None, "it stops with its process");
        lab.start_cloud().await?;
        assert_at_work(&isp).await?;

        lab.kill_cloud().await?;
        let gone = async || Ok(lab.private_database().await?.is_none().then_some(()));
        until("the end of the killed control plane's database", Limit::seconds(20), gone).await?;
        lab.start_cloud().await?;
        assert_at_work(&isp).await?;

        // As a power cut: nobody has time to write anything.
        let server = lab.private_database().await?.context("the private database does not run")?;
        lab.inside().run_ok("cloud", &["kill", "-9", &server.to_string()]).await?;
        lab.kill_cloud().await?;
        lab.start_cloud().await?;
        assert_at_work(&isp).await?;
        assert_eq!(isp.api.list("/subscribers").await?.len(), 4);
        lab.stop().await
    });
}

#[test]
fn a_database_that_is_there_already_is_used_in_place_of_a_private_one() {
    alone(async {
        let mut lab = empty_lab().await?;
        let server = lab.use_own_postgres().await?;
        lab.start_cloud().await?;
        let isp = northwind(&lab).await?;
        assert_at_work(&isp).await?;
        assert!(!lab.folder("cloud")?.join("postgres").exists(), "no private database was made");

        assert_eq!(lab.end_role(Role::All, Signal::SIGTERM).await?, Some(0));
        assert!(server.is_running(), "it is not ours to stop");
        lab.start_cloud().await?;
        assert_at_work(&isp).await?;
        lab.stop().await
    });
}
