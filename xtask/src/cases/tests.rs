//! The examples that ship with the rules all pass, and nothing that is wrong does.

use super::file::Body;
use super::*;
use serde_json::json;
use std::collections::BTreeMap;

const EXAMPLES: &str = include_str!("../../../cloud/rules/examples/billing.json");

fn examples() -> Vec<Case> {
    file::cases(EXAMPLES).unwrap()
}

fn verdicts(cases: &Value) -> Vec<Result<(), String>> {
    file::cases(&json!({ "cases": cases }).to_string()).unwrap().iter().map(judge).collect()
}

fn failure(case: &Value) -> String {
    verdicts(&json!([case])).remove(0).unwrap_err()
}

fn discount() -> Value {
    json!({"id": "a", "kind": "discount_percent",
        "input": {"currency": "USD", "amount": "10.00", "percent": "15.5"},
        "expected": {"discount": "1.55", "final": "8.45"}})
}

#[test]
fn every_example_passes_and_every_kind_has_two() {
    let cases = examples();
    let failures: Vec<String> = cases.iter().filter_map(|case| judge(case).err()).collect();
    assert_eq!(failures, Vec::<String>::new());
    let mut counts: BTreeMap<&str, usize> = KINDS.iter().map(|(kind, _)| (*kind, 0)).collect();
    for case in &cases {
        *counts.get_mut(case.body.as_ref().unwrap().kind.as_str()).unwrap() += 1;
    }
    let scarce: Vec<_> = counts.iter().filter(|(_, count)| **count < 2).collect();
    assert!(scarce.is_empty(), "{scarce:?}");
}

/// What an example expects, a little wrong: at each place where a value stands.
fn distorted(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(items) => {
            let mut shorter = items.clone();
            shorter.push(json!("1"));
            let each = items.iter().enumerate().flat_map(|(index, item)| {
                distorted(item).into_iter().map(move |wrong| (index, wrong)).collect::<Vec<_>>()
            });
            let changed = each.map(|(index, wrong)| {
                let mut items = items.clone();
                items[index] = wrong;
                Value::Array(items)
            });
            changed.chain([Value::Array(shorter)]).collect()
        }
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, field)| {
                distorted(field).into_iter().map(|wrong| {
                    let mut fields = fields.clone();
                    fields.insert(key.clone(), wrong);
                    Value::Object(fields)
                })
            })
            .collect(),
        Value::Bool(flag) => vec![json!(!flag), json!("true")],
        _ => vec![json!("9876.54"), json!("2001-01-01"), json!(true), json!([])],
    }
}

#[test]
fn every_expected_value_is_compared() {
    for case in examples() {
        let Body { kind, input, expected } = case.body.unwrap();
        for wrong in distorted(&Value::Object(expected)) {
            let body =
                Ok(Body { kind: kind.clone(), input: input.clone(), expected: wrong.as_object().cloned().unwrap() });
            let verdict = judge(&Case { id: case.id.clone(), body });
            assert!(verdict.is_err(), "{} passes with {wrong}", case.id);
        }
    }
}

#[test]
fn whatever_stands_in_the_input_nothing_panics() {
    let strange = [
        json!(null),
        json!([]),
        json!({}),
        json!("x"),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(true),
        json!("-0"),
        json!("79228162514264337593543950335"),
        json!(4_294_967_295_u32),
        json!("9999-12-31"),
        json!(["1", 2]),
        json!([{}]),
    ];
    let mut panics = Vec::new();
    for case in examples() {
        let Body { kind, input, expected } = case.body.unwrap();
        for key in input.keys() {
            for value in &strange {
                let mut input = input.clone();
                input.insert(key.clone(), value.clone());
                let body = Ok(Body { kind: kind.clone(), input, expected: expected.clone() });
                let verdict = judge(&Case { id: case.id.clone(), body });
                if verdict.is_err_and(|line| line.contains("panicked")) {
                    panics.push(format!("{} with {key} {value}", case.id));
                }
            }
        }
    }
    assert_eq!(panics, Vec::<String>::new());
}

#[test]
fn what_cannot_be_judged_fails_with_a_clear_line() {
    let mut case = discount();
    case["kind"] = json!("discount_by_mood");
    assert_eq!(failure(&case), "a: unknown kind \"discount_by_mood\"");
    let mut case = discount();
    case["expected"]["mood"] = json!("good");
    assert_eq!(failure(&case), "a: unknown expected key \"mood\"");
    let mut case = discount();
    case["expected"]["discount"] = json!("1.56");
    assert_eq!(failure(&case), "a: discount expected \"1.56\", got \"1.55\"");
    for (key, value, line) in [
        ("amount", json!(null), "a: malformed case: input has no \"amount\""),
        ("amount", json!(10.0), "a: malformed case: \"amount\" is not a decimal text: 10.0"),
        ("percent", json!("many"), "a: malformed case: \"percent\" is not a number: \"many\""),
        ("currency", json!(7), "a: malformed case: \"currency\" is not a text: 7"),
    ] {
        let mut case = discount();
        case["input"][key] = value;
        assert_eq!(failure(&case), line);
    }
    for (key, line) in [
        ("kind", "a: malformed case: no `kind`"),
        ("input", "a: malformed case: no `input`"),
        ("expected", "a: malformed case: no `expected`"),
        ("id", "case 1: malformed case: no `id`"),
    ] {
        let mut case = discount();
        case.as_object_mut().unwrap().remove(key);
        assert_eq!(failure(&case), line);
    }
    let mut case = discount();
    case["expected"] = json!({});
    assert_eq!(failure(&case), "a: malformed case: `expected` is empty");
    let twice = verdicts(&json!([discount(), discount()]));
    assert_eq!(twice, [Ok(()), Err("a: malformed case: the id stands twice".to_owned())]);
}

#[test]
fn a_refusal_must_be_the_one_expected() {
    let case = |day: &str, error: &str| json!({"id": "d", "kind": "due_date", "input": {"issued": day, "net_terms_days": 1}, "expected": {"error": error}});
    assert_eq!(verdicts(&json!([case("2026-02-30", "invalid_date")])), [Ok(())]);
    assert!(failure(&case("2026-02-30", "invalid_iban")).contains("got the refusal \"invalid_date\""));
    assert_eq!(failure(&case("2026-02-20", "invalid_date")), "d: error expected \"invalid_date\", got null");
    assert!(failure(&case("tomorrow", "invalid_date")).starts_with("d: malformed case"));
}

#[test]
fn a_file_without_cases_is_refused() {
    for (text, why) in [
        ("", "not JSON"),
        ("{}", "no list `cases`"),
        ("{\"cases\": 3}", "no list `cases`"),
        ("{\"cases\": []}", "`cases` is empty"),
    ] {
        assert_eq!(file::cases(text).err().unwrap().to_string(), why);
    }
}
