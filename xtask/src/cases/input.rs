//! Reads the input of an example into the rules' types; what is missing or of the wrong type is told by its key.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde_json::{Map, Value};
use weir_rules::calendar::{BillingDay, Cycle, Period, Timing, local_date};
use weir_rules::interval::Interval;
use weir_rules::money::{Currency, Money};
use weir_rules::unit_price::UnitPrice;

use super::refusal::{IMPOSSIBLE_DATE, Stop};

/// An object of an example.
pub struct Input<'a>(&'a Map<String, Value>);

impl<'a> Input<'a> {
    /// Reads an object.
    pub fn new(object: &'a Map<String, Value>) -> Input<'a> {
        Input(object)
    }

    /// A value, if it is there and not `null`.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    /// Every key and value.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value)> {
        self.0.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.as_str(), value))
    }

    fn need(&self, key: &str) -> Result<&'a Value, Stop> {
        self.get(key).ok_or_else(|| Stop::Malformed(format!("input has no {key:?}")))
    }

    /// Words.
    pub fn text(&self, key: &str) -> Result<&'a str, Stop> {
        self.need(key)?.as_str().ok_or_else(|| wrong(key, "a text", self.0))
    }

    /// Words, if there.
    pub fn maybe_text(&self, key: &str) -> Result<Option<&'a str>, Stop> {
        self.get(key).map(|_| self.text(key)).transpose()
    }

    /// Yes or no; `otherwise` when nothing is said.
    pub fn flag(&self, key: &str, otherwise: bool) -> Result<bool, Stop> {
        let Some(value) = self.get(key) else { return Ok(otherwise) };
        value.as_bool().ok_or_else(|| wrong(key, "true or false", self.0))
    }

    /// A number, or a text that is one.
    pub fn number(&self, key: &str) -> Result<Decimal, Stop> {
        decimal_of(self.need(key)?).ok_or_else(|| wrong(key, "a number", self.0))
    }

    /// A number, if there.
    pub fn maybe_number(&self, key: &str) -> Result<Option<Decimal>, Stop> {
        self.get(key).map(|_| self.number(key)).transpose()
    }

    /// A whole number of zero or more.
    pub fn count(&self, key: &str) -> Result<u32, Stop> {
        let number = self.number(key)?.normalize();
        let whole = if number.scale() == 0 { u32::try_from(number.mantissa()).ok() } else { None };
        whole.ok_or_else(|| wrong(key, "a whole number", self.0))
    }

    /// A whole number, if there.
    pub fn maybe_count(&self, key: &str) -> Result<Option<u32>, Stop> {
        self.get(key).map(|_| self.count(key)).transpose()
    }

    /// A price, with as many decimals as it needs; a decimal text.
    pub fn price(&self, key: &str) -> Result<Decimal, Stop> {
        price_of(self.need(key)?).ok_or_else(|| wrong(key, "a decimal text", self.0))
    }

    /// A price, if there.
    pub fn maybe_price(&self, key: &str) -> Result<Option<Decimal>, Stop> {
        self.get(key).map(|_| self.price(key)).transpose()
    }

    /// An amount in a currency; a decimal text the currency can have.
    pub fn money(&self, key: &str, currency: Currency) -> Result<Money, Stop> {
        Ok(Money::new(self.price(key)?, currency)?)
    }

    /// An amount, if there.
    pub fn maybe_money(&self, key: &str, currency: Currency) -> Result<Option<Money>, Stop> {
        self.get(key).map(|_| self.money(key, currency)).transpose()
    }

    /// Amounts in a currency.
    pub fn moneys(&self, key: &str, currency: Currency) -> Result<Vec<Money>, Stop> {
        self.list(key)?.iter().map(|value| money_of(key, value, currency)).collect()
    }

    /// Numbers.
    pub fn numbers(&self, key: &str) -> Result<Vec<Decimal>, Stop> {
        let number = |value| decimal_of(value).ok_or_else(|| wrong(key, "a list of numbers", self.0));
        self.list(key)?.iter().map(number).collect()
    }

    /// The currency, EUR when nothing is said.
    pub fn currency(&self) -> Result<Currency, Stop> {
        Ok(self.maybe_text("currency")?.map_or(Ok(Currency::EUR), Currency::from_code)?)
    }

    /// A list.
    pub fn list(&self, key: &str) -> Result<&'a Vec<Value>, Stop> {
        self.need(key)?.as_array().ok_or_else(|| wrong(key, "a list", self.0))
    }

    /// A list of objects.
    pub fn objects(&self, key: &str) -> Result<Vec<Input<'a>>, Stop> {
        let object =
            |value: &'a Value| value.as_object().map(Input::new).ok_or_else(|| wrong(key, "a list of objects", self.0));
        self.list(key)?.iter().map(object).collect()
    }

    /// An object.
    pub fn object(&self, key: &str) -> Result<Input<'a>, Stop> {
        self.need(key)?.as_object().map(Input::new).ok_or_else(|| wrong(key, "an object", self.0))
    }

    /// A date.
    pub fn date(&self, key: &str) -> Result<NaiveDate, Stop> {
        date_of(key, self.need(key)?)
    }

    /// A date, if there.
    pub fn maybe_date(&self, key: &str) -> Result<Option<NaiveDate>, Stop> {
        self.get(key).map(|_| self.date(key)).transpose()
    }

    /// Dates.
    pub fn dates(&self, key: &str) -> Result<Vec<NaiveDate>, Stop> {
        self.list(key)?.iter().map(|value| date_of(key, value)).collect()
    }

    /// An instant, with its offset from UTC.
    pub fn instant(&self, key: &str) -> Result<DateTime<Utc>, Stop> {
        let parsed = DateTime::parse_from_rfc3339(self.text(key)?);
        parsed.map(|at| at.with_timezone(&Utc)).map_err(|_| wrong(key, "an instant like 2024-01-31T05:00:00Z", self.0))
    }

    /// The time zone.
    pub fn zone(&self) -> Result<Tz, Stop> {
        self.text("time_zone")?.parse().map_err(|_| wrong("time_zone", "an IANA time zone", self.0))
    }

    /// How long a period is.
    pub fn interval(&self) -> Result<Interval, Stop> {
        self.text("period")?.parse().map_err(|_| wrong("period", "a billing period", self.0))
    }

    /// The billing day, if there.
    pub fn maybe_billing_day(&self) -> Result<Option<BillingDay>, Stop> {
        Ok(self.maybe_count("billing_day")?.map(BillingDay::new).transpose()?)
    }

    /// When periods are billed, in advance when nothing is said.
    pub fn timing(&self) -> Result<Timing, Stop> {
        let Some(text) = self.maybe_text("billing")? else { return Ok(Timing::InAdvance) };
        match text.to_ascii_lowercase().replace(['-', ' '], "_").as_str() {
            "in_advance" | "advance" => Ok(Timing::InAdvance),
            "in_arrears" | "in_arrear" | "arrears" | "arrear" => Ok(Timing::InArrears),
            _ => Err(wrong("billing", "in_advance or in_arrears", self.0)),
        }
    }

    /// The first day of service: a date, or an instant in a time zone.
    pub fn start(&self) -> Result<NaiveDate, Stop> {
        if self.get("start_instant").is_some() {
            return Ok(local_date(self.instant("start_instant")?, self.zone()?));
        }
        self.date("start")
    }

    /// The periods from the start; those of months need a billing day.
    pub fn cycle(&self) -> Result<Cycle, Stop> {
        let (start, interval) = (self.start()?, self.interval()?);
        let day = self.maybe_billing_day()?;
        if day.is_none() && matches!(interval, Interval::Months(_)) {
            self.need("billing_day")?;
        }
        Ok(interval.cycle(start, day)?)
    }

    /// The full period.
    pub fn full_period(&self) -> Result<Period, Stop> {
        Ok(Period::new(self.date("period_start")?, self.date("period_end")?)?)
    }

    /// A unit price with its quantity, one when nothing is said.
    pub fn unit(&self, price: &str, quantity: &str) -> Result<UnitPrice, Stop> {
        let quantity = self.maybe_number(quantity)?.unwrap_or(Decimal::ONE);
        Ok(UnitPrice { price: self.price(price)?, quantity, currency: self.currency()? })
    }
}

fn wrong(key: &str, wanted: &str, object: &Map<String, Value>) -> Stop {
    let found = object.get(key).map(ToString::to_string).unwrap_or_default();
    Stop::Malformed(format!("{key:?} is not {wanted}: {}", found.chars().take(60).collect::<String>()))
}

/// A date written YYYY-MM-DD; one the calendar does not have is a refusal, not an unreadable text.
fn date_of(key: &str, value: &Value) -> Result<NaiveDate, Stop> {
    let unreadable = || Stop::Malformed(format!("{key:?} is not a date: {value}"));
    let text = value.as_str().ok_or_else(unreadable)?;
    let shape = |(at, byte): (usize, u8)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(shape) {
        return Err(unreadable());
    }
    text.parse().map_err(|_| Stop::refused(IMPOSSIBLE_DATE, format!("{key:?} is no day of the calendar: {text}")))
}

/// A number, or a text that is one: digits, a minus and a point.
pub fn decimal_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => plain(&number.to_string()),
        Value::String(text) => plain(text),
        _ => None,
    }
}

/// A price: a text alone, for a number has passed through a float.
pub fn price_of(value: &Value) -> Option<Decimal> {
    plain(value.as_str()?)
}

/// An amount in a currency.
pub fn money_of(key: &str, value: &Value, currency: Currency) -> Result<Money, Stop> {
    let amount = price_of(value).ok_or_else(|| Stop::Malformed(format!("{key:?} is not a decimal text: {value}")))?;
    Ok(Money::new(amount, currency)?)
}

fn plain(text: &str) -> Option<Decimal> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && digits(fraction) { Decimal::from_str_exact(text).ok() } else { None }
}
