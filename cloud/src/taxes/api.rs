//! `/tax-rules`, `/tax-starters`, `/accounts/{id}/tax-exemptions` and `/tax-exemptions/{id}/withdraw`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Exemption, ExemptionWish, Starter, TaxRule, TaxRuleWish, TaxRuleWishes};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageBilling, ViewBilling};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, TaxExemptionId, TaxRuleId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(rules, add_rules))
        .routes(routes!(rule, change_rule))
        .routes(routes!(withdraw_rule))
        .routes(routes!(starters))
        .routes(routes!(starter))
        .routes(routes!(exemptions, add_exemption))
        .routes(routes!(withdraw_exemption))
}

/// Tax rules that are used, newest first.
#[utoipa::path(get, path = "/tax-rules", tag = "taxes", params(PageQuery), responses((status = 200, body = Listed<TaxRule>), Refusals),
    security(("session" = ["view-billing"])))]
async fn rules(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<TaxRule>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let rules = super::rules(&mut tx, page).await?;
    Ok(Json(Listed::new(rules, page, |rule| rule.id.uuid(), |rule| rule)))
}

/// Lay down tax rules, all or none of them.
#[utoipa::path(post, path = "/tax-rules", tag = "taxes", request_body = TaxRuleWishes,
    responses((status = 201, body = Vec<TaxRule>), Refusals), security(("session" = ["manage-billing"])))]
async fn add_rules(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiJson(wishes): ApiJson<TaxRuleWishes>,
) -> Result<(StatusCode, Json<Vec<TaxRule>>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let rules = super::add_rules(&mut tx, wishes).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(rules)))
}

/// One tax rule, withdrawn or not.
#[utoipa::path(get, path = "/tax-rules/{id}", tag = "taxes", params(("id" = TaxRuleId, Path)),
    responses((status = 200, body = TaxRule), Refusals), security(("session" = ["view-billing"])))]
async fn rule(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<TaxRuleId>,
) -> Result<Json<TaxRule>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::rule(&mut tx, id).await?))
}

/// Put another rule in the place of a tax rule, which is withdrawn; the answer is the new one.
#[utoipa::path(put, path = "/tax-rules/{id}", tag = "taxes", params(("id" = TaxRuleId, Path)), request_body = TaxRuleWish,
    responses((status = 200, body = TaxRule), Refusals), security(("session" = ["manage-billing"])))]
async fn change_rule(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<TaxRuleId>,
    ApiJson(wish): ApiJson<TaxRuleWish>,
) -> Result<Json<TaxRule>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let rule = super::change_rule(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(rule))
}

/// Use a tax rule no more; invoices it is frozen on stay as they are.
#[utoipa::path(post, path = "/tax-rules/{id}/withdraw", tag = "taxes", params(("id" = TaxRuleId, Path)),
    responses((status = 200, body = TaxRule), Refusals), security(("session" = ["manage-billing"])))]
async fn withdraw_rule(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<TaxRuleId>,
) -> Result<Json<TaxRule>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let rule = super::withdraw_rule(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(rule))
}

/// Sets of tax rules to start with, each with its source and day.
#[utoipa::path(get, path = "/tax-starters", tag = "taxes", responses((status = 200, body = Vec<Starter>), Refusals),
    security(("session" = ["view-billing"])))]
async fn starters(_staff: Staff<ViewBilling>) -> Result<Json<Vec<Starter>>, Problem> {
    Ok(Json(super::starters()))
}

/// One set of tax rules to start with. Nothing is laid down: send back those that are right.
#[utoipa::path(get, path = "/tax-starters/{name}", tag = "taxes", params(("name" = String, Path)),
    responses((status = 200, body = Starter), Refusals), security(("session" = ["view-billing"])))]
async fn starter(_staff: Staff<ViewBilling>, ApiPath(name): ApiPath<String>) -> Result<Json<Starter>, Problem> {
    Ok(Json(super::starter(&name)?))
}

/// An account's exemptions from tax, newest first, withdrawn ones, too.
#[utoipa::path(get, path = "/accounts/{id}/tax-exemptions", tag = "taxes", params(("id" = AccountId, Path), PageQuery),
    responses((status = 200, body = Listed<Exemption>), Refusals), security(("session" = ["view-billing"])))]
async fn exemptions(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Exemption>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let exemptions = super::exemptions(&mut tx, id, page).await?;
    Ok(Json(Listed::new(exemptions, page, |exemption| exemption.id.uuid(), |exemption| exemption)))
}

/// Note that an account is exempt from tax.
#[utoipa::path(post, path = "/accounts/{id}/tax-exemptions", tag = "taxes", params(("id" = AccountId, Path)), request_body = ExemptionWish,
    responses((status = 201, body = Exemption), Refusals), security(("session" = ["manage-billing"])))]
async fn add_exemption(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<AccountId>,
    ApiJson(wish): ApiJson<ExemptionWish>,
) -> Result<(StatusCode, Json<Exemption>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let exemption = super::add_exemption(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(exemption)))
}

/// Use an exemption no more; invoices it is frozen on stay as they are.
#[utoipa::path(post, path = "/tax-exemptions/{id}/withdraw", tag = "taxes", params(("id" = TaxExemptionId, Path)),
    responses((status = 200, body = Exemption), Refusals), security(("session" = ["manage-billing"])))]
async fn withdraw_exemption(
    State(app): State<App>,
    staff: Staff<ManageBilling>,
    ApiPath(id): ApiPath<TaxExemptionId>,
) -> Result<Json<Exemption>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let exemption = super::withdraw_exemption(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(exemption))
}
