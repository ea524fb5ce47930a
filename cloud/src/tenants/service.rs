//! The verbs: create, show, change.

use chrono_tz::Tz;
use rust_decimal::Decimal;
use weir_rules::reference;

use super::{Error, LANGUAGES, NewTenant, Recognition, Tenant, TenantChange, store};
use crate::app::App;
use crate::audit;
use crate::db::{Scope, TenantTx};
use crate::error::FieldError;
use crate::ids::{self, TenantId};

/// Longest name, in characters.
const NAME_MAX: usize = 200;
/// Longest name of a tax, in characters.
const TAX_NAME_MAX: usize = 60;
/// Longest of the other texts, in characters.
const TEXT_MAX: usize = 500;

/// Creates an ISP; the transaction returned can go on to add its first staff before it commits.
pub async fn create(app: &App, new: &NewTenant) -> Result<TenantTx, Error> {
    let mut errors = Vec::new();
    check_currency(&new.currency, &mut errors);
    check_time_zone(&new.time_zone, &mut errors);
    check_text("name", &new.name, &mut errors);
    if new.country.len() != 2 || !new.country.chars().all(|letter| letter.is_ascii_uppercase()) {
        errors.push(FieldError::new(
            "country",
            format!("{:?} is not an ISO 3166-1 code of two capital letters", new.country),
        ));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let id: TenantId = ids::new_id(app.clock.now());
    let mut tx = app.db.begin(&Scope::system(id)).await?;
    store::insert(&mut tx, new).await?;
    audit::record(&mut tx, "create tenant", id, serde_json::json!({ "slug": new.slug })).await?;
    Ok(tx)
}

/// What the transaction's ISP says of itself.
pub async fn tenant(tx: &mut TenantTx) -> Result<Tenant, Error> {
    Ok(store::tenant(tx).await?)
}

/// The short name of the transaction's ISP, as addresses have it.
pub async fn slug(tx: &mut TenantTx) -> Result<String, Error> {
    Ok(store::slug(tx).await?)
}

/// The ISP of this short name.
pub async fn named(app: &App, slug: &str) -> Result<Option<TenantId>, Error> {
    let mut tx = app.db.platform().await.map_err(Error::from)?;
    Ok(store::named(&mut tx, slug).await?)
}

/// Changes what the transaction's ISP says of itself.
pub async fn change(tx: &mut TenantTx, change: TenantChange) -> Result<Tenant, Error> {
    check(&change)?;
    let mut tenant = store::tenant(tx).await?;
    let before = serde_json::to_value(&tenant).unwrap_or_default();
    let tax = (tenant.tax_name.clone(), tenant.tax_rate_percent);
    macro_rules! take {
        ($($field:ident),*) => { $(if let Some(value) = change.$field { tenant.$field = value; })* };
    }
    take!(
        name,
        legal_name,
        address,
        tax_id,
        currency,
        time_zone,
        language,
        hue,
        tax_name,
        tax_rate_percent,
        tax_rounding,
        tax_included,
        recognition,
        payment_terms_days,
        grace_days,
        invoice_prefix,
        contact,
        pay_url,
        bank_holder,
        bank_iban,
        bank_bic,
        port_block_months
    );
    // One spelling, however it was typed.
    tenant.bank_iban = reference::body_of(&tenant.bank_iban);
    tenant.bank_bic = reference::body_of(&tenant.bank_bic);
    if (tenant.tax_name.as_str(), tenant.tax_rate_percent) != (tax.0.as_str(), tax.1)
        && !store::set_home_tax(tx, &tenant.country, &tenant.tax_name, tenant.tax_rate_percent).await?
    {
        let field = if tenant.tax_rate_percent == tax.1 { "tax_name" } else { "tax_rate_percent" };
        let message = "is more than one rate for all days by now: change it among the tax rules";
        return Err(Error::Invalid(vec![FieldError::new(field, message)]));
    }
    if tenant.recognition == Recognition::OverPeriod {
        tenant.deferring_since = tenant.deferring_since.or(Some(tx.at()));
    }
    store::update(tx, &tenant).await?;
    let after = serde_json::to_value(&tenant).unwrap_or_default();
    audit::record(tx, "change settings", tenant.id, serde_json::json!({ "before": before, "after": after })).await?;
    Ok(tenant)
}

fn check(change: &TenantChange) -> Result<(), Error> {
    let mut errors = Vec::new();
    if let Some(name) = &change.name {
        check_text("name", name, &mut errors);
    }
    if let Some(name) = &change.legal_name {
        check_text("legal_name", name, &mut errors);
    }
    check_tax_name(change, &mut errors);
    let texts = [
        ("address", &change.address),
        ("tax_id", &change.tax_id),
        ("contact", &change.contact),
        ("pay_url", &change.pay_url),
        ("bank_holder", &change.bank_holder),
    ];
    for (field, text) in texts {
        if text.as_ref().is_some_and(|text| text.chars().count() > TEXT_MAX) {
            errors.push(FieldError::new(field, format!("must have at most {TEXT_MAX} characters")));
        }
    }
    if let Some(currency) = &change.currency {
        check_currency(currency, &mut errors);
    }
    if let Some(zone) = &change.time_zone {
        check_time_zone(zone, &mut errors);
    }
    if let Some(language) = change.language.as_deref().filter(|language| !LANGUAGES.contains(language)) {
        errors
            .push(FieldError::new("language", format!("must be one of {}, found {language:?}", LANGUAGES.join(", "))));
    }
    if change.hue.is_some_and(|hue| !(0..360).contains(&hue)) {
        errors.push(FieldError::new("hue", "must be between 0 and 359"));
    }
    if change
        .tax_rate_percent
        .is_some_and(|rate| rate < Decimal::ZERO || rate > Decimal::ONE_HUNDRED || rate.normalize().scale() > 4)
    {
        errors.push(FieldError::new("tax_rate_percent", "must be between 0 and 100 with at most four decimals"));
    }
    for (field, days) in [("payment_terms_days", change.payment_terms_days), ("grace_days", change.grace_days)] {
        if days.is_some_and(|days| !(0..=365).contains(&days)) {
            errors.push(FieldError::new(field, "must be between 0 and 365 days"));
        }
    }
    if let Some(prefix) = &change.invoice_prefix
        && (prefix.is_empty() || prefix.len() > 12 || !prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    {
        errors.push(FieldError::new("invoice_prefix", "must be 1 to 12 letters, digits and hyphens"));
    }
    if change
        .pay_url
        .as_deref()
        .is_some_and(|url| !url.is_empty() && !url.starts_with("http://") && !url.starts_with("https://"))
    {
        errors.push(FieldError::new("pay_url", "must begin with http:// or https://"));
    }
    if change.port_block_months.is_some_and(|months| !(1..=84).contains(&months)) {
        errors.push(FieldError::new("port_block_months", "must be between 1 and 84 months"));
    }
    check_bank(change, &mut errors);
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

fn check_tax_name(change: &TenantChange, errors: &mut Vec<FieldError>) {
    let Some(name) = &change.tax_name else { return };
    if name.trim().is_empty() {
        errors.push(FieldError::new("tax_name", "must not be empty"));
    } else if name.chars().count() > TAX_NAME_MAX {
        errors.push(FieldError::new("tax_name", format!("must have at most {TAX_NAME_MAX} characters")));
    }
}

fn check_bank(change: &TenantChange, errors: &mut Vec<FieldError>) {
    if change.bank_iban.as_deref().is_some_and(|iban| !iban.trim().is_empty() && reference::iban(iban).is_none()) {
        errors.push(FieldError::new("bank_iban", "must be an IBAN with right check digits"));
    }
    let bic = change.bank_bic.as_deref().map(reference::body_of).unwrap_or_default();
    if !matches!(bic.len(), 0 | 8 | 11) {
        errors.push(FieldError::new("bank_bic", "must have 8 or 11 letters and digits"));
    }
}

fn check_text(field: &str, text: &str, errors: &mut Vec<FieldError>) {
    if text.trim().is_empty() {
        errors.push(FieldError::new(field, "must not be empty"));
    } else if text.chars().count() > NAME_MAX {
        errors.push(FieldError::new(field, format!("must have at most {NAME_MAX} characters")));
    }
}

fn check_currency(code: &str, errors: &mut Vec<FieldError>) {
    if let Err(error) = weir_rules::money::Currency::from_code(code) {
        errors.push(FieldError::new("currency", error));
    }
}

fn check_time_zone(name: &str, errors: &mut Vec<FieldError>) {
    if name.parse::<Tz>().is_err() {
        errors.push(FieldError::new("time_zone", format!("{name:?} is not an IANA time zone")));
    }
}
