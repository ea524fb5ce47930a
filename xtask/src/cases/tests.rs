//! The examples that ship with the rules, and what is refused.

use super::*;

fn verdicts(cases: &str) -> Vec<Result<(), String>> {
    file::cases(&format!("{{\"cases\": [{cases}]}}")).unwrap().iter().map(judge).collect()
}

fn failure(case: &str) -> String {
    verdicts(case).remove(0).unwrap_err()
}

const DISCOUNT: &str = r#"{"id": "a", "kind": "discount_percent",
    "input": {"currency": "USD", "amount": "10.00", "percent": "15.5"}, "expected": {"discount": "1.55"}}"#;
