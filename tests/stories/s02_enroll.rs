//! Enroll: a token works once, a wrong one never, and a restarted agent is known by its certificate.

use crate::world::{World, story};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use weir_lab::{Output, Place, program};

/// Runs `weir-agent enroll` on the router with a state folder of its own.
async fn enroll(world: &World, state: &str, token: &str) -> Result<Output> {
    let folder = world.lab.folder("enrolled")?.join(state).display().to_string();
    let agent = program("weir-agent")?;
    world.lab.inside().run(&Place::Router.name(), &[&agent, "enroll", "--state-dir", &folder, "--token", token]).await
}

/// The agents of the ISP, newest first: who they are, not how far they came, which moves by itself.
async fn agents(world: &World) -> Result<Vec<Value>> {
    const WHO: [&str; 5] = ["id", "router_id", "hostname", "enrolled_at", "revoked_at"];
    let agents = world.isp.api.list("/agents").await?;
    Ok(agents.iter().map(|agent| WHO.iter().map(|name| ((*name).to_owned(), agent[*name].clone())).collect()).collect())
}

fn assert_refused(answer: &Output, why: &str) {
    assert_eq!(answer.code, Some(1), "{answer:?}");
    assert!(answer.stderr.contains(why) && answer.stdout.is_empty(), "{why:?} is not in {answer:?}");
}

#[test]
fn a_token_enrolls_one_agent_once() {
    story(async |world| {
        let router =
            json!({"name": "edge-2", "site_id": world.isp.site_id, "lan_interface": "lan1", "wan_interface": "wan1"});
        let router = world.isp.api.post("/routers", &router).await?;
        let router = router["id"].as_str().context("a router without an id")?;
        let token = world.isp.token_for(router).await?;
        let before = agents(world).await?;

        let (head, tail) = token.split_at(token.len() / 2);
        let letter = if tail.starts_with('A') { "B" } else { "A" };
        assert_refused(
            &enroll(world, "typo", &format!("{head}{letter}{}", &tail[1..])).await?,
            "incomplete or mistyped",
        );
        assert_refused(&enroll(world, "noise", "let me in").await?, "must begin with weir1_");
        assert!(!world.lab.folder("enrolled")?.join("typo").exists(), "a mistyped token leaves nothing behind");
        assert_eq!(agents(world).await?, before);

        let enrolled = enroll(world, "edge-2", &token).await?;
        assert_eq!(enrolled.code, Some(0), "{enrolled:?}");
        let identity: Value = serde_json::from_str(&enrolled.stdout)?;
        let after = agents(world).await?;
        assert_eq!(after.len(), before.len() + 1);
        assert_eq!(after[0]["router_id"], router);
        let number = |id: &Value| id.as_str().unwrap_or_default().replace("agt_", "").replace('-', "");
        assert_eq!(number(&after[0]["id"]), number(&identity["agent_id"]));

        assert_refused(&enroll(world, "thief", &token).await?, "enrollment refused (token-used)");
        assert_refused(&enroll(world, "edge-2", &token).await?, "already enrolled");
        assert_eq!(agents(world).await?, after, "a refused enrollment changes nothing");
        Ok(())
    });
}

#[test]
fn a_restarted_agent_needs_no_token() {
    story(async |world| {
        let running = |agents: Vec<Value>| agents.into_iter().find(|agent| agent["router_id"] == *world.isp.router_id);
        let before = running(agents(world).await?).context("no agent on the router")?;
        world.lab.kill_agent().await?;
        world.lab.start_agent(None).await?;
        let after = running(agents(world).await?).context("no agent on the router")?;
        assert_eq!((&after["id"], &after["enrolled_at"]), (&before["id"], &before["enrolled_at"]));
        Ok(())
    });
}
