//! `/audit-entries`.

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Entry, EntryFilter};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{TraceAddresses, ViewAudit};
use crate::http::{ApiPath, ApiQuery, Staff};
use crate::ids::AuditEntryId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show))
}

/// Which entries of the log.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct EntryQuery {
    /// Only those of this actor: an id, or `system`.
    pub actor: Option<String>,
    /// Only this action.
    pub action: Option<String>,
    /// Only what was done to the thing with this id.
    pub subject: Option<String>,
    /// Only those of this day, as the ISP's clocks show it.
    pub day: Option<NaiveDate>,
    /// `next` of the page before.
    pub after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    pub limit: Option<u32>,
}

/// List what was changed, the newest first. What questions of who had an address say is for those with `trace-addresses`.
#[utoipa::path(get, path = "/audit-entries", tag = "audit", params(EntryQuery),
    responses((status = 200, body = Listed<Entry>), Refusals), security(("session" = ["view-audit"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewAudit>,
    ApiQuery(query): ApiQuery<EntryQuery>,
) -> Result<Json<Listed<Entry>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let filter = EntryFilter {
        actor: given(query.actor),
        action: given(query.action),
        subject: given(query.subject),
        day: query.day,
    };
    let traces = staff.may::<TraceAddresses>();
    let entries = super::entries(&mut app.db.read(&staff.scope()).await?, page, &filter).await?;
    Ok(Json(Listed::new(entries, page, |entry| entry.id.uuid(), |entry| entry.shown_to(traces))))
}

/// Show one change.
#[utoipa::path(get, path = "/audit-entries/{id}", tag = "audit", params(("id" = AuditEntryId, Path)),
    responses((status = 200, body = Entry), Refusals), security(("session" = ["view-audit"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewAudit>,
    ApiPath(id): ApiPath<AuditEntryId>,
) -> Result<Json<Entry>, Problem> {
    let entry = super::entry(&mut app.db.read(&staff.scope()).await?, id).await?;
    Ok(Json(entry.shown_to(staff.may::<TraceAddresses>())))
}
