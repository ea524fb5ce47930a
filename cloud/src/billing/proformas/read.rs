//! Reading proformas.

use chrono::NaiveDate;
use weir_rules::money::{Currency, Money};

use super::store::{self, Row};
use super::{Proforma, ProformaStatus, ProformaSummary};
use crate::billing::{Error, runs, standing};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::ids::{AccountId, ProformaId};

/// A page of proformas, newest first, of one account or of all.
pub async fn proformas(
    tx: &mut TenantTx,
    page: Page,
    account: Option<AccountId>,
) -> Result<Vec<ProformaSummary>, Error> {
    let today = runs::today(tx).await?;
    let mut shown = Vec::new();
    for row in store::page(tx, page, account, None).await? {
        shown.push(summary(tx, &row, today).await?);
    }
    Ok(shown)
}

/// One proforma with everything on it.
pub async fn proforma(tx: &mut TenantTx, id: ProformaId) -> Result<Proforma, Error> {
    let row = store::find(tx, id).await?.ok_or(Error::ProformaNotFound(id))?;
    let today = runs::today(tx).await?;
    let summary = summary(tx, &row, today).await?;
    let content = row.content.0;
    Ok(Proforma { summary, parties: content.parties, lines: content.lines, taxes: content.taxes })
}

/// The proforma that asks an account for money now, if one does.
pub async fn asked_ahead(tx: &mut TenantTx, account: AccountId) -> Result<Option<ProformaSummary>, Error> {
    let today = runs::today(tx).await?;
    let newest = Page { after: None, limit: 1 };
    let Some(row) = store::page(tx, newest, Some(account), Some(today)).await?.into_iter().next() else {
        return Ok(None);
    };
    let shown = summary(tx, &row, today).await?;
    Ok(Some(shown).filter(|shown| shown.status == ProformaStatus::Open))
}

async fn summary(tx: &mut TenantTx, row: &Row, today: NaiveDate) -> Result<ProformaSummary, Error> {
    let currency = Currency::from_code(&row.currency)?;
    let (gross, nothing) = (Money::new(row.gross, currency)?, Money::zero(currency));
    let (status, left) = if row.withdrawn_at.is_some() {
        (ProformaStatus::Withdrawn, nothing)
    } else if row.as_of < today {
        (ProformaStatus::Past, nothing)
    } else {
        let left = gross.checked_sub(standing(tx, row.account_id).await?.credit)?.checked_max(nothing)?;
        (if left.is_zero() { ProformaStatus::Covered } else { ProformaStatus::Open }, left)
    };
    Ok(ProformaSummary {
        id: row.id,
        number: row.number.clone(),
        account_id: row.account_id,
        subscriber: row.content.parties.buyer.name.clone(),
        as_of: row.as_of,
        issued_on: row.issued_on,
        net: Money::new(row.net, currency)?,
        tax: Money::new(row.tax, currency)?,
        gross,
        left,
        status,
        withdrawn_at: row.withdrawn_at,
    })
}
