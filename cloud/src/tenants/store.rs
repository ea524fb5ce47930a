//! SQL of tenants.

use super::{Error, NewTenant, Tenant};
use crate::db::{PlatformTx, TenantTx};
use crate::error::broken_constraint;
use crate::ids::TenantId;

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

pub async fn tenant(tx: &mut TenantTx) -> Result<Tenant, sqlx::Error> {
    let id = tx.tenant().uuid();
    sqlx::query_as!(
        Tenant,
        r#"SELECT tenant_id AS "id: _", name, legal_name, address, country, tax_id, currency, time_zone, language, hue, tax_name,
                  tax_rate_percent, payment_terms_days, grace_days, invoice_prefix, contact, pay_url,
                  bank_holder, bank_iban, bank_bic, port_block_months, restored_at
           FROM tenants WHERE tenant_id = $1"#,
        id
    )
    .fetch_one(tx.conn())
    .await
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
                tax_name = $10, tax_rate_percent = $11, payment_terms_days = $12, grace_days = $13, invoice_prefix = $14, contact = $15,
                pay_url = $16, bank_holder = $17, bank_iban = $18, bank_bic = $19, updated_at = $20, port_block_months = $21
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
        tenant.tax_name,
        tenant.tax_rate_percent,
        tenant.payment_terms_days,
        tenant.grace_days,
        tenant.invoice_prefix,
        tenant.contact,
        tenant.pay_url,
        tenant.bank_holder,
        tenant.bank_iban,
        tenant.bank_bic,
        now,
        tenant.port_block_months
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
