//! Credit notes: never more than is left, numbered, posted, settled, and never changed.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use weir_cloud::http::permission::Role;
use weir_cloud::ids::{AccountId, CreditNoteId, InvoiceId};

use super::document::text_of;
use super::harness::{Answer, Isp, story};
use super::world::{FIBRE, METERED};

/// An ISP with 21 % of tax, a subscriber and an invoice of 20.00 and tax, with its id and that of its line.
async fn invoiced(slug: &str) -> (Isp, AccountId, String, String) {
    let isp = Isp::new(slug, "2026-11-01T10:00:00Z").await;
    isp.settings(json!({ "tax_rate_percent": "21", "tax_name": "IVA", "payment_terms_days": 14 })).await;
    let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
    let account = isp.account("Ana").await;
    isp.line(account, router, plan, "2026-11-01").await;
    isp.bill("2026-11-01").await;
    let (invoice, line) = newest(&isp).await;
    (isp, account, invoice, line)
}

async fn newest(isp: &Isp) -> (String, String) {
    let invoices = isp.get("/invoices").await.expect(200);
    let id = invoices["items"][0]["id"].as_str().unwrap().to_owned();
    let invoice = isp.get(&format!("/invoices/{id}")).await.expect(200);
    (id, invoice["lines"][0]["id"].as_str().unwrap().to_owned())
}

fn eur(amount: &str) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

fn of_line(line: &str, amount: &str, left: &str) -> Value {
    json!({ "reason": "Out of order", "lines": [{ "line_id": line, "amount": eur(amount) }], "left": eur(left) })
}

fn rest() -> Value {
    json!({ "reason": "Out of order" })
}

fn figures(note: &Value) -> [&str; 4] {
    let amount = |name: &str| note[name]["amount"].as_str().unwrap();
    [note["number"].as_str().unwrap(), amount("net"), amount("tax"), amount("gross")]
}

impl Isp {
    async fn try_credit(&self, invoice: &str, wish: Value) -> Answer {
        static ASKED: AtomicU32 = AtomicU32::new(0);
        let key = format!("note {}", ASKED.fetch_add(1, Ordering::Relaxed));
        self.post_once(&format!("/invoices/{invoice}/credit-notes"), &key, wish).await
    }

    pub async fn credit(&self, invoice: &str, wish: Value) -> Value {
        self.try_credit(invoice, wish).await.expect(201)
    }

    async fn standing(&self, account: AccountId) -> [String; 2] {
        let standing = self.get(&format!("/accounts/{account}/standing")).await.expect(200);
        ["open", "credit"].map(|name| standing[name]["amount"].as_str().unwrap().to_owned())
    }
}

#[test]
fn notes_add_up_to_the_invoice_and_settle_it() {
    story(async {
        let (isp, account, invoice, line) = invoiced("notes").await;
        let preview = format!("/invoices/{invoice}/credit-notes/preview");
        let shown = isp.post(&preview, of_line(&line, "3.33", "24.20")).await.expect(200);
        assert_eq!([&shown["tax"], &shown["settles"], &shown["left"]], [&eur("0.70"), &eur("4.03"), &eur("24.20")]);

        let first = isp.credit(&invoice, of_line(&line, "3.33", "24.20")).await;
        assert_eq!(figures(&first), ["CN-2026-000001", "3.33", "0.70", "4.03"]);
        let part = isp.get(&format!("/invoices/{invoice}")).await.expect(200);
        assert_eq!((part["open"].clone(), part["collection_status"].as_str()), (eur("20.17"), Some("part_paid")));
        isp.credit(&invoice, of_line(&line, "3.33", "20.17")).await;
        let last = isp.credit(&invoice, rest()).await;
        assert_eq!(figures(&last), ["CN-2026-000003", "13.34", "2.80", "16.14"], "the last takes the remaining tax");
        assert_eq!((&last["unused"], &last["taxes"][0]["base"]), (&eur("0.00"), &eur("13.34")));

        let paid = isp.get("/invoices?status=paid").await.expect(200);
        assert_eq!(paid["items"].as_array().map(Vec::len), Some(1), "credit notes are no invoices: {paid}");
        assert_eq!(isp.standing(account).await, ["0.00", "0.00"]);
        for row in isp.get("/ledger/trial-balance").await.expect(200)["rows"].as_array().unwrap() {
            assert_eq!(row["balance"]["amount"], "0.00", "{row}");
        }
        let nothing = isp.try_credit(&invoice, rest()).await;
        assert_eq!((nothing.status.as_u16(), nothing.problem().as_str()), (422, "nothing-left-to-credit"));

        let notes = isp.get(&format!("/credit-notes?invoice_id={invoice}")).await.expect(200);
        assert_eq!(notes["items"].as_array().map(Vec::len), Some(3));
        let audited = isp.get("/audit-entries?action=issue%20credit%20note").await.expect(200);
        assert_eq!(audited["items"].as_array().map(Vec::len), Some(3), "{audited}");
        let pdf = isp.get(&format!("/credit-notes/{}/pdf", last["id"].as_str().unwrap())).await;
        let text = text_of(&pdf.body);
        for part in ["CN-2026-000003", "INV-2026-000001", "Out of order", "16.14", "13.34"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    });
}

#[test]
fn a_request_that_is_repeated_gives_back_once() {
    story(async {
        let (isp, account, invoice, line) = invoiced("notes-once").await;
        let path = format!("/invoices/{invoice}/credit-notes");
        let wish = of_line(&line, "5.00", "24.20");
        let asked = || isp.post_once(&path, "k", wish.clone());
        let (one, two) = tokio::join!(asked(), asked());
        let (one, two) = (one.expect(201), two.expect(201));
        assert_eq!(
            (one["id"].as_str(), figures(&one)),
            (two["id"].as_str(), ["CN-2026-000001", "5.00", "1.05", "6.05"])
        );
        assert_eq!(isp.standing(account).await, ["18.15", "0.00"]);
        let other = isp.post_once(&path, "k", rest()).await;
        assert_eq!((other.status.as_u16(), other.problem().as_str()), (409, "idempotency-key-reused"));
        assert_eq!(isp.get("/credit-notes").await.expect(200)["items"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn what_was_paid_is_credit_for_the_next_bill_or_goes_back_with_its_payment() {
    story(async {
        let (mut isp, account, invoice, _) = invoiced("notes-paid").await;
        let paid = isp.pay(account, "k", "24.20", "2026-11-01").await["id"].as_str().unwrap().to_owned();
        let note = isp.credit(&invoice, rest()).await;
        assert_eq!(
            (&note["unused"], isp.standing(account).await),
            (&eur("24.20"), ["0.00", "24.20"].map(String::from))
        );
        let refund = json!({ "amount": eur("4.20"), "reason": "As asked" });
        isp.post_once(&format!("/payments/{paid}/refunds"), "back", refund).await.expect(201);
        assert_eq!(isp.standing(account).await, ["0.00", "20.00"], "what is owed again is settled by the note");
        isp.assert_books_balance().await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        assert_eq!(isp.standing(account).await, ["4.20", "0.00"]);
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_credit_that_cannot_be_is_refused_and_changes_nothing() {
    story(async {
        let (isp, account, invoice, line) = invoiced("notes-refused").await;
        let other = Isp::new("notes-foreign", "2026-11-01T10:00:00Z").await;
        let path = format!("/invoices/{invoice}/credit-notes");
        let left = json!({ "reason": "x", "left": eur("24.19") });
        let dollars = json!({ "reason": "x", "lines": [{ "line_id": line, "amount": { "amount": "1", "currency": "USD" } }], "left": eur("24.20") });
        let twice = json!({ "reason": "x", "lines": [{ "line_id": line }, { "line_id": line }], "left": eur("24.20") });
        let unknown = of_line(&line.replace(&line[8..16], "00000000"), "1.00", "24.20");
        let unsaid = json!({ "reason": "x", "lines": [{ "line_id": line, "amount": eur("1.00") }] });
        for (what, wish, status, problem, field) in [
            ("more than the line", of_line(&line, "20.01", "24.20"), 422, "invalid", "lines[0].amount"),
            ("nothing", of_line(&line, "0.00", "24.20"), 422, "invalid", "lines[0].amount"),
            ("less than nothing", of_line(&line, "-1.00", "24.20"), 422, "invalid", "lines[0].amount"),
            ("dollars", dollars, 422, "invalid", "lines[0].amount"),
            ("an unknown line", unknown, 422, "invalid", "lines[0].line_id"),
            ("a line twice", twice, 422, "invalid", "lines[1].line_id"),
            ("lines without what is left", unsaid, 422, "invalid", "left"),
            ("no line", json!({ "reason": "x", "lines": [], "left": eur("24.20") }), 422, "invalid", "lines"),
            ("no reason", json!({ "reason": "  " }), 422, "invalid", "reason"),
            ("a long reason", json!({ "reason": "x".repeat(501) }), 422, "invalid", "reason"),
            ("another rest", left, 409, "invoice-credited-meanwhile", ""),
        ] {
            let refused = isp.try_credit(&invoice, wish).await;
            assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (status, problem), "{what}");
            assert_eq!(refused.json()["errors"][0]["field"].as_str().unwrap_or_default(), field, "{what}");
        }
        let above = isp.try_credit(&invoice, of_line(&line, "20.01", "24.20")).await.json();
        assert!(above["errors"][0]["message"].as_str().unwrap().contains("20.00 EUR"), "{above}");
        let foreign = other.try_credit(&invoice, rest()).await;
        assert_eq!(isp.post(&path, rest()).await.problem(), "idempotency-key-missing");
        assert_eq!((foreign.status.as_u16(), foreign.problem().as_str()), (404, "invoice-not-found"));
        assert_eq!(isp.get("/credit-notes").await.expect(200)["items"], json!([]));
        assert_eq!(isp.standing(account).await, ["24.20", "0.00"]);

        // Two at once: one finds nothing left. No number is lost on the way.
        let (one, two) = tokio::join!(isp.try_credit(&invoice, rest()), isp.try_credit(&invoice, rest()));
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422]);
        let notes = isp.get("/credit-notes").await.expect(200);
        assert_eq!(notes["items"][0]["number"], "CN-2026-000001");
        assert_eq!(notes["items"].as_array().map(Vec::len), Some(1));
        let note = notes["items"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(other.get(&format!("/credit-notes/{note}")).await.problem(), "credit-note-not-found");
        assert_eq!(isp.try_credit(&note.replace("crn", "inv"), rest()).await.status, 404);
        for document in [invoice.parse::<InvoiceId>().unwrap().uuid(), note.parse::<CreditNoteId>().unwrap().uuid()] {
            for change in [
                "UPDATE invoices SET gross = 0, net = 0, tax = 0 WHERE id = $1",
                "DELETE FROM invoices WHERE id = $1",
                "UPDATE invoice_lines SET net = 0 WHERE invoice_id = $1",
                "DELETE FROM invoice_taxes WHERE invoice_id = $1",
            ] {
                let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
                let done = sqlx::query(change).bind(document).execute(tx.conn()).await;
                assert!(done.is_err(), "{change} was permitted");
            }
        }
    });
}

#[test]
fn days_a_note_gave_back_are_not_given_back_again_when_the_line_ends() {
    story(async {
        let isp = Isp::new("notes-ended", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        let sold = isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let (invoice, line) = newest(&isp).await;
        isp.credit(&invoice, of_line(&line, "25.00", "30.00")).await;
        isp.end(sold, "2026-11-11").await;
        isp.bill("2026-11-02").await;
        let expected = [
            "Fibre 100 recurring 2026-11-01 30.00",
            "Fibre 100 credit 2026-11-11 -20.00",
            "Fibre 100 correction 2026-11-11 15.00",
        ];
        assert_eq!(isp.billed(account).await, expected, "30.00 less 25.00 leaves 5.00 to give back");
        assert_eq!(isp.standing(account).await, ["0.00", "0.00"]);
        let months = isp.get("/analytics/recurring").await.expect(200);
        let november = months["items"].as_array().unwrap().iter().find(|month| month["month"] == "2026-11").unwrap();
        assert_eq!(november["earned"], eur("0.00"), "notes and corrections count like credits: {november}");
        let again = isp.bill("2026-11-02").await;
        assert_eq!(again["invoices_issued"], 0);
        let nothing = isp.try_credit(&invoice, rest()).await;
        assert_eq!(nothing.problem(), "nothing-left-to-credit");
        isp.assert_books_balance().await;
    });
}

#[test]
fn a_note_lets_a_line_out_that_was_walled_off() {
    story(async {
        let (mut isp, _, invoice, _) = invoiced("notes-walled").await;
        isp.settings(json!({ "grace_days": 7 })).await;
        isp.now_is("2026-11-23T10:00:00Z").await;
        assert_eq!(isp.post("/overdue-checks", json!({})).await.expect(200)["placed"], 1);
        isp.credit(&invoice, rest()).await;
        assert_eq!(isp.post("/overdue-checks", json!({})).await.expect(200)["released"], 1);
    });
}

#[test]
fn the_pages_show_what_it_comes_to_before_it_is_issued() {
    story(async {
        let (isp, account, invoice, line) = invoiced("notes-pages").await;
        let page = isp.page(&format!("/invoices/{invoice}")).await;
        assert!(page.text.contains(&format!("/invoices/{invoice}/credit\"")), "{}", page.text);
        let form = isp.page(&format!("/invoices/{invoice}/credit")).await;
        assert!(form.text.contains("24.20") && form.text.contains(&format!("amount_{line}")), "{}", form.text);
        let sent = |amount: &str| format!("reason=Out+of+order&scope=lines&left=24.20&amount_{line}={amount}");
        let credit = format!("/invoices/{invoice}/credit");
        for (amount, says) in
            [("20.01", "at most what is left"), ("0", "above zero"), ("x", "such as"), ("", "at least one")]
        {
            let refused = isp.form(&credit, &sent(amount)).await;
            assert_eq!(refused.status, 422, "{amount}");
            assert!(refused.text.contains(says), "{amount}: {}", refused.text);
        }
        let shown = isp.form(&credit, &sent("10")).await;
        assert_eq!(shown.status, 200);
        assert!(["10.00", "2.10", "12.10"].iter().all(|figure| shown.text.contains(figure)), "{}", shown.text);
        let issue = format!("/invoices/{invoice}/credit-notes");
        let issued = isp.form(&issue, &sent("10")).await;
        assert_eq!(issued.status, 303, "{}", issued.text);
        // The same form again: what was left when it was decided is not left any more.
        let again = isp.form(&issue, &sent("10")).await;
        assert_eq!(again.status, 422);
        assert!(again.text.contains("meanwhile") && again.text.contains("12.10"), "{}", again.text);
        let note = isp.page(&issued.location).await;
        assert!(note.text.contains("CN-2026-000001") && note.text.contains("Out of order"), "{}", note.text);
        for place in [format!("/invoices/{invoice}"), format!("/accounts/{account}"), "/credit-notes".to_owned()] {
            assert!(isp.page(&place).await.text.contains(&issued.location), "{place}");
        }
        assert_eq!(isp.page("/search?q=CN-2026-000001").await.location, issued.location);
        assert_eq!(isp.page(&format!("{}/pdf", issued.location)).await.kind, "application/pdf");
        let support = isp.session_of(Role::Support).await;
        assert_eq!(isp.browse(&support, &credit, None).await.status, 403);
        assert_eq!(isp.browse(&support, &issued.location, None).await.status, 200);
    });
}
