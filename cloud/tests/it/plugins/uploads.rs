//! Uploads that are no plugin: each is refused with its reason, and nothing is kept.

use serde_json::json;

use super::{component, text};
use crate::harness::run;
use crate::refusals::{difference, rows};

/// A component that imports an instance of this name and exports nothing.
fn importing(name: &str) -> Vec<u8> {
    let mut import = vec![1, 0, u8::try_from(name.len()).expect("a short name")];
    import.extend(name.bytes());
    // An instance of the first type.
    import.extend([5, 0]);
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    // One type: an instance with nothing in it.
    component.extend([7, 3, 1, 0x42, 0]);
    component.push(10);
    component.push(u8::try_from(import.len()).expect("a short import"));
    component.extend(import);
    component
}

#[test]
fn what_is_no_plugin_is_refused_with_its_reason_and_nothing_is_kept() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        let add = async |name: &str, hook: &str| {
            text(&isp.post("/api/v1/plugins", json!({ "name": name, "hook": hook })).await.expect(201), "id")
        };
        let owl = format!("/api/v1/plugins/{}/versions", add("night-owl", "rate-usage").await);
        let vip = format!("/api/v1/plugins/{}/versions", add("vip", "handle-event").await);
        let before = rows(cloud, isp.tenant).await;
        let mut broken = component("night-owl");
        let half = broken.len() / 2;
        broken[half..half + 64].fill(0xff);
        let cut = component("night-owl")[..half].to_vec();
        for (what, path, bytes, says) in [
            ("nothing", &owl, Vec::new(), "not WebAssembly"),
            ("a picture", &owl, b"\x89PNG\r\n\x1a\n".to_vec(), "not WebAssembly"),
            ("a core module", &owl, b"\0asm\x01\0\0\0".to_vec(), "a core module, not a component"),
            ("a component that answers nothing", &owl, b"\0asm\x0d\0\x01\0".to_vec(), "answers no hook"),
            (
                "one that wants the environment",
                &owl,
                importing("wasi:cli/environment@0.2.0"),
                "imports wasi:cli/environment",
            ),
            (
                "one that wants our next version",
                &owl,
                importing("weir:plugins/log@2.0.0"),
                "imports weir:plugins/log@2.0.0",
            ),
            ("another hook", &owl, component("vip-overdue"), "answers handle-event, but the plugin is for rate-usage"),
            ("another hook, the other way", &vip, component("night-owl"), "answers rate-usage"),
            ("a broken one", &owl, broken, "not a valid component"),
            ("half of one", &owl, cut, "not a valid component"),
            ("too much", &owl, [b"\0asm\x0d\0\x01\0".to_vec(), vec![0; 1_600_000]].concat(), "at most 1572864"),
        ] {
            let answer = isp.upload(path, bytes).await.refused(422, "plugin-refused");
            assert!(text(&answer, "detail").contains(says), "{what}: {answer}");
            assert_eq!(difference(&before, &rows(cloud, isp.tenant).await), Vec::<String>::new(), "{what}");
        }
        isp.upload(&owl, vec![0; 40 << 20]).await.refused(413, "body-too-large");
        assert_eq!(difference(&before, &rows(cloud, isp.tenant).await), Vec::<String>::new(), "forty megabytes");

        let kept = isp.upload(&owl, component("night-owl")).await.expect(201);
        assert_eq!((&kept["state"], &kept["number"]), (&json!("verified"), &json!(1)), "{kept}");
        let again = isp.upload(&owl, component("night-owl")).await.refused(409, "plugin-version-known");
        assert!(text(&again, "detail").contains(&text(&kept, "id")), "{again}");
        let imports = kept["imports"].as_array().expect("imports");
        assert!(
            imports.iter().all(|name| name.as_str().is_some_and(|name| name.starts_with("weir:plugins/"))),
            "{kept}"
        );
        let other = cloud.isp().await;
        other.upload(&owl, component("night-owl")).await.refused(404, "plugin-not-found");
    });
}

#[test]
fn plugins_that_cannot_be_are_refused() {
    run(|cloud| async move {
        let isp = cloud.isp().await;
        for (body, field) in [
            (json!({ "name": "Night Owl", "hook": "rate-usage" }), "name"),
            (json!({ "name": "", "hook": "rate-usage" }), "name"),
            (json!({ "name": "-owl", "hook": "rate-usage" }), "name"),
            (json!({ "name": "o".repeat(49), "hook": "rate-usage" }), "name"),
            (json!({ "name": "owl", "hook": "drop-tables" }), "hook"),
        ] {
            let answer = isp.post("/api/v1/plugins", body.clone()).await.refused(422, "invalid");
            assert_eq!(answer["errors"][0]["field"], field, "{body}: {answer}");
        }
        let owl = json!({ "name": "owl", "hook": "rate-usage" });
        isp.post("/api/v1/plugins", owl.clone()).await.expect(201);
        isp.post("/api/v1/plugins", owl).await.refused(409, "plugin-name-taken");
    });
}
