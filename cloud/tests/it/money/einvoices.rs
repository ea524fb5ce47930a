//! Documents for programs, judged by schemas and rules that others publish.

use std::path::Path;
use std::process::{Command, Output};

use rust_decimal::Decimal;
use serde_json::json;
use weir_cloud::billing;
use weir_rules::money::{Currency, Money};

use super::harness::{Isp, story};
use super::world::{FIBRE, METERED, Plan};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/venv/bin/python");
const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/peers/einvoice.py");

/// What the published schemas and rules say about every file of a folder.
pub(super) fn judged(folder: &Path) {
    assert!(Path::new(PYTHON).exists(), "{PYTHON} is not there: run `cargo xtask setup`");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let Output { status, stdout, stderr } = Command::new(PYTHON).arg(JUDGE).args(files).output().expect("it runs");
    let (said, wrong) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{said}{wrong}");
}

/// Keeps what the addresses of a document answer.
pub(super) async fn keep(isp: &Isp, folder: &Path, collection: &str, id: &str) {
    for kind in ["ubl", "cii", "pdf"] {
        let answer = isp.get(&format!("/{collection}/{id}/{kind}")).await;
        assert_eq!(answer.status.as_u16(), 200, "{kind}: {}", String::from_utf8_lossy(&answer.body));
        std::fs::write(folder.join(format!("{id}.{kind}")), answer.body).unwrap();
    }
}

fn ids(list: &serde_json::Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

const DEARER: Plan = Plan { name: "Fibre 300", price: "45.55", allowance: None, block: None };

#[test]
fn published_rules_find_nothing_wrong_with_any_document() {
    story(async {
        let folder = tempfile::tempdir().unwrap();
        let mut isp = Isp::new("einvoice", "2026-11-01T10:00:00Z").await;
        let settings = json!({
            "tax_rate_percent": "21", "tax_name": "IVA", "legal_name": "Río <Net> & \"Hijos\" S.L.", "tax_id": "ESB12345674",
            "address": "Calle Mayor 1\n16001 Cuenca", "bank_iban": "ES9121000418450200051332", "bank_bic": "CAIXESBBXXX",
        });
        isp.settings(settings).await;
        let (router, metered) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let (fibre, dearer) = (isp.plan(&FIBRE).await, isp.plan(&DEARER).await);
        let account = isp.account("Ana \u{b}\u{1f600} <b>").await;
        let line = isp.line(account, router, metered, "2026-11-01").await;
        isp.traffic(router, line, 1, "2026-11-10T12:00:00Z", 1_000_000, 350_001).await;
        let changed = isp.line(account, router, fibre, "2026-11-05").await;
        let less = json!({ "name": "Two <years> & more", "percent": "12.5" });
        isp.post(&format!("/subscriptions/{changed}/discounts"), less).await.expect(201);
        isp.bill("2026-11-05").await;
        isp.change_plan(changed, dearer, "2026-11-20").await;
        isp.end(line, "2026-11-21").await;
        isp.now_is("2026-12-01T10:00:00Z").await;
        isp.bill("2026-12-01").await;
        // Without tax, and outside its scope.
        isp.settings(json!({ "tax_rate_percent": "0", "tax_id": "B12345674" })).await;
        let free = isp.account("Berta").await;
        isp.line(free, router, fibre, "2026-12-01").await;
        isp.bill("2026-12-01").await;
        let mut tx = isp.app.db.begin(&isp.scope()).await.unwrap();
        let fee = Money::new(Decimal::new(350, 2), Currency::EUR).unwrap();
        billing::charge_late_fee(&mut tx, account, "INV-2026-000001", fee).await.unwrap();
        tx.commit().await.unwrap();

        for id in ids(&isp.get("/invoices").await.expect(200)) {
            keep(&isp, folder.path(), "invoices", &id).await;
            let invoice = isp.get(&format!("/invoices/{id}")).await.expect(200);
            let charged = invoice["lines"]
                .as_array()
                .unwrap()
                .iter()
                .find(|line| line["net"]["amount"].as_str().unwrap().parse::<Decimal>().unwrap() > Decimal::ONE);
            let part = json!({ "amount": "0.37", "currency": "EUR" });
            let preview = format!("/invoices/{id}/credit-notes/preview");
            let left = isp.post(&preview, json!({ "reason": "" })).await.expect(200)["left"].clone();
            let lines = json!([{ "line_id": charged.unwrap()["id"], "amount": part }]);
            let part = json!({ "reason": "A < B", "lines": lines, "left": left });
            for wish in [part, json!({ "reason": "Out of order" })] {
                let note = isp.credit(&id, wish).await;
                keep(&isp, folder.path(), "credit-notes", note["id"].as_str().unwrap()).await;
            }
        }
        judged(folder.path());
    });
}

#[test]
fn published_rules_accept_whoever_is_exempt_and_taxes_of_other_places() {
    story(async {
        let folder = tempfile::tempdir().unwrap();
        let mut isp = Isp::new("einvoice-exempt", "2026-11-01T10:00:00Z").await;
        let settings = json!({ "tax_rate_percent": "21", "tax_name": "IVA", "tax_id": "ESB12345674", "address": "Calle Mayor 1\n16001 Cuenca" });
        isp.settings(settings).await;
        let local = |postcode, category, rate| json!({ "country": "ES", "postcode": postcode, "tax": "IVA", "category": category, "rate_percent": rate });
        let national = json!({ "country": "ES", "region": "Navarra", "tax": "Provincial", "category": "S", "rate_percent": "3.3333", "turn": 1, "compound": true });
        isp.taxes(json!([local("35*", "L", "7"), local("51*", "M", "8"), local("16002", "Z", "0"), national])).await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let places = [
            ["", "Las Palmas", "35001"],
            ["", "Ceuta", "51001"],
            ["", "Cuenca", "16002"],
            ["Navarra", "Tudela", "31500"],
        ];
        for place in places {
            let account = isp.account(place[1]).await;
            isp.lives(account, place).await;
            isp.line(account, router, plan, "2026-11-01").await;
        }
        for (kind, document, reason, from) in [
            ("certificate", "X-1 <2026>", "Art. 20 & 21 LIVA", "2026-11-01"),
            ("certificate", "X-2", "", "2026-11-15"),
            ("reverse_charge", "PT501964843", "", "2026-11-01"),
            ("reverse_charge", "PT501964843", "Inversión del sujeto pasivo", "2026-11-15"),
            ("intra_community", "EL123456789", "", "2026-11-01"),
        ] {
            let account = isp.account(kind).await;
            let wish = json!({ "kind": kind, "document": document, "reason": reason, "from": from });
            isp.post(&format!("/accounts/{account}/tax-exemptions"), wish).await.expect(201);
            isp.line(account, router, plan, "2026-11-01").await;
        }
        isp.bill("2026-11-01").await;
        isp.settings(json!({ "tax_rounding": "line" })).await;
        let (twice, dearer) = (isp.account("Twice").await, isp.plan(&DEARER).await);
        isp.lives(twice, ["Navarra", "Tudela", "31500"]).await;
        for _ in 0..2 {
            isp.line(twice, router, dearer, "2026-11-01").await;
        }
        isp.bill("2026-11-01").await;
        assert_eq!(isp.newest_invoice(twice).await["tax"]["amount"], "22.80", "once it would be 22.81");
        isp.now_is("2026-11-20T10:00:00Z").await;
        let mut seen = std::collections::BTreeSet::new();
        for id in ids(&isp.get("/invoices").await.expect(200)) {
            keep(&isp, folder.path(), "invoices", &id).await;
            let invoice = isp.get(&format!("/invoices/{id}")).await.expect(200);
            seen.extend(
                invoice["taxes"].as_array().unwrap().iter().map(|tax| tax["category"].as_str().unwrap().to_owned()),
            );
            let note = isp.credit(&id, json!({ "reason": "Out of order" })).await;
            keep(&isp, folder.path(), "credit-notes", note["id"].as_str().unwrap()).await;
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["AE", "E", "K", "L", "M", "S", "Z"]);
        judged(folder.path());
    });
}

#[test]
fn the_pdf_is_a_factur_x_that_readers_can_open() {
    story(async {
        let isp = Isp::new("facturx", "2026-11-01T10:00:00Z").await;
        isp.settings(json!({ "tax_rate_percent": "21", "tax_id": "ESB12345674" })).await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let id = ids(&isp.get("/invoices").await.expect(200)).remove(0);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), isp.get(&format!("/invoices/{id}/pdf")).await.body).unwrap();
        for (program, option, says) in [
            (
                "pdfinfo",
                "-meta",
                ["<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>", "<pdfaid:part>3</pdfaid:part>"],
            ),
            ("pdfdetach", "-list", ["1 embedded files", "factur-x.xml"]),
        ] {
            let told = Command::new(program).arg(option).arg(file.path()).output().expect("poppler is installed");
            let (text, wrong) = (String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
            // Poppler takes the standard's own `/Suspects false` for an error.
            let wrong: Vec<_> = wrong.lines().filter(|line| !line.contains("Suspects")).collect();
            assert!(says.iter().all(|words| text.contains(words)) && wrong.is_empty(), "{program}: {text}{wrong:?}");
        }
    });
}

#[test]
fn what_lacks_a_tax_number_is_a_pdf_alone() {
    story(async {
        let isp = Isp::new("einvoice-none", "2026-11-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&FIBRE).await);
        let account = isp.account("Ana").await;
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let id = ids(&isp.get("/invoices").await.expect(200)).remove(0);
        for kind in ["ubl", "cii"] {
            let refused = isp.get(&format!("/invoices/{id}/{kind}")).await;
            assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "einvoice-incomplete"));
            assert!(refused.json()["detail"].as_str().unwrap().contains("tax number"));
        }
        assert!(isp.get(&format!("/invoices/{id}/pdf")).await.body.starts_with(b"%PDF-"));
    });
}
