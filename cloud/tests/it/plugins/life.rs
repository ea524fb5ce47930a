//! The life of a version: tried before it is activated, activated by digest, rolled back, disabled.

use serde_json::json;
use weir_cloud::http::permission::Role;
use weir_cloud::jobs::Job;

use super::text;
use crate::money::harness::{Isp, story};

#[test]
fn a_version_is_tried_activated_rolled_back_and_disabled() {
    story(async {
        let isp = Isp::new("plugin-life", "2026-11-01T10:00:00Z").await;
        let owl = isp.uploaded("night-owl", "rate-usage", "night-owl").await;
        let to = |verb: &str| format!("/plugins/{}/{verb}", owl.id);
        let digest = json!({ "digest": owl.digest });
        let early = isp.post(&to("activate"), digest.clone()).await;
        assert_eq!((early.status.as_u16(), early.problem().as_str()), (409, "plugin-not-tried"));
        isp.post(&format!("/plugin-versions/{}/dry-run", owl.version), json!({})).await.expect(200);
        for unknown in ["00", "night-owl", &"0".repeat(64)] {
            let answer = isp.post(&to("activate"), json!({ "digest": unknown })).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "plugin-version-not-found"));
        }
        for (verb, slug) in
            [("roll-back", "plugin-nothing-before"), ("disable", "plugin-not-active"), ("resume", "plugin-not-paused")]
        {
            let answer = isp.post(&to(verb), json!({})).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (409, slug));
        }
        let active = isp.post(&to("activate"), digest.clone()).await.expect(200);
        assert_eq!((&active["status"], text(&active, "active_version_id")), (&json!("active"), owl.version.clone()));
        assert_eq!(isp.post(&to("activate"), digest).await.expect(200), active, "twice is once");

        // Two rules for one price would be none.
        let other = isp.uploaded("other", "rate-usage", "hostile").await;
        isp.post(&format!("/plugin-versions/{}/dry-run", other.version), json!({})).await.expect(200);
        let taken = isp.post(&format!("/plugins/{}/activate", other.id), json!({ "digest": other.digest })).await;
        assert_eq!((taken.status.as_u16(), taken.problem().as_str()), (409, "plugin-prices-taken"));

        let second = isp.upload(&to("versions"), super::component("hostile")).await.expect(201);
        assert_eq!(second["number"], 2);
        isp.post(&format!("/plugin-versions/{}/dry-run", text(&second, "id")), json!({})).await.expect(200);
        let page = isp.page(&format!("/plugin-versions/{}/activate", text(&second, "id"))).await;
        assert!(page.text.contains(&text(&second, "digest")), "{}", page.text);
        let form = format!("digest={}", text(&second, "digest"));
        let done = isp.form(&format!("/plugin-versions/{}/activate", text(&second, "id")), &form).await;
        assert_eq!(
            (done.status, done.location.as_str()),
            (303, format!("/plugins/{}", owl.id).as_str()),
            "{}",
            done.text
        );
        let states = |versions: serde_json::Value| {
            let versions = versions.as_array().expect("versions").clone();
            versions.iter().map(|version| text(version, "state")).collect::<Vec<_>>()
        };
        assert_eq!(states(isp.get(&to("versions")).await.expect(200)), ["active", "retired"]);
        let back = isp.form(&to("roll-back"), "").await;
        assert_eq!(back.status, 303, "{}", back.text);
        assert_eq!(states(isp.get(&to("versions")).await.expect(200)), ["retired", "active"]);
        let idle = isp.post(&to("disable"), json!({})).await.expect(200);
        assert_eq!((&idle["status"], &idle["active_version_id"]), (&json!("idle"), &json!(null)));
        let back = isp.post(&to("roll-back"), json!({})).await.expect(200);
        assert_eq!(text(&back, "active_version_id"), owl.version, "a rollback brings a disabled plugin back");
    });
}

#[test]
fn settings_that_cannot_be_are_refused() {
    story(async {
        let isp = Isp::new("settings", "2026-11-01T10:00:00Z").await;
        let owl = isp.uploaded("night-owl", "rate-usage", "night-owl").await;
        let path = format!("/plugins/{}/settings", owl.id);
        for (wish, field) in [
            (json!({ "limit_percent": 1001 }), "limit_percent"),
            (json!({ "limit_percent": -1 }), "limit_percent"),
            (json!({ "limit_percent": 5, "effects": ["transfer"] }), "effects"),
            (json!({ "limit_percent": 5, "events": ["moon.rose"] }), "events"),
            (json!({ "limit_percent": 5, "entries": { "": "x" } }), "entries"),
            (json!({ "limit_percent": 5, "entries": { "k": "x".repeat(1001) } }), "entries"),
        ] {
            let answer = isp.put(&path, wish.clone()).await.expect(422);
            assert_eq!(answer["errors"][0]["field"], field, "{wish}: {answer}");
        }
        let set = isp.put(&path, json!({ "limit_percent": 5, "entries": { "from": "1" } })).await.expect(200);
        assert_eq!(set["settings"]["revision"], 2);
        let same = isp.put(&path, json!({ "limit_percent": 5, "entries": { "from": "1" } })).await.expect(200);
        assert_eq!(same["settings"]["revision"], 2, "nothing changed");
        let page = format!("/plugins/{}", owl.id);
        for (form, says) in [
            ("entries=from+1&limit_percent=5", "one entry a line"),
            ("entries=&limit_percent=many", "Enter a number"),
            ("entries=&limit_percent=5&events=moon.rose", "no kind of event"),
        ] {
            let answer = isp.form(&page, form).await;
            assert!(
                answer.status == 422 && (answer.text.contains(says) || form.contains("events")),
                "{form}: {}",
                answer.text
            );
        }
        let saved = isp.form(&page, "entries=from+%3D+2%0Auntil+%3D+5&limit_percent=20").await;
        assert_eq!(saved.status, 303, "{}", saved.text);
        let plugin = isp.get(&page).await.expect(200);
        assert_eq!(plugin["settings"]["entries"], json!({ "from": "2", "until": "5" }));
    });
}

#[test]
fn only_owners_manage_plugins_and_pages_show_what_each_may() {
    story(async {
        let isp = Isp::new("mayplug", "2026-11-01T10:00:00Z").await;
        let empty = isp.page("/plugins").await;
        assert!(empty.status == 200 && empty.text.contains("weir plugin new"), "{}", empty.text);
        let refused = isp.form("/plugins", "name=Night+Owl&hook=rate-usage").await;
        assert!(refused.status == 422 && refused.text.contains("lower-case"), "{}", refused.text);
        let added = isp.form("/plugins", "name=night-owl&hook=rate-usage").await;
        assert_eq!(added.status, 303, "{}", added.text);
        let shown = isp.page(&added.location).await;
        assert!(shown.text.contains("weir plugin publish --url"), "{}", shown.text);
        let again = isp.form("/plugins", "name=night-owl&hook=rate-usage").await;
        assert!(again.status == 422 && again.text.contains("Another plugin has this name"), "{}", again.text);
        let billing = isp.session_of(Role::Billing).await;
        let seen = isp.browse(&billing, &added.location, None).await;
        assert!(seen.status == 200 && !seen.text.contains("weir plugin publish --url"), "{}", seen.text);
        assert_eq!(isp.browse(&billing, "/plugins", Some("name=other&hook=rate-usage")).await.status, 403);
        let network = isp.session_of(Role::Network).await;
        assert_eq!(isp.browse(&network, "/plugins", None).await.status, 403);
    });
}

#[test]
fn calls_are_forgotten_after_ninety_days() {
    story(async {
        let mut isp = Isp::new("forget", "2026-06-01T10:00:00Z").await;
        let (router, plan) = (isp.router_named("r").await, isp.plan(&crate::money::world::METERED).await);
        let account = isp.account("Ana").await;
        let line = isp.line(account, router, plan, "2026-06-01").await;
        let owl = isp.activated("night-owl", "rate-usage", "night-owl").await;
        isp.traffic(router, line, 1, "2026-06-10T01:30:00Z", 2_000_000, 0).await;
        isp.now_is("2026-07-01T10:00:00Z").await;
        isp.bill("2026-07-01").await;
        for (at, left) in [("2026-09-28T10:00:00Z", 1), ("2026-09-30T10:00:00Z", 0)] {
            isp.now_is(at).await;
            let job: weir_cloud::plugins::jobs::ForgetOldCalls = serde_json::from_value(json!({})).expect("a job");
            job.run(isp.app.clone(), isp.scope()).await.expect("forgotten");
            assert_eq!(isp.calls(&owl, "").await.len(), left, "{at}");
        }
        assert_eq!(text(&isp.usage_lines(account).await[0]["priced_by"], "digest"), owl.digest, "the line keeps it");
    });
}
