//! Files: known by their content, served so that nothing of them runs.

use axum::body::Body;
use axum::http::Request;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Told, id};
use crate::money::harness::story;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01";

fn file(name: &str, content: &[u8]) -> Value {
    json!({ "name": name, "content_base64": STANDARD.encode(content) })
}

#[test]
fn a_file_is_kept_and_comes_back_as_it_was() {
    story(async {
        let told = Told::at("files", "2026-11-23T09:00:00Z").await;
        let ticket = told.ask("Slow").await;
        let wish = json!({ "kind": "note", "body": "See", "attachments": [file("día \"1\".png", PNG), file("ping.txt", b"12 ms\n")] });
        let noted = told.isp.post(&format!("/tickets/{}/entries", id(&ticket)), wish).await.expect(201);
        let kept = &noted["entries"][1]["attachments"];
        assert_eq!((&kept[0]["media_type"], &kept[1]["media_type"]), (&json!("image/png"), &json!("text/plain")));
        use tower::ServiceExt;
        for path in ["/ticket-attachments", "/api/v1/ticket-attachments"] {
            let request = Request::get(format!("{path}/{}", id(&kept[0]))).header("cookie", told.isp.cookie());
            let answer = told
                .isp
                .router
                .clone()
                .oneshot(request.body(Body::empty()).expect("a request"))
                .await
                .expect("an answer");
            let header = |name: &str| answer.headers()[name].to_str().expect("text").to_owned();
            assert_eq!(header("content-disposition"), "attachment; filename*=UTF-8''d%C3%ADa%20%221%22.png");
            assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
            assert_eq!(
                (header("x-content-type-options"), header("content-type")),
                ("nosniff".into(), "image/png".into())
            );
            let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
            assert_eq!(body, PNG);
        }
    });
}

#[test]
fn what_is_disguised_is_refused_and_nothing_of_the_entry_is_kept() {
    story(async {
        let told = Told::at("disguised", "2026-11-23T09:00:00Z").await;
        let ticket = told.ask("Slow").await;
        let path = format!("/tickets/{}/entries", id(&ticket));
        let send = async |files: Value| {
            told.isp.post(&path, json!({ "kind": "reply", "body": "See", "attachments": files })).await
        };
        let good = file("ping.txt", b"12 ms\n");
        assert_eq!(send(json!([good, file("bill.pdf", PNG)])).await.problem(), "attachment-disguised");
        assert_eq!(send(json!([file("bill.pdf", b"MZ\x90\0")])).await.problem(), "attachment-type-refused");
        assert_eq!(send(json!([file("a.txt", b"<script>x()</script>")])).await.problem(), "attachment-type-refused");
        assert_eq!(send(json!([file("a.txt", b"")])).await.problem(), "attachment-too-large");
        assert_eq!(
            send(json!([file("a.txt", &vec![b'a'; 10 * 1024 * 1024 + 1])])).await.problem(),
            "attachment-too-large"
        );
        let odd = send(json!([{ "name": "a.txt", "content_base64": "%%%" }])).await;
        assert_eq!(odd.json()["errors"][0]["field"], "attachments.0.content_base64");
        let many: Vec<_> = (0..11).map(|_| good.clone()).collect();
        assert_eq!(send(json!(many)).await.json()["errors"][0]["field"], "attachments");
        assert_eq!(told.show(&ticket).await["entries"].as_array().map(Vec::len), Some(1));
        assert_eq!(told.kinds_of_news().await, ["ticket.opened"]);
        send(json!([file("big.txt", &vec![b'a'; 10 * 1024 * 1024])])).await.expect(201);
    });
}
