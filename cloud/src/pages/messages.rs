//! `/messages`: what was written to whom, what became of it, and the exact words.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Chip, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Register, Section, Show};

use super::{address, next_page, page_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::{self, Problem};
use crate::http::page::{Screen, html};
use crate::http::paging::Page;
use crate::http::permission::{ManageMessages, Needs, ViewMessages};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, MessageId, SubscriberId};
use crate::notifications::{self, Channel, Message, MessageFilter, MessageStatus, MessageText};
use crate::{billing, subscribers};

/// A mail's own styles and nothing else: what stands in it can do nothing here.
const MAIL_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
/// Rows of a part of another page.
const NEWEST: Page = Page { after: None, limit: 5 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/messages", get(list))
        .route("/messages/{id}", get(show))
        .route("/messages/{id}/html", get(as_html))
        .route("/messages/{id}/again", post(again))
}

#[derive(Deserialize)]
struct Wanted {
    subscriber_id: Option<SubscriberId>,
    account_id: Option<AccountId>,
    channel: Option<Channel>,
    status: Option<MessageStatus>,
    after: Option<String>,
}

impl Wanted {
    /// The address of the list so narrowed.
    fn at(&self, channel: Option<Channel>, status: Option<MessageStatus>) -> String {
        let subscriber = self.subscriber_id.map(|id| id.to_string()).unwrap_or_default();
        let account = self.account_id.map(|id| id.to_string()).unwrap_or_default();
        let channel = channel.map(Channel::name).unwrap_or_default();
        let status = status.map(MessageStatus::name).unwrap_or_default();
        let parts = [
            ("subscriber_id", subscriber.as_str()),
            ("account_id", &account),
            ("channel", channel),
            ("status", status),
        ];
        address("/messages", &parts)
    }
}

async fn list(screen: Screen<ViewMessages>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after.clone())?;
    let filter = MessageFilter {
        subscriber: wanted.subscriber_id,
        account: wanted.account_id,
        channel: wanted.channel,
        status: wanted.status,
    };
    let mut tx = screen.read().await?;
    let mut messages = notifications::messages(&mut tx, page, &filter).await?;
    let settings = notifications::settings(&mut tx).await?;
    let set_up = !settings.email.host.is_empty() || !settings.sms.url.is_empty();
    let next = next_page(&mut messages, page, &wanted.at(wanted.channel, wanted.status), |message| message.id.uuid());
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-messages"),
        lede: screen.t(if set_up { "messages-lede" } else { "messages-none-set-up" }),
        actions: vec![
            Action::go("/messages/settings", screen.t("messages-settings")),
            Action::go("/messages/templates", screen.t("messages-templates")),
        ],
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: chips(&screen, &wanted),
        search: None,
        table: table(&screen, messages),
        empty: screen.t("messages-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// The ways to narrow the list: how far, then by what.
fn chips(screen: &Screen<ViewMessages>, wanted: &Wanted) -> Vec<Chip> {
    let chip = |href: String, key: String, chosen: bool| Chip { href, text: screen.t(&key), chosen };
    let plain = wanted.status.is_none() && wanted.channel.is_none();
    let mut chips = vec![chip(wanted.at(None, None), "messages-all".into(), plain)];
    chips.extend(MessageStatus::ALL.map(|status| {
        let chosen = wanted.status == Some(status);
        chip(wanted.at(wanted.channel, Some(status)), format!("messages-status-{}", status.name()), chosen)
    }));
    chips.extend([Channel::Email, Channel::Sms].map(|channel| {
        let chosen = wanted.channel == Some(channel);
        chip(wanted.at(Some(channel), wanted.status), format!("messages-channel-{}", channel.name()), chosen)
    }));
    chips
}

/// The newest messages of a subscriber or an account, to stand on its page.
pub(super) async fn section_of<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    filter: &MessageFilter,
) -> Result<Section, Problem> {
    let mut messages = notifications::messages(tx, NEWEST, filter).await?;
    let more = messages.len() > NEWEST.limit as usize;
    messages.truncate(NEWEST.limit as usize);
    let wanted = Wanted {
        subscriber_id: filter.subscriber,
        account_id: filter.account,
        channel: None,
        status: None,
        after: None,
    };
    Ok(Section {
        title: screen.t("messages-of"),
        action: more.then(|| Action::go(wanted.at(None, None), screen.t("show-all"))),
        table: table(screen, messages),
        empty: screen.t("messages-empty"),
    })
}

fn table<P: Needs>(screen: &Screen<P>, messages: Vec<Message>) -> Table {
    let rows = messages.into_iter().map(|message| {
        vec![
            Cell::link(format!("/messages/{}", message.id), screen.t(&format!("messages-{}", message.template))),
            Cell::Text(message.recipient.clone()),
            Cell::Text(screen.t(&format!("messages-channel-{}", message.channel.name()))),
            Cell::Number(format::instant(screen.frame.lang, message.created_at, screen.zone)),
            state(screen, &message),
        ]
    });
    let names = ["messages-template", "messages-to", "messages-channel", "messages-written", "status"];
    Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect())
}

fn state<P: Needs>(screen: &Screen<P>, message: &Message) -> Cell {
    let tone = match message.status {
        MessageStatus::Sent => Tone::Ok,
        MessageStatus::Queued if message.attempts == 0 => Tone::Mute,
        MessageStatus::Queued => Tone::Warn,
        MessageStatus::Refused | MessageStatus::Failed => Tone::Bad,
    };
    Cell::status(tone, screen.t(&format!("messages-status-{}", message.status.name())))
}

async fn show(screen: Screen<ViewMessages>, ApiPath(id): ApiPath<MessageId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let full = notifications::message(&mut tx, id).await?;
    let facts = facts(&screen, &mut tx, &full).await?;
    let message = &full.message;
    let mut actions = Vec::new();
    if !full.html.is_empty() {
        actions.push(Action::go(format!("/messages/{id}/html"), screen.t("messages-html")));
    }
    if screen.may::<ManageMessages>() && message.status != MessageStatus::Queued {
        actions.push(Action::post(format!("/messages/{id}/again"), screen.t("messages-again")));
    }
    let said = Table::new(vec![screen.t("messages-text")], vec![vec![Cell::Lines(full.text.clone())]]);
    let sections = vec![
        Section { title: screen.t("messages-text"), action: None, table: said, empty: String::new() },
        Section {
            title: screen.t("messages-attempts"),
            action: None,
            table: attempts(&screen, &full),
            empty: screen.t("messages-attempts-empty"),
        },
    ];
    let kind = screen.t(&format!("messages-{}", message.template));
    let page = Show {
        frame: &screen.frame,
        up: ("/messages".into(), screen.t("nav-messages")),
        title: if message.subject.is_empty() { kind } else { message.subject.clone() },
        lede: screen.frame.t1("messages-show-lede", "to", &message.recipient),
        actions,
        command: None,
        facts,
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn facts(
    screen: &Screen<ViewMessages>,
    tx: &mut TenantTx,
    full: &MessageText,
) -> Result<Vec<(String, Cell)>, Problem> {
    let (message, lang) = (&full.message, screen.frame.lang);
    let mut facts = vec![
        (screen.t("status"), state(screen, message)),
        (screen.t("messages-template"), Cell::Text(screen.t(&format!("messages-{}", message.template)))),
        (screen.t("messages-channel"), Cell::Text(screen.t(&format!("messages-channel-{}", message.channel.name())))),
        (screen.t("language"), Cell::Text(screen.t(&format!("language-{}", message.language)))),
        (screen.t("messages-written"), Cell::Text(format::instant(lang, message.created_at, screen.zone))),
    ];
    if let Some(at) = message.next_at.filter(|_| message.attempts > 0) {
        facts.push((screen.t("messages-next"), Cell::Text(format::instant(lang, at, screen.zone))));
    }
    if let Some(id) = message.subscriber_id {
        let name = subscribers::subscriber(tx, id).await?.name;
        facts.push((screen.t("subscriber"), Cell::link(format!("/subscribers/{id}"), name)));
    }
    if let Some(id) = message.account_id {
        let number = subscribers::account(tx, id).await?.number;
        facts.push((screen.t("account"), Cell::link(format!("/accounts/{id}"), number)));
    }
    if let Some(id) = full.invoice_id {
        let number = billing::invoice(tx, id).await?.summary.number;
        facts.push((screen.t("messages-attachment"), Cell::link(format!("/invoices/{id}"), format!("{number}.pdf"))));
    }
    if let Some(id) = full.again_of {
        facts.push((screen.t("messages-again-of"), Cell::link(format!("/messages/{id}"), id.to_string())));
    }
    facts.push((screen.t("id"), Cell::Code(message.id.to_string())));
    Ok(facts)
}

fn attempts(screen: &Screen<ViewMessages>, full: &MessageText) -> Table {
    let rows = full.log.iter().map(|attempt| {
        let tone = match attempt.outcome.as_str() {
            "sent" => Tone::Ok,
            "deferred" => Tone::Warn,
            _ => Tone::Bad,
        };
        vec![
            Cell::Text(format::instant(screen.frame.lang, attempt.at, screen.zone)),
            Cell::status(tone, screen.t(&format!("messages-outcome-{}", attempt.outcome))),
            Cell::Code(attempt.answer.clone()),
        ]
    });
    let names = ["recorded-at", "status", "messages-answer"].map(|key| screen.t(key)).to_vec();
    Table::new(names, rows.collect())
}

async fn as_html(screen: Screen<ViewMessages>, ApiPath(id): ApiPath<MessageId>) -> Result<Response, Problem> {
    let full = notifications::message(&mut screen.read().await?, id).await?;
    if full.html.is_empty() {
        return Err(Problem::new(&error::NOT_FOUND, "a short message has no HTML"));
    }
    Ok(mail(full.html))
}

/// A mail's HTML as a page of its own, which may style itself and do nothing else.
pub(super) fn mail(body: String) -> Response {
    let mut response = Html(body).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(MAIL_POLICY));
    response
}

async fn again(screen: Screen<ManageMessages>, ApiPath(id): ApiPath<MessageId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let message = notifications::send_again(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/messages/{}", message.id), "done-message-again"))
}
