//! SQL of the people who work for a tenant.

use crate::access::{Correspondent, Member};
use crate::db::TenantTx;
use crate::http::paging::Page;
use crate::http::permission::Role;
use crate::ids::StaffId;

pub async fn members(tx: &mut TenantTx, page: Page) -> Result<Vec<Member>, sqlx::Error> {
    sqlx::query_as!(
        Member,
        r#"SELECT s.id AS "id: _", s.name, s.email, s.role AS "role: _", s.created_at, s.disabled_at,
                  (t.confirmed_at IS NOT NULL) AS "second_step!"
           FROM staff s LEFT JOIN staff_second_steps t ON t.staff_id = s.id
           WHERE $1::uuid IS NULL OR s.id > $1 ORDER BY s.id LIMIT $2"#,
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await
}

/// Owners and those of billing who can log in, those first who came first.
pub async fn answering_for_money(tx: &mut TenantTx) -> Result<Vec<Correspondent>, sqlx::Error> {
    sqlx::query_as!(
        Correspondent,
        "SELECT name, email, language FROM staff WHERE role IN ('owner', 'billing') AND disabled_at IS NULL ORDER BY id"
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn member(tx: &mut TenantTx, id: StaffId) -> Result<Option<Member>, sqlx::Error> {
    sqlx::query_as!(
        Member,
        r#"SELECT s.id AS "id: _", s.name, s.email, s.role AS "role: _", s.created_at, s.disabled_at,
                  (t.confirmed_at IS NOT NULL) AS "second_step!"
           FROM staff s LEFT JOIN staff_second_steps t ON t.staff_id = s.id WHERE s.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// The owners who can log in, locked: two of them cannot take each other's role away at once.
pub async fn lock_owners(tx: &mut TenantTx) -> Result<Vec<StaffId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: StaffId" FROM staff WHERE role = 'owner' AND disabled_at IS NULL ORDER BY id FOR UPDATE"#
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn has_email(tx: &mut TenantTx, email: &str) -> Result<bool, sqlx::Error> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM platform.staff_logins WHERE email_normalised = $1) AS "found!""#,
        email
    );
    found.fetch_one(tx.conn()).await
}

pub async fn set_role(tx: &mut TenantTx, id: StaffId, role: Role) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE staff SET role = $2 WHERE id = $1", id.uuid(), role.name()).execute(tx.conn()).await?;
    Ok(())
}

pub async fn set_disabled(tx: &mut TenantTx, id: StaffId, disabled: bool) -> Result<(), sqlx::Error> {
    let at = disabled.then(|| tx.at());
    sqlx::query!("UPDATE staff SET disabled_at = $2 WHERE id = $1", id.uuid(), at).execute(tx.conn()).await?;
    Ok(())
}

pub async fn set_password_hash(tx: &mut TenantTx, id: StaffId, hash: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE platform.staff_logins SET password_hash = $2 WHERE staff_id = $1", id.uuid(), hash)
        .execute(tx.conn())
        .await?;
    Ok(())
}
