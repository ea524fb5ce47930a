//! Figures, dates and volumes as readers of each language write them.

use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use weir_rules::money::{Money, round_half_up};

const NO_BREAK: char = '\u{a0}';

/// 1,234.56 in English and Arabic, 1.234,56 in Spanish and Portuguese, 1 234,56 in French.
pub fn decimal(amount: Decimal, language: &str) -> String {
    let (group, point) = match language {
        "es" | "pt-BR" => ('.', ','),
        "fr" => ('\u{202f}', ','),
        _ => (',', '.'),
    };
    let plain = amount.abs().to_string();
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let mut text = String::from(if amount.is_sign_negative() && !amount.is_zero() { "\u{2212}" } else { "" });
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    if !fraction.is_empty() {
        text.push(point);
        text.push_str(fraction);
    }
    text
}

/// The amount and the currency's code.
pub fn money(money: Money, language: &str) -> String {
    format!("{}{NO_BREAK}{}", decimal(money.amount(), language), money.currency().code())
}

/// Decimal units, two decimals: 12.35 GB.
pub fn bytes(bytes: i64, language: &str) -> String {
    const UNITS: [(i64, &str); 4] =
        [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let (size, unit) = UNITS.into_iter().find(|(size, _)| bytes >= *size).unwrap_or((1, "B"));
    let mut amount = Decimal::from(bytes) / Decimal::from(size);
    amount = round_half_up(amount, 2).normalize();
    format!("{}{NO_BREAK}{unit}", decimal(amount, language))
}

/// A day, with the month by name.
pub fn date(date: NaiveDate, language: &str) -> String {
    const EN: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    const ES: [&str; 12] = ["ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic"];
    const PT: [&str; 12] =
        ["jan.", "fev.", "mar.", "abr.", "mai.", "jun.", "jul.", "ago.", "set.", "out.", "nov.", "dez."];
    const FR: [&str; 12] =
        ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."];
    const AR: [&str; 12] =
        ["يناير", "فبراير", "مارس", "أبريل", "مايو", "يونيو", "يوليو", "أغسطس", "سبتمبر", "أكتوبر", "نوفمبر", "ديسمبر"];
    let months = match language {
        "es" => ES,
        "pt-BR" => PT,
        "fr" => FR,
        "ar" => AR,
        _ => EN,
    };
    format!("{}{NO_BREAK}{}{NO_BREAK}{}", date.day(), months[date.month0() as usize], date.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_as_each_language_does() {
        let amount: Decimal = "-1234567.50".parse().unwrap();
        for (language, text) in
            [("en", "−1,234,567.50"), ("es", "−1.234.567,50"), ("fr", "−1\u{202f}234\u{202f}567,50")]
        {
            assert_eq!(decimal(amount, language), text);
        }
        assert_eq!(bytes(12_345_678_901, "es"), "12,35\u{a0}GB");
        assert_eq!(bytes(0, "en"), "0\u{a0}B");
        assert_eq!(date(NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(), "fr"), "1\u{a0}déc.\u{a0}2026");
    }
}
