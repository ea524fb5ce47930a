//! `/imports`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Import, ImportChange, NewImport, Row};
use crate::app::App;
use crate::error::{self, Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::ManageImports;
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::ImportId;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show, change, remove))
        .routes(routes!(rows))
        .routes(routes!(start))
}

/// List the imports, the newest first.
#[utoipa::path(get, path = "/imports", tag = "imports", params(PageQuery),
    responses((status = 200, body = Listed<Import>), Refusals), security(("session" = ["manage-imports"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ManageImports>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Import>>, Problem> {
    let page = query.page()?;
    let imports = super::imports(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(imports, page, |import| import.id.uuid(), |import| import)))
}

/// Send a list of subscribers, with their accounts, locations and subscriptions. Its rows are checked; nothing is written.
#[utoipa::path(post, path = "/imports", tag = "imports", request_body = NewImport,
    responses((status = 202, body = Import), Refusals), security(("session" = ["manage-imports"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManageImports>,
    ApiJson(wish): ApiJson<NewImport>,
) -> Result<(StatusCode, Json<Import>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let import = super::add(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(import)))
}

/// Show how an import stands.
#[utoipa::path(get, path = "/imports/{id}", tag = "imports", params(("id" = ImportId, Path)),
    responses((status = 200, body = Import), Refusals), security(("session" = ["manage-imports"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ManageImports>,
    ApiPath(id): ApiPath<ImportId>,
) -> Result<Json<Import>, Problem> {
    Ok(Json(super::import(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Read the file's columns otherwise. Its rows are checked again.
#[utoipa::path(patch, path = "/imports/{id}", tag = "imports", params(("id" = ImportId, Path)),
    request_body = ImportChange, responses((status = 202, body = Import), Refusals),
    security(("session" = ["manage-imports"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageImports>,
    ApiPath(id): ApiPath<ImportId>,
    ApiJson(wish): ApiJson<ImportChange>,
) -> Result<(StatusCode, Json<Import>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let import = super::change(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(import)))
}

/// Forget an import. What was brought in stays.
#[utoipa::path(delete, path = "/imports/{id}", tag = "imports", params(("id" = ImportId, Path)),
    responses((status = 204), Refusals), security(("session" = ["manage-imports"])))]
async fn remove(
    State(app): State<App>,
    staff: Staff<ManageImports>,
    ApiPath(id): ApiPath<ImportId>,
) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    super::remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which rows.
#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct RowQuery {
    /// Only those that cannot be brought in.
    #[serde(default)]
    wrong: bool,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// List what becomes of each row, in the order of the file.
#[utoipa::path(get, path = "/imports/{id}/rows", tag = "imports", params(("id" = ImportId, Path), RowQuery),
    responses((status = 200, body = Listed<Row>), Refusals), security(("session" = ["manage-imports"])))]
async fn rows(
    State(app): State<App>,
    staff: Staff<ManageImports>,
    ApiPath(id): ApiPath<ImportId>,
    ApiQuery(query): ApiQuery<RowQuery>,
) -> Result<Json<Listed<Row>>, Problem> {
    let limit = PageQuery { after: None, limit: query.limit }.page()?.limit;
    let after = query.after.as_deref().filter(|after| !after.is_empty()).map_or(Ok(0), str::parse::<i32>);
    let unreadable = |_| Problem::new(&error::MALFORMED_QUERY, "after must be the next of the page before");
    let after = after.map_err(unreadable)?;
    let mut rows = super::outcomes(&mut app.db.read(&staff.scope()).await?, id, after, limit, query.wrong).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next = rows.last().filter(|_| more).map(|row| row.line.to_string());
    Ok(Json(Listed { items: rows, next }))
}

/// Bring in the rows of an import, all of them or none.
#[utoipa::path(post, path = "/imports/{id}/start", tag = "imports", params(("id" = ImportId, Path)),
    responses((status = 202, body = Import), Refusals), security(("session" = ["manage-imports"])))]
async fn start(
    State(app): State<App>,
    staff: Staff<ManageImports>,
    ApiPath(id): ApiPath<ImportId>,
) -> Result<(StatusCode, Json<Import>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let import = super::start(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(import)))
}
