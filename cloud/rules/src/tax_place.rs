//! Which tax rate holds at a place: the most specific rule that matches wins, and where none matches there is no tax.
//!
//! A rule names a country, a region of it, a city, a postcode, or less; what it leaves out matches everything. A postcode of a
//! rule may end in `*`. Start with [`rule_at`].

use rust_decimal::Decimal;

/// Where somebody is taxed. Letters are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The country, as ISO 3166 writes it.
    pub country: Option<String>,
    /// A state or province.
    pub region: Option<String>,
    /// A town.
    pub city: Option<String>,
    /// A postal code.
    pub postcode: Option<String>,
}

/// A rate and where it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceRule {
    /// What of a place the rule asks for.
    pub place: Place,
    /// The rate in percent.
    pub rate_percent: Decimal,
}

/// The rule for a place; of rules as specific the first. `None` where no rule matches.
pub fn rule_at<'a>(place: &Place, rules: &'a [PlaceRule]) -> Option<&'a PlaceRule> {
    let mut best: Option<(u8, &PlaceRule)> = None;
    for rule in rules {
        let Some(specific) = specificity(place, &rule.place) else { continue };
        if best.is_none_or(|(before, _)| specific > before) {
            best = Some((specific, rule));
        }
    }
    best.map(|(_, rule)| rule)
}

/// How specific a match is, country least and postcode most; `None` when the rule is for elsewhere.
pub(crate) fn specificity(place: &Place, rule: &Place) -> Option<u8> {
    let fields = [
        (&place.country, &rule.country, 1),
        (&place.region, &rule.region, 2),
        (&place.city, &rule.city, 4),
        (&place.postcode, &rule.postcode, 8),
    ];
    fields.into_iter().try_fold(0, |sum, (found, wanted, weight)| match wanted {
        None => Some(sum),
        Some(wanted) => matches(found.as_deref()?, wanted).then_some(sum + weight),
    })
}

fn matches(found: &str, wanted: &str) -> bool {
    let plain = |text: &str| text.trim().to_lowercase();
    let (found, wanted) = (plain(found), plain(wanted));
    match wanted.strip_suffix('*') {
        Some(begin) => found.starts_with(begin),
        None => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(parts: [&str; 4]) -> Place {
        let part = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Place { country: part(parts[0]), region: part(parts[1]), city: part(parts[2]), postcode: part(parts[3]) }
    }

    #[test]
    fn the_most_specific_rule_wins() {
        let rule = |parts, rate: i64| PlaceRule { place: place(parts), rate_percent: rate.into() };
        let rules = [
            rule(["US", "", "", ""], 5),
            rule(["US", "CA", "", ""], 7),
            rule(["US", "CA", "Oakland", ""], 9),
            rule(["US", "", "", "9021*"], 10),
            rule(["US", "CA", "", ""], 8),
        ];
        for (parts, rate) in [
            (["US", "TX", "", ""], Some(5)),
            (["us", "ca", "", ""], Some(7)),
            (["US", "CA", "Oakland", ""], Some(9)),
            (["US", "CA", "Oakland", "90210"], Some(10)),
            (["FR", "CA", "", ""], None),
            (["", "", "", ""], None),
        ] {
            let found = rule_at(&place(parts), &rules).map(|rule| rule.rate_percent);
            assert_eq!(found, rate.map(Decimal::from), "{parts:?}");
        }
        let anywhere = [rule(["", "", "", ""], 3)];
        assert_eq!(rule_at(&place(["FR", "", "", ""]), &anywhere), Some(&anywhere[0]));
    }
}
