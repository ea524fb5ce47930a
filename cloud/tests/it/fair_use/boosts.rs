//! Boosts: sold, charged once, told to the router, shown, cancelled.

use prost::Message;
use serde_json::{Value, json};
use uuid::Uuid;
use weir_cloud::fleet::sessions;
use weir_cloud::ids::{RouterId, SubscriptionId};
use weir_protocol::desired::{Boost, Line};
use weir_protocol::state::{FairUseReport, LineFairUse, Object, Rule};

use super::reports::session;
use super::{product, sell, throttling, told, version};
use crate::money::harness::{Answer, Isp, story};

/// 2026-10-10T10:00:00Z.
const NOON_MS: u64 = 1_791_626_400_000;
const HOUR_MS: u64 = 3_600_000;

/// Twice the plan's rate for three hours.
fn fast() -> Value {
    let price = json!({ "amount": "3.00", "currency": "EUR" });
    json!({ "name": "Fast evening", "rate_down_bps": 40_000_000, "minutes": 180, "price": price })
}

async fn offered(isp: &Isp, wish: Value) -> Value {
    isp.post("/boost-products", wish).await.expect(201)["id"].clone()
}

async fn boost(isp: &Isp, line: SubscriptionId, wish: Value) -> Answer {
    isp.post(&format!("/subscriptions/{line}/boosts"), wish).await
}

async fn sold(isp: &Isp, line: SubscriptionId, product: &Value, reference: &str) -> Value {
    boost(isp, line, json!({ "product_id": product, "reference": reference })).await.expect(201)
}

/// The line as its router gets it with everything else.
async fn object(isp: &Isp, router: RouterId, line: SubscriptionId) -> Object {
    let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
    weir_cloud::fleet::desired::refresh_line(&mut tx, line).await.unwrap();
    tx.commit().await.unwrap();
    let session = session(isp, router, *b"tally  1").await;
    let down = sessions::changes(&isp.app, session, Uuid::nil(), None).await.unwrap().expect("everything");
    down.upserts.into_iter().find(|object| object.id == line.uuid().as_bytes()).expect("the line")
}

#[test]
fn a_boost_reaches_the_router_and_is_charged_once() {
    story(async {
        let mut isp = Isp::new("boost", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-10-01").await;
        assert_eq!(object(&isp, router, line).await.needs_rev, 0);
        let fast = offered(&isp, fast()).await;
        let first = sold(&isp, line, &fast, "call 1").await;
        let again = sold(&isp, line, &fast, "call 1").await;
        assert_eq!((&first["id"], &first["status"]), (&again["id"], &json!("running")), "the same sale");
        let later = json!({ "product_id": fast, "reference": "call 2", "from_at": "2026-10-12T18:00:00Z" });
        let later = boost(&isp, line, later).await.expect(201);
        assert_eq!((&later["status"], &later["until_at"]), (&json!("coming"), &json!("2026-10-12T21:00:00Z")));

        let told = told(&isp, router, line).await;
        let run =
            |from_ms| Boost { from_ms, until_ms: from_ms + 3 * HOUR_MS, rate_down_bps: 40_000_000, rate_up_bps: 0 };
        let now_ms = told.boosts[0].from_ms;
        assert!((NOON_MS..NOON_MS + HOUR_MS).contains(&now_ms), "{now_ms}");
        assert_eq!(told.boosts, [run(now_ms), run(NOON_MS + 56 * HOUR_MS)]);
        assert_eq!(
            object(&isp, router, line).await.needs_rev,
            0,
            "an older agent holds and releases the line all the same"
        );
        let anew = json!({ "product_id": fast, "reference": "call 2" });
        assert_eq!(boost(&isp, line, anew).await.problem(), "top-up-reference-reused", "that was for later");
        for (reference, from_at, problem) in [
            ("call 3", "2026-10-10T11:00:00Z", Some("boost-beside")),
            ("call 4", "2026-10-12T16:00:00Z", Some("boost-beside")),
            ("call 5", "2026-10-12T21:00:00Z", None),
        ] {
            let wish = json!({ "product_id": fast, "reference": reference, "from_at": from_at });
            let answer = boost(&isp, line, wish).await;
            match problem {
                Some(problem) => assert_eq!(answer.problem(), problem, "{from_at}"),
                None => {
                    let after = answer.expect(201);
                    let cancel = format!("/boosts/{}/cancel", after["id"].as_str().unwrap());
                    isp.post(&cancel, json!({})).await.expect(200);
                }
            }
        }

        isp.bill("2026-10-10").await;
        // What was cancelled stays sold.
        let boosts = ["Fast evening boost 2026-10-10 3.00"; 3];
        let billed = isp.billed(account).await;
        assert_eq!(
            (&billed[0], &billed[1..]),
            (&"Fair 20 recurring 2026-10-01 20.00".to_owned(), &boosts.map(str::to_owned)[..])
        );
        assert_eq!(isp.bill("2026-10-11").await["invoices_issued"], 0);
        isp.now_is("2026-10-13T10:00:00Z").await;
        let shown = isp.get(&format!("/subscriptions/{line}/boosts")).await.expect(200);
        let items = shown["items"].as_array().unwrap();
        assert!(
            items.iter().all(|boost| boost["status"] != "running" && boost["invoice_line_id"].is_string()),
            "{items:?}"
        );
        let over = format!("/boosts/{}/cancel", first["id"].as_str().unwrap());
        assert_eq!(isp.post(&over, json!({})).await.problem(), "boost-over");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_line_without_fair_use_runs_a_boost_and_loses_it_when_it_is_cancelled() {
    story(async {
        let isp = Isp::new("unmetered-boost", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&crate::money::world::FIBRE).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let mut wish = fast();
        (wish["rate_down_bps"], wish["rate_up_bps"]) = (json!(null), json!(900_000_000_000_i64));
        let up = offered(&isp, wish).await;
        let boost = sold(&isp, line, &up, "1").await;
        let told = told(&isp, router, line).await;
        assert_eq!((told.allowances.len(), told.boosts.len(), told.boosts[0].rate_down_bps), (0, 1, 0));
        let page = isp.page(&format!("/subscriptions/{line}")).await.text;
        assert!(page.contains("Fast evening") && page.contains("Running"), "{page}");

        let report =
            LineFairUse { id: line.uuid().as_bytes().to_vec(), rule: Rule::Boost.into(), ..LineFairUse::default() };
        let session = session(&isp, router, *b"tally  1").await;
        weir_cloud::fair_use::report(&isp.app, session, &FairUseReport { lines: vec![report] }).await.unwrap();
        let standing = super::standing(&isp, line).await;
        assert_eq!(standing["rule"], "boost");

        let cancel = format!("/boosts/{}/cancel", boost["id"].as_str().unwrap());
        let cancelled = isp.post(&cancel, json!({})).await.expect(200);
        assert!(cancelled["status"] == "cancelled" && cancelled["cancelled_at"].is_string(), "{cancelled}");
        assert_eq!(isp.post(&cancel, json!({})).await.expect(200), cancelled, "twice is no error");
        let body = object(&isp, router, line).await.body;
        assert_eq!(Line::decode(body.as_slice()).unwrap().fair_use, None);
        let log = isp.get("/audit-entries?limit=20").await.expect(200).to_string();
        assert!(log.contains("sell boost") && log.contains("cancel boost"), "{log}");
        assert_eq!(log.matches("\"cancel boost\"").count(), 1, "{log}");
    });
}

#[test]
fn a_boost_that_cannot_be_is_refused() {
    story(async {
        let isp = Isp::new("boostno", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let with = |changes: Value| {
            let mut wish = fast();
            wish.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            wish
        };
        let fields = |problem: Value| {
            let errors = problem["errors"].as_array().unwrap().iter();
            errors.map(|error| error["field"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let empty = with(
            json!({ "name": " ", "rate_down_bps": null, "minutes": 14, "price": { "amount": "-1", "currency": "EUR" } }),
        );
        let refused = isp.post("/boost-products", empty).await.expect(422);
        assert_eq!(fields(refused), ["name", "rate_down_bps", "minutes", "price"]);
        let long = with(json!({ "minutes": 44_641 }));
        assert_eq!(fields(isp.post("/boost-products", long).await.expect(422)), ["minutes"]);
        let quick = offered(&isp, fast()).await;
        product(&isp, "More", 1, "0").await;
        let taken = isp.post("/boost-products", with(json!({ "name": "More" }))).await;
        assert_eq!(taken.problem(), "top-up-name-taken", "volumes and boosts are called by different names");

        let slow =
            offered(&isp, with(json!({ "name": "Slow", "rate_down_bps": 20_000_000, "rate_up_bps": 5_000_000 }))).await;
        let refused = boost(&isp, line, json!({ "product_id": slow, "reference": "1" })).await.expect(422);
        assert_eq!(fields(refused), ["product_id"]);
        for (from_at, field) in [("2026-10-10T09:59:00Z", "from_at"), ("2026-11-10T11:00:00Z", "from_at")] {
            let wish = json!({ "product_id": quick, "reference": "2", "from_at": from_at });
            assert_eq!(fields(boost(&isp, line, wish).await.expect(422)), [field], "{from_at}");
        }
        let dollars = with(json!({ "name": "Dollars", "price": { "amount": "1", "currency": "USD" } }));
        let dollars = offered(&isp, dollars).await;
        let kind = async |product: &Value, reference: &str| {
            boost(&isp, line, json!({ "product_id": product, "reference": reference })).await.problem()
        };
        assert_eq!(kind(&dollars, "3").await, "top-up-currency-differs");
        assert_eq!(kind(&quick, " ").await, "invalid");
        isp.post(&format!("/boost-products/{}/retire", slow.as_str().unwrap()), json!({})).await.expect(200);
        assert_eq!(kind(&slow, "4").await, "top-up-retired");
        let more = product(&isp, "Most", 2, "0").await;
        sell(&isp, line, &more, "volume").await.expect(201);
        assert_eq!(kind(&quick, "volume").await, "top-up-reference-reused");
        for n in 0..16 {
            let from_at = format!("2026-10-{:02}T{:02}:00:00Z", 11 + n / 8, n % 8 * 3);
            let wish = json!({ "product_id": quick, "reference": format!("many {n}"), "from_at": from_at });
            boost(&isp, line, wish).await.expect(201);
        }
        assert_eq!(kind(&quick, "one more").await, "invalid");
        assert_eq!(told(&isp, router, line).await.boosts.len(), 16);
        isp.end(line, "2026-10-20").await;
        let wish = json!({ "product_id": quick, "reference": "5", "from_at": "2026-10-20T10:00:00Z" });
        assert_eq!(boost(&isp, line, wish).await.problem(), "boost-needs-service");
        let first =
            isp.get(&format!("/subscriptions/{line}/boosts?limit=1")).await.expect(200)["items"][0]["id"].clone();
        let first = first.as_str().unwrap();

        let other = Isp::new("boostother", "2026-10-10T10:00:00Z").await;
        for path in [format!("/boosts/{first}"), format!("/boost-products/{}", quick.as_str().unwrap())] {
            assert_eq!(other.get(&path).await.status, 404, "{path}");
        }
        assert_eq!(other.post(&format!("/boosts/{first}/cancel"), json!({})).await.status, 404);
    });
}

#[test]
fn a_boost_that_would_outlive_its_line_is_refused() {
    story(async {
        let isp = Isp::new("boostlast", "2026-10-10T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, version(&isp, throttling()).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let evening = offered(&isp, fast()).await;
        isp.end(line, "2026-10-11").await;
        let wish = json!({ "product_id": evening, "reference": "1", "from_at": "2026-10-10T21:30:00Z" });
        assert_eq!(boost(&isp, line, wish).await.problem(), "boost-needs-service");
        sold(&isp, line, &evening, "1").await;
    });
}
