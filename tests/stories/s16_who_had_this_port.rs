//! Who had this port: lines behind few public addresses have ports of their own, and who had one is answered for a reason.

use crate::world::{Household, World, story};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use weir_lab::{Family, Limit, PUBLIC_NETWORK, until};

const PORTS_PER_LINE: u16 = 512;

/// Changes what is said of the router's settings.
async fn change_router(world: &World, change: Value) -> Result<()> {
    let path = format!("/routers/{}", world.isp.router_id);
    let router = world.isp.api.get(&path).await?;
    let kept = ["name", "site_id", "lan_interface", "wan_interface", "nat", "capacity_down_bps", "capacity_up_bps"];
    let mut wish: serde_json::Map<String, Value> =
        kept.iter().map(|field| ((*field).to_owned(), router[*field].clone())).collect();
    wish.extend(change.as_object().cloned().unwrap_or_default());
    world.isp.api.put(&path, &Value::Object(wish)).await?;
    world.isp.applied(Limit::seconds(20)).await.map(drop)
}

/// The block of a household's line, once its router says it holds it.
async fn block(world: &World, home: &Household) -> Result<Value> {
    let path = format!("/subscriptions/{}/port-blocks", home.line.subscription_id);
    until("the router to hold the block", Limit::seconds(20), || async {
        let blocks = world.isp.api.get(&path).await?;
        let newest = blocks["items"].as_array().and_then(|blocks| blocks.first()).cloned();
        Ok(newest.filter(|block| !block["in_force_at"].is_null()))
    })
    .await
}

/// As what the internet sees a household.
async fn seen_as(home: &Household) -> Result<(String, u16)> {
    let answer = home.host.http_get("/who", Family::V4).await?;
    let (host, port) = answer.body.trim().split_once(' ').with_context(|| format!("{answer:?}"))?;
    Ok((host.to_owned(), port.parse()?))
}

#[test]
fn a_line_has_ports_of_its_own_and_who_had_one_is_answered_for_a_reason() {
    story(async |world| {
        let (ana, ben) = (world.household("Ana Petrov").await?, world.household("Ben Osei").await?);
        change_router(world, json!({"public_networks": [PUBLIC_NETWORK], "ports_per_line": PORTS_PER_LINE})).await?;
        let mut seen = Vec::new();
        for home in [&ana, &ben] {
            let block = block(world, home).await?;
            let (host, port) = seen_as(home).await?;
            let (first, last) = (block["first_port"].as_u64(), block["last_port"].as_u64());
            assert!(
                block["address"] == *host && first <= Some(port.into()) && Some(port.into()) <= last,
                "{host}:{port} {block}"
            );
            assert_eq!(last.zip(first).map(|(last, first)| last - first + 1), Some(PORTS_PER_LINE.into()));
            let asked =
                json!({"address": host, "port": port, "at": block["in_force_at"], "reason": "Court order 14/2026"});
            let answer = world.isp.api.post("/port-blocks/lookups", &asked).await?;
            let found = answer["found"].as_array().context("no answer")?;
            assert_eq!(found.len(), 1, "{answer}");
            assert_eq!(
                (found[0]["subscription_id"].as_str(), found[0]["certainty"].as_str()),
                (Some(&*home.line.subscription_id), Some("in_force")),
                "{answer}"
            );
            seen.push((host, port));
        }
        assert_ne!(seen[0], seen[1]);

        change_router(world, json!({"public_networks": []})).await?;
        until("the router's own address to be in front again", Limit::seconds(20), || async {
            Ok(seen_as(&ana).await.ok().filter(|(host, _)| host == "198.18.0.1"))
        })
        .await
        .map(drop)
    });
}
