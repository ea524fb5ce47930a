//! The first answer from real rows: each fact alone brings its own, in the subscriber's language.

use serde_json::{Value, json};

use super::{Told, id};
use crate::money::harness::story;

impl Told {
    /// Codes of the findings of a new ticket about the line, and the first sentence.
    async fn diagnosed(&self) -> (Vec<String>, String) {
        let ticket = self.ask("Slow").await;
        let found = self.isp.get(&format!("/tickets/{}/diagnosis", id(&ticket))).await.expect(200);
        let found = found.as_array().expect("findings").clone();
        let codes = found.iter().map(|one| one["code"].as_str().expect("a code").to_owned()).collect();
        (codes, found[0]["text"].as_str().expect("a sentence").to_owned())
    }

    async fn sql(&self, statement: &'static str) {
        let mut tx = self.isp.app.db.begin(&self.isp.scope()).await.expect("begin");
        sqlx::query(statement).execute(tx.conn()).await.expect(statement);
        tx.commit().await.expect("committed");
    }

    /// The agents are connected and said so just now.
    async fn connected(&self) {
        let mut tx = self.isp.app.db.begin(&self.isp.scope()).await.expect("begin");
        let now = tx.at();
        sqlx::query("UPDATE agents SET connected_at = enrolled_at, disconnected_at = NULL, last_seen_at = $1")
            .bind(now)
            .execute(tx.conn())
            .await
            .expect("connected");
        tx.commit().await.expect("committed");
    }
}

#[test]
fn an_unpaid_line_is_told_its_invoice_and_where_to_pay() {
    story(async {
        let mut told = Told::at("unpaid-ticket", "2026-11-01T10:00:00Z").await;
        told.connected().await;
        told.isp
            .settings(json!({ "payment_terms_days": 14, "grace_days": 7, "pay_url": "https://pay.example.net/" }))
            .await;
        told.isp.bill("2026-11-01").await;
        told.isp.now_is("2026-11-20T10:00:00Z").await;
        told.connected().await;
        assert_eq!(told.diagnosed().await.0, ["overdue"]);
        told.isp.now_is("2026-11-23T10:00:00Z").await;
        told.isp.post("/overdue-checks", json!({})).await.expect(200);
        let (codes, text) = told.diagnosed().await;
        assert_eq!(codes[0], "unpaid-pay");
        let expected = "Your line is limited to the payment page because €30.00 of invoice INV-2026-000001 is unpaid; it was due on 15 Nov 2026. Pay at https://pay.example.net/ and it opens at once.";
        assert_eq!(text, expected);
        told.put(&format!("/subscribers/{}", told.subscriber), json!({ "name": "Ana", "language": "es" })).await;
        let (_, text) = told.diagnosed().await;
        assert!(text.starts_with("Su línea está limitada a la página de pago porque quedan 30,00\u{a0}€"), "{text}");
        told.isp.pay(told.account, "all", "30.00", "2026-11-23").await;
        assert_ne!(told.diagnosed().await.0[0], "unpaid-pay");
    });
}

#[test]
fn every_hold_is_told_by_its_kind() {
    story(async {
        let told = Told::at("holds-ticket", "2026-11-23T09:00:00Z").await;
        told.connected().await;
        for (kind, code) in
            [("quota", "quota"), ("fraud", "fraud"), ("abuse", "abuse"), ("seasonal", "seasonal"), ("manual", "held")]
        {
            let wish = json!({ "kind": kind, "effect": "closed", "reason": "Suspicion" });
            let hold = told.isp.post(&format!("/subscriptions/{}/holds", told.line), wish).await.expect(201);
            let (codes, text) = told.diagnosed().await;
            assert_eq!(codes[0], code);
            assert!(text.contains("closed") && !text.contains("Suspicion"), "reasons are for staff: {text}");
            told.isp.post(&format!("/holds/{}/release", id(&hold)), json!({})).await.expect(200);
        }
    });
}

#[test]
fn a_router_that_is_away_and_a_known_outage_are_told() {
    story(async {
        let told = Told::at("away", "2026-11-23T09:00:00Z").await;
        assert_eq!(told.diagnosed().await.0, ["router-never-seen"]);
        told.connected().await;
        assert_eq!(told.diagnosed().await.0, ["healthy"]);
        told.sql("UPDATE agents SET disconnected_at = connected_at").await;
        let (codes, text) = told.diagnosed().await;
        assert_eq!(codes, ["router-unreachable"]);
        assert!(text.contains("edge-1") && text.contains("23 Nov 2026"), "{text}");
        let wide = json!({ "title": "Mast down", "body": "No power", "router_id": told.router, "impact": "site" });
        let wide = told.isp.post("/tickets", wide).await.expect(201);
        let (codes, text) = told.diagnosed().await;
        assert_eq!(codes, ["outage", "router-unreachable"]);
        assert!(text.contains(wide["number"].as_str().expect("a number")), "{text}");
        told.isp.patch(&format!("/tickets/{}", id(&wide)), json!({ "status": "solved" })).await.expect(200);
        assert_eq!(told.diagnosed().await.0, ["router-unreachable"]);
    });
}

#[test]
fn what_the_router_has_not_taken_over_is_told() {
    story(async {
        let mut told = Told::at("drift", "2026-11-23T09:00:00Z").await;
        let second = told.isp.router_named("edge-2").await;
        told.connected().await;
        let sold = told.isp.get(&format!("/subscriptions/{}", told.line)).await.expect(200);
        let wish = json!({
            "account_id": told.account, "service_location_id": sold["service_location_id"], "router_id": second,
            "plan_version_id": sold["plan_version_id"], "starts_on": "2026-11-23", "prefixes": ["10.20.0.2/32"],
        });
        let second = told.isp.post("/subscriptions", wish).await.expect(201);
        told.line = id(&second).parse().expect("an id");
        assert_eq!(told.diagnosed().await.0, ["not-applied-yet"]);
    });
}

#[test]
fn traffic_is_told_from_what_the_router_counted() {
    story(async {
        let mut told = Told::at("traffic", "2026-11-23T09:00:00Z").await;
        told.connected().await;
        assert_eq!(told.diagnosed().await.0, ["healthy"]);
        // 100 Mbit/s over five minutes are 3.75 GB.
        told.isp.traffic(told.router, told.line, 1, "2026-11-23T08:58:00Z", 1_000, 3_600_000_000).await;
        let (codes, text) = told.diagnosed().await;
        assert_eq!(codes[0], "line-full");
        assert!(text.contains("by upload") && text.contains("96"), "{text}");
        told.isp.now_is("2026-11-23T10:00:00Z").await;
        told.connected().await;
        assert_eq!(told.diagnosed().await.0, ["often-full"], "an hour later it is no longer now");
        told.isp.now_is("2026-11-24T10:00:00Z").await;
        told.connected().await;
        let (codes, text) = told.diagnosed().await;
        assert_eq!(codes, ["silent"]);
        assert!(text.contains("23 Nov 2026"), "{text}");
    });
}

#[test]
fn a_full_router_is_told_apart_from_a_full_line() {
    story(async {
        let told = Told::at("full", "2026-11-23T09:00:00Z").await;
        told.connected().await;
        told.sql("UPDATE routers SET capacity_down_bps = 50000000, capacity_up_bps = 50000000").await;
        told.isp.traffic(told.router, told.line, 1, "2026-11-23T08:58:00Z", 1_800_000_000, 1_000).await;
        told.sql("UPDATE usage_epochs SET applied_seq = 1, applied_at = opened_at").await;
        let (codes, text) = told.diagnosed().await;
        assert_eq!(codes[0], "router-full");
        assert!(text.contains("96\u{a0}%") && text.contains("download"), "{text}");
    });
}

#[test]
fn what_the_router_tells_now_counts_before_what_it_counted() {
    story(async {
        let told = Told::at("live", "2026-11-23T09:00:00Z").await;
        told.connected().await;
        let ticket = told.ask("Slow").await;
        let sample = weir_cloud::live::Sample {
            tenant: told.isp.tenant,
            router: told.router,
            at_ms: 0,
            down_bps: 99_000_000,
            up_bps: 0,
            lines: vec![(1, 99_000_000, 0)],
        };
        let path = format!("/tickets/{}/diagnosis", id(&ticket));
        let asked = told.isp.get(&path);
        let app = told.isp.app.clone();
        let tells = async {
            // As the router does: once a moment, until somebody has heard.
            loop {
                let _heard = app.live.send(sample.clone());
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let found: Value = tokio::select! { found = asked => found.expect(200), () = tells => Value::Null };
        assert_eq!(found[0]["code"], "line-full", "{found}");
        assert!(found[0]["text"].as_str().is_some_and(|text| text.contains("by download")), "{found}");
    });
}

#[test]
fn a_line_before_and_after_its_time_says_so() {
    story(async {
        let mut told = Told::at("times", "2026-10-23T09:00:00Z").await;
        assert_eq!(told.diagnosed().await.0, ["not-begun"]);
        told.isp.now_is("2026-11-23T09:00:00Z").await;
        told.isp.end(told.line, "2026-11-20").await;
        assert_eq!(told.diagnosed().await.0, ["ended"]);
    });
}
