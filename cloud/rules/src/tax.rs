//! Tax on an invoice: grouped by category and rate, rounded once a group, half up.
//!
//! Not here: which rate holds where (the caller freezes it on the line). Categories are those of EN 16931.
//! Start with [`exclusive`] and [`inclusive`].

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError};

/// Why a tax was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxError {
    /// The rate does not go with the category: standard is above zero, exempt is zero.
    #[error("rate {rate_percent} % is not possible in tax category {}", category.code())]
    Rate {
        /// The category.
        category: TaxCategory,
        /// The rate.
        rate_percent: Decimal,
    },
    /// The code is not one of EN 16931.
    #[error("unknown tax category {0:?}")]
    UnknownCategory(String),
    /// An amount of money was refused.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

/// A tax category of EN 16931 (a subset of UNCL 5305).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxCategory {
    /// `S`, the standard or a reduced rate.
    Standard,
    /// `Z`, zero rated.
    ZeroRated,
    /// `E`, exempt.
    Exempt,
    /// `AE`, the buyer accounts for the tax.
    ReverseCharge,
    /// `K`, to a business in another country of the Union.
    IntraCommunity,
    /// `G`, an export.
    Export,
    /// `O`, outside the scope of tax.
    OutOfScope,
    /// `L`, the general indirect tax of the Canary Islands.
    CanaryIslands,
    /// `M`, the tax of Ceuta and Melilla.
    CeutaMelilla,
}

impl TaxCategory {
    /// Every category.
    pub const ALL: [TaxCategory; 9] = [
        TaxCategory::Standard,
        TaxCategory::ZeroRated,
        TaxCategory::Exempt,
        TaxCategory::ReverseCharge,
        TaxCategory::IntraCommunity,
        TaxCategory::Export,
        TaxCategory::OutOfScope,
        TaxCategory::CanaryIslands,
        TaxCategory::CeutaMelilla,
    ];

    /// The code on the document, such as `S` or `AE`.
    pub const fn code(self) -> &'static str {
        match self {
            TaxCategory::Standard => "S",
            TaxCategory::ZeroRated => "Z",
            TaxCategory::Exempt => "E",
            TaxCategory::ReverseCharge => "AE",
            TaxCategory::IntraCommunity => "K",
            TaxCategory::Export => "G",
            TaxCategory::OutOfScope => "O",
            TaxCategory::CanaryIslands => "L",
            TaxCategory::CeutaMelilla => "M",
        }
    }

    /// Finds a category by its code.
    pub fn from_code(code: &str) -> Result<TaxCategory, TaxError> {
        let found = TaxCategory::ALL.into_iter().find(|category| category.code() == code);
        found.ok_or_else(|| TaxError::UnknownCategory(code.chars().take(16).collect()))
    }

    /// Whether the document must say why no tax is charged.
    pub const fn needs_reason(self) -> bool {
        matches!(
            self,
            TaxCategory::Exempt
                | TaxCategory::ReverseCharge
                | TaxCategory::IntraCommunity
                | TaxCategory::Export
                | TaxCategory::OutOfScope
        )
    }
}

/// A category and its rate; one without tax has rate zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TaxRate {
    category: TaxCategory,
    percent: Decimal,
}

impl TaxRate {
    /// Refuses a standard rate of zero or less, a rate outside 0 to 100, and a rate in a category without tax.
    pub fn new(category: TaxCategory, percent: Decimal) -> Result<TaxRate, TaxError> {
        let possible = match category {
            TaxCategory::Standard => percent > Decimal::ZERO && percent <= Decimal::ONE_HUNDRED,
            TaxCategory::CanaryIslands | TaxCategory::CeutaMelilla => {
                percent >= Decimal::ZERO && percent <= Decimal::ONE_HUNDRED
            }
            _ => percent.is_zero(),
        };
        if !possible {
            return Err(TaxError::Rate { category, rate_percent: percent });
        }
        Ok(TaxRate { category, percent: percent.normalize() })
    }

    /// The category.
    pub const fn category(self) -> TaxCategory {
        self.category
    }

    /// The rate in percent, without trailing zeros.
    pub const fn percent(self) -> Decimal {
        self.percent
    }

    /// The tax on a net amount, rounded: 8.25 % of 50.00 is 4.13.
    pub fn on_net(self, net: Money) -> Result<Money, TaxError> {
        Ok(net.times_ratio(self.percent, Decimal::ONE_HUNDRED)?)
    }
}

/// A net amount and how it is taxed: a line, or an allowance of the document as a minus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taxable {
    /// The amount without tax, after its discounts.
    pub net: Money,
    /// Its tax.
    pub rate: TaxRate,
}

/// One row of the tax breakdown of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TaxGroup {
    /// The category and rate.
    pub rate: TaxRate,
    /// The sum of the nets.
    pub base: Money,
    /// The tax on that sum.
    pub tax: Money,
}

/// Tax on top of net amounts: one group per category and rate, in the order they first appear.
///
/// 25.00 and 25.00 at 8.25 % is one group with base 50.00 and tax 4.13, not twice 2.06.
pub fn exclusive(currency: Currency, amounts: &[Taxable]) -> Result<Vec<TaxGroup>, TaxError> {
    let mut groups: Vec<TaxGroup> = Vec::new();
    let nothing = Money::zero(currency);
    for Taxable { net, rate } in amounts.iter().copied() {
        let group = match groups.iter().position(|group| group.rate == rate) {
            Some(index) => &mut groups[index],
            None => {
                groups.push(TaxGroup { rate, base: nothing, tax: nothing });
                groups.last_mut().expect("just pushed")
            }
        };
        group.base = group.base.checked_add(net)?;
    }
    for group in &mut groups {
        group.tax = group.rate.on_net(group.base)?;
    }
    Ok(groups)
}

/// Tax inside a fixed gross amount, as (net, tax): the net is rounded, the tax is the rest. 2.99 at 4 % is 2.88 and 0.11.
pub fn inclusive(gross: Money, rate: TaxRate) -> Result<(Money, Money), TaxError> {
    let net = gross.times_ratio(Decimal::ONE_HUNDRED, Decimal::ONE_HUNDRED + rate.percent)?;
    Ok((net, gross.checked_sub(net)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn eur(text: &str) -> Money {
        Money::parse(text, Currency::EUR).unwrap()
    }

    fn standard(percent: &str) -> TaxRate {
        TaxRate::new(TaxCategory::Standard, percent.parse().unwrap()).unwrap()
    }

    #[test]
    fn tax_is_rounded_once_a_group() {
        for (lines, percent, base, tax) in [
            (vec!["25.00", "25.00"], "8.25", "50.00", "4.13"),
            (vec!["25.00", "25.00"], "8.245", "50.00", "4.12"),
            (vec!["100.00"], "8.875", "100.00", "8.88"),
            (vec!["-25.00", "-25.00"], "8.25", "-50.00", "-4.13"),
        ] {
            let rate = standard(percent);
            let amounts: Vec<_> = lines.iter().map(|net| Taxable { net: eur(net), rate }).collect();
            let groups = exclusive(Currency::EUR, &amounts).unwrap();
            assert_eq!(groups, [TaxGroup { rate, base: eur(base), tax: eur(tax) }]);
        }
    }

    #[test]
    fn rates_and_categories_make_their_own_groups() {
        let exempt = TaxRate::new(TaxCategory::Exempt, Decimal::ZERO).unwrap();
        let amounts = [("100", standard("20")), ("50", standard("20.0")), ("80", standard("5")), ("10", exempt)];
        let amounts = amounts.map(|(net, rate)| Taxable { net: eur(net), rate });
        let groups = exclusive(Currency::EUR, &amounts).unwrap();
        let figures: Vec<_> = groups.iter().map(|group| (group.base, group.tax)).collect();
        assert_eq!(figures, [(eur("150"), eur("30")), (eur("80"), eur("4")), (eur("10"), eur("0"))]);
        assert_eq!(exclusive(Currency::EUR, &[]), Ok(vec![]));
    }

    #[test]
    fn gross_stays_fixed_when_tax_is_inside() {
        assert_eq!(inclusive(eur("2.99"), standard("4")), Ok((eur("2.88"), eur("0.11"))));
    }

    #[test]
    fn categories_have_codes_and_possible_rates() {
        for category in TaxCategory::ALL {
            assert_eq!(TaxCategory::from_code(category.code()), Ok(category));
            assert_eq!(TaxRate::new(category, Decimal::ZERO).is_ok(), category != TaxCategory::Standard);
            let taxed = [TaxCategory::Standard, TaxCategory::CanaryIslands, TaxCategory::CeutaMelilla];
            assert_eq!(TaxRate::new(category, Decimal::TEN).is_ok(), taxed.contains(&category));
            assert!(TaxRate::new(category, -Decimal::ONE).is_err());
        }
        let refused = TaxRate::new(TaxCategory::ReverseCharge, Decimal::TEN).unwrap_err();
        assert_eq!(refused.to_string(), "rate 10 % is not possible in tax category AE");
        assert!(TaxCategory::from_code("X").is_err());
    }
}
