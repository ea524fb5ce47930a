//! What routers hold back: `/held-changes`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::fleet::held::{self, Held};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageNetwork, ViewNetwork};
use crate::http::{ApiQuery, Staff};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(release))
}

/// What routers hold back until somebody confirms it: routers that hold something back; all with an agent while the database
/// is restored, of which `restored_at` in the settings tells.
#[utoipa::path(get, path = "/held-changes", tag = "network", params(PageQuery), responses((status = 200, body = Listed<Held>), Refusals),
    security(("session" = ["view-network"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Held>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let held = held::by_router(&mut tx, page).await?;
    Ok(Json(Listed::new(held, page, |one| one.router_id.uuid(), |one| one)))
}

/// Let everything come into force that routers hold back, removals and suspensions alike; after a restore, routers believe
/// the database again from then on.
#[utoipa::path(post, path = "/held-changes/release", tag = "network", responses((status = 204), Refusals),
    security(("session" = ["manage-network"])))]
async fn release(State(app): State<App>, staff: Staff<ManageNetwork>) -> Result<StatusCode, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    held::release(&mut tx).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
