//! Versions of the policy, what cannot be in one, and what a change would do.

use chrono_tz::Tz;
use serde_json::{Value, json};

use super::world::{debtor, eur, isp, pass, save, text, whole_policy};
use crate::money::harness::{Isp, story};

fn numbers(policy: &Value) -> Vec<(i64, String)> {
    let steps = policy["policy"]["steps"].as_array().unwrap();
    steps.iter().map(|step| (step["number"].as_i64().unwrap(), text(&step["kind"]).to_owned())).collect()
}

#[test]
fn versions_are_kept_and_restored_and_nobody_overwrites_unseen() {
    story(async {
        let isp = Isp::new("policy-versions", "2026-11-01T10:00:00Z").await;
        let standard = isp.get("/dunning-policy").await.expect(200);
        assert_eq!((standard["version"].as_i64(), standard["grace_days"].as_i64()), (Some(0), Some(7)));
        assert_eq!(standard["policy"]["steps"][0]["offset_days"], 8);
        isp.settings(json!({ "grace_days": 3 })).await;
        let first = save(&isp, whole_policy(), 0).await;
        let kinds = ["remind", "remind", "late_fee", "throttle", "walled_garden", "final_notice"];
        let expected: Vec<_> = (2..).zip(kinds).map(|(number, kind)| (number, kind.to_owned())).collect();
        assert_eq!((first["version"].as_i64(), numbers(&first)), (Some(1), expected));

        let mut changed = first["policy"].clone();
        changed["steps"].as_array_mut().unwrap().remove(1);
        changed["steps"].as_array_mut().unwrap().push(json!({ "kind": "remind", "offset_days": 2 }));
        let second = save(&isp, changed.clone(), 1).await;
        assert_eq!(numbers(&second)[1], (8, "remind".into()), "a number is never given twice");
        let late = isp.put("/dunning-policy", json!({ "policy": changed, "based_on": 1 })).await;
        assert_eq!((late.status.as_u16(), late.problem().as_str()), (409, "dunning-policy-changed"));
        let restored = isp.post("/dunning-policy/versions/1/restore", json!({})).await.expect(200);
        assert_eq!((restored["version"].as_i64(), restored["restores"].as_i64()), (Some(3), Some(1)));
        assert_eq!(restored["policy"], first["policy"]);
        let versions = isp.get("/dunning-policy/versions").await.expect(200);
        let listed: Vec<_> = versions.as_array().unwrap().iter().map(|one| one["version"].as_i64().unwrap()).collect();
        assert_eq!(listed, [3, 2, 1, 0]);
        assert_eq!(isp.get("/dunning-policy/versions/9").await.problem(), "dunning-policy-version-not-found");
    });
}

#[test]
fn what_cannot_be_is_refused_by_field_and_changes_nothing() {
    story(async {
        let (isp, _) = isp("policy-refused").await;
        let step = |changes: Value| {
            let mut policy = whole_policy();
            let mut step = json!({ "kind": "remind", "offset_days": 30 });
            for (name, value) in changes.as_object().unwrap() {
                step[name] = value.clone();
            }
            policy["steps"].as_array_mut().unwrap().push(step);
            policy
        };
        let with = |name: &str, value: Value| {
            let mut policy = whole_policy();
            policy[name] = value;
            policy
        };
        let fee = |fee: Value| step(json!({ "kind": "late_fee", "fee": fee }));
        let cases = [
            (step(json!({ "offset_days": 366 })), "policy.steps.6.offset_days"),
            (step(json!({ "offset_days": 1 })), "policy.steps.6.offset_days"),
            (
                step(json!({ "kind": "late_fee", "offset_days": 3, "fee": { "flat": eur("1.00") } })),
                "policy.steps.6.offset_days",
            ),
            (step(json!({ "kind": "final_notice", "offset_days": 0 })), "policy.steps.6.offset_days"),
            (step(json!({ "kind": "walled_garden" })), "policy.steps.6.kind"),
            (step(json!({ "kind": "late_fee" })), "policy.steps.6.fee"),
            (step(json!({ "fee": { "flat": eur("1.00") } })), "policy.steps.6.fee"),
            (step(json!({ "number": 77 })), "policy.steps.6.number"),
            (step(json!({ "minimum_balance": eur("-1.00") })), "policy.steps.6.minimum_balance"),
            (fee(json!({ "flat": { "amount": "1.00", "currency": "USD" } })), "policy.steps.6.fee.flat"),
            (fee(json!({ "flat": eur("0.00") })), "policy.steps.6.fee.flat"),
            (fee(json!({ "flat": eur("1.00"), "percent": "101" })), "policy.steps.6.fee.percent"),
            (fee(json!({ "flat": eur("1.00"), "min": eur("3.00"), "max": eur("2.00") })), "policy.steps.6.fee.max"),
            (with("to_hour", json!(8)), "policy.to_hour"),
            (with("from_hour", json!(24)), "policy.from_hour"),
            (with("holidays", json!(["1999-12-31"])), "policy.holidays"),
            (with("fee_cap_year", eur("0.00")), "policy.fee_cap_year"),
            (with("retries", json!({ "soft": [3, 1] })), "policy.retries.soft"),
        ];
        for (policy, field) in cases {
            let refused = isp.put("/dunning-policy", json!({ "policy": policy, "based_on": 1 })).await;
            let named = refused.json()["errors"][0]["field"].clone();
            assert_eq!((refused.status.as_u16(), named.as_str()), (422, Some(field)), "{}", refused.json());
        }
        assert_eq!(isp.get("/dunning-policy").await.expect(200)["version"], 1);
    });
}

#[test]
fn a_preview_counts_what_a_change_would_do_and_writes_nothing() {
    story(async {
        let (mut isp, router) = isp("policy-preview").await;
        for name in ["Ana", "Bea"] {
            debtor(&isp, router, name, Tz::Europe__Madrid).await;
        }
        isp.bill("2026-11-01").await;
        pass(&mut isp, "2026-11-21T12:00:00Z").await;
        isp.now_is("2026-11-21T12:00:00Z").await;
        let mut policy = isp.get("/dunning-policy").await.expect(200)["policy"].clone();
        let steps = policy["steps"].as_array_mut().unwrap();
        steps.retain(|step| step["kind"] != "throttle" && step["kind"] != "final_notice");
        steps.iter_mut().find(|step| step["kind"] == "walled_garden").unwrap()["offset_days"] = json!(5);
        let wish = json!({ "policy": policy, "based_on": 1 });
        let preview = isp.post("/dunning-policy/preview", wish).await.expect(200);
        let told = preview["steps"].as_array().unwrap().iter().map(|step| {
            let counts = ["offset_days", "at_once", "after", "before"].map(|name| step[name].to_string());
            format!("{} {}", text(&step["kind"]), counts.join(" "))
        });
        let told: Vec<_> = told.collect();
        let expected = [
            "remind -3 0 0 0",
            "remind 1 0 0 0",
            "late_fee 4 0 0 0",
            "walled_garden 5 2 2 2",
            "throttle 6 0 0 0",
            "final_notice 20 0 0 2",
        ];
        assert_eq!(told, expected);
        assert_eq!(preview["relieved"], 0);
        assert_eq!(isp.get("/dunning-policy").await.expect(200)["version"], 1);
    });
}
