//! CSV as banks write it: columns by name, days and decimals as the country does.

use std::collections::HashMap;

use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use weir_rules::money::{Currency, Money};

use super::Columns;
use super::statement::{Entry, Statement};
use crate::error::FieldError;

const DATE_FORMATS: [&str; 4] = ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y"];
const DECIMAL_MARKS: [&str; 2] = [".", ","];
const SEPARATORS: [&str; 3] = [",", ";", "\t"];

impl Columns {
    pub(super) fn check(&self, errors: &mut Vec<FieldError>) {
        let named = [
            ("booked_on", &self.booked_on),
            ("amount", &self.amount),
            ("payer", &self.payer),
            ("remittance", &self.remittance),
        ];
        for (field, name) in named {
            if name.trim().is_empty() {
                errors.push(FieldError::new(format!("columns.{field}"), "must not be empty"));
            }
        }
        let choices = [
            ("date_format", &self.date_format, &DATE_FORMATS[..]),
            ("decimal_mark", &self.decimal_mark, &DECIMAL_MARKS[..]),
            ("separator", &self.separator, &SEPARATORS[..]),
        ];
        for (field, value, known) in choices {
            if !known.contains(&value.as_str()) {
                let message = format!("must be one of {known:?}");
                errors.push(FieldError::new(format!("columns.{field}"), message));
            }
        }
    }

    fn amount(&self, text: &str, currency: Currency) -> Result<Money, String> {
        let spaced = |letter: char| letter.is_whitespace() || letter == '\'';
        let plain: String = text.trim().replace('\u{2212}', "-").trim_start_matches('+').to_owned();
        let (whole, fraction) = plain.split_once(self.decimal_mark.as_str()).unwrap_or((&plain, ""));
        let thousands = if self.decimal_mark == "," { '.' } else { ',' };
        let groups: Vec<_> =
            whole.trim_start_matches('-').split(|letter| letter == thousands || spaced(letter)).collect();
        // With the wrong mark 12.50 would be 1250: what stands between thousands has three digits on its right.
        let grouped = groups.len() == 1 || (groups[0].len() <= 3 && groups[1..].iter().all(|group| group.len() == 3));
        if !grouped {
            return Err(format!("{text:?} is not an amount with {:?} before its decimals", self.decimal_mark));
        }
        let sign = if whole.starts_with('-') { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        Money::parse(&format!("{sign}{}{point}{fraction}", groups.concat()), currency)
            .map_err(|error| error.to_string())
    }
}

/// Reads a file of the account whose currency is given; the error names the line.
pub(super) fn read(text: &str, columns: &Columns, currency: Currency) -> Result<Statement, String> {
    let separator = columns.separator.bytes().next().unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let names = reader.headers().map_err(|error| error.to_string())?.clone();
    let column = |name: &str| {
        let at = names.iter().position(|known| known.eq_ignore_ascii_case(name.trim()));
        at.ok_or_else(|| {
            format!("there is no column {name:?}; the file has {}", names.iter().collect::<Vec<_>>().join(", "))
        })
    };
    let (day, amount, payer, remittance) =
        (column(&columns.booked_on)?, column(&columns.amount)?, column(&columns.payer)?, column(&columns.remittance)?);
    let reference = if columns.reference.trim().is_empty() { None } else { Some(column(&columns.reference)?) };
    let (mut entries, mut seen) = (Vec::new(), HashMap::<String, u32>::new());
    for (index, record) in reader.records().enumerate() {
        // The first line has the names.
        let told = |error: String| format!("line {}: {error}", index + 2);
        let record = record.map_err(|error| told(error.to_string()))?;
        let field = |at: usize| record.get(at).unwrap_or_default();
        let booked_on = NaiveDate::parse_from_str(field(day), &columns.date_format)
            .map_err(|_| told(format!("{:?} is not a day like {}", field(day), columns.date_format)))?;
        let amount = columns.amount(field(amount), currency).map_err(told)?;
        if amount.is_zero() {
            continue;
        }
        let name = match reference.map(field).filter(|name| !name.is_empty()) {
            // Not every bank's own name is unique: the day and the amount make it so.
            Some(name) => format!("{name}/{booked_on}/{}", amount.amount()),
            None => hex::encode(&Sha256::digest(record.iter().collect::<Vec<_>>().join("\u{1f}"))[..12]),
        };
        // Two transfers of one day may look the same; the second is the second in every file.
        let count = seen.entry(name.clone()).and_modify(|count| *count += 1).or_insert(1);
        entries.push(Entry {
            reference: format!("csv/{name}/{count}"),
            booked_on,
            amount,
            payer_name: field(payer).to_owned(),
            payer_iban: String::new(),
            structured: String::new(),
            remittance: field(remittance).to_owned(),
            reversed: false,
        });
    }
    let days = || entries.iter().map(|entry| entry.booked_on);
    let (Some(from_on), Some(to_on)) = (days().min(), days().max()) else {
        return Err("the file has no entry".into());
    };
    let reference = format!("csv/{}", hex::encode(&Sha256::digest(text)[..12]));
    Ok(Statement { reference, iban: None, balances: None, from_on, to_on, entries })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> Columns {
        Columns {
            booked_on: "Fecha".into(),
            amount: "Importe".into(),
            payer: "Ordenante".into(),
            remittance: "Concepto".into(),
            reference: String::new(),
            date_format: "%d/%m/%Y".into(),
            decimal_mark: ",".into(),
            separator: ";".into(),
        }
    }

    #[test]
    fn days_and_decimals_are_read_as_the_country_writes_them() {
        let text = "\u{feff}Fecha;Ordenante;Concepto;Importe\n03/11/2026;Ana;\"Fibra; nov\";1.234,50\n03/11/2026;Ana;x;-3\n03/11/2026;Ana;x;-3\n";
        let statement = read(text, &columns(), Currency::EUR).unwrap();
        let amounts: Vec<_> = statement.entries.iter().map(|entry| entry.amount.to_string()).collect();
        assert_eq!(amounts, ["1234.50 EUR", "-3.00 EUR", "-3.00 EUR"]);
        assert_eq!(statement.entries[0].remittance, "Fibra; nov");
        assert_ne!(statement.entries[1].reference, statement.entries[2].reference);
        assert_eq!(statement.from_on, "2026-11-03".parse().unwrap());
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        let told = |text: &str| read(text, &columns(), Currency::EUR).unwrap_err();
        assert!(told("Fecha;Importe\n").contains("no column \"Ordenante\""));
        assert!(told("Fecha;Ordenante;Concepto;Importe\n2026-11-03;a;b;1\n").starts_with("line 2: \"2026-11-03\""));
        assert!(told("Fecha;Ordenante;Concepto;Importe\n03/11/2026;a;b;1\n03/11/2026;a;b;x\n").starts_with("line 3"));
        for wrong in ["12.50", "1.2345,00", "1234.567,00", "1,2,3", "", "-", "1.234,567"] {
            let line = format!("Fecha;Ordenante;Concepto;Importe\n03/11/2026;a;b;{wrong}\n");
            assert!(told(&line).starts_with("line 2"), "{wrong}");
        }
        assert_eq!(told("Fecha;Ordenante;Concepto;Importe\n"), "the file has no entry");
    }
}
