//! `/subscribers`, `/accounts`, `/service-locations`.

#![expect(unused_qualifications, reason = "the OpenAPI macro qualifies the types of parameters")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Account, AccountWish, Location, LocationWish, PaidAccount, PayerWish, Subscriber, SubscriberWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageSubscribers, ViewSubscribers};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, ServiceLocationId, SubscriberId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change))
        .routes(routes!(list_accounts, add_account))
        .routes(routes!(show_account))
        .routes(routes!(set_payer, end_payer))
        .routes(routes!(list_paid))
        .routes(routes!(list_locations, add_location))
        .routes(routes!(show_location))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Search {
    /// Names that begin so, whatever the case.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OfSubscriber {
    /// Only this subscriber's.
    subscriber_id: Option<SubscriberId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Subscribers, newest first.
#[utoipa::path(get, path = "/subscribers", tag = "subscribers", params(Search), responses((status = 200, body = Listed<Subscriber>), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiQuery(query): ApiQuery<Search>,
) -> Result<Json<Listed<Subscriber>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let rows = super::subscribers(&mut tx, query.q.as_deref(), page).await?;
    Ok(Json(Listed::new(rows, page, |row| row.id.uuid(), |row| row)))
}

/// Add a subscriber.
#[utoipa::path(post, path = "/subscribers", tag = "subscribers", request_body = SubscriberWish, responses((status = 201, body = Subscriber), Refusals),
    security(("session" = ["manage-subscribers"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiJson(wish): ApiJson<SubscriberWish>,
) -> Result<(StatusCode, Json<Subscriber>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let subscriber = super::add_subscriber(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(subscriber)))
}

/// One subscriber.
#[utoipa::path(get, path = "/subscribers/{id}", tag = "subscribers", params(("id" = SubscriberId, Path)), responses((status = 200, body = Subscriber), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
) -> Result<Json<Subscriber>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::subscriber(&mut tx, id).await?))
}

/// Change a subscriber.
#[utoipa::path(put, path = "/subscribers/{id}", tag = "subscribers", params(("id" = SubscriberId, Path)), request_body = SubscriberWish,
    responses((status = 200, body = Subscriber), Refusals), security(("session" = ["manage-subscribers"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
    ApiJson(wish): ApiJson<SubscriberWish>,
) -> Result<Json<Subscriber>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let subscriber = super::change_subscriber(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(subscriber))
}

/// Accounts, newest first.
#[utoipa::path(get, path = "/accounts", tag = "subscribers", params(OfSubscriber), responses((status = 200, body = Listed<Account>), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn list_accounts(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiQuery(query): ApiQuery<OfSubscriber>,
) -> Result<Json<Listed<Account>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let rows = super::accounts(&mut tx, query.subscriber_id, page).await?;
    Ok(Json(Listed::new(rows, page, |row| row.id.uuid(), |row| row)))
}

/// Open an account.
#[utoipa::path(post, path = "/accounts", tag = "subscribers", request_body = AccountWish, responses((status = 201, body = Account), Refusals),
    security(("session" = ["manage-subscribers"])))]
async fn add_account(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiJson(wish): ApiJson<AccountWish>,
) -> Result<(StatusCode, Json<Account>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let account = super::add_account(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(account)))
}

/// One account.
#[utoipa::path(get, path = "/accounts/{id}", tag = "subscribers", params(("id" = AccountId, Path)), responses((status = 200, body = Account), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn show_account(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<AccountId>,
) -> Result<Json<Account>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::account(&mut tx, id).await?))
}

/// Have another account pay: from today on, what falls due stands on its invoices.
#[utoipa::path(put, path = "/accounts/{id}/payer", tag = "subscribers", params(("id" = AccountId, Path)), request_body = PayerWish,
    responses((status = 200, body = Account), Refusals), security(("session" = ["manage-subscribers"])))]
async fn set_payer(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiPath(id): ApiPath<AccountId>,
    ApiJson(wish): ApiJson<PayerWish>,
) -> Result<Json<Account>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let account = super::set_payer(&mut tx, id, wish.payer_id).await?;
    tx.commit().await?;
    Ok(Json(account))
}

/// Have an account pay for itself again, from today on.
#[utoipa::path(delete, path = "/accounts/{id}/payer", tag = "subscribers", params(("id" = AccountId, Path)),
    responses((status = 200, body = Account), Refusals), security(("session" = ["manage-subscribers"])))]
async fn end_payer(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiPath(id): ApiPath<AccountId>,
) -> Result<Json<Account>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let account = super::end_payer(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(account))
}

/// The accounts another pays for, oldest first.
#[utoipa::path(get, path = "/accounts/{id}/paid-accounts", tag = "subscribers", params(("id" = AccountId, Path), PageQuery),
    responses((status = 200, body = Listed<PaidAccount>), Refusals), security(("session" = ["view-subscribers"])))]
async fn list_paid(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<PaidAccount>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    super::account(&mut tx, id).await?;
    let rows = super::paid_by(&mut tx, id, page).await?;
    Ok(Json(Listed::new(rows, page, |row| row.account_id.uuid(), |row| row)))
}

/// Service locations, newest first.
#[utoipa::path(get, path = "/service-locations", tag = "subscribers", params(OfSubscriber), responses((status = 200, body = Listed<Location>), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn list_locations(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiQuery(query): ApiQuery<OfSubscriber>,
) -> Result<Json<Listed<Location>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let rows = super::locations(&mut tx, query.subscriber_id, page).await?;
    Ok(Json(Listed::new(rows, page, |row| row.id.uuid(), |row| row)))
}

/// Add a service location.
#[utoipa::path(post, path = "/service-locations", tag = "subscribers", request_body = LocationWish, responses((status = 201, body = Location), Refusals),
    security(("session" = ["manage-subscribers"])))]
async fn add_location(
    State(app): State<App>,
    staff: Staff<ManageSubscribers>,
    ApiJson(wish): ApiJson<LocationWish>,
) -> Result<(StatusCode, Json<Location>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let location = super::add_location(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(location)))
}

/// One service location.
#[utoipa::path(get, path = "/service-locations/{id}", tag = "subscribers", params(("id" = ServiceLocationId, Path)), responses((status = 200, body = Location), Refusals),
    security(("session" = ["view-subscribers"])))]
async fn show_location(
    State(app): State<App>,
    staff: Staff<ViewSubscribers>,
    ApiPath(id): ApiPath<ServiceLocationId>,
) -> Result<Json<Location>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::location(&mut tx, id).await?))
}
