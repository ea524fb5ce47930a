//! A finding in somebody's language.

use chrono_tz::Tz;
use serde::Serialize;
use utoipa::ToSchema;
use weir_rules::support::answer::{Evidence, Finding, Value, Weight};
use weir_ui::{format, i18n};

/// A finding as it is told.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Answer {
    /// Names the finding, for ever.
    #[schema(example = "unpaid")]
    pub code: String,
    /// `cause`, `hint` or `clear`.
    pub weight: String,
    /// Where its evidence is seen: `account`, `line`, `router`, `outage` or nothing.
    pub evidence: String,
    /// The sentence, for the subscriber, in their language.
    pub text: String,
}

/// A finding as a subscriber reads it.
pub fn answer(lang: &str, zone: Tz, finding: &Finding) -> Answer {
    Answer {
        code: finding.code.to_owned(),
        weight: match finding.weight {
            Weight::Cause => "cause",
            Weight::Hint => "hint",
            Weight::Clear => "clear",
        }
        .to_owned(),
        evidence: match finding.evidence {
            Evidence::Account => "account",
            Evidence::Line => "line",
            Evidence::Router => "router",
            Evidence::Outage => "outage",
            Evidence::Nothing => "",
        }
        .to_owned(),
        text: told(lang, zone, finding),
    }
}

/// The sentence of a finding.
pub fn told(lang: &str, zone: Tz, finding: &Finding) -> String {
    let arguments: Vec<_> = finding.arguments.iter().map(|(name, value)| (*name, written(lang, zone, value))).collect();
    let arguments: Vec<_> = arguments.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let text = i18n::t(lang, &format!("answer-{}", finding.code), &arguments);
    // Marks of direction matter where directions mix; elsewhere they would stick to addresses that are copied.
    if lang == "ar" { text } else { text.replace(['\u{2068}', '\u{2069}'], "") }
}

fn written(lang: &str, zone: Tz, value: &Value) -> String {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    match value {
        Value::Text(text) => text.clone(),
        Value::Money(money) => format::money(lang, money.amount(), money.currency().code()),
        Value::At(at) => format::instant(lang, *at, zone),
        Value::On(day) => format::date(lang, *day),
        Value::Rate(rate) => format::bit_rate(lang, whole(*rate)),
        Value::Bytes(bytes) => format::bytes(lang, whole(*bytes)),
        Value::Percent(percent) => format!("{percent}\u{a0}%"),
        Value::Key(key) => i18n::t(lang, key, &[]),
    }
}
