//! `/overdue-checks`, `/dunning-policy`, `/dunning-cases`, `/dunning-forecast`, `/late-fees`.

mod cases;
mod policy;

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Checked;
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::Staff;
use crate::http::permission::ManageBilling;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(check)).merge(policy::routes()).merge(cases::routes())
}

/// Look now for whose next step is due, and for whose hold is to be lifted. It also happens every hour.
#[utoipa::path(post, path = "/overdue-checks", tag = "billing",
    responses((status = 200, body = Checked), Refusals),
    security(("session" = ["manage-billing"])))]
async fn check(State(app): State<App>, staff: Staff<ManageBilling>) -> Result<Json<Checked>, Problem> {
    Ok(Json(super::check(&app, &staff.scope()).await?))
}
