//! Prices that include tax: what is asked for is the price, to the cent, whatever is inside.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use weir_cloud::ids::{AccountId, PlanVersionId, SubscriptionId};

use super::document::text_of;
use super::einvoices::{judged, keep};
use super::harness::{Isp, story};
use super::one_line::{eur, plan, serving};

/// An ISP with 19 % of tax and a line at 29.90, tax included, billed for November.
async fn billed(slug: &str) -> (Isp, AccountId, SubscriptionId) {
    let (isp, account, line) = serving(slug, "2026-11-01", "29.90", &json!({ "tax_included": true })).await;
    isp.settings(json!({ "tax_rate_percent": "19", "tax_name": "USt", "tax_id": "ESB12345674" })).await;
    isp.bill("2026-11-01").await;
    (isp, account, line)
}

/// Net, tax and gross of a document.
fn sums(document: &Value) -> [&str; 3] {
    ["net", "tax", "gross"].map(|name| document[name]["amount"].as_str().unwrap())
}

/// Gross and net of every line of a document.
fn lines(document: &Value) -> Vec<[&str; 2]> {
    let lines = document["lines"].as_array().unwrap().iter();
    lines.map(|line| ["gross", "net"].map(|name| line[name]["amount"].as_str().unwrap_or("-"))).collect()
}

impl Isp {
    /// What the ledger has of receivables, tax and revenue; it must agree with the documents.
    async fn owed_tax_and_revenue(&self) -> [String; 3] {
        self.assert_books_agree().await;
        let trial = self.get("/ledger/trial-balance").await.expect(200);
        ["1100", "2000", "4000"].map(|code| {
            let row = trial["rows"].as_array().unwrap().iter().find(|row| row["ledger_account"] == code);
            let balance = row.map_or("0", |row| row["balance"]["amount"].as_str().unwrap());
            format!("{:.2}", balance.parse::<Decimal>().unwrap())
        })
    }
}

#[test]
fn a_month_at_29_90_comes_to_29_90_and_credit_notes_add_up_to_it() {
    story(async {
        let (isp, account, _) = billed("tax-inside").await;
        let invoice = isp.newest_invoice(account).await;
        assert_eq!(sums(&invoice), ["25.13", "4.77", "29.90"]);
        assert_eq!((lines(&invoice), &invoice["lines"][0]["unit_price"]), (vec![["29.90", "25.13"]], &eur("29.90")));
        assert_eq!(isp.owed_tax_and_revenue().await, ["29.90", "-4.77", "-25.13"]);
        let (id, line) = (invoice["id"].as_str().unwrap(), invoice["lines"][0]["id"].as_str().unwrap());
        let shown = isp.page(&format!("/invoices/{id}")).await;
        assert!(shown.text.contains("29.90") && shown.text.contains("tax included"), "{}", shown.text);
        let pdf = text_of(&isp.get(&format!("/invoices/{id}/pdf")).await.body);
        assert!(pdf.contains("tax included") && pdf.contains("25.13") && pdf.contains("29.90"), "{pdf}");

        // What is given back is meant with tax: of 29.90 a third, then the rest.
        let above = json!({ "reason": "Out of order", "lines": [{ "line_id": line, "amount": eur("29.91") }], "left": eur("29.90") });
        let refused = isp.post_once(&format!("/invoices/{id}/credit-notes"), "above", above).await.expect(422);
        assert_eq!(refused["errors"][0]["message"], "must be at most the 29.90 EUR left of this line", "{refused}");
        let part = json!({ "reason": "Out of order", "lines": [{ "line_id": line, "amount": eur("9.97") }], "left": eur("29.90") });
        let third = isp.credit(id, part).await;
        assert_eq!((sums(&third), lines(&third)), (["8.38", "1.59", "9.97"], vec![["9.97", "8.38"]]));
        assert_eq!(isp.owed_tax_and_revenue().await, ["19.93", "-3.18", "-16.75"]);
        let rest = isp.credit(id, json!({ "reason": "Out of order" })).await;
        assert_eq!(sums(&rest), ["16.75", "3.18", "19.93"]);
        assert_eq!(isp.owed_tax_and_revenue().await, ["0.00", "0.00", "0.00"]);
        let note = rest["id"].as_str().unwrap();
        assert!(isp.page(&format!("/credit-notes/{note}")).await.text.contains("19.93"));
        assert!(text_of(&isp.get(&format!("/credit-notes/{note}/pdf")).await.body).contains("tax included"));
    });
}

#[test]
fn a_better_plan_and_back_on_one_day_costs_nothing() {
    story(async {
        let (mut isp, account, line) = billed("inside-back").await;
        let plans = isp.get("/plans").await.expect(200);
        let first: PlanVersionId = plans["items"][0]["versions"][0]["id"].as_str().unwrap().parse().unwrap();
        let better = plan(&isp, "Second", "45.00", &json!({ "tax_included": true })).await;
        isp.now_is("2026-11-10T10:00:00Z").await;
        isp.change_plan(line, better, "2026-11-10").await;
        isp.bill("2026-11-10").await;
        // 21 of 30 days: 20.93 is given back, of which 17.59 is net, and 31.50 is charged, of which 26.47 is.
        let changed = isp.newest_invoice(account).await;
        assert_eq!(lines(&changed), [["-20.93", "-17.59"], ["31.50", "26.47"]]);
        assert_eq!(sums(&changed), ["8.88", "1.69", "10.57"]);
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let back =
            "UPDATE subscription_terms SET plan_version_id = $2 WHERE subscription_id = $1 AND upper(valid) IS NULL";
        sqlx::query(back).bind(line.uuid()).bind(first.uuid()).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        isp.bill("2026-11-10").await;
        let back = isp.newest_invoice(account).await;
        assert_eq!(lines(&back), [["-31.50", "-26.47"], ["20.93", "17.59"]]);
        assert_eq!(isp.owed_tax_and_revenue().await, ["29.90", "-4.77", "-25.13"]);

        // Left on the day it is billed for: all of December is given back, net and tax.
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        isp.end(line, "2026-12-01").await;
        isp.bill("2026-12-01").await;
        assert_eq!(sums(&isp.newest_invoice(account).await), ["-25.13", "-4.77", "-29.90"]);
        assert_eq!(isp.owed_tax_and_revenue().await[1..], ["-4.77", "-25.13"]);
    });
}

#[test]
fn published_rules_accept_prices_with_tax_beside_prices_before_it() {
    story(async {
        let folder = tempfile::tempdir().unwrap();
        let (isp, account, line) = billed("inside-mixed").await;
        let plan = plan(&isp, "Home", "29.90", &json!({ "tax_included": true })).await;
        let (router, family) = (isp.router_named("s").await, isp.account("Family").await);
        for _ in 0..2 {
            isp.line(family, router, plan, "2026-11-01").await;
        }
        let less = json!({ "name": "Neighbours", "percent": "12.5" });
        let cheaper = isp.line(family, router, plan, "2026-11-01").await;
        isp.post(&format!("/subscriptions/{cheaper}/discounts"), less).await.expect(201);
        let visit = json!({ "description": "Visit", "unit_price": eur("10.00"), "reference": "visit" });
        isp.post(&format!("/accounts/{family}/charges"), visit).await.expect(201);
        isp.bill("2026-11-01").await;
        let invoice = isp.newest_invoice(family).await;
        // 85.96 with tax is 72.24 (72.2353): the lines' own nets, 25.13, 25.13 and 21.98, are that. 12.5 % off are 3.74.
        assert_eq!(lines(&invoice), [["29.90", "25.13"], ["29.90", "25.13"], ["26.16", "21.98"], ["-", "10.00"]]);
        assert_eq!(sums(&invoice), ["82.24", "15.62", "97.86"]);
        assert_eq!(isp.owed_tax_and_revenue().await, ["127.76", "-20.39", "-107.37"]);
        isp.end(line, "2026-11-16").await;
        isp.bill("2026-11-16").await;
        for account in [family, account] {
            let listed = isp.get(&format!("/invoices?account_id={account}")).await.expect(200);
            for one in listed["items"].as_array().unwrap() {
                keep(&isp, folder.path(), "invoices", one["id"].as_str().unwrap()).await;
            }
        }
        let note = isp.credit(invoice["id"].as_str().unwrap(), json!({ "reason": "Out of order" })).await;
        assert_eq!(sums(&note), sums(&invoice));
        keep(&isp, folder.path(), "credit-notes", note["id"].as_str().unwrap()).await;
        judged(folder.path());
    });
}

#[test]
fn rates_that_change_several_taxes_and_no_tax_leave_the_price_as_it_is() {
    story(async {
        let isp = Isp::new("inside-rates", "2026-11-01T10:00:00Z").await;
        let rule = |region: &str, tax: &str, rate: &str| json!({ "country": "ES", "region": region, "tax": tax, "category": "S", "rate_percent": rate });
        let (mut until, mut from) = (rule("", "IVA", "19"), rule("", "IVA", "7"));
        (until["to"], from["from"]) = (json!("2026-11-16"), json!("2026-11-16"));
        let mut second = rule("Navarra", "Provincial", "5");
        (second["turn"], second["compound"]) = (json!(1), json!(true));
        isp.taxes(json!([until, from, second])).await;
        isp.settings(json!({ "recognition": "over_period" })).await;
        let (router, plan) =
            (isp.router_named("r").await, plan(&isp, "Home", "29.90", &json!({ "tax_included": true })).await);
        let (cuenca, tudela, exempt) =
            (isp.account("Ana").await, isp.account("Berta").await, isp.account("Carl").await);
        isp.lives(tudela, ["Navarra", "Tudela", "31500"]).await;
        let wish = json!({ "kind": "certificate", "document": "X-1", "reason": "Art. 20", "from": "2026-11-01" });
        isp.post(&format!("/accounts/{exempt}/tax-exemptions"), wish).await.expect(201);
        for account in [cuenca, tudela, exempt] {
            isp.line(account, router, plan, "2026-11-01").await;
        }
        isp.bill("2026-11-01").await;
        // 14.95 at 19 % and 14.95 at 7 %.
        let invoice = isp.newest_invoice(cuenca).await;
        assert_eq!(lines(&invoice), [["14.95", "12.56"], ["14.95", "13.97"]]);
        assert_eq!(sums(&invoice), ["26.53", "3.37", "29.90"]);
        // 19 % and 5 % on that are 24.95 %, 7 % and 5 % are 12.35 %: 11.96 and 13.31.
        let invoice = isp.newest_invoice(tudela).await;
        assert_eq!(lines(&invoice), [["14.95", "11.96"], ["14.95", "13.31"]]);
        let parts: Vec<_> =
            invoice["taxes"].as_array().unwrap().iter().map(|tax| (&tax["tax"], &tax["parts"])).collect();
        assert_eq!(parts.len(), 2, "{parts:?}");
        for (tax, parts) in parts {
            let cents = |amount: &Value| amount["amount"].as_str().unwrap().replace('.', "").parse::<u32>().unwrap();
            let sum: u32 = parts.as_array().unwrap().iter().map(|part| cents(&part["amount"])).sum();
            assert_eq!((sum, parts.as_array().unwrap().len()), (cents(tax), 2), "{parts}");
        }
        // The price is the price: whoever pays no tax is asked for it, too, and all of it is net.
        assert_eq!(sums(&isp.newest_invoice(exempt).await), ["29.90", "0.00", "29.90"]);
        // 81.70 of net are deferred or earned: 26.53, 25.27 and 29.90.
        isp.assert_books_agree().await;
        let trial = isp.get("/ledger/trial-balance").await.expect(200);
        let cents = |code: &str| {
            let row = trial["rows"].as_array().unwrap().iter().find(|row| row["ledger_account"] == code).unwrap();
            row["balance"]["amount"].as_str().unwrap().replace(['.', '-'], "").parse::<u32>().unwrap()
        };
        assert_eq!(cents("2200") + cents("4000"), 8170, "{trial}");
    });
}

#[test]
fn versions_say_whether_their_price_includes_tax_and_begin_with_the_settings_word() {
    story(async {
        let isp = Isp::new("inside-plans", "2026-11-01T10:00:00Z").await;
        let included = |plan: &Value| plan["versions"][0]["tax_included"].clone();
        let wish = |name: &str, more: Value| super::one_line::wish(name, "29.90", &more);
        assert_eq!(included(&isp.post("/plans", wish("Before", json!({}))).await.expect(201)), false);
        isp.settings(json!({ "tax_included": true, "tax_rate_percent": "19" })).await;
        let more = json!({ "offered_in_portal": true, "phases": [{ "months": 3, "price": eur("19.90") }] });
        let plan = isp.post("/plans", wish("With", more)).await.expect(201);
        assert_eq!(included(&plan), true);
        assert_eq!(
            included(&isp.post("/plans", wish("Business", json!({ "tax_included": false }))).await.expect(201)),
            false
        );
        let id = plan["id"].as_str().unwrap();
        let page = isp.page(&format!("/plans/{id}")).await;
        assert!(page.text.contains("tax included"), "{}", page.text);
        for path in ["/plans/new".to_owned(), format!("/plans/{id}/versions/new"), "/settings".into()] {
            let page = isp.page(&path).await.text;
            let tick = page.split("<input").find(|input| input.contains("name=\"tax_included\"")).expect("a tick");
            assert!(tick.split('>').next().unwrap().contains("checked"), "{path}: {tick}");
        }
        // A first year is shown as it would be billed.
        let version = json!({ "rate_down_bps": 1_000_000, "rate_up_bps": 1_000_000, "price": eur("29.90") });
        let ask = json!({ "name": "With", "version": version, "line": { "starts_on": "2027-01-01", "country": "ES" } });
        let year = isp.post("/plans/preview", ask).await.expect(200);
        assert_eq!(
            (sums(&year["bills"][0]), &year["bills"][0]["lines"][0]["gross"]),
            (["25.13", "4.77", "29.90"], &eur("29.90"))
        );
    });
}
