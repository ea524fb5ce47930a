//! Fair use: what routers are told, what they tell, what is bought on top, and what that costs.

mod billing;
mod boosts;
mod pools;
mod reports;
mod steps;

use prost::Message;
use serde_json::{Value, json};
use weir_cloud::ids::{PlanVersionId, RouterId, SubscriptionId};
use weir_protocol::desired::{FairUse, Kind, Line};

use crate::money::harness::Isp;

/// A megabyte, then a tenth of the rate.
fn throttling() -> Value {
    json!({
        "name": "Fair 20", "rate_down_bps": 20_000_000, "rate_up_bps": 5_000_000,
        "price": { "amount": "20.00", "currency": "EUR" }, "allowance_bytes": 1_000_000,
        "throttle": { "rate_down_bps": 2_000_000, "rate_up_bps": 500_000 },
    })
}

async fn version(isp: &Isp, plan: Value) -> PlanVersionId {
    let made = isp.post("/plans", plan).await.expect(201);
    made["versions"][0]["id"].as_str().unwrap().parse().unwrap()
}

async fn product(isp: &Isp, name: &str, bytes: i64, price: &str) -> Value {
    let wish = json!({ "name": name, "bytes": bytes, "price": { "amount": price, "currency": "EUR" } });
    isp.post("/top-up-products", wish).await.expect(201)["id"].clone()
}

async fn sell(isp: &Isp, line: SubscriptionId, product: &Value, reference: &str) -> crate::money::harness::Answer {
    isp.post(&format!("/subscriptions/{line}/top-ups"), json!({ "product_id": product, "reference": reference })).await
}

async fn standing(isp: &Isp, line: SubscriptionId) -> Value {
    isp.get(&format!("/subscriptions/{line}/fair-use")).await.expect(200)
}

/// What the router of a line is told, freshly derived.
async fn told(isp: &Isp, router: RouterId, line: SubscriptionId) -> FairUse {
    let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
    weir_cloud::fleet::desired::refresh_line(&mut tx, line).await.unwrap();
    tx.commit().await.unwrap();
    held(isp, router, line).await
}

/// What it was told last.
async fn held(isp: &Isp, router: RouterId, line: SubscriptionId) -> FairUse {
    let mut tx = isp.app.db.read(&isp.scope()).await.unwrap();
    let body: Vec<u8> =
        sqlx::query_scalar("SELECT body FROM desired_objects WHERE agent_id = $1 AND kind = $2 AND object_id = $3")
            .bind(router.uuid())
            .bind(Kind::Line as i32)
            .bind(line.uuid())
            .fetch_one(tx.conn())
            .await
            .unwrap();
    Line::decode(body.as_slice()).unwrap().fair_use.map(|own| *own).expect("a fair use")
}
