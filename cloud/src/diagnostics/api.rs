//! `/routers/{id}/diagnoses`, `/routers/{id}/captures` and `/diagnoses/{id}`.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{CaptureWish, Diagnosis, DiagnosisWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{CapturePackets, DiagnoseRouters, ViewNetwork};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{DiagnosisId, RouterId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, ask))
        .routes(routes!(capture))
        .routes(routes!(show))
        .routes(routes!(cancel))
        .routes(routes!(packets))
}

/// A diagnosis with what was told so far.
#[derive(Serialize, ToSchema)]
struct DiagnosisShown {
    #[serde(flatten)]
    diagnosis: Diagnosis,
    /// What the router told so far; empty for captures, whose packets are fetched by themselves.
    output: String,
}

/// What a router was asked, the newest first.
#[utoipa::path(get, path = "/routers/{id}/diagnoses", tag = "network", params(("id" = RouterId, Path), PageQuery),
    responses((status = 200, body = Listed<Diagnosis>), Refusals), security(("session" = ["view-network"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Json<Listed<Diagnosis>>, Problem> {
    let page = query.page()?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let diagnoses = super::diagnoses(&mut tx, id, page).await?;
    Ok(Json(Listed::new(diagnoses, page, |one| one.id.uuid(), |one| one)))
}

/// Ask a router: echoes of a host, the way to it, a name, its shaping classes, the lines that move most, its agent's log.
/// Ask for the diagnosis until its state is neither `asked` nor `running`; what the router tells comes bit by bit.
#[utoipa::path(post, path = "/routers/{id}/diagnoses", tag = "network", params(("id" = RouterId, Path)),
    request_body = DiagnosisWish,
    responses((status = 202, body = Diagnosis), Refusals), security(("session" = ["diagnose-routers"])))]
async fn ask(
    State(app): State<App>,
    staff: Staff<DiagnoseRouters>,
    ApiPath(id): ApiPath<RouterId>,
    ApiJson(wish): ApiJson<DiagnosisWish>,
) -> Result<(StatusCode, Json<Diagnosis>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let diagnosis = super::ask(&mut tx, id, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(diagnosis)))
}

/// Have packets of a line taken on its router. Who asked and why is written into the audit log; the packets are forgotten
/// after a day.
#[utoipa::path(post, path = "/routers/{id}/captures", tag = "network", params(("id" = RouterId, Path)),
    request_body = CaptureWish,
    responses((status = 202, body = Diagnosis), Refusals), security(("session" = ["capture-packets"])))]
async fn capture(
    State(app): State<App>,
    staff: Staff<CapturePackets>,
    ApiPath(id): ApiPath<RouterId>,
    ApiJson(wish): ApiJson<CaptureWish>,
) -> Result<(StatusCode, Json<Diagnosis>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let diagnosis = super::capture(&mut tx, id, &wish).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(diagnosis)))
}

/// One diagnosis, and what the router told so far.
#[utoipa::path(get, path = "/diagnoses/{id}", tag = "network", params(("id" = DiagnosisId, Path)),
    responses((status = 200, body = DiagnosisShown), Refusals), security(("session" = ["view-network"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewNetwork>,
    ApiPath(id): ApiPath<DiagnosisId>,
) -> Result<Json<DiagnosisShown>, Problem> {
    let mut tx = app.db.read(&staff.scope()).await?;
    let diagnosis = super::diagnosis(&mut tx, id).await?;
    let output = super::output(&mut tx, &diagnosis).await?;
    Ok(Json(DiagnosisShown { diagnosis, output }))
}

/// End a diagnosis that is not over; what was told until now stays.
#[utoipa::path(post, path = "/diagnoses/{id}/cancel", tag = "network", params(("id" = DiagnosisId, Path)),
    responses((status = 200, body = Diagnosis), Refusals), security(("session" = ["diagnose-routers"])))]
async fn cancel(
    State(app): State<App>,
    staff: Staff<DiagnoseRouters>,
    ApiPath(id): ApiPath<DiagnosisId>,
) -> Result<Json<Diagnosis>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let diagnosis = super::cancel(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Json(diagnosis))
}

/// The packets of a capture, as a pcap file of IP packets. That they were fetched is written into the audit log.
#[utoipa::path(get, path = "/diagnoses/{id}/capture", tag = "network", params(("id" = DiagnosisId, Path)),
    responses((status = 200, content_type = "application/vnd.tcpdump.pcap", body = Vec<u8>), Refusals),
    security(("session" = ["capture-packets"])))]
async fn packets(
    State(app): State<App>,
    staff: Staff<CapturePackets>,
    ApiPath(id): ApiPath<DiagnosisId>,
) -> Result<Response, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let file = super::capture_file(&mut tx, id).await?;
    tx.commit().await?;
    let name = HeaderValue::from_str(&format!("attachment; filename=\"{id}.pcap\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/vnd.tcpdump.pcap")),
        (header::CONTENT_DISPOSITION, name.unwrap_or(HeaderValue::from_static("attachment"))),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, file).into_response())
}
