//! `/accounts/{id}/charges` and `/charges/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Charge, ChargeWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ManageSubscriptions, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, ChargeId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, add)).routes(routes!(show)).routes(routes!(remove)).routes(routes!(bill))
}

/// An account's one-time charges, newest first: those that wait, that stand on invoices and that were removed.
#[utoipa::path(get, path = "/accounts/{id}/charges", tag = "billing", params(("id" = AccountId, Path), PageQuery),
    responses((status = 200, body = Listed<Charge>), Refusals), security(("session" = ["view-billing"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Charge>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let charges = super::charges(&mut tx, id, false, page).await?;
    Ok(Json(Listed::new(charges, page, |charge| charge.id.uuid(), |charge| charge)))
}

/// Charge an account once: the next invoice takes it, from its day on.
#[utoipa::path(post, path = "/accounts/{id}/charges", tag = "billing", params(("id" = AccountId, Path)), request_body = ChargeWish,
    responses((status = 201, body = Charge), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<AccountId>,
    ApiJson(wish): ApiJson<ChargeWish>,
) -> Result<(StatusCode, Json<Charge>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let charge = super::add_charge(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(charge)))
}

/// One charge.
#[utoipa::path(get, path = "/charges/{id}", tag = "billing", params(("id" = ChargeId, Path)),
    responses((status = 200, body = Charge), Refusals), security(("session" = ["view-billing"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<ChargeId>,
) -> Result<Json<Charge>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::charge(&mut tx, id).await?))
}

/// Remove a charge that no invoice has yet.
#[utoipa::path(post, path = "/charges/{id}/remove", tag = "billing", params(("id" = ChargeId, Path)),
    responses((status = 200, body = Charge), Refusals), security(("session" = ["manage-subscriptions"])))]
async fn remove(
    State(app): State<App>,
    staff: Staff<ManageSubscriptions>,
    ApiPath(id): ApiPath<ChargeId>,
) -> Result<Json<Charge>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let charge = super::remove_charge(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(charge))
}

/// Bill a charge at once, on an invoice of its own, whatever its day.
#[utoipa::path(post, path = "/charges/{id}/bill", tag = "billing", params(("id" = ChargeId, Path)),
    responses((status = 200, body = Charge), Refusals), security(("session" = ["manage-billing"])))]
async fn bill(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<ChargeId>,
) -> Result<Json<Charge>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let charge = super::bill_charge(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(charge))
}
