//! Sites.

use serde_json::json;

use crate::harness::run;

#[test]
fn a_site_can_be_added_renamed_and_removed() {
    run(|cloud| async {
        let isp = cloud.isp().await;
        let site = isp.post("/api/v1/sites", json!({ "name": " North mast ", "address": "Hill 1" })).await.expect(201);
        let path = format!("/api/v1/sites/{}", site["id"].as_str().unwrap());
        assert_eq!(site["name"], "North mast");
        assert_eq!(isp.put(&path, json!({ "name": "South mast" })).await.expect(200)["name"], "South mast");
        isp.delete(&path).await.expect(204);
        isp.get(&path).await.refused(404, "site-not-found");
    });
}

#[test]
fn bad_sites_are_refused_and_change_nothing() {
    run(|cloud| async {
        let isp = cloud.isp().await;
        isp.post("/api/v1/sites", json!({ "name": "North" })).await.expect(201);
        isp.post("/api/v1/sites", json!({ "name": "North" })).await.refused(409, "site-name-taken");
        isp.post("/api/v1/sites", json!({ "name": "  " })).await.refused(422, "invalid");
        isp.post("/api/v1/sites", json!({ "name": "East", "color": "red" })).await.refused(400, "malformed-body");
        isp.get("/api/v1/sites/sit_nonsense").await.refused(404, "malformed-id");
        assert_eq!(isp.get("/api/v1/sites").await.expect(200)["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn a_list_comes_in_pages_that_miss_nothing() {
    run(|cloud| async {
        let isp = cloud.isp().await;
        for n in 0..5 {
            isp.post("/api/v1/sites", json!({ "name": format!("Site {n}") })).await.expect(201);
        }
        let mut names = Vec::new();
        let mut path = "/api/v1/sites?limit=2".to_owned();
        loop {
            let page = isp.get(&path).await.expect(200);
            names
                .extend(page["items"].as_array().unwrap().iter().map(|site| site["name"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("/api/v1/sites?limit=2&after={next}");
        }
        assert_eq!(names, ["Site 0", "Site 1", "Site 2", "Site 3", "Site 4"]);
        isp.get("/api/v1/sites?limit=0").await.refused(400, "malformed-query");
    });
}

#[test]
fn another_isp_sees_none_of_it() {
    run(|cloud| async {
        let (one, other) = (cloud.isp().await, cloud.isp().await);
        let site = one.post("/api/v1/sites", json!({ "name": "North" })).await.expect(201);
        let path = format!("/api/v1/sites/{}", site["id"].as_str().unwrap());
        other.get(&path).await.refused(404, "site-not-found");
        other.put(&path, json!({ "name": "Mine" })).await.refused(404, "site-not-found");
        other.delete(&path).await.refused(404, "site-not-found");
        assert_eq!(other.get("/api/v1/sites").await.expect(200)["items"], json!([]));
        assert_eq!(one.get(&path).await.expect(200)["name"], "North");
    });
}
