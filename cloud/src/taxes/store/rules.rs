//! SQL of tax rules.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::TaxRuleId;
use crate::taxes::{TaxRule, TaxRuleWish};

struct Row {
    id: TaxRuleId,
    country: String,
    region: String,
    city: String,
    postcode: String,
    tax: String,
    category: String,
    rate_percent: Decimal,
    turn: i16,
    compound: bool,
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    created_at: DateTime<Utc>,
    withdrawn_at: Option<DateTime<Utc>>,
}

impl From<Row> for TaxRule {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            country: row.country,
            region: row.region,
            city: row.city,
            postcode: row.postcode,
            tax: row.tax,
            category: row.category,
            rate_percent: row.rate_percent.normalize(),
            turn: row.turn,
            compound: row.compound,
            from: row.from,
            to: row.to,
            created_at: row.created_at,
            withdrawn_at: row.withdrawn_at,
        }
    }
}

/// Writes a rule; false if another one of its tax holds at its place on one of its days.
pub async fn insert(tx: &mut TenantTx, id: TaxRuleId, wish: &TaxRuleWish) -> Result<bool, sqlx::Error> {
    let (tenant, at) = (tx.tenant().uuid(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO tax_rules (tenant_id, id, country, region, city, postcode, tax, category, rate_percent, turn, compound, days, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, daterange($12, $13), $14)",
        tenant,
        id.uuid(),
        wish.country,
        wish.region,
        wish.city,
        wish.postcode,
        wish.tax,
        wish.category,
        wish.rate_percent,
        wish.turn,
        wish.compound,
        wish.from,
        wish.to,
        at
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Ok(_) => Ok(true),
        Err(error) if broken_constraint(&error) == Some("tax_rules_hold_once") => Ok(false),
        Err(error) => Err(error),
    }
}

/// The tax of another name that holds at the same place, on some of the same days and in the same turn, if there is one.
pub async fn rival(tx: &mut TenantTx, wish: &TaxRuleWish) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT tax FROM tax_rules
         WHERE withdrawn_at IS NULL AND country = $1 AND lower(region) = lower($2) AND lower(city) = lower($3)
           AND lower(postcode) = lower($4) AND lower(tax) <> lower($5) AND turn = $6 AND days && daterange($7, $8)
         ORDER BY tax LIMIT 1",
        wish.country,
        wish.region,
        wish.city,
        wish.postcode,
        wish.tax,
        wish.turn,
        wish.from,
        wish.to
    )
    .fetch_optional(tx.conn())
    .await
}

/// Withdraws a rule; false if there is none of this id to be withdrawn.
pub async fn withdraw(tx: &mut TenantTx, id: TaxRuleId) -> Result<bool, sqlx::Error> {
    let at = tx.at();
    let done =
        sqlx::query!("UPDATE tax_rules SET withdrawn_at = $2 WHERE id = $1 AND withdrawn_at IS NULL", id.uuid(), at);
    Ok(done.execute(tx.conn()).await?.rows_affected() == 1)
}

pub async fn find(tx: &mut TenantTx, id: TaxRuleId) -> Result<Option<TaxRule>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", country, region, city, postcode, tax, category, rate_percent, turn, compound,
                  lower(days) AS "from?", upper(days) AS "to?", created_at, withdrawn_at
           FROM tax_rules WHERE id = $1"#,
        id.uuid()
    );
    Ok(row.fetch_optional(tx.conn()).await?.map(TaxRule::from))
}

/// A page of the rules that are used, newest first.
pub async fn page(tx: &mut TenantTx, page: Page) -> Result<Vec<TaxRule>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", country, region, city, postcode, tax, category, rate_percent, turn, compound,
                  lower(days) AS "from?", upper(days) AS "to?", created_at, withdrawn_at
           FROM tax_rules WHERE withdrawn_at IS NULL AND ($1::uuid IS NULL OR id < $1) ORDER BY id DESC LIMIT $2"#,
        page.after,
        page.fetch()
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(TaxRule::from).collect())
}

/// All rules that are used, in the order in which they were laid down.
pub async fn all(tx: &mut TenantTx) -> Result<Vec<TaxRule>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id: _", country, region, city, postcode, tax, category, rate_percent, turn, compound,
                  lower(days) AS "from?", upper(days) AS "to?", created_at, withdrawn_at
           FROM tax_rules WHERE withdrawn_at IS NULL ORDER BY id"#
    );
    Ok(rows.fetch_all(tx.conn()).await?.into_iter().map(TaxRule::from).collect())
}
