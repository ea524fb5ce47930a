//! SQL of one-time charges.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use weir_rules::money::{Currency, Money};

use super::{Charge, ChargeStatus};
use crate::billing;
use crate::db::TenantTx;
use crate::deals::Error;
use crate::http::paging::Page;
use crate::ids::{AccountId, ChargeId, InvoiceId, SubscriptionId};

pub struct ChargeRow {
    id: ChargeId,
    account_id: AccountId,
    subscription_id: Option<SubscriptionId>,
    description: String,
    quantity: Decimal,
    unit_price: Decimal,
    currency: String,
    charged_on: NaiveDate,
    invoice_id: Option<InvoiceId>,
    added_at: DateTime<Utc>,
    added_by: String,
    removed_by: Option<String>,
}

impl ChargeRow {
    pub fn shown(self) -> Result<Charge, Error> {
        let unit_price = Money::new(self.unit_price, Currency::from_code(&self.currency)?)?;
        let status = match (self.invoice_id, &self.removed_by) {
            (Some(_), _) => ChargeStatus::Billed,
            (None, Some(_)) => ChargeStatus::Removed,
            (None, None) => ChargeStatus::Waiting,
        };
        Ok(Charge {
            id: self.id,
            account_id: self.account_id,
            subscription_id: self.subscription_id,
            description: self.description,
            quantity: self.quantity.normalize(),
            unit_price,
            net: billing::price_of(self.quantity, unit_price)?,
            charged_on: self.charged_on,
            status,
            invoice_id: self.invoice_id,
            added_at: self.added_at,
            added_by: self.added_by,
            removed_by: self.removed_by,
        })
    }
}

/// Which charges are meant.
#[derive(Default)]
pub struct Which<'a> {
    pub id: Option<ChargeId>,
    pub account: Option<AccountId>,
    pub reference: Option<&'a str>,
    pub waiting: bool,
}

/// A page of charges, newest first.
pub async fn charges(tx: &mut TenantTx, which: Which<'_>, page: Page) -> Result<Vec<ChargeRow>, sqlx::Error> {
    sqlx::query_as!(
        ChargeRow,
        r#"SELECT c.id AS "id: _", c.account_id AS "account_id: _", c.subscription_id AS "subscription_id: _", c.description, c.quantity,
                  c.unit_price, c.currency, c.charged_on, l.invoice_id AS "invoice_id?: _", c.added_at, c.added_by, c.removed_by
           FROM one_time_charges c
           LEFT JOIN billed_charges b ON b.tenant_id = c.tenant_id AND b.charge_id = c.id
           LEFT JOIN invoice_lines l ON l.tenant_id = b.tenant_id AND l.id = b.invoice_line_id
           WHERE ($1::uuid IS NULL OR c.id = $1) AND ($2::uuid IS NULL OR c.account_id = $2) AND ($3::text IS NULL OR c.reference = $3)
             AND (NOT $4 OR (c.removed_at IS NULL AND b.charge_id IS NULL)) AND ($5::uuid IS NULL OR c.id < $5)
           ORDER BY c.id DESC LIMIT $6"#,
        which.id.map(ChargeId::uuid),
        which.account.map(AccountId::uuid),
        which.reference,
        which.waiting,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, new: &Charge, reference: &str) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO one_time_charges (tenant_id, id, account_id, subscription_id, description, quantity, unit_price, currency, charged_on,
                                       reference, added_at, added_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        tenant,
        new.id.uuid(),
        new.account_id.uuid(),
        new.subscription_id.map(SubscriptionId::uuid),
        new.description,
        new.quantity,
        new.unit_price.amount(),
        new.unit_price.currency().code(),
        new.charged_on,
        reference,
        new.added_at,
        new.added_by
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn remove(tx: &mut TenantTx, id: ChargeId) -> Result<(), sqlx::Error> {
    let (at, by) = (tx.at(), tx.actor().to_string());
    sqlx::query!("UPDATE one_time_charges SET removed_at = $2, removed_by = $3 WHERE id = $1", id.uuid(), at, by)
        .execute(tx.conn())
        .await?;
    Ok(())
}
