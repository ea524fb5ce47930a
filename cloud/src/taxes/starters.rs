//! Sets of tax rules to start with: shown to be looked through, never laid down by themselves. The figures are in one file.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Error, TaxRuleWish};

const FILE: &str = include_str!("starters.txt");

/// A set of tax rules to start with.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TaxStarter)]
pub struct Starter {
    /// Names it: `eu-vat`.
    pub name: String,
    /// The day its figures were looked at. What changed since is not in it.
    pub as_of: NaiveDate,
    /// Where the figures are published.
    pub source: String,
    /// What to know before any of it is used.
    pub note: String,
    /// The rules, to be checked.
    pub rules: Vec<TaxRuleWish>,
}

/// Every set there is.
pub fn starters() -> Vec<Starter> {
    let mut starters: Vec<Starter> = Vec::new();
    for line in FILE.lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix('[') {
            starters.extend(begun(head));
        } else if let (Some(note), Some(starter)) = (line.strip_prefix("! "), starters.last_mut()) {
            starter.note = note.to_owned();
        } else if let (Some(rule), Some(starter)) = (rule(line), starters.last_mut()) {
            starter.rules.push(rule);
        }
    }
    starters
}

/// One set by its name.
pub fn starter(name: &str) -> Result<Starter, Error> {
    let missing = || Error::StarterNotFound(name.chars().take(40).collect());
    starters().into_iter().find(|starter| starter.name == name).ok_or_else(missing)
}

/// `eu-vat] 2026-01-01 https://…`
fn begun(head: &str) -> Option<Starter> {
    let (name, rest) = head.split_once("] ")?;
    let (as_of, source) = rest.split_once(' ')?;
    let as_of = as_of.parse().ok()?;
    Some(Starter { name: name.into(), as_of, source: source.into(), note: String::new(), rules: Vec::new() })
}

/// `KE;;VAT;S;16;1;compound;2026-01-01;`
fn rule(line: &str) -> Option<TaxRuleWish> {
    let mut parts = line.split(';');
    let mut next = || parts.next().map(str::trim);
    let (country, region, tax, category) = (next()?, next()?, next()?, next()?);
    let (rate, turn, compound, from, to) = (next()?, next()?, next()?, next()?, next()?);
    Some(TaxRuleWish {
        country: country.into(),
        region: region.into(),
        city: String::new(),
        postcode: String::new(),
        tax: tax.into(),
        category: category.into(),
        rate_percent: rate.parse().ok()?,
        turn: turn.parse().ok()?,
        compound: compound == "compound",
        from: if from.is_empty() { None } else { Some(from.parse().ok()?) },
        to: if to.is_empty() { None } else { Some(to.parse().ok()?) },
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_of_the_file_is_a_rule_or_says_something() {
        let starters = starters();
        let names: Vec<_> = starters.iter().map(|starter| starter.name.as_str()).collect();
        assert_eq!(names, ["eu-vat", "uk-vat", "us-sales-tax", "india-gst", "brazil-icms", "kenya"]);
        let rules: usize = starters.iter().map(|starter| starter.rules.len()).sum();
        let lines = FILE.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', '[', '!'])).count();
        assert_eq!(rules, lines);
        let places = |name: &str| {
            let rules = starter(name).unwrap().rules;
            rules.into_iter().map(|rule| (rule.country, rule.region)).collect::<BTreeSet<_>>().len()
        };
        assert_eq!([places("eu-vat"), places("us-sales-tax"), places("brazil-icms")], [27, 51, 27]);
        assert!(starters.iter().all(|starter| starter.source.starts_with("https://") && !starter.note.is_empty()));
        assert!(starter("atlantis").is_err());
    }
}
