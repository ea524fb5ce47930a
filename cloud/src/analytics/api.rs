//! `/analytics`: the figures, and the lists behind them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_rules::money::Currency;

use super::{
    AgedInvoice, Aging, AgingBucket, AtRisk, BusyHour, Collections, Exhausted, Month, Moved, Movement, OfferWish,
    Offered, Recurring, Split, Traffic,
};
use crate::app::App;
use crate::error::{self, Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageMessages, ViewAnalytics};
use crate::http::{ApiJson, ApiQuery, Staff};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(recurring))
        .routes(routes!(movements))
        .routes(routes!(aging))
        .routes(routes!(aged))
        .routes(routes!(collections))
        .routes(routes!(traffic))
        .routes(routes!(busy_hours))
        .routes(routes!(exhausted))
        .routes(routes!(offer))
        .routes(routes!(at_risk))
}

/// All of a list that has one page.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
struct All<T> {
    /// The items.
    items: Vec<T>,
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct CurrencyQuery {
    /// ISO 4217; the ISP's own if not given.
    #[param(example = "EUR")]
    currency: Option<String>,
}

fn currency(code: Option<&str>) -> Result<Option<Currency>, Problem> {
    let read = |code| {
        Currency::from_code(code).map_err(|error| Problem::new(&error::MALFORMED_QUERY, format!("currency: {error}")))
    };
    code.map(read).transpose()
}

/// Monthly recurring revenue, its movements and churn in the last twelve months.
#[utoipa::path(get, path = "/analytics/recurring", tag = "analytics", params(CurrencyQuery),
    responses((status = 200, body = All<Recurring>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn recurring(
    State(app): State<App>,
    staff: Staff<ViewAnalytics>,
    ApiQuery(query): ApiQuery<CurrencyQuery>,
) -> Result<Json<All<Recurring>>, Problem> {
    let currency = currency(query.currency.as_deref())?;
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(All { items: super::recurring(&mut tx, currency).await? }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MovementsQuery {
    /// Which month.
    month: Month,
    /// Only this movement.
    movement: Option<Movement>,
    /// ISO 4217; the ISP's own if not given.
    currency: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// The lines whose monthly price moved in a month, newest first.
#[utoipa::path(get, path = "/analytics/movements", tag = "analytics", params(MovementsQuery),
    responses((status = 200, body = Listed<Moved>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn movements(
    State(app): State<App>,
    staff: Staff<ViewAnalytics>,
    ApiQuery(query): ApiQuery<MovementsQuery>,
) -> Result<Json<Listed<Moved>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let currency = currency(query.currency.as_deref())?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let moved = super::moved(&mut tx, currency, query.month, query.movement, page).await?;
    Ok(Json(Listed::new(moved, page, |line| line.subscription_id.uuid(), |line| line)))
}

/// What is open, by age.
#[utoipa::path(get, path = "/analytics/aging", tag = "analytics", params(CurrencyQuery),
    responses((status = 200, body = All<Aging>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn aging(
    State(app): State<App>,
    staff: Staff<ViewAnalytics>,
    ApiQuery(query): ApiQuery<CurrencyQuery>,
) -> Result<Json<All<Aging>>, Problem> {
    let currency = currency(query.currency.as_deref())?;
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(All { items: super::aging(&mut tx, currency).await? }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AgedQuery {
    /// How long due.
    bucket: AgingBucket,
    /// ISO 4217; the ISP's own if not given.
    currency: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// The open invoices of one age, newest first.
#[utoipa::path(get, path = "/analytics/aged-invoices", tag = "analytics", params(AgedQuery),
    responses((status = 200, body = Listed<AgedInvoice>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn aged(
    State(app): State<App>,
    staff: Staff<ViewAnalytics>,
    ApiQuery(query): ApiQuery<AgedQuery>,
) -> Result<Json<Listed<AgedInvoice>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let currency = currency(query.currency.as_deref())?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let aged = super::aged(&mut tx, currency, query.bucket, page).await?;
    Ok(Json(Listed::new(aged, page, |invoice| invoice.invoice_id.uuid(), |invoice| invoice)))
}

/// What the last twelve months' invoices asked for and what came of it.
#[utoipa::path(get, path = "/analytics/collections", tag = "analytics", params(CurrencyQuery),
    responses((status = 200, body = All<Collections>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn collections(
    State(app): State<App>,
    staff: Staff<ViewAnalytics>,
    ApiQuery(query): ApiQuery<CurrencyQuery>,
) -> Result<Json<All<Collections>>, Problem> {
    let currency = currency(query.currency.as_deref())?;
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(All { items: super::collections(&mut tx, currency).await? }))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct TrafficQuery {
    /// How it is split.
    #[param(inline)]
    by: Split,
}

/// Traffic of the last thirty days, the most first.
#[utoipa::path(get, path = "/analytics/traffic", tag = "analytics", params(TrafficQuery),
    responses((status = 200, body = All<Traffic>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn traffic(
    State(app): State<App>,
    staff: Staff<ViewAnalytics>,
    ApiQuery(query): ApiQuery<TrafficQuery>,
) -> Result<Json<All<Traffic>>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(All { items: super::traffic(&mut tx, query.by).await? }))
}

/// Each router's busiest hour of the last seven days.
#[utoipa::path(get, path = "/analytics/busy-hours", tag = "analytics",
    responses((status = 200, body = All<BusyHour>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn busy_hours(State(app): State<App>, staff: Staff<ViewAnalytics>) -> Result<Json<All<BusyHour>>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(All { items: super::busy_hours(&mut tx).await? }))
}

#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct AreaQuery {
    /// Only lines that end in this city.
    area: Option<String>,
}

/// Lines that have used their allowance of the current billing period, by area.
#[utoipa::path(get, path = "/analytics/used-allowances", tag = "analytics", params(AreaQuery),
    responses((status = 200, body = All<Exhausted>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn exhausted(
    State(app): State<App>,
    staff: Staff<ViewAnalytics>,
    ApiQuery(query): ApiQuery<AreaQuery>,
) -> Result<Json<All<Exhausted>>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(All { items: super::exhausted(&mut tx, query.area.as_deref()).await? }))
}

/// Write to who holds the lines that have used their allowance, at most once a line and calendar month.
#[utoipa::path(post, path = "/analytics/used-allowances/messages", tag = "analytics", request_body = OfferWish,
    responses((status = 202, body = Offered), Refusals), security(("session" = ["manage-messages"])))]
async fn offer(
    State(app): State<App>,
    staff: Staff<ManageMessages>,
    ApiJson(wish): ApiJson<OfferWish>,
) -> Result<(StatusCode, Json<Offered>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let offered = super::offer_more(&app, &mut tx, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(offered)))
}

/// Subscribers in service who show signs of leaving, the likeliest first, each with its reasons.
#[utoipa::path(get, path = "/analytics/at-risk", tag = "analytics",
    responses((status = 200, body = All<AtRisk>), Refusals),
    security(("session" = ["view-analytics"])))]
async fn at_risk(State(app): State<App>, staff: Staff<ViewAnalytics>) -> Result<Json<All<AtRisk>>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(All { items: super::at_risk(&mut tx).await? }))
}
