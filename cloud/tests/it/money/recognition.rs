//! Revenue that is earned as the days pass: deferred when it is billed, earned once a day, undone by what is given back.

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::Connection;
use weir_cloud::ids::AccountId;
use weir_cloud::ledger::recognition::recognise_if_due;

use super::harness::{Isp, story};
use super::world::{FIBRE, Plan};

const DEARER: Plan = Plan { name: "Fibre 1000", price: "60.00", allowance: None, block: None };

impl Isp {
    /// The night's recognition, looked for twice; says how many days were earned.
    async fn earn(&self) -> usize {
        let days = recognise_if_due(&self.app, &self.scope()).await.expect("recognised");
        assert_eq!(recognise_if_due(&self.app, &self.scope()).await.expect("recognised"), 0, "once");
        days
    }

    /// What the ledger has as deferred and as revenue, above zero; the checks must agree with it.
    async fn deferred_and_earned(&self) -> [String; 2] {
        self.assert_books_agree().await;
        let trial = self.get("/ledger/trial-balance").await.expect(200);
        let of = |code: &str| -> String {
            let row = trial["rows"].as_array().unwrap().iter().find(|row| row["ledger_account"] == code);
            let balance = row.map_or("0", |row| row["balance"]["amount"].as_str().unwrap());
            (-balance.parse::<Decimal>().unwrap()).normalize().to_string()
        };
        ["2200", "4000"].map(of)
    }

    async fn months(&self) -> Vec<(String, String)> {
        let report = self.get("/ledger/deferred-revenue").await.expect(200);
        assert_eq!(report["total"], report["balance"], "{report}");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let months = report["months"].as_array().unwrap();
        months.iter().map(|row| (text(&row["month"]), text(&row["amount"]["amount"]))).collect()
    }

    async fn invoice_of(&self, account: AccountId) -> String {
        let invoices = self.get(&format!("/invoices?account_id={account}")).await.expect(200);
        invoices["items"][0]["id"].as_str().expect("an invoice").to_owned()
    }
}

async fn isp(slug: &str, at: &str) -> Isp {
    let isp = Isp::new(slug, at).await;
    isp.settings(json!({ "recognition": "over_period" })).await;
    isp
}

fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[test]
fn a_month_billed_in_advance_is_earned_by_the_day() {
    story(async {
        let mut isp = isp("earned", "2026-11-10T10:00:00Z").await;
        let empty = isp.page("/deferred-revenue").await;
        assert!(
            empty.text.contains("Nothing is deferred") && empty.text.contains("No day is earned"),
            "{}",
            empty.text
        );
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-10").await;
        assert_eq!(isp.deferred_and_earned().await, ["20", "10"], "ten of thirty days are over");
        assert_eq!(isp.months().await, [("2026-11-01".into(), "20.00".into())]);
        isp.now_is("2026-11-11T22:59:00Z").await;
        assert_eq!(isp.earn().await, 0, "the eleventh is not over in Madrid");
        isp.now_is("2026-11-11T23:00:00Z").await;
        assert_eq!(isp.earn().await, 1);
        assert_eq!(isp.deferred_and_earned().await, ["19", "11"]);

        // Nobody looked for some days; two who look at once earn each of them once.
        isp.now_is("2026-12-03T10:00:00Z").await;
        let (app, scope) = (&isp.app, isp.scope());
        let both = tokio::join!(recognise_if_due(app, &scope), recognise_if_due(app, &scope));
        assert_eq!(both.0.unwrap() + both.1.unwrap(), 21, "from the twelfth to the second of December");
        assert_eq!(isp.deferred_and_earned().await, ["0", "30"]);
        assert!(isp.months().await.is_empty());
        assert!(isp.assert_hledger_agrees("").await >= 3);
        let november = isp.get("/ledger/trial-balance?from=2026-11-20&to=2026-11-20").await.expect(200);
        assert_eq!(november["rows"][0]["balance"]["amount"], "1.00", "{november}");

        let days = isp.get("/ledger/recognitions?limit=200").await.expect(200);
        let days = days["items"].as_array().unwrap();
        let of = |day: &str| days.iter().find(|one| one["day"] == day).expect("a day").clone();
        assert_eq!((&of("2026-11-30")["amounts"], &of("2026-12-01")["amounts"]), (&json!([eur("1.00")]), &json!([])));
        let id = of("2026-11-30")["id"].as_str().unwrap().to_owned();
        let lines = isp.get(&format!("/ledger/recognitions/{id}/lines")).await.expect(200);
        let line = &lines["items"][0];
        assert_eq!((&line["invoice_number"], &line["earned"]), (&json!("INV-2026-000001"), &eur("1.00")), "{lines}");
        let page = isp.page(&format!("/recognitions/{id}")).await;
        assert!(page.status == 200 && page.text.contains("INV-2026-000001"), "{}", page.text);
        let page = isp.page("/deferred-revenue").await;
        assert!(page.text.contains("earned through 2 Dec 2026"), "{}", page.text);
        assert!(isp.page("/ledger").await.text.contains(&format!("/recognitions/{id}")));

        isp.bill("2026-12-03").await;
        assert_eq!(isp.months().await, [("2026-12-01".into(), "27.10".into())], "28 of 31 days of 30.00");
        let file = isp.get("/ledger/deferred-revenue/file").await;
        assert_eq!(String::from_utf8_lossy(&file.body), "month,amount,currency\r\n2026-12,27.10,EUR\r\n");
        assert_eq!(isp.page("/deferred-revenue/file").await.status, 200);
    });
}

#[test]
fn credit_notes_undo_what_is_not_earned_yet() {
    story(async {
        let mut isp = isp("undone", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (ana, bo) = (isp.account("Ana").await, isp.account("Bo").await);
        for account in [ana, bo] {
            isp.line(account, router, plan, "2026-11-01").await;
        }
        isp.bill("2026-11-01").await;
        assert_eq!(isp.deferred_and_earned().await, ["58", "2"]);
        isp.now_is("2026-11-10T10:00:00Z").await;
        assert_eq!(isp.earn().await, 8);
        assert_eq!(isp.deferred_and_earned().await, ["42", "18"]);
        isp.credit(&isp.invoice_of(ana).await, json!({ "reason": "Out of order" })).await;
        assert_eq!(isp.deferred_and_earned().await, ["22", "8"], "twenty days to come; the tenth is earned tonight");
        let bos = isp.invoice_of(bo).await;
        let line = isp.get(&format!("/invoices/{bos}")).await.expect(200)["lines"][0]["id"].clone();
        let part =
            json!({ "reason": "Slow", "lines": [{ "line_id": line, "amount": eur("6.00") }], "left": eur("30.00") });
        isp.credit(&bos, part).await;
        assert_eq!(isp.deferred_and_earned().await, ["16", "8"]);
        isp.now_is("2026-11-11T10:00:00Z").await;
        assert_eq!(isp.earn().await, 1);
        assert_eq!(isp.deferred_and_earned().await, ["14", "10"]);
        let days = isp.get("/ledger/recognitions?limit=1").await.expect(200)["items"][0].clone();
        isp.now_is("2026-11-12T10:00:00Z").await;
        isp.earn().await;
        let eleventh = isp.get("/ledger/recognitions?limit=1").await.expect(200)["items"][0].clone();
        for (day, lines) in [(days, 2), (eleventh, 1)] {
            let made_up =
                isp.get(&format!("/ledger/recognitions/{}/lines", day["id"].as_str().unwrap())).await.expect(200);
            assert_eq!(made_up["items"].as_array().unwrap().len(), lines, "{day}: {made_up}");
        }
        isp.credit(&bos, json!({ "reason": "Left" })).await;
        isp.now_is("2026-12-02T10:00:00Z").await;
        isp.earn().await;
        assert_eq!(isp.deferred_and_earned().await, ["0", "0"], "all was given back");
    });
}

#[test]
fn a_change_of_plan_and_an_end_leave_what_was_billed_as_revenue() {
    story(async {
        let mut isp = isp("changed-earned", "2026-11-01T10:00:00Z").await;
        let (router, plan, dearer) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.plan(&DEARER).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        isp.now_is("2026-11-08T10:00:00Z").await;
        isp.earn().await;
        // Half of the month is to be of the other plan: what was deferred for it goes, and more comes.
        isp.change_plan(line, dearer, "2026-11-16").await;
        isp.bill("2026-11-16").await;
        assert_eq!(isp.deferred_and_earned().await, ["38", "7"], "30 for the new plan, 8 for the days before it");
        isp.now_is("2026-11-16T10:00:00Z").await;
        isp.earn().await;
        assert_eq!(isp.deferred_and_earned().await, ["30", "15"]);
        isp.now_is("2026-11-21T10:00:00Z").await;
        isp.earn().await;
        isp.end(line, "2026-11-21").await;
        isp.bill("2026-11-21").await;
        assert_eq!(isp.deferred_and_earned().await, ["2", "23"], "what is given back of today is earned tonight");
        isp.now_is("2026-12-05T10:00:00Z").await;
        isp.earn().await;
        assert_eq!(isp.deferred_and_earned().await, ["0", "25"]);
    });
}

#[test]
fn the_setting_is_for_what_is_issued_from_then_on() {
    story(async {
        let mut isp = Isp::new("setting-earned", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let (ana, bo) = (isp.account("Ana").await, isp.account("Bo").await);
        isp.line(ana, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        assert_eq!(isp.deferred_and_earned().await, ["0", "30"], "as it was before anybody asked");
        let wrong = isp.patch("/tenant", json!({ "recognition": "never" })).await;
        assert!(wrong.status.is_client_error(), "{wrong:?}");
        let form = isp.page("/settings").await;
        assert!(form.text.contains("over_period"), "{}", form.text);
        isp.settings(json!({ "recognition": "over_period" })).await;
        let audited = isp.get("/audit-entries").await.expect(200);
        assert!(audited.to_string().contains("over_period"), "{audited}");
        isp.line(bo, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        assert_eq!(isp.deferred_and_earned().await, ["29", "31"]);
        isp.credit(&isp.invoice_of(ana).await, json!({ "reason": "Wrong" })).await;
        assert_eq!(isp.deferred_and_earned().await, ["29", "1"], "it was revenue already");
        isp.settings(json!({ "recognition": "on_issue" })).await;
        isp.now_is("2026-11-11T10:00:00Z").await;
        assert_eq!(isp.earn().await, 9, "what is deferred is earned all the same");
        isp.credit(&isp.invoice_of(bo).await, json!({ "reason": "Wrong" })).await;
        isp.now_is("2026-11-12T10:00:00Z").await;
        isp.earn().await;
        assert_eq!(isp.deferred_and_earned().await, ["0", "0"]);
    });
}

#[test]
fn closing_a_month_earns_its_days_first_and_a_changed_row_is_found() {
    story(async {
        let mut isp = isp("closed-earned", "2026-11-20T10:00:00Z").await;
        let (router, plan, account) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.account("Ana").await);
        isp.line(account, router, plan, "2026-11-20").await;
        isp.bill("2026-11-20").await;
        isp.now_is("2026-12-01T08:00:00Z").await;
        isp.bill("2026-12-01").await;
        isp.post("/ledger/closings", json!({ "through": "2026-11-30", "reason": "Handed over" })).await.expect(201);
        let november = isp.get("/ledger/trial-balance?to=2026-11-30").await.expect(200);
        let of = |code: &str| {
            let row = november["rows"].as_array().unwrap().iter().find(|row| row["ledger_account"] == code);
            row.expect("a row")["balance"]["amount"].clone()
        };
        assert_eq!((of("2200"), of("4000")), (json!("0.00"), json!("-11.00")), "{november}");
        assert_eq!(isp.earn().await, 0, "the month is earned; December's first day is not over");
        assert_eq!(isp.deferred_and_earned().await[1], "11.97", "0.97 of December's first day");

        let mut superuser = isp.superuser().await;
        let mut tx = superuser.begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        let change =
            "UPDATE revenue_schedules SET amount = amount + 1 WHERE tenant_id = $1 AND from_day = '2026-12-02'";
        let changed = sqlx::query(change).bind(isp.tenant.uuid()).execute(&mut *tx).await.unwrap();
        assert_eq!(changed.rows_affected(), 1);
        tx.commit().await.unwrap();
        let check = isp.post("/book-checks", json!({})).await.expect(201);
        let wrong =
            check["answers"].as_array().unwrap().iter().find(|answer| answer["differ"] != 0).expect("a difference");
        let difference = &wrong["differences"][0];
        assert_eq!((&wrong["question"], &difference["subject"]), (&json!("deferred_agrees"), &json!("EUR")), "{check}");
        assert_eq!(
            (&difference["expected"], &difference["found"]),
            (&json!("30.03 EUR"), &json!("29.03 EUR")),
            "{check}"
        );
        let page = isp.page(&format!("/book-checks/{}", check["id"].as_str().unwrap())).await;
        assert!(page.text.contains("still have to earn"), "{}", page.text);
    });
}
