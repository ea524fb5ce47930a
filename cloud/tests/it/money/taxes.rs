//! Taxes by place and day: what a line is charged, what that follows from, and what stays when the rules change.

use serde_json::{Value, json};
use weir_cloud::ids::AccountId;

use super::harness::{Isp, story};
use super::world::FIBRE;

fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

fn rule(changes: Value) -> Value {
    let rule = json!({ "country": "ES", "tax": "IVA", "category": "S", "rate_percent": "21" });
    crate::refusals::with(&rule, changes)
}

impl Isp {
    pub async fn taxes(&self, rules: Value) -> Vec<String> {
        let laid = self.post("/tax-rules", json!({ "rules": rules })).await.expect(201);
        laid.as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The only location of an account's subscriber is there.
    pub async fn lives(&self, account: AccountId, [region, city, postcode]: [&str; 3]) {
        let mut tx = self.app.db.begin(&self.scope()).await.unwrap();
        let moved = "UPDATE service_locations l SET region = $2, city = $3, postcode = $4 FROM accounts a \
                     WHERE a.id = $1 AND l.subscriber_id = a.subscriber_id";
        let moved = sqlx::query(moved).bind(account.uuid()).bind(region).bind(city).bind(postcode);
        moved.execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub async fn newest_invoice(&self, account: AccountId) -> Value {
        let listed = self.get(&format!("/invoices?account_id={account}")).await.expect(200);
        self.get(&format!("/invoices/{}", listed["items"][0]["id"].as_str().unwrap())).await.expect(200)
    }
}

/// Category, rate, first day and net of every line.
fn lines(invoice: &Value) -> Vec<[&str; 4]> {
    let lines = invoice["lines"].as_array().unwrap().iter();
    lines
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap();
            [text("tax_category"), text("tax_rate"), text("from"), line["net"]["amount"].as_str().unwrap()]
        })
        .collect()
}

#[test]
fn the_rule_that_says_a_lines_place_most_exactly_is_frozen_on_it() {
    story(async {
        let mut isp = Isp::new("tax-place", "2026-11-01T10:00:00Z").await;
        let igic = json!({ "postcode": "35*", "tax": "iva", "category": "L", "rate_percent": "7" });
        let ids = isp.taxes(json!([rule(json!({})), rule(igic), rule(json!({ "country": "PT" }))])).await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (cuenca, palmas) = (isp.account("Ana").await, isp.account("Berta").await);
        isp.lives(palmas, ["", "Las Palmas", "35001"]).await;
        isp.line(cuenca, router, plan, "2026-11-01").await;
        isp.line(palmas, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let invoice = isp.newest_invoice(cuenca).await;
        assert_eq!(lines(&invoice), [["S", "21", "2026-11-01", "30.00"]]);
        let by = &invoice["lines"][0]["taxed_by"];
        let place = json!({ "country": "ES", "region": "", "city": "Cuenca", "postcode": "16001" });
        assert_eq!((&by["place"], &by["taxes"][0]["rule_id"]), (&place, &json!(ids[0])));
        let invoice = isp.newest_invoice(palmas).await;
        assert_eq!(lines(&invoice), [["L", "7", "2026-11-01", "30.00"]]);
        let tax = &invoice["taxes"][0];
        assert_eq!(
            [&tax["name"], &tax["tax"], &tax["parts"][0]["rule_id"]],
            [&json!("iva"), &eur("2.10"), &json!(ids[1])]
        );

        // A rule is another one from then on, and the issued invoice still says what it was.
        let changed = rule(json!({ "postcode": "35*", "category": "L", "rate_percent": "9.5" }));
        let new = isp.put(&format!("/tax-rules/{}", ids[1]), changed).await.expect(200);
        assert_ne!(new["id"], json!(ids[1]));
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let next = isp.newest_invoice(palmas).await;
        assert_eq!((lines(&next)[0][1], &next["taxes"][0]["tax"]), ("9.5", &eur("2.85")));
        let before = isp.get(&format!("/invoices/{}", invoice["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(before["lines"], invoice["lines"]);
        let withdrawn = isp.get(&format!("/tax-rules/{}", ids[1])).await.expect(200);
        assert!(withdrawn["withdrawn_at"].is_string() && withdrawn["rate_percent"] == "7", "{withdrawn}");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_rate_that_changes_inside_a_period_splits_the_charge() {
    story(async {
        let mut isp = Isp::new("tax-split", "2026-11-01T10:00:00Z").await;
        let dated =
            json!([rule(json!({ "to": "2026-11-16" })), rule(json!({ "from": "2026-11-16", "rate_percent": "23" })),]);
        isp.taxes(dated).await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        let line = isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let invoice = isp.newest_invoice(account).await;
        let halves = [["S", "21", "2026-11-01", "15.00"], ["S", "23", "2026-11-16", "15.00"]];
        assert_eq!((lines(&invoice), &invoice["tax"]), (halves.to_vec(), &eur("6.60")));
        assert_eq!(isp.bill("2026-11-01").await["invoices_issued"], 0, "what is billed in pieces is billed");

        // The ISP's settings show what holds today, and no longer change it.
        assert_eq!(isp.get("/tenant").await.expect(200)["tax_rate_percent"], "21");
        let refused = isp.patch("/tenant", json!({ "tax_rate_percent": "10" })).await;
        assert_eq!(
            (refused.status.as_u16(), refused.json()["errors"][0]["field"].clone()),
            (422, json!("tax_rate_percent"))
        );
        isp.patch("/tenant", json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await.expect(200);

        // What is given back is taxed as it was charged.
        isp.end(line, "2026-11-11").await;
        isp.now_is("2026-11-20T10:00:00Z").await;
        assert_eq!(isp.get("/tenant").await.expect(200)["tax_rate_percent"], "23");
        isp.bill("2026-11-20").await;
        let credited = isp.newest_invoice(account).await;
        let back = [["S", "21", "2026-11-11", "-5.00"], ["S", "23", "2026-11-16", "-15.00"]];
        assert_eq!((lines(&credited), &credited["tax"]), (back.to_vec(), &eur("-4.50")));
        assert_eq!(credited["lines"][0]["taxed_by"], invoice["lines"][0]["taxed_by"]);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_tax_that_takes_anothers_place_at_the_same_rate_is_named_for_its_own_days() {
    story(async {
        let isp = Isp::new("tax-renamed", "2026-11-01T10:00:00Z").await;
        let dated = json!([rule(json!({ "to": "2026-11-16" })), rule(json!({ "from": "2026-11-16", "tax": "IGIC" }))]);
        let rules = isp.taxes(dated).await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let invoice = isp.newest_invoice(account).await;
        let halves = [["S", "21", "2026-11-01", "15.00"], ["S", "21", "2026-11-16", "15.00"]];
        assert_eq!((lines(&invoice), &invoice["tax"]), (halves.to_vec(), &eur("6.30")));
        let named: Vec<_> = (0..2).map(|at| invoice["lines"][at]["taxed_by"]["taxes"][0]["rule_id"].clone()).collect();
        assert_eq!(json!(named), json!(rules));
        isp.assert_books_balance().await;
    });
}

#[test]
fn several_taxes_of_a_place_are_one_rate_and_its_parts() {
    story(async {
        let isp = Isp::new("tax-several", "2026-11-01T10:00:00Z").await;
        let excise = rule(json!({ "tax": "Excise", "rate_percent": "15" }));
        let vat = rule(json!({ "tax": "VAT", "rate_percent": "16", "turn": 1, "compound": true }));
        isp.taxes(json!([excise, vat])).await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let invoice = isp.newest_invoice(account).await;
        assert_eq!(lines(&invoice), [["S", "33.4", "2026-11-01", "30.00"]]);
        let parts = |document: &Value| {
            let parts = document["taxes"][0]["parts"].as_array().unwrap().clone();
            parts.iter().map(|part| (part["tax"].clone(), part["amount"]["amount"].clone())).collect::<Vec<_>>()
        };
        let named = [(json!("Excise"), json!("4.50")), (json!("VAT"), json!("5.52"))];
        assert_eq!((&invoice["taxes"][0]["name"], &invoice["tax"]), (&json!("Excise + VAT"), &eur("10.02")));
        assert_eq!(parts(&invoice), named);
        let part = json!({ "line_id": invoice["lines"][0]["id"], "amount": eur("10.00") });
        let wish = json!({ "reason": "Slow", "lines": [part], "left": invoice["gross"] });
        let note = isp.credit(invoice["id"].as_str().unwrap(), wish).await;
        assert_eq!(
            (&note["tax"], parts(&note)),
            (&eur("3.34"), vec![(json!("Excise"), json!("1.50")), (json!("VAT"), json!("1.84"))])
        );
        isp.assert_books_balance().await;
    });
}

#[test]
fn an_exemption_holds_for_its_days_and_says_why() {
    story(async {
        let mut isp = Isp::new("tax-exempt", "2026-11-01T10:00:00Z").await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        let path = format!("/accounts/{account}/tax-exemptions");
        let paper = json!({ "kind": "certificate", "document": "X-1", "reason": "Art. 20 LIVA", "from": "2026-11-16", "to": "2026-12-01" });
        let noted = isp.post(&path, paper.clone()).await.expect(201);
        let twice = isp.post(&path, paper).await;
        assert_eq!((twice.status.as_u16(), twice.json()["errors"][0]["field"].clone()), (422, json!("from")));
        let vat = json!({ "kind": "reverse_charge", "document": "pt 501 964 843", "from": "2026-12-01" });
        isp.post(&path, vat).await.expect(201);
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let invoice = isp.newest_invoice(account).await;
        let halves = [["S", "21", "2026-11-01", "15.00"], ["E", "0", "2026-11-16", "15.00"]];
        assert_eq!((lines(&invoice), &invoice["tax"]), (halves.to_vec(), &eur("3.15")));
        assert_eq!(invoice["lines"][1]["taxed_by"]["exemption"]["exemption_id"], noted["id"]);
        assert_eq!(invoice["taxes"][0]["reason"], "Art. 20 LIVA", "{invoice}");
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let next = isp.newest_invoice(account).await;
        assert_eq!(lines(&next), [["AE", "0", "2026-12-01", "30.00"]]);
        assert_eq!(
            [&next["parties"]["buyer"]["tax_id"], &next["taxes"][0]["reason"]],
            ["PT501964843", "Reverse charge"]
        );
        let listed = isp.get(&path).await.expect(200);
        let id = listed["items"][0]["id"].as_str().unwrap();
        isp.post(&format!("/tax-exemptions/{id}/withdraw"), json!({})).await.expect(200);
        let again = isp.post(&format!("/tax-exemptions/{id}/withdraw"), json!({})).await;
        assert_eq!((again.status.as_u16(), again.problem().as_str()), (409, "tax-exemption-withdrawn"));
        isp.now_is("2027-01-01T10:00:00Z").await;
        isp.bill("2027-01-01").await;
        assert_eq!(lines(&isp.newest_invoice(account).await), [["S", "21", "2027-01-01", "30.00"]]);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_set_to_start_with_is_looked_through_before_it_holds() {
    story(async {
        let isp = Isp::new("tax-starter", "2026-11-01T10:00:00Z").await;
        let starters = isp.get("/tax-starters").await.expect(200);
        assert_eq!(starters.as_array().unwrap().len(), 6);
        let page = isp.page("/tax-starters/kenya").await;
        assert!(page.status == 200 && page.text.contains("KE; ; ; ; VAT; S; 16; 1; compound"), "{}", page.text);
        assert_eq!(isp.get("/tax-rules").await.expect(200)["items"], json!([]), "looking lays nothing down");
        let wrong = isp.form("/tax-starters/kenya", "rules=KE;;;;VAT;S;16%0A%0A;;;;VAT;S;16%0AKE;;;;VAT;S;often").await;
        assert!(wrong.status == 422 && wrong.text.contains("Line 4"), "{}", wrong.text);
        let wrong = isp.form("/tax-starters/kenya", "rules=KE;;;;VAT;S;16%0A%0A;;;;Levy;S;16").await;
        assert!(wrong.status == 422 && wrong.text.contains("Line 3: Name a country"), "{}", wrong.text);
        let laid =
            isp.form("/tax-starters/kenya", "rules=KE;;;;Excise;S;15%0AKE;;;;VAT;S;16;1;compound;2026-11-01;").await;
        assert_eq!((laid.status, laid.location.as_str()), (303, "/tax-rules"));
        let listed = isp.page("/tax-rules").await;
        assert!(listed.text.contains("Excise") && listed.text.contains("compound"), "{}", listed.text);
        let rules = isp.get("/tax-rules").await.expect(200);
        let vat = rules["items"].as_array().unwrap().iter().find(|rule| rule["tax"] == "VAT").unwrap();
        let own = format!("/tax-rules/{}", vat["id"].as_str().unwrap());
        let form = "country=ke&tax=VAT&category=S&rate_percent=14&turn=1&compound=yes&from=2026-11-01&to=2026-11-01";
        let refused = isp.form(&format!("{own}/edit"), form).await;
        assert!(refused.status == 422 && refused.text.contains("Must be after the first day"), "{}", refused.text);
        let form = "country=ke&tax=VAT&category=S&rate_percent=14&turn=1&compound=yes&from=2026-11-01";
        let changed = isp.form(&format!("{own}/edit"), form).await;
        assert_eq!(changed.status, 303, "{}", changed.text);
        let gone = isp.form(&format!("{}/withdraw", changed.location), "").await;
        assert_eq!((gone.status, gone.location.as_str()), (303, "/tax-rules"));
        assert_eq!(isp.get("/tax-rules").await.expect(200)["items"].as_array().unwrap().len(), 1);
        assert!(isp.page(&own).await.text.contains("Withdrawn"));
        let account = isp.account("Ana").await;
        let form = "kind=intra_community&document=ES12345678A&from=2026-11-01";
        let refused = isp.form(&format!("/accounts/{account}/tax-exemptions"), form).await;
        assert!(
            refused.status == 422 && refused.text.contains("another country of the European Union"),
            "{}",
            refused.text
        );
        let form = "kind=intra_community&document=PT501964843&from=2026-11-01";
        let noted = isp.form(&format!("/accounts/{account}/tax-exemptions"), form).await;
        assert_eq!(noted.status, 303);
        assert!(isp.page(&format!("/accounts/{account}")).await.text.contains("PT501964843"));
    });
}
