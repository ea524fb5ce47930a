//! The invoice as a PDF.

use serde_json::json;

use super::harness::{Isp, story};
use super::world::METERED;

#[test]
fn the_document_shows_number_total_and_hostile_names_as_text() {
    story(async {
        let isp = Isp::new("document", "2026-11-01T10:00:00Z").await;
        isp.settings(
            json!({ "tax_rate_percent": "21", "tax_name": "IVA", "legal_name": "Red Sur #panic(\"x\") $x$ *S.L.*" }),
        )
        .await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&METERED).await);
        let account = isp.account("Ana \\ #sys.inputs <b>").await;
        isp.line(account, router, plan, "2026-11-01").await;
        isp.bill("2026-11-01").await;
        let id = isp.get("/invoices").await.expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
        let answer = isp.get(&format!("/invoices/{id}/pdf")).await;
        assert_eq!(answer.status.as_u16(), 200);
        let text = text_of(&answer.body);
        for part in ["INV-2026-000001", "24.20", "Ana \\ #sys.inputs <b>", "Red Sur #panic(", "Radio 20", "IVA"] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    });
}

pub fn text_of(pdf: &[u8]) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pdf).unwrap();
    let read = std::process::Command::new("pdftotext")
        .arg("-layout")
        .arg(file.path())
        .arg("-")
        .output()
        .expect("pdftotext is installed");
    String::from_utf8_lossy(&read.stdout).into_owned()
}
