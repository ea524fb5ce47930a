//! Tax rules, exemptions, and what of them is frozen on an invoice.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::{AccountId, TaxExemptionId, TaxRuleId};

/// A tax at a place, from one day up to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TaxRule {
    /// Which.
    pub id: TaxRuleId,
    /// ISO 3166-1 alpha-2.
    #[schema(example = "ES")]
    pub country: String,
    /// A state or province; empty = all of the country.
    pub region: String,
    /// A town; empty = everywhere.
    pub city: String,
    /// A postcode, or how it begins with `*` at its end; empty = everywhere.
    pub postcode: String,
    /// The tax as invoices call it.
    #[schema(example = "IVA")]
    pub tax: String,
    /// Of EN 16931.
    #[schema(example = "S")]
    pub category: String,
    /// Percent, 0-100, at most six decimals.
    #[schema(value_type = String, example = "21")]
    pub rate_percent: Decimal,
    /// Its turn among several taxes of a place; the first is lowest.
    pub turn: i16,
    /// Whether it is on the amount with the taxes before it.
    pub compound: bool,
    /// The first day; null = always before.
    pub from: Option<NaiveDate>,
    /// The day after the last; null = for good.
    pub to: Option<NaiveDate>,
    /// Since when it is there.
    pub created_at: DateTime<Utc>,
    /// Since when it is not used any more.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

impl TaxRule {
    /// What lays it down again.
    pub fn wish(&self) -> TaxRuleWish {
        TaxRuleWish {
            country: self.country.clone(),
            region: self.region.clone(),
            city: self.city.clone(),
            postcode: self.postcode.clone(),
            tax: self.tax.clone(),
            category: self.category.clone(),
            rate_percent: self.rate_percent,
            turn: self.turn,
            compound: self.compound,
            from: self.from,
            to: self.to,
        }
    }
}

/// A tax rule to be laid down. The most specific rule of a tax wins: country, then region, city and postcode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxRuleWish {
    /// ISO 3166-1 alpha-2. A rule without a place is refused.
    #[serde(default)]
    #[schema(example = "ES")]
    pub country: String,
    /// A state or province as service locations name it; empty = all of the country.
    #[serde(default)]
    pub region: String,
    /// A town; empty = everywhere.
    #[serde(default)]
    pub city: String,
    /// A postcode, or how it begins with `*` at its end; empty = everywhere.
    #[serde(default)]
    #[schema(example = "35*")]
    pub postcode: String,
    /// The tax as invoices call it. Taxes of different names at one place stand beside each other.
    #[schema(example = "IVA")]
    pub tax: String,
    /// Of EN 16931: `S` standard or reduced, `Z` zero rated, `E` exempt, `L` Canary Islands, `M` Ceuta and Melilla.
    #[schema(example = "S")]
    pub category: String,
    /// Percent, 0-100, at most six decimals.
    #[schema(value_type = String, example = "21")]
    pub rate_percent: Decimal,
    /// Its turn among several taxes of a place, 0-99; the first is lowest.
    #[serde(default)]
    pub turn: i16,
    /// Whether it is on the amount with the taxes before it.
    #[serde(default)]
    pub compound: bool,
    /// The first day; absent = always before.
    #[serde(default)]
    pub from: Option<NaiveDate>,
    /// The day after the last; absent = for good.
    #[serde(default)]
    pub to: Option<NaiveDate>,
}

/// Tax rules to be laid down together, or not at all.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxRuleWishes {
    /// 1 to 300 of them.
    pub rules: Vec<TaxRuleWish>,
}

/// Why an account is not charged tax, from one day up to another.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TaxExemption)]
pub struct Exemption {
    /// Which.
    pub id: TaxExemptionId,
    /// Whose.
    pub account_id: AccountId,
    /// Why it is.
    pub kind: ExemptionKind,
    /// Number of the certificate, or the VAT identifier.
    pub document: String,
    /// As it stands on invoices.
    pub reason: String,
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; absent = for good.
    pub to: Option<NaiveDate>,
    /// Since when it is there.
    pub created_at: DateTime<Utc>,
    /// Since when it is not used any more.
    pub withdrawn_at: Option<DateTime<Utc>>,
}

/// What frees an account from tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TaxExemptionKind)]
pub enum ExemptionKind {
    /// A paper of an authority: category `E`.
    Certificate,
    /// The buyer accounts for the tax: category `AE`.
    ReverseCharge,
    /// Goods to a business in another country of the European Union: category `K`.
    IntraCommunity,
}

impl ExemptionKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Certificate, Self::ReverseCharge, Self::IntraCommunity];

    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Certificate => "certificate",
            Self::ReverseCharge => "reverse_charge",
            Self::IntraCommunity => "intra_community",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// An exemption to be noted.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = TaxExemptionWish)]
#[serde(deny_unknown_fields)]
pub struct ExemptionWish {
    /// Why the account is exempt.
    pub kind: ExemptionKind,
    /// Number of the certificate, or the account's VAT identifier with its country's letters.
    #[schema(example = "PT501964843")]
    pub document: String,
    /// As it stands on invoices; what the law names where it is left out.
    #[serde(default)]
    pub reason: String,
    /// The first day.
    pub from: NaiveDate,
    /// The day after the last; absent = for good.
    #[serde(default)]
    pub to: Option<NaiveDate>,
}

/// Where a line is taxed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxPlace {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// A state or province; may be empty.
    pub region: String,
    /// A town; may be empty.
    pub city: String,
    /// A postcode; may be empty.
    pub postcode: String,
}

/// One of the taxes of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxPart {
    /// The rule it follows from.
    pub rule_id: TaxRuleId,
    /// As the rule calls it.
    pub tax: String,
    /// The rule's own rate, percent.
    #[schema(value_type = String)]
    pub rate: Decimal,
    /// Whether it is on the amount with the taxes before it.
    pub compound: bool,
    /// What it adds to the net, percent: more than its rate if it is compound.
    #[schema(value_type = String)]
    pub share: Decimal,
}

/// The exemption that freed a line from tax.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exempted {
    /// Which.
    pub exemption_id: TaxExemptionId,
    /// Why.
    pub kind: ExemptionKind,
    /// Number of the certificate, or the VAT identifier.
    pub document: String,
    /// As it stands on the invoice.
    pub reason: String,
}

/// What a line's tax follows from, frozen with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaxedBy {
    /// Where it was taxed.
    pub place: TaxPlace,
    /// By which rules, in their order; none where no rule was about the place.
    pub taxes: Vec<TaxPart>,
    /// Why not, where the account was exempt.
    pub exemption: Option<Exempted>,
}

impl TaxedBy {
    /// What invoices call the taxes together; empty where there is none.
    pub fn name(&self) -> String {
        self.taxes.iter().map(|part| part.tax.as_str()).collect::<Vec<_>>().join(" + ")
    }
}
