//! SQL of tenants.

use rust_decimal::Decimal;

use super::{Error, NewTenant, Recognition, TaxRounding, Tenant};
use crate::db::{PlatformTx, TenantTx};
use crate::error::broken_constraint;
use crate::ids::{TaxRuleId, TenantId};

pub async fn insert(tx: &mut TenantTx, new: &NewTenant) -> Result<(), Error> {
    let (id, now) = (tx.tenant().uuid(), tx.at());
    let inserted = sqlx::query!(
        "INSERT INTO platform.tenants (tenant_id, slug, created_at) VALUES ($1, $2, $3)",
        id,
        new.slug,
        now
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Err(error) if broken_constraint(&error) == Some("tenants_slug_unique") => {
            return Err(Error::SlugTaken(new.slug.clone()));
        }
        Err(error) if broken_constraint(&error) == Some("tenants_slug_is_a_host_label") => {
            let message = "must be lower-case letters, digits and hyphens";
            return Err(Error::Invalid(vec![crate::error::FieldError::new("slug", message)]));
        }
        other => other?,
    };
    sqlx::query!(
        "INSERT INTO tenants (tenant_id, name, legal_name, country, currency, time_zone, updated_at) VALUES ($1, $2, $2, $3, $4, $5, $6)",
        id,
        new.name.trim(),
        new.country,
        new.currency,
        new.time_zone,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The tenant; its tax is the first that its country's rules say holds today.
pub async fn tenant(tx: &mut TenantTx) -> Result<Tenant, sqlx::Error> {
    let (id, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query_as!(
        Tenant,
        r#"SELECT t.tenant_id AS "id: _", t.name, t.legal_name, t.address, t.country, t.tax_id, t.currency, t.time_zone, t.language, t.hue,
                  coalesce(r.tax, 'VAT') AS "tax_name!", trim_scale(coalesce(r.rate_percent, 0)) AS "tax_rate_percent!",
                  t.payment_terms_days, t.grace_days, t.invoice_prefix, t.contact, t.pay_url,
                  t.bank_holder, t.bank_iban, t.bank_bic, t.port_block_months, t.restored_at, t.tax_rounding AS "tax_rounding: TaxRounding", t.tax_included,
                  t.recognition AS "recognition: Recognition", t.deferring_since
           FROM tenants t
           LEFT JOIN LATERAL (
               SELECT r.tax, r.rate_percent FROM tax_rules r
               WHERE r.tenant_id = t.tenant_id AND r.country = t.country AND (r.region, r.city, r.postcode) = ('', '', '')
                 AND r.withdrawn_at IS NULL AND r.days @> ($2::timestamptz AT TIME ZONE t.time_zone)::date
               ORDER BY r.turn, lower(r.tax), r.id LIMIT 1) r ON true
           WHERE t.tenant_id = $1"#,
        id,
        now
    )
    .fetch_one(tx.conn())
    .await
}

/// Puts a rule for all days in the place of its country's only one. False, and nothing is done, where that has days, is not
/// alone, or is none of a rate.
pub async fn set_home_tax(tx: &mut TenantTx, country: &str, tax: &str, percent: Decimal) -> Result<bool, sqlx::Error> {
    let (tenant, at, id) = (tx.tenant().uuid(), tx.at(), tx.new_id::<TaxRuleId>());
    let rules = sqlx::query!(
        r#"SELECT id, lower_inf(days) AND upper_inf(days) AND category IN ('S', 'Z') AS "plain!" FROM tax_rules
           WHERE country = $1 AND (region, city, postcode) = ('', '', '') AND withdrawn_at IS NULL FOR UPDATE"#,
        country
    )
    .fetch_all(tx.conn())
    .await?;
    if rules.len() > 1 || rules.iter().any(|rule| !rule.plain) {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE tax_rules SET withdrawn_at = $2 WHERE id = ANY($1)",
        &rules.iter().map(|rule| rule.id).collect::<Vec<_>>(),
        at
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO tax_rules (tenant_id, id, country, tax, category, rate_percent, created_at)
         VALUES ($1, $2, $3, $4, CASE WHEN $5::numeric = 0 THEN 'Z' ELSE 'S' END, $5, $6)",
        tenant,
        id.uuid(),
        country,
        tax,
        percent,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(true)
}

/// The tenant's short name.
pub async fn slug(tx: &mut TenantTx) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!("SELECT slug FROM platform.tenants WHERE tenant_id = $1", tx.tenant().uuid())
        .fetch_one(tx.conn())
        .await
}

/// Whose short name this is.
pub async fn named(tx: &mut PlatformTx, slug: &str) -> Result<Option<TenantId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT tenant_id AS "id: TenantId" FROM platform.tenants WHERE slug = $1"#, slug)
        .fetch_optional(tx.conn())
        .await
}

pub async fn update(tx: &mut TenantTx, tenant: &Tenant) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE tenants SET name = $2, legal_name = $3, address = $4, tax_id = $5, currency = $6, time_zone = $7, language = $8, hue = $9,
                payment_terms_days = $10, grace_days = $11, invoice_prefix = $12, contact = $13, pay_url = $14, bank_holder = $15,
                bank_iban = $16, bank_bic = $17, updated_at = $18, port_block_months = $19, tax_rounding = $20, recognition = $21,
                deferring_since = $22, tax_included = $23
         WHERE tenant_id = $1",
        tenant.id.uuid(),
        tenant.name,
        tenant.legal_name,
        tenant.address,
        tenant.tax_id,
        tenant.currency,
        tenant.time_zone,
        tenant.language,
        tenant.hue,
        tenant.payment_terms_days,
        tenant.grace_days,
        tenant.invoice_prefix,
        tenant.contact,
        tenant.pay_url,
        tenant.bank_holder,
        tenant.bank_iban,
        tenant.bank_bic,
        now,
        tenant.port_block_months,
        tenant.tax_rounding as TaxRounding,
        tenant.recognition as Recognition,
        tenant.deferring_since,
        tenant.tax_included
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn next_number(tx: &mut TenantTx, kind: &str, year: i16) -> Result<i64, sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query_scalar!(
        r#"INSERT INTO number_series (tenant_id, kind, year, next) VALUES ($1, $2, $3, 2)
           ON CONFLICT (tenant_id, kind, year) DO UPDATE SET next = number_series.next + 1
           RETURNING next - 1 AS "number!""#,
        tenant,
        kind,
        year
    )
    .fetch_one(tx.conn())
    .await
}
