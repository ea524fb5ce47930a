//! Statements of the bank: matched by reference, refused when broken, every entry once.

use serde_json::{Value, json};
use weir_rules::reference::{creditor_reference, grouped};

use crate::money::harness::{Isp, story};
use crate::money::world::FIBRE;
use weir_cloud::ids::AccountId;

const IBAN: &str = "ES9121000418450200051332";

struct Entry {
    name: &'static str,
    amount: &'static str,
    payer: &'static str,
    text: String,
}

fn entry(name: &'static str, amount: &'static str, payer: &'static str, text: impl Into<String>) -> Entry {
    Entry { name, amount, payer, text: text.into() }
}

/// A statement as banks write it; an amount below zero went out.
fn statement(id: &str, iban: &str, currency: &str, (opening, closing): (&str, &str), entries: &[Entry]) -> String {
    let balance = |code: &str, amount: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>2026-11-03</Dt></Dt></Bal>"
        )
    };
    let line = |one: &Entry| {
        let (sign, amount) = one.amount.strip_prefix('-').map_or(("CRDT", one.amount), |amount| ("DBIT", amount));
        format!(
            "<Ntry><Amt Ccy=\"{currency}\">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-11-03</Dt></BookgDt>\
             <AcctSvcrRef>{}</AcctSvcrRef><NtryDtls><TxDtls><RltdPties><Dbtr><Pty><Nm>{}</Nm></Pty></Dbtr></RltdPties><RmtInf>{}</RmtInf></TxDtls></NtryDtls></Ntry>",
            one.name, one.payer, one.text
        )
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr>\
         <Stmt><Id>{id}</Id><CreDtTm>2026-11-03T20:00:00</CreDtTm><Acct><Id><IBAN>{iban}</IBAN></Id><Ccy>{currency}</Ccy></Acct>{}{}{}</Stmt></BkToCstmrStmt></Document>",
        balance("OPBD", opening),
        balance("CLBD", closing),
        entries.iter().map(line).collect::<String>()
    )
}

fn structured(reference: &str) -> String {
    format!("<Strd><CdtrRefInf><Ref>{reference}</Ref></CdtrRefInf></Strd>")
}

fn free(text: &str) -> String {
    format!("<Ustrd>{text}</Ustrd>")
}

struct Bank {
    isp: Isp,
    ana: AccountId,
    ben: AccountId,
}

impl Bank {
    /// Two subscribers with proper account numbers who owe 30.00 each.
    async fn new(slug: &str) -> Self {
        let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
        isp.settings(json!({ "bank_iban": "ES91 2100 0418 4502 0005 1332", "payment_terms_days": 14 })).await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let mut accounts = Vec::new();
        for (n, name) in ["Ana Pérez", "Ben Okafor"].into_iter().enumerate() {
            let account = isp.account(name).await;
            let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
            let number = format!("ACC-{:06}", n + 1);
            let named = sqlx::query("UPDATE accounts SET number = $2 WHERE id = $1").bind(account.uuid()).bind(number);
            named.execute(tx.conn()).await.unwrap();
            tx.commit().await.unwrap();
            isp.line(account, router, plan, "2026-11-01").await;
            accounts.push(account);
        }
        isp.bill("2026-11-01").await;
        let mut bank = Self { isp, ana: accounts[0], ben: accounts[1] };
        bank.isp.now_is("2026-11-04T10:00:00Z").await;
        bank
    }

    async fn gives(&self, content: String, columns: Value) -> Value {
        let wish = json!({ "name": "november.xml", "content": content, "columns": columns });
        self.isp.post("/bank-files", wish).await.expect(201)
    }

    async fn imports(&self, file: &Value) -> crate::money::harness::Answer {
        self.isp.post(&format!("/bank-files/{}/import", file["id"].as_str().unwrap()), json!({})).await
    }

    async fn owes(&self, account: AccountId) -> String {
        let standing = self.isp.get(&format!("/accounts/{account}/standing")).await.expect(200);
        standing["open"]["amount"].as_str().unwrap().to_owned()
    }

    async fn count(&self, path: &str) -> usize {
        self.isp.get(path).await.expect(200)["items"].as_array().unwrap().len()
    }

    async fn books(&self, code: &str) -> String {
        let trial = self.isp.get("/ledger/trial-balance").await.expect(200);
        assert_eq!(trial["balanced"], true);
        let row = trial["rows"].as_array().unwrap().iter().find(|row| row["ledger_account"] == code).cloned();
        row.map_or("0.00".into(), |row| row["balance"]["amount"].as_str().unwrap().to_owned())
    }
}

fn fates(file: &Value) -> Vec<String> {
    let entries = file["statements"].as_array().unwrap().iter().flat_map(|one| one["entries"].as_array().unwrap());
    entries
        .map(|entry| format!("{} {}", entry["fate"].as_str().unwrap(), entry["why"].as_str().unwrap_or("")))
        .collect()
}

fn november() -> Vec<Entry> {
    let ana = creditor_reference("ACC-000001").unwrap();
    let ben = grouped(&creditor_reference("ACC-000002").unwrap()).to_lowercase();
    vec![
        entry("1", "30.00", "A. PEREZ", structured(&ana)),
        entry("2", "12.00", "Okafor Ben", free(&format!("Internet {ben} gracias"))),
        entry("3", "18.00", "BEN OKAFOR", free("internet november")),
        entry("4", "7.00", "Nobody", structured(&creditor_reference("ACC-000009").unwrap())),
        entry("5", "-55.10", "", free("Rent of the mast")),
    ]
}

#[test]
fn a_statement_is_shown_then_imported_whole() {
    story(async {
        let bank = Bank::new("bank").await;
        let file = bank.gives(statement("S1", IBAN, "EUR", ("100.00", "111.90"), &november()), Value::Null).await;
        assert_eq!(file["refused"], Value::Null, "{file}");
        assert_eq!(fates(&file), ["pays ", "pays ", "waits no_reference", "waits unknown_reference", "went_out "]);
        assert_eq!(
            (bank.count("/payments").await, bank.count("/bank-statements").await),
            (0, 0),
            "nothing is done yet"
        );
        let done = bank.imports(&file).await.expect(200);
        assert!(done["imported_at"].is_string());
        // Imported again it changes nothing.
        bank.imports(&file).await.expect(200);
        assert_eq!((bank.owes(bank.ana).await, bank.owes(bank.ben).await), ("0.00".into(), "18.00".into()));
        assert_eq!((bank.books("1010").await, bank.books("2130").await), ("67.00".into(), "-25.00".into()));
        let waiting = bank.isp.get("/suspense-items").await.expect(200)["items"].clone();
        let bens = waiting.as_array().unwrap().iter().find(|item| item["amount"]["amount"] == "18.00").unwrap();
        let likely = &bens["suggestions"][0];
        assert_eq!(
            (likely["account_id"].clone(), likely["because"].clone()),
            (json!(bank.ben), json!(["amount", "name"]))
        );
        let path = format!("/suspense-items/{}/match", bens["id"].as_str().unwrap());
        let paid = bank.isp.post(&path, json!({ "account_id": bank.ben })).await.expect(200);
        assert_eq!((paid["method"].as_str(), bank.owes(bank.ben).await), (Some("bank_transfer"), "0.00".into()));
        assert_eq!((bank.books("1010").await, bank.books("2130").await), ("67.00".into(), "-7.00".into()));
        assert_eq!((bank.count("/payments").await, bank.count("/suspense-items").await), (3, 1));
    });
}

#[test]
fn broken_doubled_and_foreign_files_are_refused_whole() {
    story(async {
        let bank = Bank::new("bank-broken").await;
        let first = bank.gives(statement("S1", IBAN, "EUR", ("100.00", "111.90"), &november()), Value::Null).await;
        let twin = bank.gives(statement("S1", IBAN, "EUR", ("100.00", "111.90"), &november()), Value::Null).await;
        bank.imports(&first).await.expect(200);
        let rows = (bank.count("/payments").await, bank.count("/bank-statements").await, bank.books("1010").await);
        let paid = |name, amount| [entry(name, amount, "X", free("x"))];
        let twice = [entry("1", "1.00", "X", free("x")), entry("1", "1.00", "X", free("x"))];
        let cases = [
            (statement("S3", IBAN, "EUR", ("120.00", "121.00"), &paid("1", "1.00")), "one between them is missing"),
            (statement("S2", IBAN, "EUR", ("111.90", "115.00"), &paid("1", "1.00")), "does not add up"),
            (statement("S2", IBAN, "USD", ("111.90", "112.90"), &paid("1", "1.00")), "is in USD"),
            (
                statement("S2", "DE89370400440532013000", "EUR", ("111.90", "112.90"), &paid("1", "1.00")),
                "is of the account DE89",
            ),
            (statement("S2", IBAN, "EUR", ("111.90", "113.90"), &twice), "is there twice"),
            ("<Document><X/></Document>".into(), "not a camt.053"),
            ("pay me".into(), "not a camt.053"),
        ];
        for (content, says) in cases {
            let file = bank.gives(content, Value::Null).await;
            assert!(file["refused"].as_str().is_some_and(|why| why.contains(says)), "{says}: {file}");
            let refused = bank.imports(&file).await;
            assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "bank-file-refused"), "{says}");
        }
        let refused = bank.imports(&twin).await;
        assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "bank-file-refused"));
        assert_eq!(
            (bank.count("/payments").await, bank.count("/bank-statements").await, bank.books("1010").await),
            rows
        );
        // The one that follows is taken.
        let next =
            bank.gives(statement("S2", IBAN, "EUR", ("111.90", "112.90"), &paid("1", "1.00")), Value::Null).await;
        bank.imports(&next).await.expect(200);
    });
}

#[test]
fn csv_files_may_overlap_and_every_line_counts_once() {
    story(async {
        let bank = Bank::new("bank-csv").await;
        let columns = json!({
            "booked_on": "Fecha", "amount": "Importe", "payer": "Ordenante", "remittance": "Concepto",
            "date_format": "%d/%m/%Y", "decimal_mark": ",", "separator": ";",
        });
        let head = "Fecha;Ordenante;Concepto;Importe\n";
        let reference = creditor_reference("ACC-000001").unwrap();
        let first = format!(
            "{head}02/11/2026;Ana;{reference};10,00\n03/11/2026;Ana;{reference};10,00\n03/11/2026;Ana;{reference};10,00\n"
        );
        let file = bank.gives(first, columns.clone()).await;
        bank.imports(&file).await.expect(200);
        assert_eq!(bank.owes(bank.ana).await, "0.00");
        let second =
            format!("{head}03/11/2026;Ana;{reference};10,00\n03/11/2026;Ana;{reference};10,00\n04/11/2026;?;?;5,00\n");
        let file = bank.gives(second, columns.clone()).await;
        assert_eq!(fates(&file), ["known ", "known ", "waits no_reference"]);
        bank.imports(&file).await.expect(200);
        assert_eq!((bank.count("/payments").await, bank.books("1010").await), (3, "35.00".into()));
        let bad = bank.gives(format!("{head}04/11/2026;Ana;x;12.50,1\n"), columns.clone()).await;
        assert!(bad["refused"].as_str().is_some_and(|why| why.starts_with("line 2")), "{bad}");
        let wish = json!({ "name": "x", "content": "a", "columns": { "booked_on": "", "amount": "a", "payer": "b", "remittance": "c", "date_format": "%s", "decimal_mark": ".", "separator": "," } });
        let invalid = bank.isp.post("/bank-files", wish).await.expect(422);
        let fields: Vec<_> =
            invalid["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["columns.booked_on", "columns.date_format"]);
    });
}

#[test]
fn an_invoice_says_where_to_transfer_and_with_which_reference() {
    story(async {
        let bank = Bank::new("bank-invoice").await;
        let invoices = bank.isp.get(&format!("/invoices?account_id={}", bank.ana)).await.expect(200);
        let invoice =
            bank.isp.get(&format!("/invoices/{}", invoices["items"][0]["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(invoice["parties"]["seller"]["bank_iban"], IBAN);
        assert_eq!(invoice["parties"]["buyer"]["reference"], json!(creditor_reference("ACC-000001")));
        let wrong = bank
            .isp
            .patch("/tenant", json!({ "bank_iban": "ES9121000418450200051333", "bank_bic": "X" }))
            .await
            .expect(422);
        let fields: Vec<_> =
            wrong["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
        assert_eq!(fields, ["bank_iban", "bank_bic"]);
    });
}

#[test]
fn the_same_days_are_not_counted_twice_from_files_of_two_kinds() {
    story(async {
        let bank = Bank::new("bank-kinds").await;
        let columns = json!({ "booked_on": "d", "amount": "a", "payer": "p", "remittance": "r", "reference": "n",
            "date_format": "%Y-%m-%d", "decimal_mark": ".", "separator": "," });
        let ana = creditor_reference("ACC-000001").unwrap();
        let csv = format!("d,a,p,r,n\n2026-11-03,10.00,Ana,{ana},TRF\n2026-11-03,5.00,Ana,{ana},TRF\n");
        let file = bank.gives(csv, columns.clone()).await;
        bank.imports(&file).await.expect(200);
        assert_eq!(bank.owes(bank.ana).await, "15.00");
        let file = bank.gives(statement("S1", IBAN, "EUR", ("100.00", "111.90"), &november()), Value::Null).await;
        assert!(file["refused"].as_str().unwrap_or_default().contains("counted twice"), "{file}");
        assert_eq!(bank.imports(&file).await.problem(), "bank-file-refused");
        // What the bank calls all its transfers alike is not taken for what came before.
        let csv = format!("d,a,p,r,n\n2026-11-04,7.00,Ana,{ana},TRF\n2026-11-03,5.00,Ana,{ana},TRF\n");
        let file = bank.gives(csv, columns).await;
        assert_eq!(fates(&file), ["pays ", "known "], "{file}");
        bank.imports(&file).await.expect(200);
        assert_eq!(bank.owes(bank.ana).await, "8.00");
    });
}
