//! SQL of hosts no line has.

use chrono::{DateTime, NaiveDate, Utc};

use crate::db::TenantTx;
use crate::fleet::unknown_hosts::{SeenHost, UnknownTraffic};
use crate::ids::{AgentId, RouterId};

/// Hosts, column by column.
#[derive(Default)]
pub struct Rows {
    pub addresses: Vec<String>,
    pub macs: Vec<Option<String>>,
    pub seen: Vec<DateTime<Utc>>,
}

/// When an agent last told of unknown hosts, and whether of more than it listed.
pub async fn told(tx: &mut TenantTx, agent: AgentId) -> Result<(Option<DateTime<Utc>>, bool), sqlx::Error> {
    let row = sqlx::query!("SELECT unknown_told_at, unknown_more FROM agents WHERE id = $1", agent.uuid())
        .fetch_one(tx.conn())
        .await?;
    Ok((row.unknown_told_at, row.unknown_more))
}

pub async fn hosts(tx: &mut TenantTx, router: RouterId, since: DateTime<Utc>) -> Result<Vec<SeenHost>, sqlx::Error> {
    sqlx::query_as!(
        SeenHost,
        r#"SELECT host(address) AS "address!", mac, seen_at FROM unknown_hosts
           WHERE router_id = $1 AND seen_at > $2 ORDER BY seen_at DESC, unknown_hosts.address"#,
        router.uuid(),
        since
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn days(tx: &mut TenantTx, router: RouterId) -> Result<Vec<UnknownTraffic>, sqlx::Error> {
    sqlx::query_as!(
        UnknownTraffic,
        "SELECT day_on, from_bytes, to_bytes FROM unknown_traffic WHERE router_id = $1 ORDER BY day_on DESC LIMIT 30",
        router.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// Puts these hosts in the place of those known of an agent's router. The time it told is another each time.
pub async fn replace(tx: &mut TenantTx, agent: AgentId, rows: &Rows, more: bool) -> Result<(), sqlx::Error> {
    let now = tx.at();
    sqlx::query!(
        "UPDATE agents SET unknown_told_at = greatest($2, unknown_told_at + interval '1 microsecond'), unknown_more = $3
         WHERE id = $1",
        agent.uuid(),
        now,
        more
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "DELETE FROM unknown_hosts h USING agents a WHERE a.id = $1 AND h.tenant_id = a.tenant_id AND h.router_id = a.router_id",
        agent.uuid()
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "INSERT INTO unknown_hosts (tenant_id, router_id, address, mac, seen_at)
         SELECT a.tenant_id, a.router_id, x.address::inet, x.mac, x.seen_at
         FROM agents a, unnest($2::text[], $3::text[], $4::timestamptz[]) AS x (address, mac, seen_at) WHERE a.id = $1",
        agent.uuid(),
        &rows.addresses,
        &rows.macs as &[Option<String>],
        &rows.seen
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Adds to what was moved today.
pub async fn add_traffic(tx: &mut TenantTx, agent: AgentId, from: i64, to: i64) -> Result<(), sqlx::Error> {
    let today = tx.at().date_naive();
    sqlx::query!(
        "INSERT INTO unknown_traffic (tenant_id, router_id, day_on, from_bytes, to_bytes)
         SELECT a.tenant_id, a.router_id, $2, $3, $4 FROM agents a WHERE a.id = $1
         ON CONFLICT (tenant_id, router_id, day_on) DO UPDATE
         SET from_bytes = unknown_traffic.from_bytes + excluded.from_bytes, to_bytes = unknown_traffic.to_bytes + excluded.to_bytes",
        agent.uuid(),
        today,
        from,
        to
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Forgets what was moved on days before.
pub async fn forget_traffic(tx: &mut TenantTx, agent: AgentId, before: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "DELETE FROM unknown_traffic t USING agents a
         WHERE a.id = $1 AND t.tenant_id = a.tenant_id AND t.router_id = a.router_id AND t.day_on < $2",
        agent.uuid(),
        before
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
