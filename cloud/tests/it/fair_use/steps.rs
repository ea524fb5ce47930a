//! Steps beyond an allowance and what is carried over: what routers are told of them, and what they tell.

use serde_json::json;
use weir_protocol::desired::Step;
use weir_protocol::state::{FairUseReport, LineFairUse, Rule, Turn};

use super::reports::{NOVEMBER_MS, OCTOBER_MS, session};
use super::{sell, standing, throttling, told, version};
use crate::money::harness::{Isp, story};

#[test]
fn routers_are_told_the_steps_of_a_plan_and_tell_which_one_holds() {
    story(async {
        let isp = Isp::new("ladder", "2026-10-10T10:00:00Z").await;
        let mut plan = throttling();
        plan["steps"] =
            json!([{ "over_bytes": 500_000, "rate_down_bps": 1_000_000 }, { "over_bytes": 800_000, "cap": true }]);
        let (router, plan) = (isp.router_named("r").await, version(&isp, plan).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let fair_use = told(&isp, router, line).await;
        let slower = Step { over_bytes: 500_000, rate_down_bps: 1_000_000, rate_up_bps: 0, garden: false };
        let cap = Step { over_bytes: 800_000, garden: true, ..Step::default() };
        assert_eq!((fair_use.exhausted_down_bps, fair_use.steps), (2_000_000, vec![slower, cap]));

        let session = session(&isp, router, *b"tally  1").await;
        let report = |used_bytes, rule: Rule, turns: Vec<Turn>| FairUseReport {
            lines: vec![LineFairUse {
                id: line.uuid().as_bytes().to_vec(),
                start_ms: OCTOBER_MS,
                end_ms: NOVEMBER_MS,
                used_bytes,
                limit_bytes: 1_000_000,
                rule: rule.into(),
                turns,
                ..LineFairUse::default()
            }],
        };
        let turn =
            |rule: Rule, step, used_bytes| Turn { rule: rule.into(), at_ms: OCTOBER_MS + used_bytes, used_bytes, step };
        let turns = vec![turn(Rule::Exhausted, 0, 1_000_000), turn(Rule::Exhausted, 1, 1_500_000)];
        let tell = async |report| weir_cloud::fair_use::report(&isp.app, session, &report).await.unwrap();
        tell(report(1_500_000, Rule::Exhausted, turns)).await;
        // Turns that were told are left out.
        tell(report(1_510_000, Rule::Exhausted, Vec::new())).await;
        let now = standing(&isp, line).await;
        assert_eq!((&now["rule"], &now["step"], &now["turns"][0]["step"]), (&json!("exhausted"), &json!(1), &json!(1)));
        tell(report(1_800_000, Rule::Capped, vec![turn(Rule::Capped, 2, 1_800_000)])).await;
        let now = standing(&isp, line).await;
        assert_eq!((&now["rule"], &now["step"], &now["remaining_bytes"]), (&json!("capped"), &json!(2), &json!(0)));
        tell(report(0, Rule::Sold, Vec::new())).await;
        assert_eq!(standing(&isp, line).await["step"], 0);
    });
}

#[test]
fn what_was_left_of_a_period_is_included_in_the_next_up_to_a_maximum() {
    story(async {
        let mut isp = Isp::new("rollover", "2026-10-10T10:00:00Z").await;
        let mut plan = throttling();
        plan["carry_over_bytes"] = json!(400_000);
        let (router, plan) = (isp.router_named("r").await, version(&isp, plan).await);
        let line = isp.line(isp.account("Ana").await, router, plan, "2026-10-01").await;
        let fair_use = told(&isp, router, line).await;
        assert_eq!(fair_use.allowances[0].start_ms, OCTOBER_MS, "nothing is before the first");
        assert!(fair_use.allowances.iter().all(|allowance| allowance.carry_max_bytes == 400_000));
        assert_eq!(standing(&isp, line).await["carried_bytes"], 0);

        // A top-up is not carried over: what counts is what the plan includes.
        let more = super::product(&isp, "More", 1_000_000, "1.00").await;
        sell(&isp, line, &more, "1").await.expect(201);
        isp.traffic(router, line, 1, "2026-10-20T09:00:00Z", 700_000, 0).await;
        isp.now_is("2026-11-10T10:00:00Z").await;
        isp.traffic(router, line, 2, "2026-11-05T09:00:00Z", 5_000, 0).await;
        let allowances = told(&isp, router, line).await.allowances;
        let used: Vec<_> = allowances.iter().map(|allowance| allowance.elsewhere_bytes).collect();
        assert_eq!((allowances[0].start_ms, used), (OCTOBER_MS, vec![700_000, 5_000, 0, 0, 0]));
        let now = standing(&isp, line).await;
        assert_eq!((&now["carried_bytes"], &now["remaining_bytes"]), (&json!(300_000), &json!(1_295_000)));

        // All of November's was left but a little, and most of it is lost.
        isp.now_is("2026-12-10T10:00:00Z").await;
        assert_eq!(standing(&isp, line).await["carried_bytes"], 400_000);
    });
}
