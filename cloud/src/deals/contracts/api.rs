//! `/subscriptions/{id}/contracts` and `/contracts/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Contract, ContractWaiver, ContractWish, LeavingQuote};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageSubscriptions, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{ContractId, SubscriptionId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, agree)).routes(routes!(show)).routes(routes!(fee)).routes(routes!(waive))
}

/// A subscription's contracts, newest first.
#[utoipa::path(get, path = "/subscriptions/{id}/contracts", tag = "subscriptions", params(("id" = SubscriptionId, Path), PageQuery),
    responses((status = 200, body = Listed<Contract>), Refusals), security(("session" = ["view-subscribers"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Contract>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let contracts = super::contracts(&mut tx, id, page).await?;
    Ok(Json(Listed::new(contracts, page, |contract| contract.id.uuid(), |contract| contract)))
}

/// Agree a minimum term of a subscription, and what leaving before its end costs.
#[utoipa::path(post, path = "/subscriptions/{id}/contracts", tag = "subscriptions", params(("id" = SubscriptionId, Path)), request_body = ContractWish,
    responses((status = 201, body = Contract), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn agree(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<SubscriptionId>,
    ApiJson(wish): ApiJson<ContractWish>,
) -> Result<(StatusCode, Json<Contract>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let contract = super::agree(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(contract)))
}

/// One contract.
#[utoipa::path(get, path = "/contracts/{id}", tag = "subscriptions", params(("id" = ContractId, Path)),
    responses((status = 200, body = Contract), Refusals), security(("session" = ["view-subscribers"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<ContractId>,
) -> Result<Json<Contract>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::contract(&mut tx, id).await?))
}

/// On which day the subscriber would leave.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct LeavingQuery {
    /// First day no longer served; today, if left out.
    on: Option<NaiveDate>,
}

/// What leaving on a day would cost, before tax. Nothing is changed.
#[utoipa::path(get, path = "/contracts/{id}/fee", tag = "subscriptions", params(("id" = ContractId, Path), LeavingQuery),
    responses((status = 200, body = LeavingQuote), Refusals), security(("session" = ["view-subscribers"])))]
async fn fee(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<ContractId>,
    ApiQuery(query): ApiQuery<LeavingQuery>,
) -> Result<Json<LeavingQuote>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::quote(&mut tx, id, query.on).await?))
}

/// Let the subscriber off a contract: leaving is free from now on.
#[utoipa::path(post, path = "/contracts/{id}/waive", tag = "subscriptions", params(("id" = ContractId, Path)), request_body = ContractWaiver,
    responses((status = 200, body = Contract), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn waive(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<ContractId>,
    ApiJson(waiver): ApiJson<ContractWaiver>,
) -> Result<Json<Contract>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let contract = super::waive_contract(&mut tx, id, waiver).await?;
    tx.commit().await?;
    Ok(Json(contract))
}
