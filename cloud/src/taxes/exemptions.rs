//! The verbs about exemptions: note one, withdraw it.

use serde_json::json;

use super::store::exemptions as store;
use super::{Error, Exemption, ExemptionKind, ExemptionWish};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::{AccountId, TaxExemptionId};
use crate::{audit, subscribers, tenants};

/// Longest text, in characters.
const TEXT_MAX: usize = 200;
/// Countries of the European Union, as VAT identifiers begin: Greece has letters of its own.
const UNION: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "EL", "ES", "FI", "FR", "HR", "HU", "IE", "IT", "LT", "LU", "LV",
    "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// A page of an account's exemptions, newest first, withdrawn ones, too.
pub async fn exemptions(tx: &mut TenantTx, account: AccountId, page: Page) -> Result<Vec<Exemption>, Error> {
    subscribers::account(tx, account).await?;
    Ok(store::page(tx, account, page).await?)
}

/// Notes that an account is exempt from tax.
pub async fn add_exemption(tx: &mut TenantTx, account: AccountId, wish: ExemptionWish) -> Result<Exemption, Error> {
    subscribers::account(tx, account).await?;
    let country = tenants::tenant(tx).await?.country;
    let wish = tidy(wish);
    check(&wish, &country)?;
    let id: TaxExemptionId = tx.new_id();
    if !store::insert(tx, id, account, &wish).await? {
        let message = "overlaps another exemption of this account: one of them must end before the other begins";
        return Err(Error::Invalid(vec![FieldError::new("from", message)]));
    }
    let data =
        json!({ "account": account, "kind": wish.kind, "reason": wish.reason, "from": wish.from, "to": wish.to });
    audit::record(tx, "add tax exemption", id, data).await?;
    exemption(tx, id).await
}

/// Uses an exemption no more; invoices it is frozen on stay as they are.
pub async fn withdraw_exemption(tx: &mut TenantTx, id: TaxExemptionId) -> Result<Exemption, Error> {
    let before = exemption(tx, id).await?;
    if !store::withdraw(tx, id).await? {
        return Err(Error::ExemptionWithdrawn(id));
    }
    audit::record(tx, "withdraw tax exemption", id, json!({ "account": before.account_id })).await?;
    exemption(tx, id).await
}

/// One exemption, withdrawn or not.
pub async fn exemption(tx: &mut TenantTx, id: TaxExemptionId) -> Result<Exemption, Error> {
    store::find(tx, id).await?.ok_or(Error::ExemptionNotFound(id))
}

/// In one spelling, with the words of the law where nobody gave others.
fn tidy(wish: ExemptionWish) -> ExemptionWish {
    let letters =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let (document, usual) = match wish.kind {
        ExemptionKind::Certificate => (wish.document.trim().to_owned(), "Exempt from VAT"),
        ExemptionKind::ReverseCharge => (letters(&wish.document), "Reverse charge"),
        ExemptionKind::IntraCommunity => (letters(&wish.document), "Intra-Community supply"),
    };
    let reason = Some(wish.reason.trim()).filter(|reason| !reason.is_empty()).unwrap_or(usual).to_owned();
    ExemptionWish { document, reason, ..wish }
}

fn check(wish: &ExemptionWish, country: &str) -> Result<(), Error> {
    let mut errors = Vec::new();
    for (field, text) in [("document", &wish.document), ("reason", &wish.reason)] {
        if text.chars().count() > TEXT_MAX {
            errors.push(FieldError::new(field, format!("must have at most {TEXT_MAX} characters")));
        }
    }
    if wish.document.is_empty() {
        errors.push(FieldError::new("document", "must not be empty"));
    } else if wish.kind != ExemptionKind::Certificate {
        let home = if country == "GR" { "EL" } else { country };
        let identifier = (4..=14).contains(&wish.document.len())
            && wish.document.bytes().take(2).all(|letter| letter.is_ascii_uppercase());
        if !identifier {
            errors.push(FieldError::new("document", "must be a VAT identifier that begins with its country’s letters"));
        } else if wish.kind == ExemptionKind::IntraCommunity
            && (wish.document.starts_with(home) || !UNION.contains(&&wish.document[..2]))
        {
            errors.push(FieldError::new("document", "must be of another country of the European Union"));
        }
    }
    if wish.to.is_some_and(|to| to <= wish.from) {
        errors.push(FieldError::new("to", "must be after the first day"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
