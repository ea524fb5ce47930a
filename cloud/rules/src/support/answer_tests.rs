//! Every fact has its first answer, and no fact is answered that is not there.

use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn at(hour: u32) -> DateTime<Utc> {
    format!("2026-11-26T{hour:02}:00:00Z").parse().expect("an instant")
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

fn euros(text: &str) -> Money {
    Money::parse(text, Currency::from_code("EUR").expect("a currency")).expect("an amount")
}

fn mbit(down: u64, up: u64) -> Rates {
    Rates { down_bps: down * 1_000_000, up_bps: up * 1_000_000 }
}

/// Nothing wrong: an open line on a router that talks, nothing owed.
fn healthy() -> Facts {
    Facts {
        now: at(12),
        account: Some(AccountFacts::default()),
        line: Some(LineFacts {
            sold: mbit(100, 20),
            now: Some(mbit(3, 1)),
            p95: Some(mbit(40, 4)),
            last_traffic_at: Some(at(12)),
            ..LineFacts::default()
        }),
        router: Some(RouterFacts {
            name: "edge-1".into(),
            connected: true,
            last_seen_at: Some(at(12)),
            now: Some(mbit(300, 50)),
            capacity: mbit(1_000, 1_000),
        }),
        outage: None,
    }
}

fn line(facts: &mut Facts) -> &mut LineFacts {
    facts.line.as_mut().expect("a line")
}

fn with(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = healthy();
    change(&mut facts);
    diagnose(&facts)
}

fn codes(found: &[Finding]) -> Vec<&'static str> {
    found.iter().map(|finding| finding.code).collect()
}

fn hold(kind: HoldKind) -> Option<HoldFacts> {
    Some(HoldFacts { kind, effect: Access::WalledGarden, since: at(1), until: None })
}

fn invoice() -> Option<OverdueInvoice> {
    Some(OverdueInvoice { number: "INV-2026-000007".into(), open: euros("44.90"), due_on: day("2026-11-01") })
}

fn debtor(facts: &mut Facts) {
    let account = facts.account.as_mut().expect("an account");
    account.overdue = invoice();
    account.pay_url = "https://pay.example.net/".into();
    line(facts).hold = hold(HoldKind::Unpaid);
}

#[test]
fn nothing_wrong_is_said_so() {
    assert_eq!(codes(&with(|_| ())), ["healthy"]);
    assert_eq!(codes(&diagnose(&Facts::default())), ["unknown"]);
    let only_account = Facts { account: Some(AccountFacts::default()), ..Facts::default() };
    assert_eq!(codes(&diagnose(&only_account)), ["healthy"]);
}

#[test]
fn a_debtor_is_told_which_invoice_how_much_and_where_to_pay() {
    let found = with(debtor);
    assert_eq!(codes(&found), ["unpaid-pay"]);
    let arguments = [
        ("access", Value::Key("answer-access-walled_garden")),
        ("invoice", Value::Text("INV-2026-000007".into())),
        ("amount", Value::Money(euros("44.90"))),
        ("due", Value::On(day("2026-11-01"))),
        ("url", Value::Text("https://pay.example.net/".into())),
    ];
    assert_eq!(found[0].arguments, arguments);
    let nowhere = with(|facts| {
        debtor(facts);
        facts.account.as_mut().expect("an account").pay_url.clear();
    });
    assert_eq!(codes(&nowhere), ["unpaid"]);
}

#[test]
fn a_payment_on_its_way_is_told_before_the_debt() {
    let found = with(|facts| {
        debtor(facts);
        facts.account.as_mut().expect("an account").pending = Some(euros("44.90"));
    });
    assert_eq!(codes(&found), ["payment-pending"]);
}

#[test]
fn a_hold_for_a_debt_that_is_not_there_is_ours() {
    assert_eq!(codes(&with(|facts| line(facts).hold = hold(HoldKind::Unpaid))), ["held-without-debt"]);
}

#[test]
fn every_other_hold_is_named_by_its_kind() {
    for (kind, code) in [
        (HoldKind::Quota, "quota"),
        (HoldKind::Fraud, "fraud"),
        (HoldKind::Abuse, "abuse"),
        (HoldKind::Seasonal, "seasonal"),
        (HoldKind::Manual, "held"),
    ] {
        assert_eq!(codes(&with(|facts| line(facts).hold = hold(kind))), [code]);
    }
}

#[test]
fn what_is_owed_without_a_hold_is_only_a_hint() {
    let found = with(|facts| {
        facts.account.as_mut().expect("an account").overdue = invoice();
        line(facts).now = Some(mbit(1, 20));
    });
    assert_eq!(codes(&found), ["line-full", "overdue"]);
}

#[test]
fn a_router_that_is_away_is_told_with_its_time() {
    let away = |facts: &mut Facts| facts.router.as_mut().expect("a router").connected = false;
    let found = with(away);
    assert_eq!(codes(&found), ["router-unreachable"]);
    assert_eq!(found[0].arguments, [("router", Value::Text("edge-1".into())), ("since", Value::At(at(12)))]);
    let never = with(|facts| {
        away(facts);
        facts.router.as_mut().expect("a router").last_seen_at = None;
    });
    assert_eq!(codes(&never), ["router-never-seen"]);
    let known = with(|facts| {
        away(facts);
        facts.outage = Some(("T-2026-000003".into(), at(9)));
    });
    assert_eq!(codes(&known), ["outage", "router-unreachable"]);
}

#[test]
fn what_the_router_did_not_apply_is_told() {
    let differs = |code: &str| Some(Differs { code: code.into(), reported_at: Some(at(11)) });
    assert_eq!(codes(&with(|facts| line(facts).differs = differs(""))), ["not-applied-yet"]);
    assert_eq!(codes(&with(|facts| line(facts).differs = differs("kernel"))), ["not-applied"]);
}

#[test]
fn the_direction_that_is_full_is_named() {
    let found = with(|facts| line(facts).now = Some(mbit(95, 20)));
    assert_eq!(codes(&found), ["line-full"]);
    assert_eq!(found[0].arguments[0], ("direction", Value::Key("answer-up")));
    let found = with(|facts| line(facts).p95 = Some(mbit(90, 1)));
    assert_eq!(codes(&found), ["often-full"]);
    let found = with(|facts| facts.router.as_mut().expect("a router").now = Some(mbit(950, 10)));
    assert_eq!(codes(&found), ["router-full"]);
    assert_eq!(found[0].arguments[2], ("load", Value::Percent(95)));
}

#[test]
fn a_line_that_went_quiet_is_told_since_when() {
    let quiet = at(12) - TimeDelta::hours(24);
    assert_eq!(codes(&with(|facts| line(facts).last_traffic_at = Some(quiet))), ["silent"]);
    assert_eq!(codes(&with(|facts| line(facts).last_traffic_at = None)), ["healthy"], "it may never have been used");
}

#[test]
fn an_allowance_is_told_when_it_nears_its_end() {
    let used = |used_bytes| Some(AllowanceFacts { used_bytes, included_bytes: 1_000, resets_on: day("2026-12-01") });
    assert_eq!(codes(&with(|facts| line(facts).allowance = used(899))), ["healthy"]);
    assert_eq!(codes(&with(|facts| line(facts).allowance = used(900))), ["allowance-nearly"]);
    assert_eq!(codes(&with(|facts| line(facts).allowance = used(1_000))), ["allowance-used"]);
}

#[test]
fn a_line_that_is_not_served_says_only_that() {
    let ended = with(|facts| {
        line(facts).ended_on = Some(day("2026-11-01"));
        line(facts).hold = hold(HoldKind::Manual);
    });
    assert_eq!(codes(&ended), ["ended"]);
    assert_eq!(codes(&with(|facts| line(facts).begins_on = Some(day("2026-12-01")))), ["not-begun"]);
}

proptest! {
    #[test]
    fn there_is_always_a_first_answer_and_causes_come_first(
        held in prop::option::of(0usize..6), connected: bool, owes: bool, pending: bool, outage: bool,
        down in 0u64..200, up in 0u64..40, used in 0u64..2_000, quiet in 0i64..48,
    ) {
        let kinds = [HoldKind::Unpaid, HoldKind::Quota, HoldKind::Fraud, HoldKind::Abuse, HoldKind::Seasonal, HoldKind::Manual];
        let found = with(|facts| {
            line(facts).hold = held.and_then(|n| hold(kinds[n]));
            line(facts).now = Some(mbit(down, up));
            line(facts).last_traffic_at = Some(at(12) - TimeDelta::hours(quiet));
            line(facts).allowance = Some(AllowanceFacts { used_bytes: used, included_bytes: 1_000, resets_on: day("2026-12-01") });
            facts.router.as_mut().expect("a router").connected = connected;
            facts.outage = outage.then(|| ("T-2026-000003".into(), at(9)));
            let account = facts.account.as_mut().expect("an account");
            account.overdue = owes.then(invoice).flatten();
            account.pending = pending.then(|| euros("1.00"));
        });
        prop_assert!(!found.is_empty());
        prop_assert!(found.windows(2).all(|pair| pair[0].weight <= pair[1].weight));
        prop_assert_eq!(held.is_some(), ["unpaid", "unpaid-pay", "payment-pending", "held-without-debt", "quota", "fraud", "abuse", "seasonal", "held"].contains(&found[0].code));
        let mut seen = std::collections::BTreeSet::new();
        prop_assert!(found.iter().all(|finding| seen.insert(finding.code)), "said twice: {:?}", found);
    }
}
