//! SQL of desired objects: what they are derived from, and the objects themselves. Agents and tokens: [`agents`]; their
//! usage logs: [`epochs`]; what they told people: [`events`]; of what they refuse: [`refusals`]; of hosts no line has:
//! [`unknown_hosts`]; gateways' sessions: [`gateways`]; what they hold back: [`held`]; agents that may be two: [`clones`]; what clocks showed: [`clocks`]; lines that
//! share an allowance: [`pools`]; the roots: [`authorities`]; agents' certificates: [`certificates`].

pub mod agents;
pub mod authorities;
pub mod certificates;
pub mod clocks;
pub mod clones;
pub mod epochs;
pub mod events;
pub mod gateways;
pub mod held;
pub mod pools;
pub mod refusals;
pub mod unknown_hosts;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;
use weir_protocol::desired::Kind;

use crate::catalog::{Step, Window};
use crate::db::TenantTx;
use crate::fleet::jobs::RefreshDesired;
use crate::ids::{AccessPointId, AccountId, AgentId, RouterId, SubscriptionId};
use crate::jobs::Job;
use crate::network::UnknownHosts;

pub struct SoldLine {
    pub account_id: AccountId,
    pub handle: i32,
    pub access_point_id: Option<AccessPointId>,
    pub burst_down_bytes: i64,
    pub burst_up_bytes: i64,
    pub rate_down_bps: i64,
    pub rate_up_bps: i64,
    pub prefixes: Vec<String>,
    pub identities: Vec<String>,
    pub starts_on: NaiveDate,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
    pub billing_day: i16,
    pub time_zone: String,
    pub allowance_bytes: Option<i64>,
    pub throttle_down_bps: Option<i64>,
    pub throttle_up_bps: Option<i64>,
    pub windows: Json<Vec<Window>>,
    pub steps: Json<Vec<Step>>,
    pub carry_over_bytes: Option<i64>,
    pub allowance_shared: bool,
}

pub struct HoldRow {
    pub id: Uuid,
    pub kind: String,
    pub effect: String,
    pub placed_at: DateTime<Utc>,
    pub until: Option<DateTime<Utc>>,
    pub released_at: Option<DateTime<Utc>>,
    /// For the debt of an account that pays for the line's own.
    pub for_another: bool,
}

pub struct Wiring {
    pub lan_interface: String,
    pub wan_interface: String,
    pub nat: bool,
    pub capacity_down_bps: Option<i64>,
    pub capacity_up_bps: Option<i64>,
    pub unknown_hosts: UnknownHosts,
    pub own_networks: Vec<String>,
    pub untracked: bool,
    pub public_networks: Vec<String>,
    pub metered: bool,
    pub isp_name: String,
    pub pay_url: String,
    pub contact: String,
    pub hue: i16,
    pub language: String,
    pub portal_host: Option<String>,
    pub takes_cards: bool,
}

/// Locks the router of a line, as [`crate::network::lock_router`] does, and tells which it is.
pub async fn lock_router_of(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<RouterId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT r.id AS "id: RouterId" FROM routers r JOIN subscriptions s ON s.tenant_id = r.tenant_id AND s.router_id = r.id
           WHERE s.id = $1 FOR NO KEY UPDATE OF r"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Locks the router an agent is on.
pub async fn lock_router_of_agent(tx: &mut TenantTx, agent: AgentId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT r.id FROM routers r JOIN agents a ON a.tenant_id = r.tenant_id AND a.router_id = r.id WHERE a.id = $1
         FOR NO KEY UPDATE OF r",
        agent.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

pub async fn agent_of_router(tx: &mut TenantTx, id: RouterId) -> Result<Option<AgentId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: AgentId" FROM agents WHERE router_id = $1 AND revoked_at IS NULL"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn routers_with_agents(tx: &mut TenantTx) -> Result<Vec<RouterId>, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT router_id AS "id: RouterId" FROM agents WHERE revoked_at IS NULL ORDER BY router_id"#)
        .fetch_all(tx.conn())
        .await
}

pub async fn subscriptions_of_router(tx: &mut TenantTx, id: RouterId) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: SubscriptionId" FROM subscriptions WHERE router_id = $1 ORDER BY id"#,
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// The lines of an agent's router that are sold with an allowance.
pub async fn metered_lines(tx: &mut TenantTx, agent: AgentId) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.id AS "id: SubscriptionId" FROM subscriptions s
           JOIN agents g ON g.tenant_id = s.tenant_id AND g.router_id = s.router_id
           WHERE g.id = $1 AND EXISTS (
               SELECT FROM subscription_terms t
               JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id
               WHERE t.tenant_id = s.tenant_id AND t.subscription_id = s.id AND v.allowance_bytes IS NOT NULL)
           ORDER BY s.id"#,
        agent.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

/// Lines whose terms begin or end around now or since this was last asked and acted upon, whose holds or boosts ran out
/// since, or whose allowance began anew since.
pub async fn subscriptions_changing_by_themselves(tx: &mut TenantTx) -> Result<Vec<SubscriptionId>, sqlx::Error> {
    let (now, tenant) = (tx.at(), tx.tenant());
    sqlx::query_scalar!(
        r#"WITH last AS (
               SELECT coalesce(max(done_at), '-infinity') AS at FROM platform.jobs WHERE tenant_id = $2 AND kind = $3),
           days AS (SELECT daterange((at - interval '1 day')::date, $1::timestamptz::date + 1, '[]') AS around FROM last)
           SELECT s.id AS "id!: SubscriptionId" FROM subscriptions s, last, days
           WHERE EXISTS (SELECT FROM subscription_terms t WHERE t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                         AND (lower(t.valid) <@ days.around OR upper(t.valid) <@ days.around))
              OR EXISTS (SELECT FROM holds h WHERE h.tenant_id = s.tenant_id AND h.subscription_id = s.id
                         AND h.until BETWEEN last.at - interval '1 minute' AND $1)
              OR EXISTS (SELECT FROM top_ups t WHERE t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                         AND upper(t.runs) BETWEEN last.at - interval '1 minute' AND $1)
              OR EXISTS (
                  SELECT FROM accounts a
                  JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                       AND t.valid @> ($1::timestamptz AT TIME ZONE a.time_zone)::date
                  JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id AND v.allowance_bytes IS NOT NULL
                  CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS on) today
                  CROSS JOIN LATERAL generate_series(greatest((last.at AT TIME ZONE a.time_zone)::date + 1, today.on - 31)::timestamp,
                                                     today.on::timestamp, interval '1 day') AS day
                  WHERE a.tenant_id = s.tenant_id AND a.id = s.account_id
                    AND extract(day FROM day) = least(a.billing_day, extract(day FROM date_trunc('month', day) + interval '1 month - 1 day')))
           ORDER BY s.id"#,
        now,
        tenant.uuid(),
        RefreshDesired::KIND
    )
    .fetch_all(tx.conn())
    .await
}

/// What is sold on a line on its account's local day; nothing before it starts and after it ends.
pub async fn sold_line(tx: &mut TenantTx, id: SubscriptionId) -> Result<Option<SoldLine>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        SoldLine,
        r#"SELECT s.account_id AS "account_id: AccountId", s.handle, s.access_point_id AS "access_point_id: AccessPointId",
                  v.burst_down_bytes, v.burst_up_bytes, v.rate_down_bps, v.rate_up_bps, s.starts_on, lower(t.valid) AS "from!", upper(t.valid) AS "to?",
                  a.billing_day, a.time_zone, v.allowance_bytes, v.throttle_down_bps, v.throttle_up_bps, v.windows AS "windows: _",
                  v.steps AS "steps: _", v.carry_over_bytes, v.allowance_shared,
                  ARRAY(SELECT p.prefix::text FROM subscription_prefixes p
                        WHERE p.tenant_id = s.tenant_id AND p.subscription_id = s.id ORDER BY p.prefix) AS "prefixes!",
                  ARRAY(SELECT i.kind || ':' || i.value FROM subscription_identities i
                        WHERE i.tenant_id = s.tenant_id AND i.subscription_id = s.id ORDER BY 1) AS "identities!"
           FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                AND t.valid @> ($2::timestamptz AT TIME ZONE a.time_zone)::date
           JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id
           WHERE s.id = $1"#,
        id.uuid(),
        now
    )
    .fetch_optional(tx.conn())
    .await
}

pub struct TopUpRow {
    pub sold_on: NaiveDate,
    pub bytes: i64,
}

/// What was bought on top and may still count on a day.
pub async fn top_ups_of(tx: &mut TenantTx, id: SubscriptionId, today: NaiveDate) -> Result<Vec<TopUpRow>, sqlx::Error> {
    sqlx::query_as!(
        TopUpRow,
        r#"SELECT sold_on, bytes AS "bytes!" FROM top_ups WHERE subscription_id = $1 AND bytes IS NOT NULL AND until_on > $2 ORDER BY id"#,
        id.uuid(),
        today
    )
    .fetch_all(tx.conn())
    .await
}

pub struct BoostRow {
    pub from_at: DateTime<Utc>,
    pub until_at: DateTime<Utc>,
    pub rate_down_bps: Option<i64>,
    pub rate_up_bps: Option<i64>,
}

/// A line's boosts that run or are to come.
pub async fn boosts_of(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<BoostRow>, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        BoostRow,
        r#"SELECT lower(t.runs) AS "from_at!", upper(t.runs) AS "until_at!", t.rate_down_bps, t.rate_up_bps FROM top_ups t
           WHERE t.subscription_id = $1 AND upper(t.runs) > $2
             AND NOT EXISTS (SELECT FROM cancelled_boosts c WHERE c.tenant_id = t.tenant_id AND c.top_up_id = t.id)
           ORDER BY t.id"#,
        id.uuid(),
        now
    )
    .fetch_all(tx.conn())
    .await
}

/// What a line used in `(from, to]` in records of any other tally, outside free windows.
pub async fn used_elsewhere(
    tx: &mut TenantTx,
    id: SubscriptionId,
    between: (DateTime<Utc>, DateTime<Utc>),
    tally: Option<&[u8]>,
    sold: &SoldLine,
) -> Result<Decimal, sqlx::Error> {
    let windows = serde_json::to_value(&sold.windows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query_scalar!(
        r#"SELECT coalesce(sum(u.down_bytes::numeric + u.up_bytes), 0) AS "bytes!"
           FROM line_usage u
           JOIN usage_records r ON r.tenant_id = u.tenant_id AND r.agent_id = u.agent_id AND r.epoch = u.epoch AND r.seq = u.seq
           WHERE u.subscription_id = $1 AND u.end_at > $2 AND u.end_at <= $3 AND ($4::bytea IS NULL OR r.tally IS DISTINCT FROM $4)
             AND NOT is_free_time(u.end_at, $5, $6)"#,
        id.uuid(),
        between.0,
        between.1,
        tally,
        sold.time_zone,
        windows
    )
    .fetch_one(tx.conn())
    .await
}

pub async fn holds_of(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<HoldRow>, sqlx::Error> {
    sqlx::query_as!(
        HoldRow,
        "SELECT id, kind, effect, placed_at, until, released_at, debtor_id IS NOT NULL AS \"for_another!\" FROM holds WHERE subscription_id = $1 AND released_at IS NULL",
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn wiring(tx: &mut TenantTx, id: RouterId) -> Result<Option<Wiring>, sqlx::Error> {
    sqlx::query_as!(
        Wiring,
        r#"SELECT r.lan_interface, r.wan_interface, r.nat, r.capacity_down_bps, r.capacity_up_bps,
                  r.unknown_hosts AS "unknown_hosts: _", r.own_networks::text[] AS "own_networks!", r.untracked,
                  r.public_networks::text[] AS "public_networks!", r.metered,
                  t.name AS isp_name, t.pay_url, t.contact, t.hue, t.language, h.host AS "portal_host?",
                  EXISTS (SELECT FROM payment_providers p WHERE p.tenant_id = t.tenant_id AND p.enabled) AS "takes_cards!"
           FROM routers r JOIN tenants t ON t.tenant_id = r.tenant_id
           LEFT JOIN platform.portal_hosts h ON h.tenant_id = t.tenant_id WHERE r.id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn billing_days_of_router(tx: &mut TenantTx, id: RouterId) -> Result<Vec<(i16, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT DISTINCT a.billing_day, a.time_zone FROM accounts a
         JOIN subscriptions s ON s.tenant_id = a.tenant_id AND s.account_id = a.id WHERE s.router_id = $1",
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.billing_day, row.time_zone)).collect())
}

pub async fn desired_body(
    tx: &mut TenantTx,
    agent: AgentId,
    kind: Kind,
    id: Uuid,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT body FROM desired_objects WHERE agent_id = $1 AND kind = $2 AND object_id = $3 AND NOT removed",
        agent.uuid(),
        kind as i32,
        id
    )
    .fetch_optional(tx.conn())
    .await
}

/// The objects of a kind that an agent should hold.
pub async fn desired_ids(tx: &mut TenantTx, agent: AgentId, kind: Kind) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT object_id FROM desired_objects WHERE agent_id = $1 AND kind = $2 AND NOT removed ORDER BY object_id",
        agent.uuid(),
        kind as i32
    )
    .fetch_all(tx.conn())
    .await
}

/// What an agent should hold together, and one object of it as it is; the agent is locked.
pub struct Holding {
    pub digest: Option<Vec<u8>>,
    /// 0 = there never was one.
    pub revision: i64,
    pub body: Option<Vec<u8>>,
}

pub async fn lock_holding(tx: &mut TenantTx, agent: AgentId, kind: Kind, id: Uuid) -> Result<Holding, sqlx::Error> {
    let digest = sqlx::query_scalar!("SELECT desired_digest FROM agents WHERE id = $1 FOR UPDATE", agent.uuid())
        .fetch_one(tx.conn())
        .await?;
    let object = sqlx::query!(
        r#"SELECT revision, CASE WHEN removed THEN NULL ELSE body END AS body FROM desired_objects
           WHERE agent_id = $1 AND kind = $2 AND object_id = $3"#,
        agent.uuid(),
        kind as i32,
        id
    )
    .fetch_optional(tx.conn())
    .await?;
    let (revision, body) = object.map_or((0, None), |object| (object.revision, object.body));
    Ok(Holding { digest, revision, body })
}

/// Writes an object under the agent's next generation, with the digest of all there are then; no body = a tombstone.
pub async fn put_desired(
    tx: &mut TenantTx,
    agent: AgentId,
    (kind, id): (Kind, Uuid),
    body: Option<&[u8]>,
    digest: Option<&[u8]>,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "WITH agent AS (UPDATE agents SET desired_gen = desired_gen + 1, desired_digest = $7 WHERE id = $2 RETURNING desired_gen)
         INSERT INTO desired_objects (tenant_id, agent_id, kind, object_id, revision, generation, body, removed, changed_at)
         SELECT $1, $2, $3, $4, 1, desired_gen, coalesce($5, ''::bytea), $5 IS NULL, $6 FROM agent
         ON CONFLICT (tenant_id, agent_id, kind, object_id) DO UPDATE
         SET revision = desired_objects.revision + 1, generation = excluded.generation, body = excluded.body,
             removed = excluded.removed, changed_at = excluded.changed_at",
        tenant,
        agent.uuid(),
        kind as i32,
        id,
        body,
        now,
        digest
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
