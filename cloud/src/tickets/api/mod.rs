//! `/tickets`, `/ticket-attachments`, and what belongs to them.

mod inbound;
mod mail;
mod policy;

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use weir_rules::support::status::TicketStatus;

use super::{Answer, Conversation, EntryWish, Ticket, TicketChange, TicketFilter, TicketWish};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageTickets, ViewTickets};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AttachmentId, RouterId, StaffId, SubscriberId, SubscriptionId, TicketId};
use crate::{subscribers, tenants};

/// Bytes of a request that carries files.
pub(crate) const UPLOAD_MAX: usize = 25 * 1024 * 1024;

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, open))
        .routes(routes!(show, change))
        .merge(OpenApiRouter::new().routes(routes!(write)).layer(DefaultBodyLimit::max(UPLOAD_MAX)))
        .routes(routes!(merge))
        .routes(routes!(diagnosis))
        .routes(routes!(attachment))
        .merge(policy::routes())
        .merge(mail::routes())
}

pub(crate) use inbound::routes as inbound_routes;

/// Which tickets.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct TicketsQuery {
    /// Only those that stand so: `new`, `open`, `waiting`, `solved`, `closed`.
    #[param(value_type = Option<String>)]
    status: Option<TicketStatus>,
    /// Only theirs.
    assignee_id: Option<StaffId>,
    /// Only nobody's, when true.
    #[serde(default)]
    unassigned: bool,
    /// Only those of this subscriber.
    subscriber_id: Option<SubscriberId>,
    /// Only those about this line.
    subscription_id: Option<SubscriptionId>,
    /// Only those about this router.
    router_id: Option<RouterId>,
    /// Only those with this in their number or title.
    q: Option<String>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// List tickets: those first whose promise ends first, then the newest.
#[utoipa::path(get, path = "/tickets", tag = "tickets", params(TicketsQuery),
    responses((status = 200, body = Listed<Ticket>), Refusals), security(("session" = ["view-tickets"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewTickets>,
    ApiQuery(query): ApiQuery<TicketsQuery>,
) -> Result<Json<Listed<Ticket>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let filter = TicketFilter {
        statuses: query.status.into_iter().collect(),
        assignee: query.assignee_id,
        unassigned: query.unassigned,
        subscriber: query.subscriber_id,
        subscription: query.subscription_id,
        router: query.router_id,
        due_by: None,
        text: query.q,
    };
    let tickets = super::tickets(&mut app.db.read(&staff.scope()).await?, page, &filter).await?;
    Ok(Json(Listed::new(tickets, page, |ticket| ticket.id.uuid(), |ticket| ticket)))
}

/// Open a ticket. Its priority follows from plan and impact, its promises from the priority.
#[utoipa::path(post, path = "/tickets", tag = "tickets", request_body = TicketWish,
    responses((status = 201, body = Ticket), Refusals), security(("session" = ["manage-tickets"])))]
async fn open(
    State(app): State<App>,
    staff: Staff<ManageTickets>,
    ApiJson(wish): ApiJson<TicketWish>,
) -> Result<(StatusCode, Json<Ticket>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let ticket = super::open(&mut tx, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(ticket)))
}

/// One ticket with its history.
#[utoipa::path(get, path = "/tickets/{id}", tag = "tickets", params(("id" = TicketId, Path)),
    responses((status = 200, body = Conversation), Refusals), security(("session" = ["view-tickets"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewTickets>,
    ApiPath(id): ApiPath<TicketId>,
) -> Result<Json<Conversation>, Problem> {
    Ok(Json(super::conversation(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Change where a ticket stands, whose it is, how much it matters. Its promises follow.
#[utoipa::path(patch, path = "/tickets/{id}", tag = "tickets", params(("id" = TicketId, Path)), request_body = TicketChange,
    responses((status = 200, body = Conversation), Refusals), security(("session" = ["manage-tickets"])))]
async fn change(
    State(app): State<App>,
    staff: Staff<ManageTickets>,
    ApiPath(id): ApiPath<TicketId>,
    ApiJson(wish): ApiJson<TicketChange>,
) -> Result<Json<Conversation>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let changed = super::change(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(Json(changed))
}

/// Reply to the subscriber, or leave a note for the staff; with files, if there are any.
#[utoipa::path(post, path = "/tickets/{id}/entries", tag = "tickets", params(("id" = TicketId, Path)), request_body = EntryWish,
    responses((status = 201, body = Conversation), Refusals), security(("session" = ["manage-tickets"])))]
async fn write(
    State(app): State<App>,
    staff: Staff<ManageTickets>,
    ApiPath(id): ApiPath<TicketId>,
    ApiJson(wish): ApiJson<EntryWish>,
) -> Result<(StatusCode, Json<Conversation>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let written = super::write(&mut tx, id, wish).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(written)))
}

/// What a duplicate is merged into.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeWish {
    /// The ticket that stays.
    into: TicketId,
}

/// Close a duplicate: what comes for it is added to the other ticket from now on.
#[utoipa::path(post, path = "/tickets/{id}/merge", tag = "tickets", params(("id" = TicketId, Path)), request_body = MergeWish,
    responses((status = 200, body = Conversation), Refusals), security(("session" = ["manage-tickets"])))]
async fn merge(
    State(app): State<App>,
    staff: Staff<ManageTickets>,
    ApiPath(id): ApiPath<TicketId>,
    ApiJson(wish): ApiJson<MergeWish>,
) -> Result<Json<Conversation>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let kept = super::merge(&mut tx, id, wish.into).await?;
    tx.commit().await?;
    Ok(Json(kept))
}

/// What is likely wrong, the most likely first, in the subscriber's language. Waits a moment for the router to tell.
#[utoipa::path(get, path = "/tickets/{id}/diagnosis", tag = "tickets", params(("id" = TicketId, Path)),
    responses((status = 200, body = Vec<Answer>), Refusals), security(("session" = ["view-tickets"])))]
async fn diagnosis(
    State(app): State<App>,
    staff: Staff<ViewTickets>,
    ApiPath(id): ApiPath<TicketId>,
) -> Result<Json<Vec<Answer>>, Problem> {
    let findings = super::diagnosis_now(&app, &staff.scope(), id).await?;
    let mut tx = app.db.read(&staff.scope()).await?;
    let tenant = tenants::tenant(&mut tx).await?;
    let ticket = super::ticket(&mut tx, id).await?;
    let lang = match ticket.subscriber_id {
        Some(subscriber) => subscribers::subscriber(&mut tx, subscriber).await?.language,
        None => tenant.language,
    };
    let zone = tenant.time_zone.parse().unwrap_or(chrono_tz::UTC);
    Ok(Json(findings.iter().map(|finding| super::answer(&lang, zone, finding)).collect()))
}

/// A file that came with an entry, to be saved.
#[utoipa::path(get, path = "/ticket-attachments/{id}", tag = "tickets", params(("id" = AttachmentId, Path)),
    responses((status = 200, description = "The file.", content_type = "application/octet-stream", body = Vec<u8>), Refusals),
    security(("session" = ["view-tickets"])))]
async fn attachment(
    State(app): State<App>,
    staff: Staff<ViewTickets>,
    ApiPath(id): ApiPath<AttachmentId>,
) -> Result<Response, Problem> {
    let (name, media_type, content) = super::attachment(&mut app.db.read(&staff.scope()).await?, id).await?;
    Ok(saved(&name, &media_type, content))
}

/// The answer that is a file from outside: browsers save it, and run nothing of it.
pub(crate) fn saved(name: &str, media_type: &str, content: Vec<u8>) -> Response {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let coded: String = name
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("attachment"));
    let headers: [(HeaderName, HeaderValue); 3] = [
        (
            header::CONTENT_TYPE,
            value(&if media_type == "text/plain" {
                "text/plain; charset=utf-8".to_owned()
            } else {
                media_type.to_owned()
            }),
        ),
        (header::CONTENT_DISPOSITION, value(&format!("attachment; filename*=UTF-8''{coded}"))),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox")),
    ];
    (headers, content).into_response()
}
