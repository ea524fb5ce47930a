//! The verbs about rules: lay down, change, withdraw. A change is another rule in the place of the one before.

use rust_decimal::Decimal;
use serde_json::json;
use weir_rules::tax::{TaxCategory, TaxRate};
use weir_rules::tax_rules::may_be_a_rule;

use super::store::rules as store;
use super::{Error, TaxRule, TaxRuleWish, TaxRuleWishes};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::TaxRuleId;

/// Rules laid down at once.
const RULES_MAX: usize = 300;
/// Longest name of a place, in characters.
const PLACE_MAX: usize = 100;
/// Longest name of a tax, in characters.
const NAME_MAX: usize = 60;
/// Decimals of a rate.
const DECIMALS: u32 = 6;

/// A page of the rules that are used, newest first.
pub async fn rules(tx: &mut TenantTx, page: Page) -> Result<Vec<TaxRule>, Error> {
    Ok(store::page(tx, page).await?)
}

/// One rule, withdrawn or not.
pub async fn rule(tx: &mut TenantTx, id: TaxRuleId) -> Result<TaxRule, Error> {
    store::find(tx, id).await?.ok_or(Error::RuleNotFound(id))
}

/// Lays down rules, all or none.
pub async fn add_rules(tx: &mut TenantTx, wishes: TaxRuleWishes) -> Result<Vec<TaxRule>, Error> {
    if wishes.rules.is_empty() || wishes.rules.len() > RULES_MAX {
        let message = format!("must be 1 to {RULES_MAX} rules");
        return Err(Error::Invalid(vec![FieldError::new("rules", message)]));
    }
    let (mut errors, mut clean) = (Vec::new(), Vec::new());
    for (index, wish) in wishes.rules.into_iter().enumerate() {
        let wish = tidy(wish);
        check(&wish, &format!("rules[{index}]."), &mut errors);
        clean.push(wish);
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let mut added = Vec::with_capacity(clean.len());
    for (index, wish) in clean.iter().enumerate() {
        added.push(insert(tx, wish, &format!("rules[{index}].from")).await?);
    }
    Ok(added)
}

/// Puts another rule in the place of one, which is withdrawn; invoices that name it go on doing so.
pub async fn change_rule(tx: &mut TenantTx, id: TaxRuleId, wish: TaxRuleWish) -> Result<TaxRule, Error> {
    let (wish, mut errors) = (tidy(wish), Vec::new());
    check(&wish, "", &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    withdraw_rule(tx, id).await?;
    insert(tx, &wish, "from").await
}

/// Uses a rule no more.
pub async fn withdraw_rule(tx: &mut TenantTx, id: TaxRuleId) -> Result<TaxRule, Error> {
    let before = rule(tx, id).await?;
    if !store::withdraw(tx, id).await? {
        return Err(Error::RuleWithdrawn(id));
    }
    audit::record(tx, "withdraw tax rule", id, json!({ "rule": before.wish() })).await?;
    rule(tx, id).await
}

async fn insert(tx: &mut TenantTx, wish: &TaxRuleWish, field: &str) -> Result<TaxRule, Error> {
    // Two taxes that are both charged have an order; without one, somebody forgot to withdraw what this one replaces.
    if let Some(rival) = store::rival(tx, wish).await? {
        let message = format!(
            "{rival} has this turn at this place, and both would be charged: end it before this one begins if this one replaces \
             it, or give this one a turn of its own if it is charged beside it"
        );
        return Err(Error::Invalid(vec![FieldError::new(field.replace("from", "turn"), message)]));
    }
    let id: TaxRuleId = tx.new_id();
    if !store::insert(tx, id, wish).await? {
        let message = "overlaps another rule of this tax at this place: one of them must end before the other begins";
        return Err(Error::Invalid(vec![FieldError::new(field, message)]));
    }
    audit::record(tx, "add tax rule", id, json!({ "rule": wish })).await?;
    rule(tx, id).await
}

fn tidy(wish: TaxRuleWish) -> TaxRuleWish {
    let plain = |text: String| text.trim().to_owned();
    TaxRuleWish {
        country: plain(wish.country),
        region: plain(wish.region),
        city: plain(wish.city),
        postcode: plain(wish.postcode),
        tax: plain(wish.tax),
        category: plain(wish.category).to_ascii_uppercase(),
        ..wish
    }
}

fn check(wish: &TaxRuleWish, at: &str, errors: &mut Vec<FieldError>) {
    let mut refuse = |field: &str, message: String| errors.push(FieldError::new(format!("{at}{field}"), message));
    if wish.country.is_empty() {
        refuse("country", "must name a country: a tax without a place is nobody’s".into());
    } else if wish.country.len() != 2 || !wish.country.bytes().all(|letter| letter.is_ascii_uppercase()) {
        refuse("country", format!("{:?} is not an ISO 3166-1 code of two capital letters", wish.country));
    }
    for (field, text) in [("region", &wish.region), ("city", &wish.city), ("postcode", &wish.postcode)] {
        if text.chars().count() > PLACE_MAX {
            refuse(field, format!("must have at most {PLACE_MAX} characters"));
        }
    }
    if wish.postcode.trim_end_matches('*').contains('*') || wish.postcode == "*" {
        refuse("postcode", "must be a postcode, or its beginning and one * at the end".into());
    }
    if wish.tax.is_empty() {
        refuse("tax", "must not be empty".into());
    } else if wish.tax.chars().count() > NAME_MAX {
        refuse("tax", format!("must have at most {NAME_MAX} characters"));
    }
    if !(0..=99).contains(&wish.turn) {
        refuse("turn", "must be between 0 and 99".into());
    }
    if wish.from.zip(wish.to).is_some_and(|(from, to)| to <= from) {
        refuse("to", "must be after the first day".into());
    }
    match TaxCategory::from_code(&wish.category).ok().filter(|category| may_be_a_rule(*category)) {
        None => refuse("category", format!("must be S, Z, E, L or M, found {:?}", wish.category)),
        Some(_) if wish.rate_percent.normalize().scale() > DECIMALS || wish.rate_percent > Decimal::ONE_HUNDRED => {
            refuse("rate_percent", format!("must be between 0 and 100 with at most {DECIMALS} decimals"));
        }
        Some(category) => {
            if let Err(error) = TaxRate::new(category, wish.rate_percent) {
                refuse("rate_percent", error.to_string());
            }
        }
    }
}
