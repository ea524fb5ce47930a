//! `/subscriptions/{id}/quality`, `/subscriptions/{id}/probes`, `/line-probes/{id}` and `/routers/{id}/quality`.

#![expect(unused_qualifications, reason = "the OpenAPI macro qualifies the types of parameters")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{LineHour, LineProbe, Range, UplinkHour};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ProbeLines, ViewNetwork, ViewSubscribers};
use crate::http::{ApiPath, ApiQuery, Staff};
use crate::ids::{LineProbeId, RouterId, SubscriptionId};
use crate::{network, subscriptions};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(of_line))
        .routes(routes!(of_router))
        .routes(routes!(list, ask))
        .routes(routes!(show))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Between {
    /// Hours that begin at this instant or later; a day before `to` unless told. Two weeks are kept.
    from: Option<DateTime<Utc>>,
    /// Hours that begin before this instant; now unless told.
    to: Option<DateTime<Utc>>,
}

impl Between {
    fn range(&self, now: DateTime<Utc>) -> Range {
        // Of more than a year around now there is nothing, and instants far away are no database's.
        let near = |at: DateTime<Utc>| at.clamp(now - TimeDelta::days(366), now + TimeDelta::days(366));
        let to = near(self.to.unwrap_or(now));
        near(self.from.unwrap_or(to - TimeDelta::days(1)))..to
    }
}

/// How a line was served.
#[derive(Serialize, ToSchema)]
struct LineQuality {
    /// Hours its router told something of, oldest first; in one that is missing the line was idle and not asked, or the
    /// router told nothing.
    hours: Vec<LineHour>,
}

/// How a router reached the internet.
#[derive(Serialize, ToSchema)]
struct RouterQuality {
    /// Hours of its gateway and its anchors, oldest first.
    uplinks: Vec<UplinkHour>,
}

/// How a line was served, by the hour: its queue, its use of its rate, and whether its host answered echoes.
#[utoipa::path(get, path = "/subscriptions/{id}/quality", tag = "usage", params(("id" = SubscriptionId, Path), Between),
    responses((status = 200, body = LineQuality), Refusals), security(("session" = ["view-subscribers"])))]
async fn of_line(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<Between>,
) -> Result<Json<LineQuality>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    subscriptions::subscription(&mut tx, id).await?;
    let within = query.range(tx.at());
    Ok(Json(LineQuality { hours: super::of_line(&mut tx, id, within).await? }))
}

/// How a router's gateway and its anchors answered, by the hour.
#[utoipa::path(get, path = "/routers/{id}/quality", tag = "usage", params(("id" = RouterId, Path), Between),
    responses((status = 200, body = RouterQuality), Refusals), security(("session" = ["view-network"])))]
async fn of_router(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<Between>,
) -> Result<Json<RouterQuality>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    network::router(&mut tx, id).await?;
    let within = query.range(tx.at());
    Ok(Json(RouterQuality { uplinks: super::of_router(&mut tx, id, within).await? }))
}

/// Probes of a line, the newest first.
#[utoipa::path(get, path = "/subscriptions/{id}/probes", tag = "usage", params(("id" = SubscriptionId, Path), PageQuery),
    responses((status = 200, body = Listed<LineProbe>), Refusals), security(("session" = ["view-subscribers"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<LineProbe>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let probes = super::probes(&mut tx, id, page).await?;
    Ok(Json(Listed::new(probes, page, |probe| probe.id.uuid(), |probe| probe)))
}

/// Is it the subscriber or the network? Have the router measure the line for three seconds: its queue, its access, and
/// echoes of the line's host, the gateway and the anchors. Ask for the probe until its state is not `asked`.
#[utoipa::path(post, path = "/subscriptions/{id}/probes", tag = "usage", params(("id" = SubscriptionId, Path)),
    responses((status = 202, body = LineProbe), Refusals), security(("session" = ["probe-lines"])))]
async fn ask(
    State(app): State<App>,
    staff: Staff<ProbeLines>,
    ApiPath(id): ApiPath<SubscriptionId>,
) -> Result<(StatusCode, Json<LineProbe>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let probe = super::ask(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(probe)))
}

/// One probe of a line.
#[utoipa::path(get, path = "/line-probes/{id}", tag = "usage", params(("id" = LineProbeId, Path)),
    responses((status = 200, body = LineProbe), Refusals), security(("session" = ["view-subscribers"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<LineProbeId>,
) -> Result<Json<LineProbe>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::probe(&mut tx, id).await?))
}
