//! Requests that cannot be read, whatever they are about.

use axum::body::Body;
use axum::http::{Method, Request, header};
use serde_json::{Value, json};

use super::{Case, assert_refused, furnished};
use crate::harness::run;

/// Every operation of the document that takes a body, with ids that name nothing.
fn with_bodies(document: &Value) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            // A component has no fields.
            if operation["requestBody"]["content"].get("application/json").is_some() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
                found.push((method, path.trim_start_matches("/api/v1").to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_operation_refuses_a_field_it_does_not_know() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let document = made.isp.get("/api/v1/openapi.json").await.expect(200);
        let operations = with_bodies(&document);
        assert!(operations.len() > 10, "{operations:?}");
        let cases = operations.into_iter().map(|(method, path)| {
            // An id of the right kind: the body is what is wrong.
            let id = |name: &str| made.id_in(name);
            let path = path.replace("{id}", &id(path.split('/').nth(1).unwrap_or_default()));
            let case =
                Case::malformed("an unknown field", path, json!({ "nobody_knows": 1 }), "unknown field `nobody_knows`");
            case.by(method)
        });
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn bodies_that_are_none_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let send = async |body: Vec<u8>, kind: &str| {
            let request = Request::post("/api/v1/sites")
                .header(header::AUTHORIZATION, format!("Bearer {}", made.isp.owner))
                .header(header::CONTENT_TYPE, kind);
            cloud.send(request.body(Body::from(body)).expect("a request")).await
        };
        let json = "application/json";
        send(b"{\"name\":".to_vec(), json).await.refused(400, "malformed-body");
        send(b"[]".to_vec(), json).await.refused(400, "malformed-body");
        send(b"{\"name\":\"\xff\"}".to_vec(), json).await.refused(400, "malformed-body");
        send(b"name=Hill".to_vec(), "application/x-www-form-urlencoded").await.refused(400, "malformed-body");
        send(vec![b' '; 3 << 20], json).await.refused(413, "body-too-large");
        // The database has no such letter, so nothing may be named with it.
        let nul = send(b"{\"name\":\"Hill \\u0000\"}".to_vec(), json).await.refused(400, "malformed-body");
        assert!(nul["detail"].as_str().is_some_and(|detail| detail.contains("U+0000")), "{nul}");
        let sites = made.isp.get("/api/v1/sites").await.expect(200);
        assert_eq!(sites["items"].as_array().map(Vec::len), Some(1), "{sites}");
        // A backslash and digits are not that letter.
        send(b"{\"name\":\"Hill \\\\u0000\"}".to_vec(), json).await.expect(201);
    });
}

#[test]
fn addresses_that_cannot_be_read_are_refused() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        for query in ["limit=0", "limit=201", "limit=-1", "limit=many", "after=somewhere", "q=%00"] {
            isp.get(&format!("/api/v1/subscribers?{query}")).await.refused(400, "malformed-query");
        }
        for path in ["/subscribers/1", "/subscribers/sit_0193594bd1e27c3f8a6b5d4e3f2a1b0c", "/invoices/%00"] {
            isp.get(&format!("/api/v1{path}")).await.refused(404, "malformed-id");
        }
        isp.get("/api/v1/nothing").await.refused(404, "not-found");
        isp.delete("/api/v1/plans").await.refused(405, "method-not-allowed");
        for page in ["/subscribers?q=%00", "/subscribers/%00"] {
            let status = isp.get(page).await.status;
            assert!(status.is_client_error(), "{page}: {status}");
        }
    });
}
