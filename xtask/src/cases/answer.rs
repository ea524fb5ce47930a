//! What the rules made of an example, and whether that is what the example says.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use weir_rules::money::{Money, round_half_up};
use weir_rules::schedule::Share;

use super::input::decimal_of;

/// The results of an example, by the keys `expected` may have.
#[derive(Default)]
pub struct Answer(Vec<(&'static str, Got)>);

/// One result.
#[derive(Debug, Clone, PartialEq)]
pub enum Got {
    /// Nothing, written `null`.
    Nothing,
    /// No tax rate, written `null`, `"none"` or a rate of zero.
    NoRate,
    /// Yes or no.
    Flag(bool),
    /// Words.
    Text(String),
    /// A date.
    Date(NaiveDate),
    /// A number or amount; equal whatever the zeros at its end.
    Number(Decimal),
    /// An amount in no currency, compared at the decimals the example writes, two at least.
    Exact(Decimal),
    /// A fraction, written `14/28` or `1`.
    Fraction(Share),
    /// A list in order.
    List(Vec<Got>),
    /// A list in any order.
    AnyOrder(Vec<Got>),
    /// A list that may be written without the zeros at its end.
    Trimmed(Vec<Got>),
    /// An object; the example says as much of it as it likes.
    Fields(Vec<(&'static str, Got)>),
    /// An object by numbers; the example says all of it.
    ByNumber(Vec<(Decimal, Got)>),
}

impl Answer {
    /// Adds a result.
    #[must_use]
    pub fn with(mut self, key: &'static str, got: impl Into<Got>) -> Answer {
        self.0.push((key, got.into()));
        self
    }

    /// Adds a result that goes by several names.
    #[must_use]
    pub fn with_all(mut self, keys: &[&'static str], got: impl Into<Got>) -> Answer {
        let got = got.into();
        self.0.extend(keys.iter().map(|key| (*key, got.clone())));
        self
    }

    /// A result; whatever was computed is no error.
    pub fn get(&self, key: &str) -> Option<&Got> {
        let found = self.0.iter().find(|(known, _)| *known == key).map(|(_, got)| got);
        found.or(if key == "error" { Some(&Got::Nothing) } else { None })
    }
}

impl Got {
    /// A list of anything.
    pub fn list<T: Into<Got>>(items: impl IntoIterator<Item = T>) -> Got {
        Got::List(items.into_iter().map(Into::into).collect())
    }

    /// Whether the example says the same.
    pub fn matches(&self, wanted: &Value) -> bool {
        match self {
            Got::Nothing => wanted.is_null(),
            Got::NoRate => {
                wanted.is_null() || wanted == "none" || decimal_of(wanted).is_some_and(|rate| rate.is_zero())
            }
            Got::Flag(flag) => wanted.as_bool() == Some(*flag),
            Got::Text(text) => wanted.as_str() == Some(text),
            Got::Date(date) => wanted.as_str() == Some(date.to_string().as_str()),
            Got::Number(number) => decimal_of(wanted) == Some(*number),
            Got::Exact(exact) => {
                decimal_of(wanted).is_some_and(|written| round_half_up(*exact, written.scale().max(2)) == written)
            }
            Got::Fraction(share) => wanted.as_str().is_some_and(|text| same_fraction(*share, text)),
            Got::List(items) => wanted.as_array().is_some_and(|wanted| same_list(items, wanted)),
            Got::Trimmed(items) => {
                wanted.as_array().is_some_and(|wanted| same_list(trimmed(items), without_zeros(wanted)))
            }
            Got::AnyOrder(items) => wanted.as_array().is_some_and(|wanted| same_in_any_order(items, wanted)),
            Got::Fields(fields) => wanted.as_object().is_some_and(|wanted| same_fields(fields, wanted)),
            Got::ByNumber(entries) => wanted.as_object().is_some_and(|wanted| same_entries(entries, wanted)),
        }
    }

    /// As the example would write it.
    pub fn to_json(&self) -> Value {
        let list = |items: &[Got]| Value::Array(items.iter().map(Got::to_json).collect());
        match self {
            Got::Nothing | Got::NoRate => Value::Null,
            Got::Flag(flag) => Value::Bool(*flag),
            Got::Text(text) => Value::from(text.as_str()),
            Got::Date(date) => Value::from(date.to_string()),
            Got::Number(number) | Got::Exact(number) => Value::from(number.to_string()),
            Got::Fraction(share) => Value::from(format!("{}/{}", share.days(), share.full_days())),
            Got::List(items) | Got::AnyOrder(items) | Got::Trimmed(items) => list(items),
            Got::Fields(fields) => {
                Value::Object(fields.iter().map(|(key, got)| ((*key).to_owned(), got.to_json())).collect())
            }
            Got::ByNumber(entries) => {
                Value::Object(entries.iter().map(|(key, got)| (key.to_string(), got.to_json())).collect())
            }
        }
    }
}

fn same_list(items: &[Got], wanted: &[Value]) -> bool {
    items.len() == wanted.len() && items.iter().zip(wanted).all(|(got, wanted)| got.matches(wanted))
}

fn same_in_any_order(items: &[Got], wanted: &[Value]) -> bool {
    let mut left: Vec<&Got> = items.iter().collect();
    items.len() == wanted.len()
        && wanted.iter().all(|wanted| {
            let found = left.iter().position(|got| got.matches(wanted));
            found.map(|index| left.remove(index)).is_some()
        })
}

fn same_fields(fields: &[(&'static str, Got)], wanted: &Map<String, Value>) -> bool {
    let same = |key: &str, wanted: &Value| fields.iter().any(|(known, got)| *known == key && got.matches(wanted));
    !wanted.is_empty() && wanted.iter().all(|(key, wanted)| same(key, wanted))
}

fn same_entries(entries: &[(Decimal, Got)], wanted: &Map<String, Value>) -> bool {
    let number = |key: &str| decimal_of(&Value::from(key));
    let same = |key: &str, wanted: &Value| {
        entries.iter().any(|(known, got)| number(key) == Some(*known) && got.matches(wanted))
    };
    entries.len() == wanted.len() && wanted.iter().all(|(key, wanted)| same(key, wanted))
}

fn trimmed(items: &[Got]) -> &[Got] {
    let is_zero = |got: &Got| matches!(got, Got::Number(number) | Got::Exact(number) if number.is_zero());
    &items[..items.iter().rposition(|got| !is_zero(got)).map_or(0, |last| last + 1)]
}

fn without_zeros(items: &[Value]) -> &[Value] {
    let is_zero = |value: &Value| decimal_of(value).is_some_and(|number| number.is_zero());
    &items[..items.iter().rposition(|value| !is_zero(value)).map_or(0, |last| last + 1)]
}

/// Whether a text is the same fraction: `14/28` and `1/2` are.
fn same_fraction(share: Share, text: &str) -> bool {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    let part = |text: &str| text.trim().parse::<u64>().ok();
    let written = part(above).zip(part(below).filter(|below| *below > 0));
    written.is_some_and(|(above, below)| share.is(above, below))
}

impl From<Money> for Got {
    fn from(money: Money) -> Got {
        Got::Number(money.amount())
    }
}

impl From<Decimal> for Got {
    fn from(number: Decimal) -> Got {
        Got::Number(number)
    }
}

impl From<NaiveDate> for Got {
    fn from(date: NaiveDate) -> Got {
        Got::Date(date)
    }
}

impl From<bool> for Got {
    fn from(flag: bool) -> Got {
        Got::Flag(flag)
    }
}

impl From<String> for Got {
    fn from(text: String) -> Got {
        Got::Text(text)
    }
}

impl From<u32> for Got {
    fn from(count: u32) -> Got {
        Got::Number(count.into())
    }
}

impl From<i64> for Got {
    fn from(count: i64) -> Got {
        Got::Number(count.into())
    }
}

impl From<Share> for Got {
    fn from(share: Share) -> Got {
        Got::Fraction(share)
    }
}

impl<T: Into<Got>> From<Option<T>> for Got {
    fn from(maybe: Option<T>) -> Got {
        maybe.map_or(Got::Nothing, Into::into)
    }
}
