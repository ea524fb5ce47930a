//! Accounts that others pay for: one invoice, one balance, one case for all of them.

use serde_json::{Value, json};
use uuid::Uuid;
use weir_cloud::dunning::jobs::CheckOverdue;
use weir_cloud::ids::{AccountId, EventId};
use weir_cloud::jobs::{Job, TellListener};

use super::harness::{Isp, story};
use super::one_line;
use super::world::{FIBRE, METERED};

impl Isp {
    async fn pays_for(&self, payer: AccountId, account: AccountId) -> Value {
        self.put(&format!("/accounts/{account}/payer"), json!({ "payer_id": payer })).await.expect(200)
    }

    /// Tells a listener of the newest change of a payer, as the worker does.
    async fn hears(&self, listener: &str) {
        let mut tx = self.app.db.read(&self.scope()).await.unwrap();
        let newest = "SELECT id FROM events WHERE kind = 'account.payer_changed' ORDER BY id DESC LIMIT 1";
        let event: EventId = sqlx::query_scalar::<_, Uuid>(newest).fetch_one(tx.conn()).await.unwrap().into();
        drop(tx);
        let job: TellListener = serde_json::from_value(json!({ "listener": listener, "event": event })).unwrap();
        job.run(self.app.clone(), self.scope()).await.unwrap();
    }

    async fn balance(&self, account: AccountId) -> String {
        let standing = self.get(&format!("/accounts/{account}/standing")).await.expect(200);
        standing["balance"]["amount"].as_str().unwrap().to_owned()
    }

    /// The newest invoice of an account.
    async fn newest(&self, account: AccountId) -> Value {
        let listed = self.get(&format!("/invoices?account_id={account}")).await.expect(200);
        self.get(&format!("/invoices/{}", listed["items"][0]["id"].as_str().unwrap())).await.expect(200)
    }
}

/// Whom lines are for, what they are called and ask for.
fn lines(invoice: &Value) -> Vec<String> {
    let line = |line: &Value| {
        let whose = line["account_id"].as_str().map_or("own", |id| {
            let accounts = invoice["parties"]["accounts"].as_array().unwrap();
            accounts.iter().find(|account| account["account_id"] == id).unwrap()["name"].as_str().unwrap()
        });
        let text = |name: &str| line[name].as_str().unwrap();
        format!("{whose}: {} {} {}", text("description"), text("kind"), line["net"]["amount"].as_str().unwrap())
    };
    invoice["lines"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn what_falls_due_of_two_stands_on_the_invoice_of_a_third_and_one_payment_settles_it() {
    story(async {
        let mut isp = Isp::new("payer", "2026-10-01T10:00:00Z").await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA", "payment_terms_days": 14 })).await;
        let router = isp.router_named("r").await;
        let (fibre, metered) = (isp.plan(&FIBRE).await, isp.plan(&METERED).await);
        let (ana, bea, lord) = (isp.account("Ana").await, isp.account("Bea").await, isp.account("Landlord").await);
        let line = isp.line(ana, router, metered, "2026-10-01").await;
        isp.line(bea, router, fibre, "2026-10-01").await;
        isp.line(lord, router, fibre, "2026-10-01").await;
        let once = json!({ "description": "Visit", "unit_price": { "amount": "12.50", "currency": "EUR" }, "reference": "visit" });
        isp.post(&format!("/accounts/{bea}/charges"), once).await.expect(201);
        let paid = isp.pays_for(lord, ana).await;
        assert_eq!(
            (paid["payer_id"].as_str(), paid["paid_since"].as_str()),
            (Some(&*lord.to_string()), Some("2026-10-01"))
        );
        isp.pays_for(lord, bea).await;
        let listed = isp.get(&format!("/accounts/{lord}/paid-accounts")).await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");

        let preview = isp.post("/billing-runs/preview", json!({ "as_of": "2026-10-01" })).await.expect(200);
        assert_eq!((&preview["accounts_due"], &preview["invoices"]), (&json!(1), &json!(1)), "{preview}");
        // 30.00 of its own, 20.00 of Ana's, 30.00 and 12.50 of Bea's; 21 % of 92.50 are 19.43.
        assert_eq!(preview["totals"][0]["amount"], "111.93");
        let run = isp.bill("2026-10-01").await;
        assert_eq!((run["invoices_issued"].as_i64(), run["accounts_total"].as_i64()), (Some(1), Some(1)), "{run}");
        let invoice = isp.newest(lord).await;
        let expected = [
            "own: Fibre 100 recurring 30.00",
            "Ana: Radio 20 recurring 20.00",
            "Bea: Fibre 100 recurring 30.00",
            "Bea: Visit one_time 12.50",
        ];
        assert_eq!(lines(&invoice), expected);
        assert_eq!(invoice["gross"]["amount"], "111.93");
        assert_eq!(invoice["parties"]["accounts"][0]["place"], "Calle Mayor 1, 16001 Cuenca");
        assert_eq!(invoice["lines"][1]["subscription_id"], json!(line));
        assert_eq!(isp.bill("2026-10-01").await["invoices_issued"], 0, "nobody is billed twice");

        isp.traffic(router, line, 1, "2026-10-10T12:00:00Z", 1_000_000, 150_001).await;
        isp.now_is("2026-11-01T09:00:00Z").await;
        isp.bill("2026-11-01").await;
        let expected = [
            "own: Fibre 100 recurring 30.00",
            "Ana: Radio 20 usage 1.00",
            "Ana: Radio 20 recurring 20.00",
            "Bea: Fibre 100 recurring 30.00",
        ];
        assert_eq!(lines(&isp.newest(lord).await), expected);
        // 81.00 and 17.01 of tax beside the 111.93.
        assert_eq!((isp.balance(lord).await, isp.balance(ana).await), ("209.94".into(), "0.00".into()));
        isp.assert_books_agree().await;
        isp.pay(lord, "all", "209.94", "2026-11-01").await;
        assert_eq!(isp.balance(lord).await, "0.00");
        isp.assert_books_agree().await;
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_change_of_payer_leaves_what_was_billed_where_it_is_and_gives_back_to_who_was_charged() {
    story(async {
        let mut isp = Isp::new("payer-change", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (ana, one, other) = (isp.account("Ana").await, isp.account("One").await, isp.account("Other").await);
        let line = isp.line(ana, router, plan, "2026-10-01").await;
        // October is Ana's own.
        isp.bill("2026-10-31").await;
        isp.pays_for(one, ana).await;
        isp.bill("2026-11-01").await;
        assert_eq!((isp.balance(ana).await, isp.balance(one).await), ("30.00".into(), "30.00".into()));

        // Eleven days are given back to whom they were charged, though another pays by now.
        isp.now_is("2026-11-20T10:00:00Z").await;
        isp.pays_for(other, ana).await;
        isp.end(line, "2026-11-20").await;
        isp.bill("2026-11-20").await;
        let back = isp.newest(one).await;
        assert_eq!(lines(&back), ["Ana: Fibre 100 credit -11.00"]);
        assert_eq!((isp.balance(one).await, isp.balance(other).await), ("19.00".into(), "0.00".into()));
        // Two documents of one account settle each other.
        isp.assert_books_agree().await;

        // A line sold after that is the new payer's, and once nobody pays, Ana's own again.
        isp.line(ana, router, plan, "2026-11-21").await;
        isp.bill("2026-11-21").await;
        assert_eq!(lines(&isp.newest(other).await), ["Ana: Fibre 100 recurring 10.00"]);
        let ended = isp.delete(&format!("/accounts/{ana}/payer")).await.expect(200);
        assert!(ended["payer_id"].is_null() && ended["paid_since"].is_null(), "{ended}");
        let none = isp.delete(&format!("/accounts/{ana}/payer")).await;
        assert_eq!((none.status.as_u16(), none.problem().as_str()), (409, "account-pays-for-itself"));
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        let balances = (isp.balance(ana).await, isp.balance(one).await, isp.balance(other).await);
        assert_eq!(balances, ("60.00".into(), "19.00".into(), "10.00".into()));
        isp.assert_books_agree().await;
        let audit = isp.get("/audit-entries?limit=200").await.expect(200);
        let count =
            |action: &str| audit["items"].as_array().unwrap().iter().filter(|entry| entry["action"] == action).count();
        assert_eq!((count("have another account pay"), count("have account pay for itself")), (2, 1));
    });
}

#[test]
fn with_a_payer_or_without_the_same_is_billed() {
    story(async {
        let mut totals = Vec::new();
        for paid in [false, true] {
            let mut isp = Isp::new(if paid { "payer-with" } else { "payer-without" }, "2026-10-01T10:00:00Z").await;
            let router = isp.router_named("r").await;
            let (fibre, metered) = (isp.plan(&FIBRE).await, isp.plan(&METERED).await);
            let (ana, bea, lord) = (isp.account("Ana").await, isp.account("Bea").await, isp.account("Lord").await);
            let (one, two) =
                (isp.line(ana, router, metered, "2026-10-05").await, isp.line(bea, router, fibre, "2026-10-09").await);
            let days = ["2026-10-09", "2026-10-20", "2026-11-01", "2026-11-13", "2026-12-01"];
            for (seq, day) in (1..).zip(days) {
                isp.now_is(&format!("{day}T10:00:00Z")).await;
                isp.traffic(router, one, seq, &format!("{day}T09:00:00Z"), 900_000, 30_000).await;
                if paid && day == "2026-10-20" {
                    isp.pays_for(lord, ana).await;
                    isp.pays_for(lord, bea).await;
                }
                match day {
                    "2026-10-20" => isp.change_plan(two, metered, day).await,
                    "2026-11-13" => isp.end(two, day).await,
                    _ => {}
                }
                isp.bill(day).await;
            }
            let mut nets = 0;
            for account in [ana, bea, lord] {
                for line in isp.billed(account).await {
                    nets += line.rsplit(' ').next().unwrap().replace('.', "").parse::<i64>().unwrap();
                }
            }
            isp.assert_books_agree().await;
            totals.push(nets);
        }
        assert!(totals[0] > 5000 && totals[0] == totals[1], "{totals:?}");
    });
}

#[test]
fn lines_are_held_for_the_debt_of_who_pays_for_them_and_let_go_with_it() {
    story(async {
        let mut isp = Isp::new("payer-dunned", "2026-10-01T10:00:00Z").await;
        isp.settings(json!({ "payment_terms_days": 14, "grace_days": 3 })).await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (ana, lord) = (isp.account("Ana").await, isp.account("Lord").await);
        let (hers, own) =
            (isp.line(ana, router, plan, "2026-10-01").await, isp.line(lord, router, plan, "2026-10-01").await);
        isp.pays_for(lord, ana).await;
        isp.bill("2026-10-01").await;
        isp.now_is("2026-10-20T10:00:00Z").await;
        CheckOverdue {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        let access = async |line| isp.get(&format!("/subscriptions/{line}")).await.expect(200)["access"].clone();
        assert_eq!((access(hers).await, access(own).await), (json!("walled_garden"), json!("walled_garden")));
        let cases = isp.get("/dunning-cases").await.expect(200);
        assert_eq!(cases["items"].as_array().unwrap().len(), 1, "{cases}");
        let holds = isp.get(&format!("/subscriptions/{hers}/holds")).await.expect(200);
        assert_eq!(holds["items"][0]["debtor_id"], json!(lord), "{holds}");

        let part = isp.pay(lord, "part", "10.00", "2026-10-20").await;
        assert_eq!(part["lines_restored"], 0);
        let paid = isp.pay(lord, "rest", "50.00", "2026-10-20").await;
        assert_eq!(
            (paid["lines_restored"].as_i64(), access(hers).await, access(own).await),
            (Some(2), json!("open"), json!("open"))
        );

        // Of another month; who is not paid for any more is not held for it.
        isp.now_is("2026-11-20T10:00:00Z").await;
        isp.bill("2026-11-20").await;
        isp.now_is("2026-12-10T10:00:00Z").await;
        CheckOverdue {}.run(isp.app.clone(), isp.scope()).await.unwrap();
        let access = async |line| isp.get(&format!("/subscriptions/{line}")).await.expect(200)["access"].clone();
        assert_eq!((access(hers).await, access(own).await), (json!("walled_garden"), json!("walled_garden")));
        isp.delete(&format!("/accounts/{ana}/payer")).await.expect(200);
        isp.hears("dunning").await;
        assert_eq!((access(hers).await, access(own).await), (json!("open"), json!("walled_garden")));
        // And whoever is paid for by somebody who owes, is.
        isp.pays_for(lord, ana).await;
        isp.hears("dunning").await;
        assert_eq!(access(hers).await, json!("walled_garden"));
    });
}

#[test]
fn who_cannot_pay_is_refused_with_the_reason() {
    story(async {
        let isp = Isp::new("payer-refused", "2026-10-01T10:00:00Z").await;
        let (ana, bea, lord) = (isp.account("Ana").await, isp.account("Bea").await, isp.account("Lord").await);
        let subscriber = isp.get(&format!("/accounts/{ana}")).await.expect(200)["subscriber_id"].clone();
        let open = async |more: Value| {
            let mut wish = json!({ "subscriber_id": subscriber });
            wish.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            isp.post("/accounts", wish).await.expect(201)["id"].as_str().unwrap().parse::<AccountId>().unwrap()
        };
        let (dollars, day, zone) = (
            open(json!({ "currency": "USD" })).await,
            open(json!({ "billing_day": 5 })).await,
            open(json!({ "time_zone": "Atlantic/Canary" })).await,
        );
        isp.pays_for(lord, ana).await;
        let nobody: AccountId = "acc_0193594bd1e27c3f8a6b5d4e3f2a1b0c".parse().unwrap();
        let refused = [
            (bea, bea, "another account"),
            (bea, nobody, "no account"),
            (bea, ana, "must pay for itself"),
            (lord, bea, "an account that pays for others"),
            (bea, dollars, "is in USD"),
            (bea, day, "has day 5"),
            (bea, zone, "Atlantic/Canary"),
        ];
        for (account, payer, why) in refused {
            let answer = isp.put(&format!("/accounts/{account}/payer"), json!({ "payer_id": payer })).await;
            assert_eq!(answer.status, 422, "{why}");
            let problem = answer.json();
            assert_eq!(problem["errors"][0]["field"], "payer_id");
            assert!(problem["errors"][0]["message"].as_str().unwrap().contains(why), "{why}: {problem}");
        }
        assert!(isp.get(&format!("/accounts/{bea}")).await.expect(200)["payer_id"].is_null());
        // The database itself has one level only.
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let chained = sqlx::query("UPDATE accounts SET payer_id = $2, paid_since = '2026-10-01' WHERE id = $1");
        let error = chained.bind(lord.uuid()).bind(bea.uuid()).execute(tx.conn()).await.unwrap_err();
        assert!(error.to_string().contains("cannot pay"), "{error}");
    });
}

#[test]
fn pages_say_who_pays_and_what_each_adds() {
    story(async {
        let isp = Isp::new("payer-pages", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (ana, bea, lord) = (isp.account("Ana").await, isp.account("Bea").await, isp.account("Lord").await);
        isp.line(ana, router, plan, "2026-10-01").await;
        isp.line(bea, router, plan, "2026-10-01").await;
        let number = isp.get(&format!("/accounts/{lord}")).await.expect(200)["number"].as_str().unwrap().to_owned();
        let path = format!("/accounts/{ana}/payer");
        assert!(isp.page(&format!("/accounts/{ana}")).await.text.contains(&path));
        assert_eq!(isp.page(&path).await.status, 200);
        let unknown = isp.form(&path, "payer_id=ACC-999999").await;
        assert!(
            unknown.status == 422 && unknown.text.contains("There is no account of this number."),
            "{}",
            unknown.text
        );
        // What would follow is shown first, and nothing is done.
        let asked = isp.form(&path, &format!("payer_id={number}")).await;
        assert!(
            asked.status == 200 && asked.text.contains("Lord") && asked.text.contains("confirmed"),
            "{}",
            asked.text
        );
        assert!(isp.get(&format!("/accounts/{ana}")).await.expect(200)["payer_id"].is_null());
        assert_eq!(isp.form(&path, &format!("payer_id={number}&confirmed=yes")).await.status, 303);
        isp.pays_for(lord, bea).await;
        let twice = isp.form(&format!("/accounts/{lord}/payer"), &format!("payer_id={number}")).await;
        assert!(twice.status == 422 && twice.text.contains("Choose another account."), "{}", twice.text);

        assert!(isp.page(&format!("/accounts/{ana}")).await.text.contains("Lord"));
        let next = isp.get(&format!("/accounts/{lord}/next-bill")).await.expect(200);
        // October and November of two lines.
        assert_eq!(
            (next["on"].as_str(), next["net"]["amount"].as_str()),
            (Some("2026-11-01"), Some("120.00")),
            "{next}"
        );
        assert_eq!(next["parts"][1]["paid_for"]["name"], "Bea");
        let theirs = isp.get(&format!("/accounts/{ana}/next-bill")).await.expect(200);
        assert_eq!(
            (theirs["net"]["amount"].as_str(), theirs["parts"].as_array().map(Vec::len)),
            (Some("0.00"), Some(0))
        );
        let payer = isp.page(&format!("/accounts/{lord}")).await.text;
        assert!(payer.contains("Accounts it pays for") && payer.contains("60.00"), "{payer}");
        isp.bill("2026-10-01").await;
        let invoice = isp.newest(lord).await;
        let shown = isp.page(&format!("/invoices/{}", invoice["id"].as_str().unwrap())).await.text;
        assert!(
            shown.contains("Ana · ") && shown.contains("Bea · ") && shown.contains("Together, before tax"),
            "{shown}"
        );
        let pdf = isp.get(&format!("/invoices/{}/pdf", invoice["id"].as_str().unwrap())).await;
        assert!(pdf.status == 200 && pdf.body.starts_with(b"%PDF-"));
        let end = format!("/accounts/{ana}/payer/end");
        assert_eq!(isp.page(&end).await.status, 200);
        assert_eq!(isp.form(&end, "").await.status, 303);
        assert!(isp.get(&format!("/accounts/{ana}")).await.expect(200)["payer_id"].is_null());
    });
}

#[test]
fn prices_that_include_tax_come_to_their_sum_on_the_invoice_of_who_pays() {
    story(async {
        let isp = Isp::new("payer-tax-inside", "2026-10-01T10:00:00Z").await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA" })).await;
        let router = isp.router_named("r").await;
        let plan = one_line::plan(&isp, "Home", "9.99", &json!({ "tax_included": true })).await;
        let lord = isp.account("Landlord").await;
        for name in ["Ana", "Bea"] {
            let account = isp.account(name).await;
            isp.line(account, router, plan, "2026-10-01").await;
            isp.pays_for(lord, account).await;
        }
        isp.bill("2026-10-01").await;
        let invoice = isp.newest(lord).await;
        // Inside 19.98 are 16.51; inside 9.99 alone are 8.26, and twice that is 16.52.
        assert_eq!(lines(&invoice), ["Ana: Home recurring 8.25", "Bea: Home recurring 8.26"]);
        let figures = ["net", "tax", "gross"].map(|name| invoice[name]["amount"].clone());
        assert_eq!(figures, ["16.51", "3.47", "19.98"]);
        isp.assert_books_agree().await;
    });
}

#[test]
fn who_pays_is_asked_ahead_for_all_it_pays_for() {
    story(async {
        let isp = Isp::new("payer-proforma", "2026-10-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (ana, lord) = (isp.account("Ana").await, isp.account("Landlord").await);
        for account in [ana, lord] {
            isp.line(account, router, plan, "2026-10-01").await;
        }
        isp.pays_for(lord, ana).await;
        isp.bill("2026-10-01").await;
        let ask = |account: AccountId| format!("/accounts/{account}/proformas");
        let wish = json!({ "as_of": "2026-11-01" });
        assert_eq!(isp.post_once(&ask(ana), "ana", wish.clone()).await.problem(), "nothing-to-ask-for");
        let asked = isp.post_once(&ask(lord), "lord", wish).await.expect(201);
        assert_eq!(lines(&asked), ["own: Fibre 100 recurring 30.00", "Ana: Fibre 100 recurring 30.00"]);
        assert_eq!(asked["gross"]["amount"], "60.00");
        let page = isp.page(&format!("/proformas/{}", asked["id"].as_str().unwrap())).await.text;
        assert!(page.contains("Own lines") && page.contains("Ana · "), "{page}");
        let drawn = isp.page(&format!("/proformas/{}/pdf", asked["id"].as_str().unwrap())).await;
        assert!(drawn.status == 200 && drawn.text.starts_with("%PDF-"));
    });
}
