//! SQL of what can be bought for a line: volumes and boosts stand in one table.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::catalog::Amount;
use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::fair_use::{BoostProduct, Error, TopUpProduct};
use crate::http::paging::Page;

/// A volume or a boost.
pub struct ProductRow {
    pub id: Uuid,
    pub name: String,
    pub bytes: Option<i64>,
    pub rate_down_bps: Option<i64>,
    pub rate_up_bps: Option<i64>,
    pub minutes: Option<i32>,
    pub price: Decimal,
    pub currency: String,
    pub created_at: DateTime<Utc>,
    pub retired_at: Option<DateTime<Utc>>,
}

impl From<ProductRow> for TopUpProduct {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            bytes: row.bytes.unwrap_or_default(),
            price: Amount { amount: row.price, currency: row.currency },
            created_at: row.created_at,
            retired_at: row.retired_at,
        }
    }
}

impl From<ProductRow> for BoostProduct {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id.into(),
            name: row.name,
            rate_down_bps: row.rate_down_bps,
            rate_up_bps: row.rate_up_bps,
            minutes: row.minutes.unwrap_or_default(),
            price: Amount { amount: row.price, currency: row.currency },
            created_at: row.created_at,
            retired_at: row.retired_at,
        }
    }
}

/// One boost or volume, or a page of them, newest first.
pub async fn products(
    tx: &mut TenantTx,
    boosts: bool,
    id: Option<Uuid>,
    page: Page,
) -> Result<Vec<ProductRow>, sqlx::Error> {
    sqlx::query_as!(
        ProductRow,
        "SELECT id, name, bytes, rate_down_bps, rate_up_bps, minutes, price, currency, created_at, retired_at FROM top_up_products
         WHERE (minutes IS NOT NULL) = $4 AND ($1::uuid IS NULL OR id = $1) AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        id,
        page.after,
        page.fetch(),
        boosts
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert(tx: &mut TenantTx, product: ProductRow) -> Result<(), Error> {
    let tenant = tx.tenant().uuid();
    let inserted = sqlx::query!(
        "INSERT INTO top_up_products (tenant_id, id, name, bytes, rate_down_bps, rate_up_bps, minutes, price, currency, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        product.id,
        product.name,
        product.bytes,
        product.rate_down_bps,
        product.rate_up_bps,
        product.minutes,
        product.price,
        product.currency,
        product.created_at
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Err(error) if broken_constraint(&error) == Some("top_up_products_name_unique") => {
            Err(Error::NameTaken(product.name))
        }
        other => Ok(other.map(|_| ())?),
    }
}

pub async fn retire(tx: &mut TenantTx, id: Uuid) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("UPDATE top_up_products SET retired_at = coalesce(retired_at, $2) WHERE id = $1", id, now)
        .execute(tx.conn())
        .await?;
    Ok(())
}
