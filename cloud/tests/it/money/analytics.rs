//! Figures of the business add up, equal the ledger, and open the lists they are sums of.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::harness::{Isp, story};
use super::world::{FIBRE, METERED, Plan};

const FASTER: Plan = Plan { name: "Fibre 500", price: "45.00", ..FIBRE };

fn amount(value: &Value) -> Decimal {
    value["amount"].as_str().expect("an amount").parse().expect("a decimal")
}

async fn month(isp: &Isp, name: &str) -> Value {
    let all = isp.get("/analytics/recurring").await.expect(200);
    let found = all["items"].as_array().unwrap().iter().find(|month| month["month"] == name).cloned();
    found.unwrap_or_else(|| panic!("{name} is not in {all}"))
}

/// An ISP in which September sold two lines, October one more and a faster plan, and November lost one.
async fn quarter(slug: &str) -> Isp {
    let mut isp = Isp::new(slug, "2026-09-01T10:00:00Z").await;
    let (router, old, new) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.plan(&FASTER).await);
    let (ana, bo) = (isp.account("Ana").await, isp.account("Bo").await);
    let kept = isp.line(ana, router, old, "2026-09-01").await;
    let left = isp.line(bo, router, old, "2026-09-01").await;
    isp.bill("2026-09-01").await;
    isp.now_is("2026-10-01T10:00:00Z").await;
    let cleo = isp.account("Cleo").await;
    isp.line(cleo, router, new, "2026-10-01").await;
    let wish = json!({ "plan_version_id": new, "effective_on": "2026-10-01" });
    isp.post(&format!("/subscriptions/{kept}/change-plan"), wish).await.expect(200);
    isp.bill("2026-10-01").await;
    isp.now_is("2026-11-01T10:00:00Z").await;
    isp.end(left, "2026-11-01").await;
    isp.bill("2026-11-01").await;
    isp
}

#[test]
fn recurring_revenue_moves_by_what_it_says_and_equals_the_ledger() {
    story(async {
        let isp = quarter("figures").await;
        let expected = [
            ("2026-09", ["0.00", "60.00", "0.00", "0.00", "60.00"]),
            ("2026-10", ["60.00", "45.00", "15.00", "0.00", "120.00"]),
            ("2026-11", ["120.00", "0.00", "0.00", "-30.00", "90.00"]),
        ];
        for (name, [opening, new, expansion, churned, closing]) in expected {
            let month = month(&isp, name).await;
            let told = ["opening", "new", "expansion", "churned", "closing"].map(|key| month[key]["amount"].clone());
            assert_eq!(told, [opening, new, expansion, churned, closing].map(|text| json!(text)), "{month}");
            let moved = ["new", "reactivated", "expansion", "contraction", "churned"].map(|key| amount(&month[key]));
            assert_eq!(amount(&month["opening"]) + moved.iter().sum::<Decimal>(), amount(&month["closing"]), "{month}");
            assert_eq!(month["earned"], month["closing"], "whole months are billed as they are sold: {month}");
            let lines = isp.get(&format!("/analytics/movements?month={name}")).await.expect(200);
            let difference = |line: &Value| amount(&line["after"]) - amount(&line["before"]);
            let sum: Decimal = lines["items"].as_array().unwrap().iter().map(difference).sum();
            assert_eq!(sum, moved.iter().sum::<Decimal>(), "the list is what the sum says: {lines}");
        }
        let november = month(&isp, "2026-11").await;
        assert_eq!(
            (&november["subscribers_lost"], &november["churn_percent"]),
            (&json!(1), &json!("33.3")),
            "{november}"
        );
        assert_eq!(november["arpu"]["amount"], "45.00", "{november}");
    });
}

#[test]
fn what_is_open_by_age_is_the_receivable_and_opens_its_invoices() {
    story(async {
        let isp = quarter("figures-open").await;
        let aging = isp.get("/analytics/aging").await.expect(200);
        let open: Decimal = aging["items"].as_array().unwrap().iter().map(|bucket| amount(&bucket["open"])).sum();
        let balance = isp.get("/ledger/trial-balance").await.expect(200);
        let receivable =
            balance["rows"].as_array().unwrap().iter().find(|row| row["ledger_account"] == "1100").cloned();
        let receivable = receivable.unwrap_or_else(|| panic!("no receivable in {balance}"));
        assert_eq!(open, amount(&receivable["balance"]), "{aging}");
        for bucket in aging["items"].as_array().unwrap() {
            let list =
                isp.get(&format!("/analytics/aged-invoices?bucket={}", bucket["bucket"].as_str().unwrap())).await;
            let list = list.expect(200);
            let items = list["items"].as_array().unwrap();
            let sum: Decimal = items.iter().map(|invoice| amount(&invoice["open"])).sum();
            assert_eq!((sum, items.len() as i64), (amount(&bucket["open"]), bucket["invoices"].as_i64().unwrap()));
        }
        let collections = isp.get("/analytics/collections").await.expect(200);
        let october =
            collections["items"].as_array().unwrap().iter().find(|month| month["month"] == "2026-10").unwrap();
        assert_eq!((&october["invoiced"]["amount"], &october["settled_percent"]), (&json!("120.00"), &json!("0")));

        let invoices = isp.get("/invoices?limit=200").await.expect(200);
        let of = |invoice: &&Value| invoice["issued_on"] == "2026-10-01" && invoice["gross"]["amount"] == "45.00";
        let given = invoices["items"].as_array().unwrap().iter().find(of).expect("a bill of 45.00");
        isp.credit(given["id"].as_str().unwrap(), json!({ "reason": "Never connected" })).await;
        let collections = isp.get("/analytics/collections").await.expect(200);
        let october =
            collections["items"].as_array().unwrap().iter().find(|month| month["month"] == "2026-10").unwrap();
        let figures = [&october["invoiced"]["amount"], &october["settled"]["amount"]];
        assert_eq!(figures, ["75.00", "0.00"], "what was given back was neither earned nor collected: {october}");
        assert_eq!(month(&isp, "2026-10").await["earned"]["amount"], "75.00");
    });
}

#[test]
fn who_may_leave_is_named_with_the_signs_and_used_allowances_by_area() {
    story(async {
        let mut isp = Isp::new("signs", "2026-09-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let (ana, bo) = (isp.account("Ana").await, isp.account("Bo").await);
        let one = isp.line(ana, router, plan, "2026-09-01").await;
        isp.line(bo, router, plan, "2026-09-01").await;
        isp.traffic(router, one, 1, "2026-09-10T00:00:00Z", 5_000_000, 0).await;
        isp.now_is("2026-10-31T10:00:00Z").await;
        isp.traffic(router, one, 2, "2026-10-20T00:00:00Z", 900_000, 200_000).await;
        let risky = isp.get("/analytics/at-risk").await.expect(200);
        let items = risky["items"].as_array().unwrap();
        assert!(items.len() == 1 && items[0]["subscriber"] == "Ana", "{risky}");
        assert_eq!((&items[0]["reasons"], &items[0]["score"]), (&json!(["usage_fell"]), &json!(20)), "{risky}");
        let used = isp.get("/analytics/used-allowances").await.expect(200);
        assert_eq!(used["items"].as_array().unwrap().len(), 1, "{used}");
        assert_eq!((&used["items"][0]["used_bytes"], &used["items"][0]["area"]), (&json!("1100000"), &json!("Cuenca")));
        let traffic = isp.get("/analytics/traffic?by=plan").await.expect(200);
        assert_eq!(traffic["items"][0]["down_bytes"], "900000", "September is more than thirty days ago: {traffic}");
        let hours = isp.get("/analytics/busy-hours").await.expect(200);
        assert_eq!(hours["items"], json!([]), "no traffic in the last seven days");
    });
}

#[test]
fn of_lines_that_share_an_allowance_one_stands_for_all() {
    story(async {
        let mut isp = Isp::new("shared-used", "2026-10-01T10:00:00Z").await;
        let plan = json!({
            "name": "Family", "rate_down_bps": 20_000_000, "rate_up_bps": 5_000_000, "allowance_bytes": 1_000_000,
            "price": { "amount": "20.00", "currency": "EUR" }, "allowance_shared": true,
        });
        let plan = isp.post("/plans", plan).await.expect(201)["versions"][0]["id"].clone();
        let (router, plan) = (isp.router_named("r").await, plan.as_str().unwrap().parse().unwrap());
        let (ana, bo) = (isp.account("Ana").await, isp.account("Bo").await);
        let one = isp.line(ana, router, plan, "2026-10-01").await;
        let two = isp.line(ana, router, plan, "2026-10-01").await;
        let alone = isp.line(bo, router, plan, "2026-10-01").await;
        isp.now_is("2026-10-31T10:00:00Z").await;
        for (seq, line) in [(1, one), (2, two), (3, alone)] {
            isp.traffic(router, line, seq, "2026-10-20T00:00:00Z", 600_000, 0).await;
        }
        let used = isp.get("/analytics/used-allowances").await.expect(200);
        let items = used["items"].as_array().unwrap();
        assert_eq!((items.len(), &items[0]["subscription_id"]), (1, &json!(one)), "{used}");
        assert_eq!(items[0]["used_bytes"], "1200000");
    });
}

#[test]
fn every_figure_has_its_page_and_file() {
    story(async {
        let isp = quarter("figures-pages").await;
        let front = isp.page("/analytics").await.text;
        assert!(front.contains("/analytics/movements?month=2026-10&#38;movement=expansion"), "{front}");
        for list in ["movements?month=2026-10", "aged-invoices?bucket=to60", "at-risk", "used-allowances"] {
            let page = isp.page(&format!("/analytics/{list}")).await;
            assert!(page.status == 200 && page.text.contains("<h1"), "{list}: {}", page.text);
            let file = isp
                .page(&format!(
                    "/analytics/{}",
                    list.replacen('?', ".csv?", 1).replace("risk", "risk.csv").replace("allowances", "allowances.csv")
                ))
                .await;
            assert_eq!(file.status, 200, "{list}");
        }
        let file = isp.page("/analytics/movements.csv?month=2026-11").await.text;
        assert!(file.lines().count() == 2 && file.contains(",Bo,churned,30.00,0.00,EUR"), "{file}");
        let months = isp.page("/analytics/recurring.csv").await.text;
        assert_eq!(months.lines().count(), 13, "{months}");
    });
}

#[test]
fn who_used_it_all_is_written_to_once_a_month_in_their_language() {
    story(async {
        let mut isp = Isp::new("offers", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let ana = crate::messages::account_at(&isp, "Ana", "ana@sub.example", "es").await;
        let bo = isp.account("Bo without an address").await;
        for (n, account) in [(1, ana), (2, bo)] {
            let line = isp.line(account, router, plan, "2026-10-01").await;
            isp.traffic(router, line, n, "2026-10-10T00:00:00Z", 1_000_000, 100_000).await;
        }
        isp.now_is("2026-10-12T10:00:00Z").await;
        let path = "/analytics/used-allowances/messages";
        assert_eq!(isp.post(path, json!({})).await.problem(), "messages-not-set-up");
        let page = isp.page("/analytics/used-allowances/write").await;
        assert!(page.status == 200 && page.text.contains("There is nothing to send with yet"), "{}", page.text);

        let server = json!({ "host": "127.0.0.1", "port": 1, "security": "none", "from_name": "", "from_address": "a@isp.example" });
        isp.put("/message-settings/email", server).await.expect(200);
        let refused = isp.post(path, json!({ "note": "\u{7}" })).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "note");
        assert_eq!(
            isp.post(path, json!({ "area": "Nowhere" })).await.expect(202),
            json!({ "lines": 0, "messages": 0 })
        );
        let list = isp.page("/analytics/used-allowances").await.text;
        assert!(list.contains("/analytics/used-allowances/write"), "{list}");
        let asked = isp.page("/analytics/used-allowances/write?area=Cuenca").await.text;
        assert!(asked.contains("Messages that would be written"), "{asked}");
        assert_eq!(isp.get("/messages").await.expect(200)["items"], json!([]), "asking writes nothing");

        let sent = isp.form("/analytics/used-allowances/write", "area=Cuenca&note=Come+by+on+Friday.").await;
        assert_eq!(sent.status, 303, "{}", sent.text);
        let messages = isp.get("/messages").await.expect(200);
        assert_eq!(messages["items"].as_array().unwrap().len(), 1, "{messages}");
        let id = messages["items"][0]["id"].as_str().unwrap();
        let text = isp.get(&format!("/messages/{id}")).await.expect(200);
        assert_eq!((&text["template"], &text["language"]), (&json!("allowance-offer"), &json!("es")), "{text}");
        for words in ["que Radio 20 incluye en este periodo", "> Come by on Friday."] {
            assert!(text["text"].as_str().unwrap().contains(words), "{text}");
        }
        assert_eq!(isp.post(path, json!({})).await.expect(202), json!({ "lines": 2, "messages": 0 }));
        isp.now_is("2026-11-02T10:00:00Z").await;
        assert_eq!(isp.post(path, json!({})).await.expect(202)["lines"], 0, "another period has begun");
    });
}
