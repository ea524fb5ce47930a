//! `/messages`, `/message-settings`, `/message-templates`.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    Channel, EmailWish, Error, Message, MessageFilter, MessageStatus, MessageText, Settings, SmsWish, Template,
    TemplateSettings, TemplateWish, Tested,
};
use crate::app::App;
use crate::error::{Problem, Refusals};
use crate::http::paging::{Listed, PageQuery};
use crate::http::permission::{ManageMessages, ManageSettings, ViewMessages};
use crate::http::{ApiJson, ApiPath, ApiQuery, Staff};
use crate::ids::{AccountId, MessageId, SubscriberId};

pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(send_again))
        .routes(routes!(settings))
        .routes(routes!(change_email))
        .routes(routes!(change_sms))
        .routes(routes!(test))
        .routes(routes!(templates))
        .routes(routes!(change_template))
}

/// Which messages.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct MessagesQuery {
    /// Only to this subscriber.
    subscriber_id: Option<SubscriberId>,
    /// Only about this account.
    account_id: Option<AccountId>,
    /// Only by this.
    channel: Option<Channel>,
    /// Only as far as this.
    status: Option<MessageStatus>,
    /// `next` of the page before.
    after: Option<String>,
    /// Items a page, at most 200; 50 if not given.
    limit: Option<u32>,
}

/// Messages to subscribers and staff, newest first.
#[utoipa::path(get, path = "/messages", tag = "messages", params(MessagesQuery),
    responses((status = 200, body = Listed<Message>), Refusals), security(("session" = ["view-messages"])))]
async fn list(
    State(app): State<App>,
    staff: Staff<ViewMessages>,
    ApiQuery(query): ApiQuery<MessagesQuery>,
) -> Result<Json<Listed<Message>>, Problem> {
    let page = PageQuery { after: query.after, limit: query.limit }.page()?;
    let filter = MessageFilter {
        subscriber: query.subscriber_id,
        account: query.account_id,
        channel: query.channel,
        status: query.status,
    };
    let messages = super::messages(&mut app.db.read(&staff.scope()).await?, page, &filter).await?;
    Ok(Json(Listed::new(messages, page, |message| message.id.uuid(), |message| message)))
}

/// One message: what it says, and every answer of its server.
#[utoipa::path(get, path = "/messages/{id}", tag = "messages", params(("id" = MessageId, Path)),
    responses((status = 200, body = MessageText), Refusals), security(("session" = ["view-messages"])))]
async fn show(
    State(app): State<App>,
    staff: Staff<ViewMessages>,
    ApiPath(id): ApiPath<MessageId>,
) -> Result<Json<MessageText>, Problem> {
    Ok(Json(super::message(&mut app.db.read(&staff.scope()).await?, id).await?))
}

/// Send what a message says once more, as a new message to where its subscriber is reached now.
#[utoipa::path(post, path = "/messages/{id}/send-again", tag = "messages", params(("id" = MessageId, Path)),
    responses((status = 202, body = Message), Refusals), security(("session" = ["manage-messages"])))]
async fn send_again(
    State(app): State<App>,
    staff: Staff<ManageMessages>,
    ApiPath(id): ApiPath<MessageId>,
) -> Result<(StatusCode, Json<Message>), Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let message = super::send_again(&mut tx, id).await?;
    tx.commit().await?;
    Ok((StatusCode::ACCEPTED, Json(message)))
}

/// How messages are sent. Passwords are not told.
#[utoipa::path(get, path = "/message-settings", tag = "messages",
    responses((status = 200, body = Settings), Refusals), security(("session" = ["view-messages"])))]
async fn settings(State(app): State<App>, staff: Staff<ViewMessages>) -> Result<Json<Settings>, Problem> {
    Ok(Json(super::settings(&mut app.db.read(&staff.scope()).await?).await?))
}

/// Name the mail server, and who writes through it.
#[utoipa::path(put, path = "/message-settings/email", tag = "messages", request_body = EmailWish,
    responses((status = 200, body = Settings), Refusals), security(("session" = ["manage-settings"])))]
async fn change_email(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(wish): ApiJson<EmailWish>,
) -> Result<Json<Settings>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let settings = super::change_email(&app, &mut tx, wish).await?;
    tx.commit().await?;
    Ok(Json(settings))
}

/// Name the gateway for short messages.
#[utoipa::path(put, path = "/message-settings/sms", tag = "messages", request_body = SmsWish,
    responses((status = 200, body = Settings), Refusals), security(("session" = ["manage-settings"])))]
async fn change_sms(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(wish): ApiJson<SmsWish>,
) -> Result<Json<Settings>, Problem> {
    let mut tx = app.db.begin(&staff.scope()).await?;
    let settings = super::change_sms(&app, &mut tx, wish).await?;
    tx.commit().await?;
    Ok(Json(settings))
}

/// A message to try the settings out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Trial {
    /// By what.
    channel: Channel,
    /// An address or a number.
    #[schema(example = "you@example.net")]
    to: String,
}

/// Send a message to try the settings out, now, and tell what the server answered.
#[utoipa::path(post, path = "/message-settings/test", tag = "messages", request_body = Trial,
    responses((status = 200, body = Tested), Refusals), security(("session" = ["manage-settings"])))]
async fn test(
    State(app): State<App>,
    staff: Staff<ManageSettings>,
    ApiJson(trial): ApiJson<Trial>,
) -> Result<Json<Tested>, Problem> {
    let language = staff.person.language.clone();
    Ok(Json(super::test(&app, &staff.scope(), trial.channel, &trial.to, &language).await?))
}

/// The built-in messages: which are sent, by what, and in whose words.
#[utoipa::path(get, path = "/message-templates", tag = "messages",
    responses((status = 200, body = [TemplateSettings]), Refusals), security(("session" = ["view-messages"])))]
async fn templates(State(app): State<App>, staff: Staff<ViewMessages>) -> Result<Json<Vec<TemplateSettings>>, Problem> {
    Ok(Json(super::templates(&mut app.db.read(&staff.scope()).await?).await?))
}

/// Switch a built-in message on or off, or give it words of your own. Empty words bring the built-in ones back.
#[utoipa::path(patch, path = "/message-templates/{template}", tag = "messages", request_body = TemplateWish,
    params(("template" = String, Path, description = "Such as invoice-issued.")),
    responses((status = 200, body = TemplateSettings), Refusals), security(("session" = ["manage-messages"])))]
async fn change_template(
    State(app): State<App>,
    staff: Staff<ManageMessages>,
    ApiPath(name): ApiPath<String>,
    ApiJson(wish): ApiJson<TemplateWish>,
) -> Result<Json<TemplateSettings>, Problem> {
    let template = Template::named(&name).ok_or(Error::UnknownTemplate(name))?;
    let mut tx = app.db.begin(&staff.scope()).await?;
    let changed = super::change_template(&mut tx, template, wish).await?;
    tx.commit().await?;
    Ok(Json(changed))
}
