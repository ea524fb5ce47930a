//! Numbers, money, dates, rates and volumes as readers of a language write them. Digits are Latin in every language.
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;

/// Between a number and its unit: no line break.
const NBSP: char = '\u{a0}';

const MONTHS: [(&str, [&str; 12]); 5] = [
    ("en", ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]),
    ("es", ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"]),
    ("pt-BR", ["jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."]),
    ("fr", ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."]),
    (
        "ar",
        ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"],
    ),
];

/// An exact decimal with the language's separators, every digit kept.
#[must_use]
pub fn number(lang: &str, value: Decimal) -> String {
    let text = value.abs().to_string();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (group, point) = match lang {
        "es" | "pt-BR" => ('.', ','),
        "fr" => ('\u{202f}', ','),
        _ => (',', '.'),
    };
    // Spanish writes four digits without a separator.
    let grouped = whole.len() > if lang == "es" { 4 } else { 3 };
    let mut out = String::from(if value.is_sign_negative() && !value.is_zero() { "\u{2212}" } else { "" });
    for (n, digit) in whole.chars().enumerate() {
        if grouped && n > 0 && (whole.len() - n).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    if !fraction.is_empty() {
        out.push(point);
        out.push_str(fraction);
    }
    out
}

/// A count.
#[must_use]
pub fn count(lang: &str, value: usize) -> String {
    number(lang, Decimal::from(value))
}

/// An amount of a currency named by its ISO 4217 code; as many decimals as it needs, and at least the currency's own.
#[must_use]
pub fn money(lang: &str, amount: Decimal, code: &str) -> String {
    let decimals = weir_rules::money::Currency::from_code(code).map_or(2, |currency| currency.decimals());
    let mut amount = amount.normalize();
    if amount.scale() < decimals {
        amount.rescale(decimals);
    }
    let figure = number(lang, amount);
    let symbol = match (code, lang) {
        ("EUR", _) => "€",
        ("GBP", _) => "£",
        ("BRL", _) => "R$",
        ("USD", "en") => "$",
        ("USD", _) => "US$",
        _ => code,
    };
    match (lang, symbol) {
        ("en", "€" | "£" | "$" | "R$") => match figure.strip_prefix('\u{2212}') {
            Some(figure) => format!("\u{2212}{symbol}{figure}"),
            None => format!("{symbol}{figure}"),
        },
        ("en" | "pt-BR", _) => format!("{symbol}{NBSP}{figure}"),
        _ => format!("{figure}{NBSP}{symbol}"),
    }
}

/// A civil date, month by name.
#[must_use]
pub fn date(lang: &str, date: NaiveDate) -> String {
    let names = MONTHS.iter().find(|(tag, _)| *tag == lang).map_or(&MONTHS[0].1, |(_, names)| names);
    let month = names[date.month0() as usize];
    match lang {
        "pt-BR" => format!("{} de {month} de {}", date.day(), date.year()),
        _ => format!("{} {month} {}", date.day(), date.year()),
    }
}

/// A calendar month and its year, month by name.
#[must_use]
pub fn month(lang: &str, first: NaiveDate) -> String {
    let names = MONTHS.iter().find(|(tag, _)| *tag == lang).map_or(&MONTHS[0].1, |(_, names)| names);
    format!("{} {}", names[first.month0() as usize], first.year())
}

/// An instant as the clocks of `zone` show it, to the minute.
#[must_use]
pub fn instant(lang: &str, at: DateTime<Utc>, zone: Tz) -> String {
    let local = at.with_timezone(&zone);
    format!("{}, {:02}:{:02}", date(lang, local.date_naive()), local.hour(), local.minute())
}

/// Bits per second in the largest unit that keeps the figure above one.
#[must_use]
pub fn bit_rate(lang: &str, bits_per_second: i64) -> String {
    scaled(lang, bits_per_second, &["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"])
}

/// Bytes in the largest decimal unit that keeps the figure above one.
#[must_use]
pub fn bytes(lang: &str, bytes: i64) -> String {
    scaled(lang, bytes, &["B", "kB", "MB", "GB", "TB", "PB"])
}

fn scaled(lang: &str, value: i64, units: &[&str]) -> String {
    let mut figure = Decimal::from(value);
    let mut unit = 0;
    while figure.abs() >= Decimal::ONE_THOUSAND && unit + 1 < units.len() {
        figure /= Decimal::ONE_THOUSAND;
        unit += 1;
    }
    format!("{}{NBSP}{}", number(lang, weir_rules::money::round_half_up(figure, 2).normalize()), units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    #[test]
    fn numbers_are_grouped_as_the_language_does() {
        let value = decimal("-1234567.50");
        assert_eq!(number("en", value), "−1,234,567.50");
        assert_eq!(number("pt-BR", value), "−1.234.567,50");
        assert_eq!(number("fr", value), "−1\u{202f}234\u{202f}567,50");
        assert_eq!(number("es", decimal("1234")), "1234");
        assert_eq!(number("es", decimal("12345")), "12.345");
    }

    #[test]
    fn money_keeps_every_digit_and_the_currencys_decimals() {
        assert_eq!(money("en", decimal("-44.9"), "EUR"), "−€44.90");
        assert_eq!(money("en", decimal("44.9000"), "EUR"), "€44.90");
        assert_eq!(money("es", decimal("44.905"), "EUR"), "44,905\u{a0}€");
        assert_eq!(money("pt-BR", decimal("1044.9"), "BRL"), "R$\u{a0}1.044,90");
        assert_eq!(money("en", decimal("500"), "JPY"), "JPY\u{a0}500");
    }

    #[test]
    fn dates_and_instants_follow_the_language_and_the_zone() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 21).expect("a date");
        assert_eq!(date("fr", day), "21 nov. 2026");
        assert_eq!(date("pt-BR", day), "21 de nov. de 2026");
        let at = day.and_hms_opt(23, 30, 0).expect("a time").and_utc();
        assert_eq!(instant("en", at, chrono_tz::Europe::Madrid), "22 Nov 2026, 00:30");
    }

    #[test]
    fn rates_and_volumes_take_the_largest_unit() {
        assert_eq!(bit_rate("en", 500_000_000), "500\u{a0}Mbit/s");
        assert_eq!(bit_rate("es", 2_500_000_000), "2,5\u{a0}Gbit/s");
        assert_eq!(bytes("en", 999), "999\u{a0}B");
    }
}
