//! Traffic that is paid by the gigabyte, in tiers.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use weir_rules::money::{Currency, Money, MoneyError};
use weir_rules::pricing::TierMode;
use weir_rules::traffic_price;

use super::model::{Amount, VersionWish};
use super::service::{check_amount, check_bytes};
use crate::error::FieldError;

/// Tiers a version may have.
const TIERS_MAX: usize = 10;
/// Decimals the price of a gigabyte may have.
const DECIMALS_MAX: u32 = 6;
/// More than any gigabyte costs.
const PRICE_MAX: Decimal = Decimal::ONE_THOUSAND;

/// What traffic costs: all of it, or what is beyond the allowance if there is one.
///
/// Bounds, fees and the maximum are for a month from billing day to billing day; a part of one has a part of each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficPrice {
    /// Which gigabytes cost what a tier says.
    #[serde(default)]
    pub mode: TrafficMode,
    /// In order, each beyond the one before, 1-10; the last has no bound.
    pub tiers: Vec<TrafficTier>,
    /// A month never costs more, before tax; absent = whatever it comes to.
    pub maximum: Option<Amount>,
}

/// Which gigabytes cost what a tier says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrafficMode {
    /// Those in it.
    #[default]
    Graduated,
    /// All of them, when the last one is in it.
    Volume,
}

/// One tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrafficTier {
    /// The last byte in it; absent = no bound.
    #[schema(example = 500_000_000_000_i64)]
    pub up_to_bytes: Option<i64>,
    /// For a gigabyte, before tax, in the currency of the plan's price; up to six decimals.
    #[schema(value_type = String, example = "0.05")]
    pub per_gigabyte: Decimal,
    /// Once, when the tier is reached, before tax.
    #[serde(default)]
    #[schema(value_type = String, example = "0")]
    pub fee: Decimal,
}

impl TrafficPrice {
    /// As the rules take it.
    pub fn rule(&self, currency: Currency) -> Result<traffic_price::TrafficPrice, MoneyError> {
        let tiers = self.tiers.iter().map(|tier| traffic_price::TrafficTier {
            up_to_bytes: tier.up_to_bytes.map(i64::unsigned_abs),
            per_gigabyte: tier.per_gigabyte,
            fee: tier.fee,
        });
        Ok(traffic_price::TrafficPrice {
            mode: match self.mode {
                TrafficMode::Graduated => TierMode::Graduated,
                TrafficMode::Volume => TierMode::Volume,
            },
            tiers: tiers.collect(),
            maximum: self.maximum.as_ref().map(|most| Money::new(most.amount, currency)).transpose()?,
            currency,
        })
    }
}

pub(super) fn check_traffic_price(wish: &VersionWish, errors: &mut Vec<FieldError>) {
    let Some(TrafficPrice { tiers, maximum, .. }) = &wish.traffic_price else { return };
    if wish.overage.is_some() || wish.throttle.is_some() {
        errors.push(FieldError::new("traffic_price", "must not be beside blocks or a throttle: choose one of them"));
    }
    if tiers.is_empty() || tiers.len() > TIERS_MAX {
        let text = format!("must have from 1 to {TIERS_MAX} entries, found {}", tiers.len());
        return errors.push(FieldError::new("traffic_price.tiers", text));
    }
    let mut before = 0;
    for (n, tier) in tiers.iter().enumerate() {
        let name = |field: &str| format!("traffic_price.tiers.{n}.{field}");
        let last = n + 1 == tiers.len();
        match tier.up_to_bytes {
            Some(_) if last => errors.push(FieldError::new(name("up_to_bytes"), "must be absent in the last tier")),
            Some(bound) if bound <= before => {
                let text = format!("must be above the tier before, at {before}, found {bound}");
                errors.push(FieldError::new(name("up_to_bytes"), text));
            }
            Some(bound) => {
                check_bytes(&name("up_to_bytes"), bound, errors);
                before = bound;
            }
            None if !last => errors.push(FieldError::new(name("up_to_bytes"), "must be given but in the last tier")),
            None => {}
        }
        check_per_gigabyte(&name("per_gigabyte"), tier.per_gigabyte, errors);
        let fee = Amount { amount: tier.fee, currency: wish.price.currency.clone() };
        check_amount(&name("fee"), &fee, errors);
    }
    if let Some(maximum) = maximum {
        check_amount("traffic_price.maximum", maximum, errors);
        if maximum.currency != wish.price.currency {
            let text = format!("must be in {} as the price is", wish.price.currency);
            errors.push(FieldError::new("traffic_price.maximum", text));
        }
    }
}

fn check_per_gigabyte(field: &str, price: Decimal, errors: &mut Vec<FieldError>) {
    if price.is_sign_negative() && !price.is_zero() {
        errors.push(FieldError::new(field, "must not be below zero"));
    } else if price > PRICE_MAX {
        errors.push(FieldError::new(field, format!("must be at most {PRICE_MAX}, found {price}")));
    } else if price.normalize().scale() > DECIMALS_MAX {
        errors.push(FieldError::new(field, format!("must have at most {DECIMALS_MAX} decimals, found {price}")));
    }
}
