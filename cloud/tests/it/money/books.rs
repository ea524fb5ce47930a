//! The books as an accountant gets them, and as they are checked every night.

use std::process::Command;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection};
use weir_cloud::db::embedded;
use weir_cloud::{books, ids::AccountId};

use super::harness::{Isp, story};
use super::world::{FIBRE, METERED};

fn run(program: &str, arguments: &[&str]) -> String {
    let done = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(done.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

impl Isp {
    /// hledger reads the journal strictly, and finds the balances of the trial balance. Returns how many there are.
    pub async fn assert_hledger_agrees(&self, span: &str) -> usize {
        let journal = self.get(&format!("/ledger/journal?format=hledger{span}")).await;
        assert_eq!(journal.status, 200);
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("books.journal");
        std::fs::write(&file, &journal.body).expect("written");
        let file = file.to_str().expect("a path");
        run("hledger", &["-f", file, "--strict", "check"]);
        let found = run("hledger", &["-f", file, "balance", "-N", "-E", "--flat", "--depth", "2", "-O", "csv"]);
        let mut found: Vec<(String, Decimal)> = csv::Reader::from_reader(found.as_bytes())
            .into_deserialize::<(String, String)>()
            .map(|row| row.expect("a row"))
            .map(|(account, balance)| {
                let code = account.split([':', ' ']).nth(1).expect("a code").to_owned();
                (code, balance.trim_start_matches("EUR ").parse().expect("an amount"))
            })
            .collect();
        let trial = self.get(&format!("/ledger/trial-balance?{}", span.trim_start_matches('&'))).await.expect(200);
        let mut expected: Vec<(String, Decimal)> = trial["rows"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| {
                let text = |value: &Value| value.as_str().expect("text").to_owned();
                (text(&row["ledger_account"]), text(&row["balance"]["amount"]).parse().expect("an amount"))
            })
            .collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
        found.len()
    }

    /// Checks the books now; nothing may differ.
    pub async fn assert_books_agree(&self) {
        let check = books::check(&self.app, &self.scope()).await.expect("checked");
        assert!(check.agrees, "{check:#?}");
    }

    pub async fn superuser(&self) -> PgConnection {
        PgConnection::connect_with(&embedded::options(&self.app.config.data_dir)).await.expect("connect")
    }
}

/// An ISP with tax, traffic, a payment with a surplus, a refund and a credit note in November and December.
async fn season(slug: &str) -> (Isp, AccountId) {
    let mut isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA", "recognition": "over_period" })).await;
    let (router, fibre, metered) = (isp.router_named("r").await, isp.plan(&FIBRE).await, isp.plan(&METERED).await);
    let (ana, bo) = (isp.account("Ana; | the first").await, isp.account("=Bo").await);
    isp.line(bo, router, fibre, "2026-11-01").await;
    let line = isp.line(ana, router, metered, "2026-11-01").await;
    isp.traffic(router, line, 1, "2026-11-10T12:00:00Z", 1_400_000, 10_000).await;
    isp.bill("2026-11-01").await;
    isp.now_is("2026-11-05T10:00:00Z").await;
    let paid = isp.pay(ana, "more", "50.00", "2026-11-05").await["id"].as_str().expect("an id").to_owned();
    let back = json!({ "amount": { "amount": "5.00", "currency": "EUR" }, "reason": "Too much" });
    isp.post_once(&format!("/payments/{paid}/refunds"), "back", back).await.expect(201);
    isp.now_is("2026-12-01T10:00:00Z").await;
    isp.bill("2026-12-01").await;
    let owed = isp.get(&format!("/invoices?account_id={bo}")).await.expect(200);
    isp.credit(owed["items"][0]["id"].as_str().expect("an id"), json!({ "reason": "Out of order" })).await;
    (isp, ana)
}

/// Debits and credits of a workbook, and how many rows it has, as Python reads it.
const WORKBOOK: &str = r#"
import sys, zipfile, xml.etree.ElementTree as tree
book = zipfile.ZipFile(sys.argv[1])
assert book.testzip() is None
name = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
rows = tree.fromstring(book.read("xl/worksheets/sheet1.xml")).findall(f".//{name}row")
column = lambda letter: sum(round(100 * float(cell.find(f"{name}v").text)) for row in rows[1:] for cell in row
                            if cell.get("r").rstrip("0123456789") == letter and cell.find(f"{name}v") is not None)
print(len(rows), column("E"), column("F"))
"#;

#[test]
fn hledger_a_table_and_a_workbook_say_what_the_trial_balance_says() {
    story(async {
        let (isp, _) = season("journal").await;
        assert!(isp.assert_hledger_agrees("").await >= 5);
        isp.assert_hledger_agrees("&from=2026-11-02&to=2026-11-30").await;
        let november = isp.get("/ledger/journal?format=hledger&to=2026-11-30").await;
        assert!(!String::from_utf8_lossy(&november.body).contains("2026-12"));

        let table = isp.get("/ledger/journal?format=csv").await;
        let table = String::from_utf8(table.body).expect("text");
        assert!(table.starts_with("posted_on,description,") && table.contains("'=Bo"), "{table}");
        let rows = table.lines().count();
        let book = isp.get("/ledger/journal?format=xlsx").await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("books.xlsx");
        std::fs::write(&file, &book.body).expect("written");
        let told = run("python3", &["-c", WORKBOOK, file.to_str().expect("a path")]);
        let told: Vec<usize> = told.split_whitespace().map(|figure| figure.parse().expect("a number")).collect();
        assert_eq!((told[0], told[1]), (rows, told[2]), "as many rows as the table; debits are credits");

        let wrong = isp.get("/ledger/journal?format=csv&from=2026-11-02&to=2026-11-01").await.expect(422);
        assert_eq!(wrong["errors"][0]["field"], "to");
        let page = isp.page("/ledger/journal?from=2026-11-01&to=2026-11-30").await;
        assert_eq!(page.status, 200, "{}", page.text);
        for format in ["hledger", "csv", "xlsx"] {
            let here = format!("/ledger/journal-file?format={format}&#38;from=2026-11-01&#38;to=2026-11-30");
            assert!(page.text.contains(&here), "{here}: {}", page.text);
            let file = isp.page(&here.replace("&#38;", "&")).await;
            assert_eq!(file.status, 200, "{format}");
        }
    });
}

#[test]
fn the_nightly_check_finds_a_broken_row_and_tells_whoever_answers_for_the_money() {
    story(async {
        let (mut isp, ana) = season("nightly").await;
        isp.now_is("2026-12-02T01:30:00Z").await;
        assert!(!books::check_if_due(&isp.app, &isp.scope()).await.unwrap(), "it is half past two in Madrid");
        isp.now_is("2026-12-02T02:00:00Z").await;
        assert!(books::check_if_due(&isp.app, &isp.scope()).await.unwrap());
        assert!(!books::check_if_due(&isp.app, &isp.scope()).await.unwrap(), "once a night");
        let checks = isp.get("/book-checks").await.expect(200);
        assert_eq!((&checks["items"][0]["agrees"], checks["items"].as_array().unwrap().len()), (&json!(true), 1));
        let looked_at = |answer: &Value| answer["looked_at"].as_i64().unwrap() > 0;
        assert!(checks["items"][0]["answers"].as_array().unwrap().iter().all(looked_at), "{checks}");
        assert!(isp.page("/book-checks").await.text.contains("everything agrees"));

        let server = json!({ "host": "127.0.0.1", "port": 1, "security": "none", "from_name": "", "from_address": "a@isp.example" });
        isp.put("/message-settings/email", server).await.expect(200);
        let mut superuser = isp.superuser().await;
        let tenant = isp.tenant.uuid();
        let broken = [
            "UPDATE ledger_postings SET amount = amount + 0.01 WHERE tenant_id = $1 AND ledger_account = '1100'
               AND (entry_id, position) = (SELECT entry_id, position FROM ledger_postings WHERE tenant_id = $1
                                           AND ledger_account = '1100' ORDER BY entry_id LIMIT 1)",
            "UPDATE number_series SET next = next + 1 WHERE tenant_id = $1 AND kind = 'invoice'",
            "UPDATE invoice_lines SET down_bytes = down_bytes + 7 WHERE tenant_id = $1 AND kind = 'usage' AND down_bytes > 0",
        ];
        let mut tx = superuser.begin().await.unwrap();
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        for change in broken {
            let changed = sqlx::query(change).bind(tenant).execute(&mut *tx).await.unwrap();
            assert_eq!(changed.rows_affected(), 1, "{change}");
        }
        tx.commit().await.unwrap();

        isp.now_is("2026-12-03T02:00:00Z").await;
        assert!(books::check_if_due(&isp.app, &isp.scope()).await.unwrap());
        let check = isp.get("/book-checks").await.expect(200)["items"][0].clone();
        let wrong: Vec<_> = check["answers"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|answer| answer["differ"] != 0)
            .map(|answer| (answer["question"].as_str().unwrap(), answer["differ"].as_i64().unwrap()))
            .collect();
        let expected = [
            ("entries_balance", 1),
            ("books_balance", 1),
            ("receivable_agrees", 1),
            ("numbers_gapless", 1),
            ("usage_agrees", 1),
        ];
        assert_eq!(wrong, expected, "{check}");
        let gap = &check["answers"][5]["differences"][0];
        assert_eq!((&gap["expected"], &gap["found"]), (&json!("1"), &json!("0")), "{gap}");
        let page = isp.page(&format!("/book-checks/{}", check["id"].as_str().unwrap())).await;
        assert!(page.text.contains("Something does not agree") && page.text.contains("0.01 EUR"), "{}", page.text);
        assert!(isp.page("/book-checks").await.text.contains("Something does not agree"));

        crate::messages::work_off(&isp.app, &isp.scope()).await;
        let messages = isp.get("/messages").await.expect(200);
        let told: Vec<_> =
            messages["items"].as_array().unwrap().iter().filter(|one| one["template"] == "books-differ").collect();
        assert_eq!(told.len(), 1, "the owner alone: {messages}");
        assert_eq!(told[0]["recipient"], "owner@nightly.example", "{messages}");
        assert!(isp.get(&format!("/accounts/{ana}/standing")).await.status.is_success());
    });
}

#[test]
fn a_closed_month_takes_no_entry_until_it_is_reopened() {
    story(async {
        let (mut isp, ana) = season("closed").await;
        isp.now_is("2026-12-03T10:00:00Z").await;
        let close = async |isp: &Isp, through: Value, reason: &str| {
            isp.post("/ledger/closings", json!({ "through": through, "reason": reason })).await
        };
        for (through, reason, field) in [
            (json!("2026-11-29"), "x", "through"),
            (json!("2026-12-31"), "x", "through"),
            (Value::Null, "x", "through"),
            (json!("2026-11-30"), " ", "reason"),
        ] {
            let refused = close(&isp, through, reason).await.expect(422);
            assert_eq!(refused["errors"][0]["field"], field, "{refused}");
        }
        let form = isp.form("/ledger-closings", "through=2026-11-29&reason=x").await;
        assert!(form.status == 422 && form.text.contains("last day of a month that is over"), "{}", form.text);
        // Whatever ids say: the decision that was made last is in force, and stands first.
        let earlier = "INSERT INTO ledger_closings (tenant_id, id, through, reason, decided_by, decided_at)
                       VALUES ($1, 'ffffffff-ffff-7fff-bfff-ffffffffffff', NULL, 'Of a clock ahead', 'test', now())";
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        sqlx::query(earlier).bind(isp.tenant.uuid()).execute(tx.conn()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(isp.form("/ledger-closings", "through=2026-11-30&reason=Handed+over").await.status, 303);
        let first = isp.get("/ledger/closings?limit=1").await.expect(200);
        assert_eq!(first["items"][0]["through"], "2026-11-30", "{first}");
        let next = first["next"].as_str().expect("another page");
        let rest = isp.get(&format!("/ledger/closings?limit=1&after={next}")).await.expect(200);
        assert_eq!(rest["items"][0]["reason"], "Of a clock ahead", "{rest}");
        let page = isp.page("/ledger-closings").await;
        assert!(page.text.contains("Handed over") && page.text.contains("closed through"), "{}", page.text);

        let wish = crate::money::world::payment(ana, "1.00", "EUR", "2026-11-30");
        let late = isp.post_once("/payments", "late", wish.clone()).await.expect(422);
        assert_eq!(late["errors"][0]["field"], "received_on", "{late}");
        let november = isp.get("/ledger/journal?format=csv&to=2026-11-30").await.body;
        let entry = "INSERT INTO ledger_entries (tenant_id, id, posted_on, posted_at, source_kind, source_id, posting_kind, description)
                     VALUES ($1, gen_random_uuid(), '2026-11-30', now(), 'test', gen_random_uuid(), 'test', 'Test')";
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let refused = sqlx::query(entry).bind(isp.tenant.uuid()).execute(tx.conn()).await.unwrap_err();
        assert!(refused.to_string().contains("the books are closed"), "{refused}");
        drop(tx);
        // What has a day of its own and comes late, as from a bank, is posted on the first open day.
        use weir_cloud::ledger::{self, Source};
        use weir_rules::posting::{MoneyPlace, record_payment};
        let money = |text| weir_rules::money::Money::parse(text, weir_rules::money::Currency::EUR).unwrap();
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let source = Source { kind: "test", id: isp.tenant.uuid(), posting: "late" };
        let entry = record_payment(&ana, MoneyPlace::Bank, money("1.00"), money("0.00")).unwrap();
        let day = "2026-11-20".parse().unwrap();
        assert!(ledger::post(&mut tx, &source, day, "Late transfer", &entry).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(
            isp.get("/ledger/journal?format=csv&to=2026-11-30").await.body,
            november,
            "November stays as it was"
        );
        let december = isp.get("/ledger/journal?format=csv&from=2026-12-01&to=2026-12-01").await.body;
        assert!(String::from_utf8_lossy(&december).contains("2026-12-01,Late transfer"));

        close(&isp, Value::Null, "The auditor found something").await.expect(201);
        isp.post_once("/payments", "late again", wish).await.expect(201);
        for action in ["close%20books", "reopen%20books"] {
            let audited = isp.get(&format!("/audit-entries?action={action}")).await.expect(200);
            assert_eq!(audited["items"].as_array().map(Vec::len), Some(1), "{audited}");
        }
    });
}
