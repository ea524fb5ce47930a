//! A cloud that is put back to an earlier time, and a router that is of a later one.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;
use uuid::Uuid;
use weir_agent::clock::System;
use weir_agent::config::Config;
use weir_agent::plan::Wanted;
use weir_agent::run::Agent;
use weir_agent::southbound::null::Null;
use weir_agent::store::identity::Identity;
use weir_cloud::ids::SubscriptionId;
use weir_fleet::installation::Installation;
use weir_fleet::network::Network;
use weir_lab::{Api, Line};
use weir_protocol::desired::Access;

use super::LIMIT;

/// What the router should be, as its agent sees it.
struct Router(watch::Receiver<Wanted>);

impl Router {
    /// Starts its agent on this thread; it ends when the sender is dropped.
    fn start(folder: &Path, identity: Identity) -> (Self, oneshot::Sender<()>) {
        let config = Config {
            retry_cap: Duration::from_millis(200),
            keepalive: Duration::from_millis(300),
            run_dir: folder.join("run"),
            ..Config::new(folder.to_path_buf())
        };
        let agent = Agent::open(config, identity, Null::default(), System::start()).unwrap();
        let (wanted, (stop, stopped)) = (agent.wanted(), oneshot::channel::<()>());
        tokio::task::spawn_local(async move {
            let stop = async {
                let _dropped = stopped.await;
            };
            agent.run(stop).await.unwrap();
        });
        (Self(wanted), stop)
    }

    /// Waits until its lines are these.
    async fn holds(&mut self, lines: &[(&Line, Access)]) {
        let mut wished: Vec<_> = lines.iter().map(|(line, access)| (id(line), *access)).collect();
        wished.sort();
        let are = |wanted: &Wanted| {
            let access = |line: &weir_protocol::desired::Line| line.access().max(Access::Open);
            wanted.lines.iter().map(|(id, line)| (*id, access(line))).collect::<Vec<_>>() == wished
        };
        let held = tokio::time::timeout(LIMIT, self.0.wait_for(are)).await;
        assert!(held.is_ok(), "not in time: {wished:?}");
    }
}

fn id(line: &Line) -> Uuid {
    line.subscription_id.parse::<SubscriptionId>().unwrap().uuid()
}

/// Asks until this is held back: removals and suspensions.
async fn held_back(api: &Api, hoped: (i64, i64)) {
    let asked = async {
        loop {
            let held = api.get("/held-changes").await.unwrap()["items"][0].clone();
            if (held["removals"].as_i64(), held["suspensions"].as_i64()) == (Some(hoped.0), Some(hoped.1)) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, asked).await.is_ok(), "not held back in time: {hoped:?}");
}

async fn hold(api: &Api, line: &Line) -> Value {
    let hold = json!({ "kind": "manual", "effect": "closed", "reason": "asked for" });
    api.post(&format!("/subscriptions/{}/holds", line.subscription_id), &hold).await.unwrap()["id"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_cloud_takes_nothing_away_until_somebody_releases_it() {
    LocalSet::new().run_until(story()).await;
}

async fn story() {
    let (folder, backups) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Another user may write the backup when we are root.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(backups.path(), open).unwrap();
    let mut installation = Installation::start().await.unwrap();
    let mut network = Network::found(&installation, "restored").await.unwrap();
    let edge = network.routers(1, 3).await.unwrap().remove(0);
    let gateway = installation.start_gateway().await.unwrap();
    network.isp.router_id = edge.router.to_string();
    let [held, open, closed] = edge.lines.try_into().unwrap();
    let api = &network.isp.api;
    let unpaid = hold(api, &held).await;
    let identity = Identity { gateways: vec![gateway.to_string()], ..edge.identity };
    let (mut router, agent) = Router::start(folder.path(), identity);
    router.holds(&[(&held, Access::Closed), (&open, Access::Open), (&closed, Access::Open)]).await;

    let backup = backups.path().join("today");
    installation.back_up(&backup).await.unwrap();
    // After it one line pays, one is closed, and one is sold.
    let released = json!({ "reason": "paid" });
    api.post(&format!("/holds/{}/release", unpaid.as_str().unwrap()), &released).await.unwrap();
    hold(api, &closed).await;
    let addresses = |n: u8| json!({ "prefixes": [format!("10.64.1.{n}/32")] });
    let sold =
        network.isp.sell_known_by(9, "Nora New", &open.plan_version_id, "2026-01-01", addresses(9)).await.unwrap();
    let newest = [(&held, Access::Open), (&open, Access::Open), (&closed, Access::Closed), (&sold, Access::Open)];
    router.holds(&newest).await;

    // The restored cloud knows nothing of all that: what it opens is open, what it takes away stays.
    let (owner, plan) = (network.isp.owner.clone(), open.plan_version_id.clone());
    let mut installation = installation.restored(&backup).await.unwrap();
    installation.start_gateway().await.unwrap();
    let api = Api::new(installation.api_url()).unwrap().sign_in(&owner.email, &owner.password).await.unwrap();
    router.holds(&[(&held, Access::Open), (&open, Access::Open), (&closed, Access::Open), (&sold, Access::Open)]).await;
    held_back(&api, (1, 1)).await;
    assert!(api.get("/tenant").await.unwrap()["restored_at"].is_string());
    // So does what is done in it meanwhile; what is added is there.
    hold(&api, &open).await;
    held_back(&api, (1, 2)).await;
    network.isp.api = api;
    let api = &network.isp.api;
    let added = network.isp.sell_known_by(10, "Ada Added", &plan, "2026-01-01", addresses(10)).await.unwrap();
    let all = [&held, &open, &closed, &sold, &added].map(|line| (line, Access::Open));
    router.holds(&all).await;

    installation.release().await.unwrap();
    let desired = [(&held, Access::Closed), (&open, Access::Closed), (&closed, Access::Open), (&added, Access::Open)];
    router.holds(&desired).await;
    assert!(api.get("/tenant").await.unwrap()["restored_at"].is_null());
    drop(agent);
    installation.end().await.unwrap();
}
