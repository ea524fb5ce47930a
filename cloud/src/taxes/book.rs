//! What billing asks of each line: all that decides about the tax of some accounts, read at once.

use std::collections::HashMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use uuid::Uuid;
use weir_rules::calendar::Period;
use weir_rules::tax::{TaxCategory, TaxRate};
use weir_rules::tax_place::Place;
use weir_rules::tax_rules::{self, Rule};

use super::store::{exemptions, places, rules};
use super::{Error, Exempted, Exemption, ExemptionKind, TaxPart, TaxPlace, TaxRule, TaxedBy};
use crate::db::TenantTx;
use crate::ids::{AccountId, SubscriptionId, TaxRuleId};
use crate::tenants;

/// The tax rules, and what of some accounts decides about tax.
pub struct Book {
    rules: Vec<Rule<TaxRuleId>>,
    home: String,
    places: HashMap<(AccountId, Option<SubscriptionId>), Place>,
    exemptions: HashMap<AccountId, Vec<Exemption>>,
}

/// Whose tax is asked for: an account's, or that of one of its subscriptions.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// Which.
    pub account: AccountId,
    /// The account that is billed: the same, or the one that pays for it. Whether tax is charged depends on the buyer.
    pub billed: AccountId,
    /// What for; none = nothing at a place of its own.
    pub subscription: Option<SubscriptionId>,
}

impl Book {
    /// Reads what decides about these accounts.
    pub async fn of(tx: &mut TenantTx, accounts: &[Uuid]) -> Result<Self, Error> {
        let home = tenants::tenant(tx).await?.country;
        let rules = rules::all(tx).await?.into_iter().map(rule).collect::<Result<_, _>>()?;
        let mut places = HashMap::new();
        for row in places::of_accounts(tx, accounts).await? {
            let part = |text: String| Some(text).filter(|text| !text.is_empty());
            let place = Place {
                country: part(row.country),
                region: part(row.region),
                city: part(row.city),
                postcode: part(row.postcode),
            };
            places.insert((row.account, row.subscription), place);
        }
        let mut exemptions: HashMap<_, Vec<_>> = HashMap::new();
        for exemption in exemptions::of_accounts(tx, accounts).await? {
            exemptions.entry(exemption.account_id).or_default().push(exemption);
        }
        Ok(Self { rules, home, places, exemptions })
    }

    /// The book of a subscription's account, and the line it is.
    pub async fn of_line(tx: &mut TenantTx, subscription: SubscriptionId) -> Result<(Self, Line), Error> {
        let (account, billed) = places::accounts_of(tx, subscription).await?;
        let book = Self::of(tx, &[account.uuid(), billed.uuid()]).await?;
        Ok((book, Line { account, billed, subscription: Some(subscription) }))
    }

    /// The book of an account that is to be at a place, for whoever asks before there is one.
    pub async fn at(tx: &mut TenantTx, account: AccountId, place: Place) -> Result<Self, Error> {
        let mut book = Self::of(tx, &[]).await?;
        book.places.insert((account, None), place);
        Ok(book)
    }

    /// The rate of a line on a day, and what it follows from. No rule about its place is zero rated.
    pub fn taxed(&self, line: Line, on: NaiveDate) -> Result<(TaxRate, TaxedBy), Error> {
        let place = self.place(line, on);
        let taxes = tax_rules::taxes_at(&place, &self.rules, on);
        let exemption = self.exemption(line.billed, on);
        let rate = match exemption {
            Some(exemption) => TaxRate::new(category(exemption.kind), Decimal::ZERO)?,
            None => {
                tax_rules::together(&taxes)?.map_or_else(|| TaxRate::new(TaxCategory::ZeroRated, Decimal::ZERO), Ok)?
            }
        };
        let shares = tax_rules::shares(&taxes);
        let part = |(rule, share): (&&Rule<TaxRuleId>, Decimal)| TaxPart {
            rule_id: rule.id,
            tax: rule.tax.clone(),
            rate: rule.rate.percent(),
            compound: rule.compound,
            share: share.normalize(),
        };
        let exempted = exemption.map(|exemption| Exempted {
            exemption_id: exemption.id,
            kind: exemption.kind,
            document: exemption.document.clone(),
            reason: exemption.reason.clone(),
        });
        let place = TaxPlace {
            country: place.country.unwrap_or_default(),
            region: place.region.unwrap_or_default(),
            city: place.city.unwrap_or_default(),
            postcode: place.postcode.unwrap_or_default(),
        };
        Ok((rate, TaxedBy { place, taxes: taxes.iter().zip(shares).map(part).collect(), exemption: exempted }))
    }

    /// The days inside a period on which a line's rate may change.
    pub fn changes(&self, line: Line, period: Period) -> Vec<NaiveDate> {
        let mut days = tax_rules::changes(&self.rules, period);
        for exemption in self.exemptions.get(&line.billed).into_iter().flatten() {
            let ends = [Some(exemption.from), exemption.to].into_iter().flatten();
            days.extend(ends.filter(|day| *day > period.start() && *day < period.end()));
        }
        days.sort_unstable();
        days.dedup();
        days
    }

    fn place(&self, line: Line, on: NaiveDate) -> Place {
        let own = self.places.get(&(line.account, line.subscription)).or(self.places.get(&(line.account, None)));
        tax_rules::taxed_place(own.cloned().unwrap_or_default(), &self.home, &self.rules, on)
    }

    fn exemption(&self, account: AccountId, on: NaiveDate) -> Option<&Exemption> {
        let of_account = self.exemptions.get(&account)?;
        of_account.iter().find(|exemption| exemption.from <= on && exemption.to.is_none_or(|to| on < to))
    }
}

fn category(kind: ExemptionKind) -> TaxCategory {
    match kind {
        ExemptionKind::Certificate => TaxCategory::Exempt,
        ExemptionKind::ReverseCharge => TaxCategory::ReverseCharge,
        ExemptionKind::IntraCommunity => TaxCategory::IntraCommunity,
    }
}

fn rule(rule: TaxRule) -> Result<Rule<TaxRuleId>, Error> {
    let wish = rule.wish();
    let part = |text: String| Some(text).filter(|text| !text.is_empty());
    let place = Place {
        country: part(wish.country),
        region: part(wish.region),
        city: part(wish.city),
        postcode: part(wish.postcode),
    };
    let rate = TaxRate::new(TaxCategory::from_code(&wish.category)?, wish.rate_percent)?;
    let (order, compound, from, to) = (wish.turn, wish.compound, wish.from, wish.to);
    Ok(Rule { id: rule.id, place, tax: wish.tax, rate, order, compound, from, to })
}
