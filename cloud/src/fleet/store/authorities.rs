//! SQL of the installation's roots.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::PlatformTx;
use crate::fleet::roots::Root;

pub struct Trusted {
    pub id: Uuid,
    pub certificate: Vec<u8>,
    pub sealed_key: Vec<u8>,
    pub issuing_since: Option<DateTime<Utc>>,
}

/// Two processes that start at once make one root.
pub async fn lock(tx: &mut PlatformTx) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT pg_advisory_xact_lock(7765)").fetch_one(tx.conn()).await?;
    Ok(())
}

pub async fn trusted(tx: &mut PlatformTx) -> Result<Vec<Trusted>, sqlx::Error> {
    sqlx::query_as!(
        Trusted,
        "SELECT id, certificate, sealed_key, issuing_since FROM platform.authorities
         WHERE retired_at IS NULL ORDER BY created_at, id"
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn insert(
    tx: &mut PlatformTx,
    id: Uuid,
    certificate: &[u8],
    sealed_key: &[u8],
    issuing_since: Option<DateTime<Utc>>,
) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "INSERT INTO platform.authorities (id, certificate, sealed_key, created_at, issuing_since) VALUES ($1, $2, $3, $4, $5)",
        id,
        certificate,
        sealed_key,
        now,
        issuing_since
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Every root there ever was, oldest first; `digest` is that of all that are trusted. An agent may show its newest certificate,
/// or that of its newest session; of sessions of which that was not noted, any if none began since its last renewal.
pub async fn all(tx: &mut PlatformTx, digest: &[u8]) -> Result<Vec<Root>, sqlx::Error> {
    sqlx::query_as!(
        Root,
        r#"WITH oldest AS (SELECT id FROM platform.authorities ORDER BY created_at, id LIMIT 1)
           SELECT r.id, r.certificate, r.created_at AS made_at, r.issuing_since, r.retired_at,
                  count(a.id) AS "agents!",
                  count(a.id) FILTER (WHERE a.trust_digest IS DISTINCT FROM $1) AS "agents_not_told!"
           FROM platform.authorities r
           LEFT JOIN agents a ON a.revoked_at IS NULL AND
               (coalesce(a.authority_id, (SELECT id FROM oldest)) = r.id
                OR a.shown_authority_id = r.id
                OR (a.shown_authority_id IS NULL AND a.certificate_renewed_at >= coalesce(a.connected_at, '-infinity')))
           GROUP BY r.id ORDER BY r.created_at, r.id"#,
        digest
    )
    .fetch_all(tx.conn())
    .await
}

/// Whether a backup has a root, or none are made.
pub async fn is_safe(tx: &mut PlatformTx, id: Uuid) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT coalesce(max(b.began_at) > (SELECT created_at FROM platform.authorities WHERE id = $1), true) AS "safe!"
           FROM platform.backups b WHERE b.finished_at IS NOT NULL"#,
        id
    )
    .fetch_one(tx.conn())
    .await
}

/// It began to issue last, whatever the clock was before.
pub async fn set_issuing(tx: &mut PlatformTx, id: Uuid) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE platform.authorities SET issuing_since =
             greatest($2, (SELECT max(issuing_since) FROM platform.authorities) + interval '1 microsecond')
         WHERE id = $1",
        id,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_retired(tx: &mut PlatformTx, id: Uuid) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!("UPDATE platform.authorities SET retired_at = $2 WHERE id = $1", id, now).execute(tx.conn()).await?;
    Ok(())
}
