//! `/subscriptions/{id}/usage`, `/usage/unattributed`, `/routers/{id}/usage-quarantine` and `/usage-quarantine`.

#![expect(unused_qualifications, reason = "the OpenAPI macro qualifies the types of parameters")]

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Day, Decision, Error, Quarantined, Shares, store};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ViewNetwork, ViewSubscribers};
use crate::http::{ApiPath, ApiQuery, Staff};
use crate::ids::{AgentId, QuarantinedId, RouterId, SubscriptionId};
use crate::subscriptions;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(of_subscription))
        .routes(routes!(unattributed))
        .routes(routes!(list_quarantined))
        .routes(routes!(quarantined_shares))
        .routes(routes!(bill_quarantined))
        .routes(routes!(drop_quarantined))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Between {
    /// From this day of the account on.
    from: Option<NaiveDate>,
    /// Before this day of the account.
    to: Option<NaiveDate>,
}

/// What a line moved.
#[derive(Serialize, ToSchema)]
struct Usage {
    /// Bytes toward the subscriber.
    down_bytes: i64,
    /// Bytes from the subscriber.
    up_bytes: i64,
    /// Bytes of IPv6 in both directions; absent if nobody measured.
    v6_bytes: Option<i64>,
    /// The bytes of both directions that is a part of: those moved while it was measured.
    v6_of_bytes: Option<i64>,
    /// Packets the shaper dropped in both directions; absent if nobody measured.
    dropped_packets: Option<i64>,
    /// The packets of both directions that came to it meanwhile.
    dropped_of_packets: Option<i64>,
    /// By local day of the account.
    days: Vec<DayJson>,
}

/// What a line moved in a day.
#[derive(Serialize, ToSchema)]
#[schema(as = Day)]
struct DayJson {
    /// The account's local day.
    on: NaiveDate,
    /// Bytes toward the subscriber.
    down_bytes: i64,
    /// Bytes from the subscriber.
    up_bytes: i64,
    /// Bytes of IPv6 in both directions; absent if nobody measured.
    v6_bytes: Option<i64>,
    /// The bytes of both directions that is a part of.
    v6_of_bytes: Option<i64>,
    /// Packets the shaper dropped in both directions; absent if nobody measured.
    dropped_packets: Option<i64>,
    /// The packets of both directions that came to it meanwhile.
    dropped_of_packets: Option<i64>,
}

impl From<Day> for DayJson {
    fn from(day: Day) -> Self {
        let Day { on, down_bytes, up_bytes, v6_bytes, v6_of_bytes, dropped_packets, dropped_of_packets } = day;
        Self { on, down_bytes, up_bytes, v6_bytes, v6_of_bytes, dropped_packets, dropped_of_packets }
    }
}

/// Bytes no line of the router ever had the handle of: kept, never billed.
#[derive(Serialize, ToSchema)]
struct UnattributedJson {
    /// By agent and handle; empty when all is well.
    items: Vec<UnattributedItem>,
}

#[derive(Serialize, ToSchema)]
struct UnattributedItem {
    /// Who reported them.
    agent_id: AgentId,
    /// Under which handle.
    handle: i32,
    /// Bytes toward whoever it was.
    down_bytes: i64,
    /// Bytes from whoever it was.
    up_bytes: i64,
}

/// What a line moved, delivered bytes of layer 3.
#[utoipa::path(get, path = "/subscriptions/{id}/usage", tag = "usage", params(("id" = SubscriptionId, Path), Between), responses((status = 200, body = Usage), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn of_subscription(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<Between>,
) -> Result<Json<Usage>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    subscriptions::subscription(&mut tx, id).await?;
    let days = store::days(&mut tx, id, query.from, query.to).await.map_err(Error::from)?;
    let days: Vec<_> = days.into_iter().map(DayJson::from).collect();
    let measured = |part: fn(&DayJson) -> Option<i64>| days.iter().filter_map(part).reduce(i64::saturating_add);
    let usage = Usage {
        v6_bytes: measured(|day| day.v6_bytes),
        v6_of_bytes: measured(|day| day.v6_of_bytes),
        dropped_packets: measured(|day| day.dropped_packets),
        dropped_of_packets: measured(|day| day.dropped_of_packets),
        down_bytes: days.iter().fold(0, |sum, day| sum.saturating_add(day.down_bytes)),
        up_bytes: days.iter().fold(0, |sum, day| sum.saturating_add(day.up_bytes)),
        days,
    };
    Ok(Json(usage))
}

/// Usage under handles no line ever had.
#[utoipa::path(get, path = "/usage/unattributed", tag = "usage", responses((status = 200, body = UnattributedJson), Refusals),
    security(("session" = ["view-network"])))]
async fn unattributed(State(app): State<App>, staff: Staff<ViewNetwork>) -> Result<Json<UnattributedJson>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    let rows = store::unattributed(&mut tx).await.map_err(Error::from)?;
    let items = rows
        .into_iter()
        .map(|row| UnattributedItem {
            agent_id: row.agent_id,
            handle: row.handle,
            down_bytes: row.down_bytes,
            up_bytes: row.up_bytes,
        })
        .collect();
    Ok(Json(UnattributedJson { items }))
}

/// Usage of a router that is not counted unless somebody says so, the newest first: its log was put back in time, and what it
/// said then may be counted already.
#[utoipa::path(get, path = "/routers/{id}/usage-quarantine", tag = "usage", params(("id" = RouterId, Path), PageQuery),
    responses((status = 200, body = Listed<Quarantined>), Refusals), security(("session" = ["view-network"])))]
async fn list_quarantined(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Quarantined>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let records = super::quarantined(&mut tx, id, page).await?;
    Ok(Json(Listed::new(records, page, |record| record.id.uuid(), |record| record)))
}

/// Whose what waits in quarantine of the epoch of a record is, up to that record, and when it was moved.
#[utoipa::path(get, path = "/usage-quarantine/{id}/shares", tag = "usage", params(("id" = QuarantinedId, Path)),
    responses((status = 200, body = Shares), Refusals),
    security(("session" = ["manage-billing"])))]
async fn quarantined_shares(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<QuarantinedId>,
) -> Result<Json<Shares>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::shares(&mut tx, id).await?))
}

/// What was decided.
#[derive(Serialize, ToSchema)]
struct DecidedJson {
    /// About how many records.
    records: u64,
}

/// Bill what waits in quarantine of the epoch of a record, up to that record.
#[utoipa::path(post, path = "/usage-quarantine/{id}/bill", tag = "usage", params(("id" = QuarantinedId, Path)),
    responses((status = 200, body = DecidedJson), Refusals),
    security(("session" = ["manage-billing"])))]
async fn bill_quarantined(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<QuarantinedId>,
) -> Result<Json<DecidedJson>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let records = super::decide(&mut tx, id, Decision::Billed).await?;
    tx.commit().await?;
    Ok(Json(DecidedJson { records }))
}

/// Never bill what waits in quarantine of the epoch of a record, up to that record.
#[utoipa::path(post, path = "/usage-quarantine/{id}/drop", tag = "usage", params(("id" = QuarantinedId, Path)),
    responses((status = 200, body = DecidedJson), Refusals),
    security(("session" = ["manage-billing"])))]
async fn drop_quarantined(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<QuarantinedId>,
) -> Result<Json<DecidedJson>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let records = super::decide(&mut tx, id, Decision::Dropped).await?;
    tx.commit().await?;
    Ok(Json(DecidedJson { records }))
}
