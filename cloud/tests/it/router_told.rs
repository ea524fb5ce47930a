//! What a router refuses and what it wanted people to know.

use serde_json::{Value, json};
use weir_cloud::fleet::events;
use weir_cloud::fleet::jobs::ForgetOldEvents;
use weir_cloud::jobs::Job;
use weir_protocol::control::{Event, Severity};
use weir_protocol::desired::Kind;
use weir_protocol::state::{ObjectResult, Status};

use crate::money::harness::story;
use crate::money::shop::{Shop, about};

impl Shop {
    async fn refused(&self, query: &str) -> Value {
        self.isp.get(&format!("/routers/{}/refusals{query}", self.router)).await.expect(200)
    }

    async fn events(&self, query: &str) -> Value {
        self.isp.get(&format!("/routers/{}/events{query}", self.router)).await.expect(200)
    }

    async fn happens(&self, id: u128, severity: Severity, text: &str) {
        let event = Event {
            id: uuid::Uuid::from_u128(id).as_bytes().to_vec(),
            kind: "foreign-qdisc".into(),
            severity: severity.into(),
            wall_ms: 1_793_523_600_000,
            text: text.into(),
        };
        events::told(&self.isp.app, self.session().await, &event).await.expect("kept");
    }
}

fn ids(list: &Value, name: &str) -> Vec<String> {
    let items = list["items"].as_array().expect("a list");
    items.iter().map(|item| item[name].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn what_a_router_refuses_is_shown_with_its_reasons_until_it_is_in_force() {
    story(async {
        let shop = Shop::new("refuses", "2026-10-01").await;
        let page = format!("/routers/{}", shop.router);
        let (one, two) = (
            shop.sold(json!({ "prefixes": ["10.20.0.1/32"] })).await,
            shop.sold(json!({ "prefixes": ["10.20.0.2/32"] })).await,
        );
        let mast =
            json!({ "name": "Mast", "router_id": shop.router, "peak_down_bps": 9_000_000, "peak_up_bps": 9_000_000 });
        let mast = shop.isp.post("/access-points", mast).await.expect(201)["id"].clone();
        assert_eq!(shop.refused("").await, json!({ "items": [], "next": null }));
        assert!(shop.isp.page(&page).await.text.contains("the router has not told yet of everything"));

        let result = |status: Status, detail: &str, result: ObjectResult| ObjectResult {
            status: status.into(),
            code: "bad".into(),
            detail: detail.into(),
            ..result
        };
        let bytes = |id: &str| uuid::Uuid::parse_str(id.rsplit('_').next().unwrap()).unwrap().as_bytes().to_vec();
        let node = || ObjectResult { kind: Kind::Node as u32, id: bytes(mast.as_str().unwrap()), ..about(one) };
        let own =
            || ObjectResult { kind: Kind::Router as u32, id: shop.router.uuid().as_bytes().to_vec(), ..about(one) };
        let held = ObjectResult { code: "removal-held".into(), ..result(Status::Rejected, "", about(two)) };
        let refused = vec![
            result(Status::Rejected, "overlaps with another line", about(one)),
            result(Status::Unsupported, "needs a newer agent", node()),
            result(Status::Failed, "there is no port wan0", own()),
            held,
        ];
        shop.isp.post(&format!("/subscriptions/{two}/end"), json!({ "ends_on": "2026-11-01" })).await.expect(200);
        shop.tells(false, refused).await;
        let all = shop.refused("").await;
        let items = all["items"].as_array().expect("a list");
        assert_eq!(items.len(), 3, "a line that is wanted no more is not refused: {all}");
        let of = |status: &str| items.iter().find(|item| item["status"] == status).expect("it");
        assert_eq!(of("rejected")["subscription_id"], json!(one));
        assert_eq!(
            (&of("unsupported")["access_point_id"], &of("unsupported")["subscription_id"]),
            (&mast, &Value::Null)
        );
        assert_eq!((&of("failed")["subscription_id"], &of("failed")["access_point_id"]), (&Value::Null, &Value::Null));
        assert_eq!((&of("failed")["code"], &of("failed")["detail"]), (&json!("bad"), &json!("there is no port wan0")));

        // In pages, on the router's own page, and as a count in the list.
        let first = shop.refused("?limit=2").await;
        let rest = shop.refused(&format!("?limit=2&after={}", first["next"].as_str().expect("more"))).await;
        let mut parts = [ids(&first, "detail"), ids(&rest, "detail")].concat();
        assert_eq!((parts.len(), ids(&first, "detail").len(), &rest["next"]), (3, 2, &Value::Null));
        parts.dedup();
        assert_eq!(parts, ids(&all, "detail"));
        for path in [page.clone(), format!("{page}/refusals")] {
            let text = shop.isp.page(&path).await.text;
            assert!(text.contains("there is no port wan0") && text.contains("The router’s own settings"), "{text}");
            assert!(text.contains("overlaps with another line") && text.contains(&format!("/subscriptions/{one}")));
            assert!(text.contains("needs a newer agent") && text.contains("Mast"));
        }
        let list = shop.isp.page("/routers").await.text;
        assert!(list.contains(&format!("{page}/refusals")), "{list}");

        // What came into force is refused no more.
        let applied = |of: ObjectResult| ObjectResult { status: Status::Applied.into(), ..of };
        shop.tells(false, vec![applied(about(one)), applied(node()), applied(own())]).await;
        assert_eq!(shop.refused("").await["items"], json!([]));
        assert!(!shop.isp.page("/routers").await.text.contains("/refusals"));
    });
}

#[test]
fn a_routers_events_are_read_by_severity_and_forgotten_after_90_days() {
    story(async {
        let mut shop = Shop::new("tells", "2026-11-01").await;
        let page = format!("/routers/{}", shop.router);
        assert!(shop.isp.page(&page).await.text.contains("The router told nothing in the last 90 days"));
        for (id, text) in [(1, "first"), (2, "second"), (3, "third")] {
            shop.happens(id, Severity::Info, text).await;
        }
        shop.happens(4, Severity::Critical, "the clock went back").await;
        let first = shop.events("?limit=3").await;
        let next = first["next"].as_str().expect("more").to_owned();
        let rest = shop.events(&format!("?limit=3&after={next}")).await;
        assert_eq!(ids(&first, "text"), ["the clock went back", "third", "second"]);
        assert_eq!((ids(&rest, "text"), &rest["next"]), (vec!["first".to_owned()], &Value::Null));
        assert_eq!(first["items"][0]["at"], "2026-11-01T09:00:00Z");
        assert_eq!(ids(&shop.events("?severity=critical").await, "text"), ["the clock went back"]);
        let odd = shop.isp.get(&format!("/routers/{}/events?severity=odd", shop.router)).await;
        assert_eq!(odd.status.as_u16(), 400);
        assert!(shop.isp.page(&page).await.text.contains("the clock went back"));
        let critical = shop.isp.page(&format!("{page}/events?severity=critical")).await.text;
        assert!(critical.contains("the clock went back") && !critical.contains("third"), "{critical}");
        let none = shop.isp.page(&format!("{page}/events?severity=warning")).await.text;
        assert!(none.contains("nothing like this"), "{none}");

        // To the day: they are kept for 90.
        shop.isp.now_is("2027-01-30T09:59:00Z").await;
        ForgetOldEvents {}.run(shop.isp.app.clone(), shop.isp.scope()).await.expect("done");
        assert_eq!(ids(&shop.events("").await, "text").len(), 4);
        shop.isp.now_is("2027-01-30T10:02:00Z").await;
        shop.happens(5, Severity::Warning, "new").await;
        ForgetOldEvents {}.run(shop.isp.app.clone(), shop.isp.scope()).await.expect("done");
        assert_eq!(ids(&shop.events("").await, "text"), ["new"]);
    });
}
