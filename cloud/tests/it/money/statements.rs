//! Statements of account: a view over the ledger that agrees with it on every day.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use weir_cloud::ids::AccountId;

use super::document::text_of;
use super::harness::{Isp, story};
use super::world::FIBRE;

fn amount(money: &Value) -> Decimal {
    money["amount"].as_str().unwrap_or("0").parse().expect("an amount")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

impl Isp {
    async fn statement(&self, account: AccountId, from: &str, to: &str) -> Value {
        self.get(&format!("/accounts/{account}/statement?from={from}&to={to}")).await.expect(200)
    }

    /// What an account owes by the entries of the ledger up to a day.
    async fn booked(&self, account: AccountId, to: &str) -> Decimal {
        let entries = self.get(&format!("/ledger/entries?limit=200&account_id={account}")).await.expect(200);
        let entries = list(&entries["items"]).iter().filter(|entry| entry["posted_on"].as_str() <= Some(to));
        let postings = entries.flat_map(|entry| list(&entry["postings"]));
        let own = postings.filter(|posting| posting["account_id"] == json!(account));
        own.map(|posting| amount(&posting["amount"])).sum()
    }

    /// An account's statement of some days up to today adds up, agrees with the ledger and with how the account stands, and
    /// joins wherever it is split. Returns its movements.
    pub async fn assert_statement_agrees(&self, account: AccountId, from: &str, to: &str) -> Vec<Value> {
        let whole = self.statement(account, from, to).await;
        let standing = self.get(&format!("/accounts/{account}/standing")).await.expect(200);
        assert_eq!((&whole["closing"], &whole["unused"]), (&standing["balance"], &standing["credit"]), "{whole}");
        let mut balance = amount(&whole["opening"]);
        for one in list(&whole["movements"]) {
            balance += amount(&one["debit"]) - amount(&one["credit"]);
            assert_eq!(balance, amount(&one["balance"]), "{one}");
        }
        assert_eq!(balance, amount(&whole["opening"]) + amount(&whole["debits"]) - amount(&whole["credits"]));
        assert_eq!(balance, amount(&whole["closing"]));

        let mut days: Vec<_> = list(&whole["movements"]).iter().map(|one| one["on"].as_str().unwrap()).collect();
        days.dedup();
        for day in days.into_iter().filter(|day| *day < to) {
            let next = day.parse::<chrono::NaiveDate>().unwrap().succ_opt().unwrap().to_string();
            let (first, second) = (self.statement(account, from, day).await, self.statement(account, &next, to).await);
            assert_eq!((&first["closing"], &second["closing"]), (&second["opening"], &whole["closing"]), "{day}");
            assert_eq!(amount(&first["closing"]), self.booked(account, day).await, "{day}");
            let joined: Vec<_> = list(&first["movements"]).iter().chain(list(&second["movements"])).cloned().collect();
            assert_eq!(&joined, list(&whole["movements"]), "{day}");
            for part in [&first, &second, &whole] {
                let open: Decimal = list(&part["open_items"]).iter().map(|item| amount(&item["open"])).sum();
                let aged: Decimal = list(&part["ages"]).iter().map(|age| amount(&age["open"])).sum();
                assert_eq!((open, open), (aged, amount(&part["closing"]) + amount(&part["unused"])), "{day}: {part}");
                assert!(amount(&part["unused"]) >= Decimal::ZERO, "{day}: {part}");
            }
        }
        list(&whole["movements"]).clone()
    }
}

/// Ana, with a surplus, some of it given back, a payment dated back, a credit note and bills nobody paid.
async fn season(slug: &str) -> (Isp, AccountId) {
    let mut isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await;
    let (router, fibre) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
    let ana = isp.account("Ana & sons").await;
    isp.line(ana, router, fibre, "2026-11-01").await;
    isp.bill("2026-11-01").await;
    isp.now_is("2026-11-05T10:00:00Z").await;
    let paid = isp.pay(ana, "more", "50.00", "2026-11-05").await["id"].as_str().expect("an id").to_owned();
    isp.now_is("2026-11-06T10:00:00Z").await;
    let back = json!({ "amount": { "amount": "5.00", "currency": "EUR" }, "reason": "Too much" });
    isp.post_once(&format!("/payments/{paid}/refunds"), "back", back).await.expect(201);
    isp.now_is("2026-12-01T10:00:00Z").await;
    isp.bill("2026-12-01").await;
    isp.now_is("2026-12-03T10:00:00Z").await;
    isp.pay(ana, "late", "10.00", "2026-11-20").await;
    isp.now_is("2026-12-10T10:00:00Z").await;
    let owed = isp.get(&format!("/invoices?account_id={ana}")).await.expect(200);
    isp.credit(owed["items"][0]["id"].as_str().expect("an id"), json!({ "reason": "Out of order" })).await;
    isp.now_is("2027-01-01T10:00:00Z").await;
    isp.bill("2027-01-01").await;
    isp.now_is("2027-02-01T10:00:00Z").await;
    isp.bill("2027-02-01").await;
    isp.now_is("2027-03-20T10:00:00Z").await;
    (isp, ana)
}

#[test]
fn a_statement_agrees_with_the_books_on_every_day_and_joins_where_it_is_split() {
    story(async {
        let (isp, ana) = season("statement").await;
        let movements = isp.assert_statement_agrees(ana, "2026-10-01", "2027-03-20").await;
        let told: Vec<_> = movements
            .iter()
            .map(|one| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                let money = |value: &Value| text(&value["amount"]);
                let figures =
                    [money(&one["debit"]), money(&one["credit"]), money(&one["used"]), money(&one["balance"])];
                format!("{} {} {} {}", text(&one["on"]), text(&one["kind"]), text(&one["number"]), figures.join("|"))
            })
            .collect();
        let expected = [
            "2026-11-01 invoice INV-2026-000001 36.30|||36.30",
            "2026-11-05 payment RCP-2026-000001 |50.00||-13.70",
            "2026-11-06 refund RFD-2026-000001 5.00|||-8.70",
            "2026-11-20 payment RCP-2026-000002 |10.00||-18.70",
            "2026-12-01 invoice INV-2026-000002 36.30|||17.60",
            "2026-12-01 credit_used INV-2026-000002 ||8.70|17.60",
            "2026-12-10 credit_note CN-2026-000001 |36.30||-18.70",
            "2027-01-01 invoice INV-2027-000001 36.30|||17.60",
            "2027-02-01 invoice INV-2027-000002 36.30|||53.90",
        ];
        assert_eq!(told, expected);

        // Open by age, as it was then: the first bill of the year is late, the second, too, but less.
        let now = isp.statement(ana, "2027-03-20", "2027-03-20").await;
        let ages: Vec<_> = list(&now["ages"]).iter().map(|one| amount(&one["open"]).to_string()).collect();
        assert_eq!(ages, ["0.00", "0.00", "36.30", "17.60", "0.00"].map(str::to_owned), "{now}");
        let then = isp.statement(ana, "2026-11-01", "2026-11-04").await;
        let item = &then["open_items"][0];
        let shown = (&item["number"], &item["open"]["amount"], &item["age"]);
        assert_eq!(shown, (&json!("INV-2026-000001"), &json!("36.30"), &json!("not_due")), "{then}");

        // The quarter that runs, unless other days are asked for.
        let quarter = isp.get(&format!("/accounts/{ana}/statement")).await.expect(200);
        assert_eq!((&quarter["from"], &quarter["to"]), (&json!("2027-01-01"), &json!("2027-03-20")));
        assert_eq!((amount(&quarter["opening"]).to_string(), list(&quarter["movements"]).len()), ("-18.70".into(), 2));
        let quarter = isp.get(&format!("/accounts/{ana}/statement?to=2026-12-02")).await.expect(200);
        assert_eq!(quarter["from"], "2026-10-01");
    });
}

#[test]
fn days_that_no_statement_can_be_of_are_refused_in_words() {
    story(async {
        let mut isp = Isp::new("statement-days", "2026-11-05T10:00:00Z").await;
        let ana = isp.account("Ana").await;
        for (days, words) in [
            ("from=2026-11-02&to=2026-11-01", "must not be before from, 2026-11-02"),
            ("to=2026-11-06", "must not be after today, 2026-11-05"),
            ("from=2025-11-01&to=2026-11-02", "must be at most 366 days from the first on, found 367 days"),
        ] {
            for path in ["statement", "statement/pdf"] {
                let refused = isp.get(&format!("/accounts/{ana}/{path}?{days}")).await.expect(422);
                let told = (&refused["errors"][0]["field"], &refused["errors"][0]["message"]);
                assert_eq!(told, (&json!("to"), &json!(words)), "{refused}");
            }
            let page = isp.page(&format!("/accounts/{ana}/statement?{days}")).await;
            assert!(page.status == 422 && page.text.contains("There is no statement of these days"), "{}", page.text);
            assert!(!page.text.contains("Closing balance") && page.text.contains("aria-invalid"), "{}", page.text);
        }
        assert_eq!(isp.get(&format!("/accounts/{ana}/statement?from=2025-11-01&to=2026-11-01")).await.status, 200);
        let typed = isp.page(&format!("/accounts/{ana}/statement?from=yesterday&to=")).await;
        assert!(typed.status == 422 && typed.text.contains("Enter a date."), "{}", typed.text);
        // In Madrid the day has come already.
        isp.now_is("2026-11-05T23:30:00Z").await;
        let empty = isp.get(&format!("/accounts/{ana}/statement?to=2026-11-06")).await.expect(200);
        assert_eq!((list(&empty["movements"]).len(), &empty["closing"]["amount"]), (0, &json!("0.00")), "{empty}");
        let page = isp.page(&format!("/accounts/{ana}/statement")).await;
        assert!(page.status == 200 && page.text.contains("Nothing was owed at the end of"), "{}", page.text);
    });
}

#[test]
fn the_statement_is_a_page_and_a_document() {
    story(async {
        let (isp, ana) = season("statement-page").await;
        let account = isp.page(&format!("/accounts/{ana}")).await;
        assert!(account.text.contains(&format!("/accounts/{ana}/statement")), "{}", account.text);
        let page = isp.page(&format!("/accounts/{ana}/statement?from=2026-11-01&to=2027-03-20")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        for part in [
            "€53.90 was owed at the end of",
            "Credit of €8.70 used for INV-2026-000002",
            "Refund RFD-2026-000001",
            "/invoices/inv_",
            "/payments/pay_",
            "/credit-notes/",
            "31–60 days late",
        ] {
            assert!(page.text.contains(part), "{part} is missing in:\n{}", page.text);
        }
        let pdf = format!("/accounts/{ana}/statement/pdf?from=2026-11-01&to=2027-03-20");
        assert!(page.text.contains(&pdf.replace('&', "&#38;")), "{}", page.text);
        assert_eq!(isp.page(&pdf).await.kind, "application/pdf");
        let text = text_of(&isp.get(&pdf).await.body);
        for part in ["Statement of account", "Ana & sons", "CN-2026-000001", "8.70", "53.90", "61–90", "To pay"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    });
}
