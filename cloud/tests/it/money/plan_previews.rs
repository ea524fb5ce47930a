//! What a subscriber would pay, seen before a plan is sold: the bills that runs then issue.

use serde_json::{Value, json};

use super::harness::{Isp, story};
use super::introductory::offer;
use super::one_line::{day, eur, serving, wish};

/// What is asked about a plan of this offer, of a line that begins on a day at home.
fn asked(price: &str, more: &Value, line: Value) -> Value {
    let mut version = wish("", price, more);
    version.as_object_mut().unwrap().remove("name");
    json!({ "name": "First", "version": version, "line": line })
}

async fn home_and_abroad(isp: &Isp) {
    let rule =
        |country: &str, rate: &str| json!({ "country": country, "tax": "IVA", "category": "S", "rate_percent": rate });
    isp.post("/tax-rules", json!({ "rules": [rule("ES", "21"), rule("FR", "20")] })).await.expect(201);
}

fn amounts(year: &Value, what: &str) -> Vec<String> {
    let bills = year["bills"].as_array().unwrap().iter();
    bills.map(|bill| format!("{} {}", bill["on"].as_str().unwrap(), bill[what]["amount"].as_str().unwrap())).collect()
}

#[test]
fn a_preview_is_what_the_runs_of_a_year_bill() {
    story(async {
        for (slug, on, price, more) in [
            ("seen-monthly", "2027-03-17", "29.90", offer()),
            (
                "seen-quarterly",
                "2027-01-11",
                "90.00",
                json!({ "period": { "months": 3 }, "phases": [{ "months": 1, "price": eur("0") }, { "months": 3, "percent_off": "50" }] }),
            ),
            (
                "seen-afterwards",
                "2027-02-10",
                "31.00",
                json!({ "timing": "in_arrears", "phases": [{ "months": 2, "price": eur("10") }] }),
            ),
        ] {
            let (mut isp, account, _) = serving(slug, on, price, &more).await;
            let year = isp.post("/plans/preview", asked(price, &more, json!({ "starts_on": on }))).await.expect(200);
            day(&mut isp, on).await;
            let year_after: i32 = on[..4].parse::<i32>().unwrap() + 1;
            for (year, months) in [(year_after - 1, 1..=12), (year_after, 1..=4)] {
                for month in months {
                    let first = format!("{year}-{month:02}-01");
                    if first.as_str() > on && first < format!("{year_after}{}", &on[4..]) {
                        day(&mut isp, &first).await;
                    }
                }
            }
            let mut seen = Vec::new();
            for bill in year["bills"].as_array().unwrap() {
                for line in bill["lines"].as_array().unwrap() {
                    let text = |name: &str| line[name].as_str().unwrap();
                    let net = line["net"]["amount"].as_str().unwrap();
                    seen.push(format!("{} recurring {} {net}", text("description"), text("from")));
                }
            }
            assert_eq!(isp.billed(account).await, seen, "{slug}");
        }
    });
}

#[test]
fn the_year_is_summed_with_the_tax_of_its_country() {
    story(async {
        let isp = Isp::new("seen-taxed", "2027-01-01T10:00:00Z").await;
        home_and_abroad(&isp).await;
        let half = json!({ "phases": [{ "months": 2, "percent_off": "50" }] });
        let seen =
            isp.post("/plans/preview", asked("30.00", &half, json!({ "starts_on": "2027-04-21" }))).await.expect(200);
        let mut nets = vec!["2027-04-21 5.00".to_owned(), "2027-05-01 15.00".into(), "2027-06-01 15.00".into()];
        nets.extend((7..=12).map(|month| format!("2027-{month:02}-01 30.00")));
        nets.extend((1..=4).map(|month| format!("2028-{month:02}-01 30.00")));
        assert_eq!(amounts(&seen, "net"), nets);
        // 335.00 in all; 21 % of 5.00 is 1.05, of 15.00 3.15 twice, of 30.00 6.30 ten times.
        assert_eq!(
            [&seen["net"]["amount"], &seen["tax"]["amount"], &seen["gross"]["amount"]],
            ["335.00", "70.35", "405.35"]
        );
        let line = json!({ "starts_on": "2027-04-21", "billing_day": 21, "country": "FR" });
        let abroad = isp.post("/plans/preview", asked("30.00", &half, line)).await.expect(200);
        assert_eq!([&abroad["net"]["amount"], &abroad["tax"]["amount"]], ["330.00", "66.00"]);
        for (line, field) in [
            (json!({ "starts_on": "2027-04-21", "billing_day": 32 }), "line.billing_day"),
            (json!({ "starts_on": "2027-04-21", "country": "Spain" }), "line.country"),
            (json!({ "starts_on": "9999-04-21" }), "line.starts_on"),
        ] {
            let refused = isp.post("/plans/preview", asked("30.00", &half, line)).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field);
        }
        let refused =
            isp.post("/plans/preview", asked("-1", &json!({}), json!({ "starts_on": "2027-04-21" }))).await.expect(422);
        assert_eq!(refused["errors"][0]["field"], "version.price");
        assert!(isp.get("/plans").await.expect(200)["items"].as_array().unwrap().is_empty(), "nothing is kept");
    });
}

#[test]
fn a_form_shows_what_a_subscriber_pays_and_what_is_wrong() {
    story(async {
        let isp = Isp::new("seen-form", "2027-01-01T10:00:00Z").await;
        home_and_abroad(&isp).await;
        let page = isp.page("/plans/new").await;
        assert!(page.text.contains("What a subscriber pays") && page.text.contains("name=\"do\" value=\"preview\""));
        let form = "do=preview&name=Fibre&rate_down=100&rate_up=20&price=30&currency=EUR&phases=1+0%0D%0A2+50%25&starts_on=2027-03-17&billing_day=1&country=es";
        let seen = isp.form("/plans", form).await;
        assert_eq!(seen.status, 200, "{}", seen.text);
        for words in ["€18.15", "1 May 2027", "Fibre · Introductory price, 1 of 2 months", "€363.00"] {
            assert!(seen.text.contains(words), "{words}: {}", seen.text);
        }
        let wrong = isp.form("/plans", &form.replace("1+0", "1+free").replace("country=es", "country=Spain")).await;
        assert_eq!(wrong.status, 200);
        assert!(wrong.text.contains("<li>Introductory prices: Each line must be"), "{}", wrong.text);
        let wrong = isp.form("/plans", &form.replace("country=es", "country=Spain")).await;
        assert!(wrong.status == 200 && wrong.text.contains("<li>Country: "), "{}", wrong.text);
        assert!(isp.get("/plans").await.expect(200)["items"].as_array().unwrap().is_empty(), "a look makes no plan");
        assert_eq!(isp.form("/plans", &form.replace("do=preview", "do=save")).await.status, 303);
        let plan = isp.get("/plans").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let next = isp.page(&format!("/plans/{plan}/versions/new")).await;
        assert!(next.text.contains("1 0.00\n2 50%") && next.text.contains("of 2 months"), "{}", next.text);
        assert!(
            isp.page(&format!("/plans/{plan}"))
                .await
                .text
                .contains("free for one month, €15.00 for 2 months, then €30.00 a month")
        );
    });
}
