//! `/plugins`, `/plugin-versions` and `/plugin-invocations`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Invocation, InvocationSummary, NewPlugin, Plugin, SettingsWish, Stats, Version};
use crate::app::App;
use crate::error::{self, Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManagePlugins, ViewPlugins};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{PluginId, PluginInvocationId, PluginVersionId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show))
        .routes(routes!(set))
        .routes(routes!(list_versions, upload))
        .routes(routes!(activate))
        .routes(routes!(roll_back))
        .routes(routes!(disable))
        .routes(routes!(resume))
        .routes(routes!(list_invocations))
        .routes(routes!(show_version))
        .routes(routes!(dry_run))
        .routes(routes!(show_invocation))
        .routes(routes!(replay))
        .routes(routes!(retry))
}

/// A plugin and how it does.
#[derive(Serialize, ToSchema)]
struct PluginJson {
    #[serde(flatten)]
    plugin: Plugin,
    /// By its last thousand calls.
    stats: Stats,
}

/// Which version to activate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Activation {
    /// SHA-256 of the component, in hexadecimal.
    digest: String,
}

/// A recorded call, made again.
#[derive(Serialize, ToSchema)]
#[schema(as = ReplayedRun)]
struct Replayed {
    /// Whether the answer is the same, byte for byte.
    same: bool,
    /// The new call.
    invocation: Invocation,
}

/// Which calls.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct InvocationsQuery {
    /// Only events set aside.
    #[serde(default)]
    set_aside: bool,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Plugins, newest first.
#[utoipa::path(get, path = "/plugins", tag = "plugins", params(PageQuery), responses((status = 200, body = Listed<Plugin>), Refusals),
    security(("session" = ["view-plugins"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewPlugins>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Plugin>>, Problem> {
    let page = query.page()?;
    let plugins = super::plugins(&mut app.db.read(&staff.scope()).await?, page).await?;
    Ok(Json(Listed::new(plugins, page, |plugin| plugin.id.uuid(), |plugin| plugin)))
}

/// Add a plugin. It is asked nothing before a version of it is uploaded, tried and activated.
#[utoipa::path(post, path = "/plugins", tag = "plugins", request_body = NewPlugin, responses((status = 201, body = Plugin), Refusals),
    security(("session" = ["manage-plugins"])))]
async fn add(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiJson(new): ApiJson<NewPlugin>,
) -> Result<(StatusCode, Json<Plugin>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plugin = super::add(&mut tx, &new).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(plugin)))
}

/// One plugin and how it does.
#[utoipa::path(get, path = "/plugins/{id}", tag = "plugins", params(("id" = PluginId, Path)),
    responses((status = 200, body = PluginJson), Refusals), security(("session" = ["view-plugins"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewPlugins>,
    ApiPath(id): ApiPath<PluginId>,
) -> Result<Json<PluginJson>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    let plugin = super::plugin(&mut tx, id).await?;
    Ok(Json(PluginJson { plugin, stats: super::stats(&mut tx, id).await? }))
}

/// Tell and allow a plugin other things. Each change is a revision that calls name.
#[utoipa::path(put, path = "/plugins/{id}/settings", tag = "plugins", params(("id" = PluginId, Path)), request_body = SettingsWish,
    responses((status = 200, body = Plugin), Refusals), security(("session" = ["manage-plugins"])))]
async fn set(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
    ApiJson(wish): ApiJson<SettingsWish>,
) -> Result<Json<Plugin>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plugin = super::set(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(plugin))
}

/// The versions of a plugin, newest first.
#[utoipa::path(get, path = "/plugins/{id}/versions", tag = "plugins", params(("id" = PluginId, Path)),
    responses((status = 200, body = Vec<Version>), Refusals), security(("session" = ["view-plugins"])))]
async fn list_versions(
    State(app): State<App>,
    staff: Staff<ViewPlugins>,
    ApiPath(id): ApiPath<PluginId>,
) -> Result<Json<Vec<Version>>, Problem> {
    Ok(Json(super::versions(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Upload a version: a WebAssembly component, as `weir plugin build` makes it. It is checked and compiled, or refused with
/// the reason.
#[utoipa::path(post, path = "/plugins/{id}/versions", tag = "plugins", params(("id" = PluginId, Path)),
    request_body(content = Vec<u8>, content_type = "application/wasm", description = "The component."),
    responses((status = 201, body = Version), Refusals),
    security(("session" = ["manage-plugins"])))]
async fn upload(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
    component: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<Version>), Problem> {
    let component = component.map_err(|error| Problem::new(&error::BODY_TOO_LARGE, error.body_text()))?;
    let version = super::upload(&app, &staff.scope(), id, &component).await?;
    Ok((StatusCode::CREATED, Json(version)))
}

/// Activate the version with this digest. It must have been tried.
#[utoipa::path(post, path = "/plugins/{id}/activate", tag = "plugins", params(("id" = PluginId, Path)), request_body = Activation,
    responses((status = 200, body = Plugin), Refusals), security(("session" = ["manage-plugins"])))]
async fn activate(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
    ApiJson(wish): ApiJson<Activation>,
) -> Result<Json<Plugin>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plugin = super::activate(&mut tx, id, &wish.digest).await?;
    tx.commit().await?;
    Ok(Json(plugin))
}

/// Return to the version that was active before.
#[utoipa::path(post, path = "/plugins/{id}/roll-back", tag = "plugins", params(("id" = PluginId, Path)),
    responses((status = 200, body = Plugin), Refusals), security(("session" = ["manage-plugins"])))]
async fn roll_back(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
) -> Result<Json<Plugin>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plugin = super::roll_back(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(plugin))
}

/// Stop asking a plugin.
#[utoipa::path(post, path = "/plugins/{id}/disable", tag = "plugins", params(("id" = PluginId, Path)),
    responses((status = 200, body = Plugin), Refusals), security(("session" = ["manage-plugins"])))]
async fn disable(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
) -> Result<Json<Plugin>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plugin = super::disable(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(plugin))
}

/// Ask a plugin again that was paused because it failed.
#[utoipa::path(post, path = "/plugins/{id}/resume", tag = "plugins", params(("id" = PluginId, Path)),
    responses((status = 200, body = Plugin), Refusals), security(("session" = ["manage-plugins"])))]
async fn resume(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
) -> Result<Json<Plugin>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let plugin = super::resume(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(plugin))
}

/// Calls of a plugin, newest first, kept for ninety days.
#[utoipa::path(get, path = "/plugins/{id}/invocations", tag = "plugins", params(("id" = PluginId, Path), InvocationsQuery),
    responses((status = 200, body = Listed<InvocationSummary>), Refusals),
    security(("session" = ["view-plugins"])))]
async fn list_invocations(
    State(app): State<App>,
    staff: Staff<ViewPlugins>,
    ApiPath(id): ApiPath<PluginId>,
    ApiQuery(query): ApiQuery<InvocationsQuery>,
) -> Result<Json<Listed<InvocationSummary>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let calls = super::invocations(&mut tx, id, page, query.set_aside).await?;
    Ok(Json(Listed::new(calls, page, |call| call.id.uuid(), |call| call)))
}

/// One version: what it may call, what its dry run found.
#[utoipa::path(get, path = "/plugin-versions/{id}", tag = "plugins", params(("id" = PluginVersionId, Path)),
    responses((status = 200, body = Version), Refusals), security(("session" = ["view-plugins"])))]
async fn show_version(
    State(app): State<App>,
    staff: Staff<ViewPlugins>,
    ApiPath(id): ApiPath<PluginVersionId>,
) -> Result<Json<Version>, Problem> {
    Ok(Json(super::version(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Ask a version about what was billed and what happened, twice, and keep what it would have decided otherwise. Nothing is
/// done.
#[utoipa::path(post, path = "/plugin-versions/{id}/dry-run", tag = "plugins", params(("id" = PluginVersionId, Path)),
    responses((status = 200, body = Version), Refusals), security(("session" = ["manage-plugins"])))]
async fn dry_run(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginVersionId>,
) -> Result<Json<Version>, Problem> {
    Ok(Json(super::dry_run(&app, &staff.scope(), id).await?))
}

/// One call with all its answer depended on.
#[utoipa::path(get, path = "/plugin-invocations/{id}", tag = "plugins", params(("id" = PluginInvocationId, Path)),
    responses((status = 200, body = Invocation), Refusals), security(("session" = ["view-plugins"])))]
async fn show_invocation(
    State(app): State<App>,
    staff: Staff<ViewPlugins>,
    ApiPath(id): ApiPath<PluginInvocationId>,
) -> Result<Json<Invocation>, Problem> {
    Ok(Json(super::invocation(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Make a recorded call again, by the same code with the same input. Nothing is done with the answer.
#[utoipa::path(post, path = "/plugin-invocations/{id}/replay", tag = "plugins", params(("id" = PluginInvocationId, Path)),
    responses((status = 200, body = Replayed), Refusals), security(("session" = ["manage-plugins"])))]
async fn replay(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginInvocationId>,
) -> Result<Json<Replayed>, Problem> {
    let (invocation, same) = super::replay(&app, &staff.scope(), id).await?;
    Ok(Json(Replayed { same, invocation }))
}

/// Tell a plugin again of an event that was set aside.
#[utoipa::path(post, path = "/plugin-invocations/{id}/retry", tag = "plugins", params(("id" = PluginInvocationId, Path)),
    responses((status = 200, body = Invocation), Refusals), security(("session" = ["manage-plugins"])))]
async fn retry(
    State(app): State<App>,
    staff: Staff<ManagePlugins>,
    ApiPath(id): ApiPath<PluginInvocationId>,
) -> Result<Json<Invocation>, Problem> {
    Ok(Json(super::retry(&app, &staff.scope(), id).await?))
}
