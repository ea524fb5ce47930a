//! SQL of subscriptions, their terms, prefixes and holds. Identities: [`identities`]; what routers
//! learned: [`learned`].

pub mod identities;
pub mod learned;

use chrono::{DateTime, NaiveDate, Utc};
use ipnet::IpNet;
use rust_decimal::Decimal;
use sqlx::types::Json;
use uuid::Uuid;
use weir_rules::access::{self, HoldEffect, HoldKind};

use super::{Counts, Error, Hold, LearnedPrefix, Status, Subscription, SubscriptionWish};
use crate::db::TenantTx;
use crate::error::broken_constraint;
use crate::http::paging::Page;
use crate::ids::{AccessPointId, AccountId, HoldId, LinePauseId, PlanVersionId, RouterId, SubscriptionId};

struct Row {
    id: SubscriptionId,
    account_id: Uuid,
    service_location_id: Uuid,
    router_id: Uuid,
    access_point_id: Option<Uuid>,
    handle: i32,
    plan_name: String,
    plan_version_id: Uuid,
    rate_down_bps: i64,
    rate_up_bps: i64,
    starts_on: NaiveDate,
    ends_on: Option<NaiveDate>,
    today: NaiveDate,
    prefixes: Vec<String>,
    identities: Vec<String>,
    learned_prefixes: Json<Vec<LearnedPrefix>>,
    created_at: DateTime<Utc>,
}

pub async fn subscriptions(
    tx: &mut TenantTx,
    only: Option<&[Uuid]>,
    of: Option<AccountId>,
    page: Page,
) -> Result<Vec<Subscription>, sqlx::Error> {
    let now = tx.at();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT s.id AS "id: _", s.account_id, s.service_location_id, s.router_id, s.access_point_id, s.handle, p.name AS plan_name,
                  v.id AS plan_version_id, v.rate_down_bps, v.rate_up_bps, s.starts_on, s.ends_on, d.today AS "today!",
                  ARRAY(SELECT x.prefix::text FROM subscription_prefixes x
                        WHERE x.tenant_id = s.tenant_id AND x.subscription_id = s.id ORDER BY x.prefix) AS "prefixes!",
                  ARRAY(SELECT x.kind || ':' || x.value FROM subscription_identities x
                        WHERE x.tenant_id = s.tenant_id AND x.subscription_id = s.id ORDER BY 1) AS "identities!",
                  (SELECT coalesce(jsonb_agg(jsonb_build_object('prefix', x.prefix::text, 'source', x.source, 'since_at', x.since_at,
                                                               'until_at', x.until_at, 'reported_at', x.reported_at) ORDER BY x.prefix), '[]')
                   FROM learned_prefixes x
                   WHERE x.tenant_id = s.tenant_id AND x.subscription_id = s.id) AS "learned_prefixes!: _",
                  s.created_at
           FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS today) d
           CROSS JOIN LATERAL (
               SELECT t.plan_version_id FROM subscription_terms t
               WHERE t.tenant_id = s.tenant_id AND t.subscription_id = s.id
               ORDER BY t.valid @> d.today DESC, lower(t.valid) > d.today DESC, lower(t.valid) LIMIT 1) term
           JOIN plan_versions v ON v.tenant_id = s.tenant_id AND v.id = term.plan_version_id
           JOIN plans p ON p.tenant_id = v.tenant_id AND p.id = v.plan_id
           WHERE ($2::uuid[] IS NULL OR s.id = ANY($2)) AND ($3::uuid IS NULL OR s.account_id = $3) AND ($4::uuid IS NULL OR s.id < $4)
           ORDER BY s.id DESC LIMIT $5"#,
        now,
        only,
        of.map(AccountId::uuid),
        page.after,
        page.fetch()
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<_> = rows.iter().map(|row| row.id.uuid()).collect();
    let held = holds_in_force(tx, &ids).await?;
    Ok(rows.into_iter().map(|row| shown(row, &held, now)).collect())
}

fn shown(row: Row, held: &[(Uuid, access::Hold<Uuid>)], now: DateTime<Utc>) -> Subscription {
    let status = match row.ends_on {
        Some(end) if row.today >= end => Status::Closed,
        _ if row.today < row.starts_on => Status::Ordered,
        Some(_) => Status::Ending,
        None => Status::Active,
    };
    let own: Vec<_> = held.iter().filter(|(of, _)| *of == row.id.uuid()).map(|(_, hold)| hold.clone()).collect();
    Subscription {
        id: row.id,
        account_id: row.account_id.into(),
        service_location_id: row.service_location_id.into(),
        router_id: row.router_id.into(),
        access_point_id: row.access_point_id.map(Into::into),
        handle: row.handle,
        status,
        access: access::access_at(&own, now).access.name().to_owned(),
        plan_name: row.plan_name,
        plan_version_id: row.plan_version_id.into(),
        rate_down_bps: row.rate_down_bps,
        rate_up_bps: row.rate_up_bps,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        prefixes: row.prefixes,
        identities: row.identities,
        learned_prefixes: row.learned_prefixes.0,
        created_at: row.created_at,
    }
}

async fn holds_in_force(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<(Uuid, access::Hold<Uuid>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, subscription_id, kind, effect, placed_at, until FROM holds WHERE subscription_id = ANY($1) AND released_at IS NULL",
        ids
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let kind = HoldKind::from_name(&row.kind)?;
            let effect = HoldEffect::from_name(&row.effect)?;
            let hold =
                access::Hold { id: row.id, kind, effect, from: row.placed_at, until: row.until, released_at: None };
            Some((row.subscription_id, hold))
        })
        .collect())
}

/// Whom somebody looks for: an identity's value, or a part of a PPPoE user's name in small letters.
pub struct Who<'a> {
    pub values: &'a [String],
    pub user: &'a str,
}

/// The line of this id, those that share an address with `addresses`, those known as `who`, and those of subscribers whose
/// name contains `name`.
pub async fn find(
    tx: &mut TenantTx,
    id: Option<SubscriptionId>,
    addresses: Option<IpNet>,
    name: &str,
    who: Who<'_>,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT s.id FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscribers b ON b.tenant_id = a.tenant_id AND b.id = a.subscriber_id
           WHERE s.id = $1 OR ($3 <> '' AND position($3 IN b.name_normalised) > 0)
              OR EXISTS (SELECT FROM subscription_prefixes x
                         WHERE x.tenant_id = s.tenant_id AND x.subscription_id = s.id AND x.prefix && $2::text::cidr)
              OR EXISTS (SELECT FROM learned_prefixes x
                         WHERE x.tenant_id = s.tenant_id AND x.subscription_id = s.id AND x.prefix && $2::text::cidr)
              OR EXISTS (SELECT FROM subscription_identities x
                         WHERE x.tenant_id = s.tenant_id AND x.subscription_id = s.id
                           AND (x.value = ANY ($5) OR (x.kind = 'pppoe-user' AND $6 <> '' AND position($6 IN lower(x.value)) > 0)))
           ORDER BY s.id DESC LIMIT $4"#,
        id.map(SubscriptionId::uuid),
        addresses.map(|addresses| addresses.to_string()),
        name,
        limit,
        who.values,
        who.user
    )
    .fetch_all(tx.conn())
    .await
}

/// Whose lines these are, by name.
pub async fn names(tx: &mut TenantTx, ids: &[Uuid]) -> Result<Vec<(SubscriptionId, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT s.id AS "id: SubscriptionId", b.name FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscribers b ON b.tenant_id = a.tenant_id AND b.id = a.subscriber_id
           WHERE s.id = ANY($1)"#,
        ids
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

pub async fn counts(tx: &mut TenantTx) -> Result<Counts, sqlx::Error> {
    let now = tx.at();
    sqlx::query_as!(
        Counts,
        r#"SELECT count(*) FILTER (WHERE s.starts_on > d.today AND (s.ends_on IS NULL OR s.ends_on > d.today)) AS "ordered!",
                  count(*) FILTER (WHERE s.starts_on <= d.today AND s.ends_on IS NULL) AS "active!",
                  count(*) FILTER (WHERE s.starts_on <= d.today AND s.ends_on > d.today) AS "ending!",
                  count(*) FILTER (WHERE EXISTS (
                      SELECT FROM holds h WHERE h.tenant_id = s.tenant_id AND h.subscription_id = s.id AND h.released_at IS NULL
                      AND (h.until IS NULL OR h.until > $1)) AND (s.ends_on IS NULL OR s.ends_on > d.today)) AS "held!"
           FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           CROSS JOIN LATERAL (SELECT ($1::timestamptz AT TIME ZONE a.time_zone)::date AS today) d"#,
        now
    )
    .fetch_one(tx.conn())
    .await
}

/// What the plans in force today cost a month, by currency; of other periods, what that comes to, and of paused lines, what they pay.
pub async fn recurring(tx: &mut TenantTx) -> Result<Vec<(String, Decimal)>, sqlx::Error> {
    let now = tx.at();
    let rows = sqlx::query!(
        r#"SELECT v.currency, sum(price_a_month(before_tax(price_on(s.id, v.price, ($1::timestamptz AT TIME ZONE a.time_zone)::date), v.tax_included, home_tax_percent($1)), v.period_months, v.period_days)) AS "price!" FROM subscriptions s
           JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
           JOIN subscription_terms t ON t.tenant_id = s.tenant_id AND t.subscription_id = s.id
                AND t.valid @> ($1::timestamptz AT TIME ZONE a.time_zone)::date
           JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id
           GROUP BY v.currency ORDER BY v.currency"#,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.currency, row.price)).collect())
}

pub async fn take_handle(tx: &mut TenantTx, router: RouterId) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"UPDATE routers SET next_handle = next_handle + 1 WHERE id = $1 RETURNING next_handle - 1 AS "handle!""#,
        router.uuid()
    )
    .fetch_one(tx.conn())
    .await
}

/// Addresses of another line that has some of those wanted on a day of a range, and whose they are.
pub async fn overlapping(
    tx: &mut TenantTx,
    router: RouterId,
    wanted: &IpNet,
    (from, until): (NaiveDate, Option<NaiveDate>),
    but: SubscriptionId,
) -> Result<Option<(String, SubscriptionId)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT prefix::text AS "prefix!", subscription_id AS "subscription_id: SubscriptionId" FROM subscription_prefixes
           WHERE router_id = $1 AND prefix && $2::text::cidr AND valid && daterange($3, $4) AND subscription_id <> $5 LIMIT 1"#,
        router.uuid(),
        wanted.to_string(),
        from,
        until,
        but.uuid()
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.prefix, row.subscription_id)))
}

pub async fn insert(
    tx: &mut TenantTx,
    id: SubscriptionId,
    wish: &SubscriptionWish,
    handle: i32,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO subscriptions (tenant_id, id, account_id, service_location_id, router_id, handle, starts_on, created_at,
                                    access_point_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        tenant,
        id.uuid(),
        wish.account_id.uuid(),
        wish.service_location_id.uuid(),
        wish.router_id.uuid(),
        handle,
        wish.starts_on,
        now,
        wish.access_point_id.map(AccessPointId::uuid)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_term(
    tx: &mut TenantTx,
    id: SubscriptionId,
    version: PlanVersionId,
    from: NaiveDate,
    until: Option<NaiveDate>,
) -> Result<(), sqlx::Error> {
    let (tenant, now) = (tx.tenant().uuid(), tx.at());
    sqlx::query!(
        "INSERT INTO subscription_terms (tenant_id, subscription_id, valid, plan_version_id, created_at)
         VALUES ($1, $2, daterange($3, $4), $5, $6)",
        tenant,
        id.uuid(),
        from,
        until,
        version.uuid(),
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn insert_prefix(
    tx: &mut TenantTx,
    id: SubscriptionId,
    router: RouterId,
    prefix: &IpNet,
    from: NaiveDate,
) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().uuid();
    sqlx::query!(
        "INSERT INTO subscription_prefixes (tenant_id, subscription_id, router_id, prefix, valid)
         VALUES ($1, $2, $3, $4::text::cidr, daterange($5, NULL))",
        tenant,
        id.uuid(),
        router.uuid(),
        prefix.to_string(),
        from
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Places a line behind an access point of its router, or behind none.
pub async fn place_behind(
    tx: &mut TenantTx,
    id: SubscriptionId,
    access_point: Option<AccessPointId>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE subscriptions SET access_point_id = $2 WHERE id = $1",
        id.uuid(),
        access_point.map(AccessPointId::uuid)
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Serialises changes of a subscription. Usage may go on referring to it: it is locked by agents' rows first, and would
/// otherwise wait for us while we wait for it.
pub async fn lock(tx: &mut TenantTx, id: SubscriptionId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT id FROM subscriptions WHERE id = $1 FOR NO KEY UPDATE", id.uuid())
        .fetch_optional(tx.conn())
        .await?;
    Ok(())
}

/// Whether terms begin at or after `day`, the very first one excepted.
pub async fn has_term_from(
    tx: &mut TenantTx,
    id: SubscriptionId,
    day: NaiveDate,
    starts_on: NaiveDate,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM subscription_terms WHERE subscription_id = $1 AND lower(valid) >= $2 AND lower(valid) <> $3) AS "later!""#,
        id.uuid(),
        day,
        starts_on
    )
    .fetch_one(tx.conn())
    .await
}

/// Lets no term reach past `day`.
pub async fn close_terms(tx: &mut TenantTx, id: SubscriptionId, day: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!("DELETE FROM subscription_terms WHERE subscription_id = $1 AND lower(valid) >= $2", id.uuid(), day)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "UPDATE subscription_terms SET valid = daterange(lower(valid), $2) WHERE subscription_id = $1 AND valid @> $2::date",
        id.uuid(),
        day
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Lets the term that reaches to `end` reach to `later`.
pub async fn extend_last_term(
    tx: &mut TenantTx,
    id: SubscriptionId,
    end: NaiveDate,
    later: NaiveDate,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE subscription_terms SET valid = daterange(lower(valid), $3) WHERE subscription_id = $1 AND upper(valid) = $2",
        id.uuid(),
        end,
        later
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Sets the end of a subscription and of its hold on its addresses.
pub async fn set_end(tx: &mut TenantTx, id: SubscriptionId, ends_on: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!("UPDATE subscriptions SET ends_on = $2 WHERE id = $1", id.uuid(), ends_on).execute(tx.conn()).await?;
    sqlx::query!(
        "UPDATE subscription_prefixes SET valid = daterange(lower(valid), greatest(lower(valid), $2)) WHERE subscription_id = $1",
        id.uuid(),
        ends_on
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn holds(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<Hold>, sqlx::Error> {
    sqlx::query_as!(
        Hold,
        r#"SELECT id AS "id: _", subscription_id AS "subscription_id: _", kind, effect, pause_id AS "pause_id: _", debtor_id AS "debtor_id: _", reason, placed_by, placed_at, until, released_by, released_at
           FROM holds WHERE subscription_id = $1 ORDER BY id DESC"#,
        id.uuid()
    )
    .fetch_all(tx.conn())
    .await
}

pub async fn hold(tx: &mut TenantTx, id: HoldId) -> Result<Option<Hold>, sqlx::Error> {
    sqlx::query_as!(
        Hold,
        r#"SELECT id AS "id: _", subscription_id AS "subscription_id: _", kind, effect, pause_id AS "pause_id: _", debtor_id AS "debtor_id: _", reason, placed_by, placed_at, until, released_by, released_at
           FROM holds WHERE id = $1"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

pub async fn insert_hold(tx: &mut TenantTx, hold: &Hold) -> Result<(), Error> {
    let tenant = tx.tenant().uuid();
    let inserted = sqlx::query!(
        "INSERT INTO holds (tenant_id, id, subscription_id, kind, effect, reason, placed_by, placed_at, until, pause_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        tenant,
        hold.id.uuid(),
        hold.subscription_id.uuid(),
        hold.kind,
        hold.effect,
        hold.reason,
        hold.placed_by,
        hold.placed_at,
        hold.until,
        hold.pause_id.map(LinePauseId::uuid)
    )
    .execute(tx.conn())
    .await;
    match inserted {
        Err(error) if broken_constraint(&error) == Some("holds_unpaid_once") => {
            Err(Error::HoldExists(hold.subscription_id))
        }
        other => Ok(other.map(|_| ())?),
    }
}

/// The hold in force of a pause.
pub async fn hold_of_pause(tx: &mut TenantTx, id: LinePauseId) -> Result<Option<HoldId>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT id AS "id: HoldId" FROM holds WHERE pause_id = $1 AND released_at IS NULL"#,
        id.uuid()
    )
    .fetch_optional(tx.conn())
    .await
}

/// Releases a hold, unless somebody else or its time just did; tells which.
pub async fn release(tx: &mut TenantTx, id: HoldId) -> Result<bool, sqlx::Error> {
    let (now, actor) = (tx.at(), tx.actor().to_string());
    let released = sqlx::query!(
        "UPDATE holds SET released_at = $2, released_by = $3 WHERE id = $1 AND released_at IS NULL AND (until IS NULL OR until > $2)",
        id.uuid(),
        now,
        actor
    )
    .execute(tx.conn())
    .await?;
    Ok(released.rows_affected() == 1)
}

/// Releases every hold whose time has passed, at that time; tells which, and whose lines' they were.
pub async fn release_over(tx: &mut TenantTx) -> Result<Vec<(HoldId, SubscriptionId)>, sqlx::Error> {
    let (now, actor) = (tx.at(), tx.actor().to_string());
    let rows = sqlx::query!(
        r#"UPDATE holds SET released_at = until, released_by = $2 WHERE released_at IS NULL AND until <= $1
           RETURNING id AS "id: HoldId", subscription_id AS "line: SubscriptionId""#,
        now,
        actor
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.line)).collect())
}
