//! Plans that cannot be.

use serde_json::json;

use super::{Case, assert_refused, furnished, text, with};
use crate::harness::run;

fn euros(amount: &str) -> serde_json::Value {
    json!({ "amount": amount, "currency": "EUR" })
}

#[test]
fn plans_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let plan = |changes| with(&made.plan_wish, changes);
        let invalid = |what, changes, fields| Case::invalid(what, "/plans", plan(changes), fields);
        let malformed = |what, changes, says| Case::malformed(what, "/plans", plan(changes), says);
        let overage = |block: i64, price| json!({ "overage": { "block_bytes": block, "price": price } });
        let throttle = |down: i64, up: i64| json!({ "rate_down_bps": down, "rate_up_bps": up });
        let uncharged = json!({ "overage": null });
        let unmetered = json!({ "overage": null, "allowance_bytes": null });
        let windows =
            |days, free| json!({ "windows": [{ "days": days, "from": "23:00", "to": "06:00", "free": free }] });
        let cases = [
            invalid("no download", json!({ "rate_down_bps": 0 }), &["rate_down_bps"]).says("above zero, found 0"),
            invalid("no upload", json!({ "rate_up_bps": 0 }), &["rate_up_bps"]),
            invalid("below zero", json!({ "rate_down_bps": -1, "rate_up_bps": -1 }), &["rate_down_bps", "rate_up_bps"]),
            invalid("no such link", json!({ "rate_down_bps": i64::MAX }), &["rate_down_bps"]).says("at most"),
            malformed("beyond numbers", json!({ "rate_down_bps": 1e30 }), "rate_down_bps"),
            malformed("a rate in words", json!({ "rate_up_bps": "fast" }), "rate_up_bps"),
            invalid("a tenth of a cent", json!({ "price": euros("44.905") }), &["price"]).says("2 decimals of EUR"),
            invalid("below nothing", json!({ "price": euros("-0.01") }), &["price"]).says("below zero"),
            invalid(
                "no such money",
                json!({ "price": { "amount": "1", "currency": "XYZ" } }),
                &["price", "overage.price"],
            )
            .says("unknown currency"),
            invalid("all the money", json!({ "price": euros("92233720368547758.07") }), &["price"]).says("too large"),
            malformed("words for money", json!({ "price": euros("a lot") }), "price"),
            malformed("money alone", json!({ "price": "44.90" }), "price"),
            malformed("money with more", json!({ "price": { "amount": "1", "currency": "EUR", "tax": "2" } }), "tax"),
            invalid("nothing included", json!({ "allowance_bytes": 0 }), &["allowance_bytes"]),
            invalid("everything included", json!({ "allowance_bytes": i64::MAX }), &["allowance_bytes"])
                .says("at most"),
            invalid("beyond no allowance", json!({ "allowance_bytes": null }), &["overage"]),
            invalid("empty blocks", overage(0, euros("0.10")), &["overage.block_bytes"]),
            invalid("endless blocks", overage(i64::MAX, euros("0.10")), &["overage.block_bytes"]),
            invalid("blocks below nothing", overage(10, euros("-1")), &["overage.price"]),
            invalid("blocks in dollars", overage(10, json!({ "amount": "1", "currency": "USD" })), &["overage.price"]),
            invalid("a throttle beside a charge", json!({ "throttle": throttle(1_000, 1_000) }), &["throttle"])
                .says("choose one"),
            invalid(
                "a throttle beyond no allowance",
                with(&unmetered, json!({ "throttle": throttle(1, 1) })),
                &["throttle"],
            ),
            invalid(
                "no rate left",
                with(&uncharged, json!({ "throttle": throttle(0, 1) })),
                &["throttle.rate_down_bps"],
            ),
            invalid("a window without days", windows(json!([]), json!(true)), &["windows.0.days"]),
            invalid("a day twice", windows(json!(["monday", "monday"]), json!(true)), &["windows.0.days"]),
            invalid("a window that does nothing", windows(json!(["monday"]), json!(false)), &["windows.0"]),
            malformed("no such day", windows(json!(["someday"]), json!(true)), "someday"),
            malformed(
                "no such time",
                json!({ "windows": [{ "days": ["monday"], "from": "25:00", "to": "06:00", "free": true }] }),
                "time of the day",
            ),
            invalid("no name", json!({ "name": "  " }), &["name"]),
            invalid("no end of a name", json!({ "name": "x".repeat(101) }), &["name"]).says("100 characters"),
            Case::new("a name that is taken", "/plans", plan(json!({ "name": "Fibre 500" })), 409, "plan-name-taken"),
            malformed("a field nobody knows", json!({ "speed": 1 }), "unknown field `speed`"),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn steps_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let invalid = |what, changes, fields| Case::invalid(what, "/plans", with(&made.plan_wish, changes), fields);
        let uncharged = json!({ "overage": null });
        let unmetered = json!({ "overage": null, "allowance_bytes": null });
        let steps = |steps| json!({ "steps": steps });
        let step = |over: i64| json!({ "over_bytes": over, "rate_down_bps": 1_000 });
        let cases = [
            invalid("steps beside a charge", steps(json!([step(5)])), &["steps"]).says("choose one"),
            invalid("steps beyond no allowance", with(&unmetered, steps(json!([step(5)]))), &["steps"]),
            invalid(
                "steps that do not ascend",
                with(&uncharged, steps(json!([step(5), step(5)]))),
                &["steps.1.over_bytes"],
            ),
            invalid("a step below nothing", with(&uncharged, steps(json!([step(-1)]))), &["steps.0.over_bytes"]),
            invalid("a step that does nothing", with(&uncharged, steps(json!([{ "over_bytes": 5 }]))), &["steps.0"]),
            invalid(
                "a cap that is not the last",
                with(&uncharged, steps(json!([{ "over_bytes": 5, "cap": true }, step(6)]))),
                &["steps.0.cap"],
            ),
            invalid(
                "a cap with a rate",
                with(&uncharged, steps(json!([{ "over_bytes": 5, "cap": true, "rate_up_bps": 1 }]))),
                &["steps.0.cap"],
            ),
            invalid("a carry-over beside a charge", json!({ "carry_over_bytes": 5 }), &["carry_over_bytes"]),
            invalid(
                "a carry-over of no allowance",
                with(&unmetered, json!({ "carry_over_bytes": 5 })),
                &["carry_over_bytes"],
            ),
            invalid(
                "a carry-over of nothing",
                with(&uncharged, json!({ "carry_over_bytes": 0 })),
                &["carry_over_bytes"],
            ),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn what_is_faster_beyond_an_allowance_than_before_it_is_refused_and_changes_nothing() {
    run(|cloud| async move {
        let made = furnished(cloud).await;
        let invalid = |what, changes, fields| Case::invalid(what, "/plans", with(&made.plan_wish, changes), fields);
        let uncharged = json!({ "overage": null });
        let steps = |steps| json!({ "steps": steps });
        let step = |over: i64| json!({ "over_bytes": over, "rate_down_bps": 1_000 });
        let cases = [
            invalid(
                "a step faster than the plan",
                with(&uncharged, steps(json!([{ "over_bytes": 5, "rate_up_bps": 100_000_001 }]))),
                &["steps.0.rate_up_bps"],
            )
            .says("must not be faster than what holds before it, 100000000"),
            invalid(
                "a step faster than the one before",
                with(
                    &uncharged,
                    steps(
                        json!([step(5), { "over_bytes": 6, "rate_up_bps": 5 }, { "over_bytes": 7, "rate_down_bps": 1_001 }]),
                    ),
                ),
                &["steps.2.rate_down_bps"],
            ),
            invalid(
                "a step faster than the throttle before it",
                with(
                    &uncharged,
                    json!({ "throttle": { "rate_down_bps": 999, "rate_up_bps": 999 }, "steps": [step(5)] }),
                ),
                &["steps.0.rate_down_bps"],
            ),
            invalid(
                "a throttle faster than the plan",
                with(&uncharged, json!({ "throttle": { "rate_down_bps": 500_000_001, "rate_up_bps": 999 } })),
                &["throttle.rate_down_bps"],
            ),
        ];
        assert_refused(&made.isp, cases).await;
    });
}

#[test]
fn versions_that_cannot_be_are_refused_and_change_nothing() {
    run(|cloud| async move {
        let (made, other) = (furnished(cloud).await, furnished(cloud).await);
        let versions = |plan| format!("/plans/{}/versions", text(plan));
        let mut version = made.plan_wish.clone();
        version.as_object_mut().expect("a plan").remove("name");
        let zero = with(&version, json!({ "rate_up_bps": 0 }));
        let cases = [
            Case::invalid("no upload", versions(&made.plan), zero, &["rate_up_bps"]),
            Case::new("another ISP's plan", versions(&other.plan), version.clone(), 404, "plan-not-found"),
            Case::malformed("a name, which the plan has", versions(&made.plan), made.plan_wish.clone(), "name"),
        ];
        assert_refused(&made.isp, cases).await;
        let retire = format!("/api/v1/plans/{}/retire", text(&made.plan));
        made.isp.post(&retire, json!({})).await.expect(200);
        let retired = Case::new("a retired plan", versions(&made.plan), version, 409, "plan-retired");
        assert_refused(&made.isp, [retired]).await;
    });
}
