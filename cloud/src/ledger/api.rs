//! `/ledger`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{EntryView, TrialBalance};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::ViewBilling;
use crate::http::{ApiQuery, Staff};
use crate::ids::AccountId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(entries)).routes(routes!(trial_balance))
}

/// Which entries.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct EntriesQuery {
    /// Only those that touch this subscriber's account.
    account_id: Option<AccountId>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Entries of the ledger, newest first.
#[utoipa::path(get, path = "/ledger/entries", tag = "ledger", params(EntriesQuery),
    responses((status = 200, body = Listed<EntryView>), Refusals),
    security(("session" = ["view-billing"])))]
async fn entries(
    State(app): State<App>,
    staff: Staff<ViewBilling>,
    ApiQuery(query): ApiQuery<EntriesQuery>,
) -> Result<Json<Listed<EntryView>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let entries = super::entries(&mut tx, page, query.account_id).await?;
    Ok(Json(Listed::new(entries, page, |entry| entry.id.uuid(), |entry| entry)))
}

/// The sums of every ledger account.
#[utoipa::path(get, path = "/ledger/trial-balance", tag = "ledger",
    responses((status = 200, body = TrialBalance), Refusals),
    security(("session" = ["view-billing"])))]
async fn trial_balance(State(app): State<App>, staff: Staff<ViewBilling>) -> Result<Json<TrialBalance>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    Ok(Json(super::trial_balance(&mut tx).await?))
}
