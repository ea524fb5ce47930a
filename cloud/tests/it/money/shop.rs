//! An ISP that sells lines of one router to one subscriber.

use serde_json::{Value, json};
use weir_cloud::fleet::sessions::{self, Opened, Session};
use weir_cloud::ids::{AgentId, RouterId, SubscriptionId};
use weir_protocol::control::Hello;
use weir_protocol::desired::Kind;
use weir_protocol::state::{ApplyReport, ObjectResult};

use super::harness::{Answer, Isp};
use super::world::FIBRE;

pub struct Shop {
    pub isp: Isp,
    pub router: RouterId,
    /// What a sale says beside addresses and identities.
    pub wish: Value,
}

impl Shop {
    pub async fn new(slug: &str, starts_on: &str) -> Self {
        let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ada").await);
        let subscriber = isp.get(&format!("/accounts/{account}")).await.expect(200)["subscriber_id"].clone();
        let place = json!({ "subscriber_id": subscriber, "line1": "Hill 2", "city": "Leeds", "country": "GB" });
        let place = isp.post("/service-locations", place).await.expect(201)["id"].clone();
        let wish = json!({ "account_id": account, "service_location_id": place, "plan_version_id": plan,
            "router_id": router, "starts_on": starts_on });
        Self { isp, router, wish }
    }

    /// Sells a line, with these fields on top of the wish.
    pub async fn sells(&self, more: Value) -> Answer {
        let mut wish = self.wish.clone();
        for (name, value) in more.as_object().expect("fields") {
            wish[name] = value.clone();
        }
        self.isp.post("/subscriptions", wish).await
    }

    /// The line that was sold.
    pub async fn sold(&self, more: Value) -> SubscriptionId {
        self.sells(more).await.expect(201)["id"].as_str().expect("an id").parse().expect("an id")
    }

    /// The router's agent connects.
    pub async fn opened(&self) -> Opened {
        let agent = AgentId::from(self.router.uuid());
        let opened = sessions::open(&self.isp.app, self.isp.tenant, agent, &Hello::default(), "here").await;
        opened.expect("an answer").expect("a session")
    }

    pub async fn session(&self) -> Session {
        self.opened().await.session
    }

    /// Tells as the router what became of objects.
    pub async fn tells(&self, complete: bool, results: Vec<ObjectResult>) {
        let report = ApplyReport { generation: 1, complete, results, persisted: None };
        sessions::report(&self.isp.app, self.session().await, &report).await.expect("kept");
    }
}

/// What a router tells of a line, but for what became of it.
pub fn about(line: SubscriptionId) -> ObjectResult {
    ObjectResult {
        kind: Kind::Line as u32,
        id: line.uuid().as_bytes().to_vec(),
        revision: 1,
        ..ObjectResult::default()
    }
}
