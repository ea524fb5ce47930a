//! Getting help: one's own questions, a new one with the first answer at once, and what was written since.

use axum::http::StatusCode;
use axum::response::Response;
use weir_rules::support::status::TicketStatus;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::portal::{Page, Portal, section};

use super::Own;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, html, is_about_the_form, see};
use crate::ids::TicketId;
use crate::pages::{Asking, MANY, form_status};
use crate::tickets::portal::{self as asking, Question};
use crate::tickets::{Conversation, Side};

/// The path of a page about a question.
type TicketPath = ApiPath<(String, TicketId)>;

pub(super) async fn show(own: Own) -> Result<Response, Problem> {
    shown(&own, &Fields::default(), None).await
}

async fn shown(own: &Own, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let (portal, lang) = (own.portal(), own.lang());
    let tickets = asking::own_tickets(&mut own.read().await?, own.me.id, MANY).await?;
    let rows = tickets.into_iter().map(|ticket| {
        vec![
            Cell::link(portal.at(&format!("/help/{}", ticket.id)), ticket.title),
            status(portal, ticket.status),
            Cell::Number(format::instant(lang, ticket.changed_at, own.visit.zone)),
        ]
    });
    let names = ["portal-ask-title", "status", "when"].map(|key| portal.t(key)).to_vec();
    let table = Table::new(names, rows.collect());
    let asked = Asking::new(&portal.frame, fields, problem)
        .ask("title", "portal-ask-title", Input::Line("text"))
        .ask("body", "portal-ask-body", Input::Lines)
        .inset(String::new(), portal.at("/help"), "portal-ask-send");
    let mut page = Page::saying(portal, portal.t("portal-help"), portal.t("portal-help-lede"));
    page.sections.push(section(portal.t("portal-tickets"), table, portal.t("portal-tickets-none")));
    page.form = Some(asked);
    html(form_status(problem), &page)
}

fn status(portal: &Portal, status: TicketStatus) -> Cell {
    let tone = match status {
        TicketStatus::New | TicketStatus::Open => Tone::Warn,
        TicketStatus::Waiting => Tone::Bad,
        TicketStatus::Solved | TicketStatus::Closed => Tone::Ok,
    };
    Cell::status(tone, portal.t(&format!("portal-ticket-{}", status.name())))
}

/// Opens a ticket and shows what can be seen already.
pub(super) async fn ask(own: Own, fields: Fields) -> Result<Response, Problem> {
    let question = Question {
        title: fields.text("title"),
        body: fields.text("body").replace("\r\n", "\n"),
        subscription_id: None,
    };
    let opened = asking::open_as_subscriber(&own.visit.app, &own.scope(), own.me.id, question, Vec::new()).await;
    let (ticket, answers) = match opened.map_err(Problem::from) {
        Ok(opened) => opened,
        Err(problem) if is_about_the_form(&problem) => return shown(&own, &fields, Some(&problem)).await,
        Err(problem) => return Err(problem),
    };
    let portal = own.portal();
    let lede = portal.frame.t1("portal-ticket-opened-lede", "number", &ticket.number);
    let mut page = Page::saying(portal, portal.t("portal-ticket-opened"), lede);
    page.up = Some((portal.at("/help"), portal.t("portal-help")));
    page.words = answers.into_iter().map(|answer| (portal.t("portal-ticket-seen"), answer.text)).collect();
    page.actions.push(Action::go(portal.at(&format!("/help/{}", ticket.id)), portal.t("portal-ticket-open-it")));
    html(StatusCode::OK, &page)
}

pub(super) async fn ticket(own: Own, ApiPath((_, id)): TicketPath) -> Result<Response, Problem> {
    let conversation = asking::own_conversation(&mut own.read().await?, own.me.id, id).await?;
    conversation_page(&own, conversation, &Fields::default(), None)
}

fn conversation_page(
    own: &Own,
    conversation: Conversation,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let (portal, lang) = (own.portal(), own.lang());
    let Conversation { ticket, entries } = conversation;
    let mut page = Page::saying(portal, ticket.title, ticket.number);
    page.up = Some((portal.at("/help"), portal.t("portal-help")));
    page.facts = vec![(portal.t("status"), status(portal, ticket.status))];
    page.words = entries
        .into_iter()
        .map(|entry| {
            let at = format::instant(lang, entry.at, own.visit.zone);
            let by = if entry.side == Side::Subscriber { own.me.name.clone() } else { portal.frame.tenant.clone() };
            (format!("{by} · {at}"), entry.body)
        })
        .collect();
    if ticket.status != TicketStatus::Closed {
        let asked = Asking::new(&portal.frame, fields, problem).ask("body", "portal-ticket-reply", Input::Lines);
        let address = portal.at(&format!("/help/{}", ticket.id));
        page.form = Some(asked.inset(String::new(), address, "portal-ask-send"));
    }
    html(form_status(problem), &page)
}

pub(super) async fn reply(own: Own, ApiPath((_, id)): TicketPath, fields: Fields) -> Result<Response, Problem> {
    let mut tx = own.begin().await?;
    let body = fields.text("body").replace("\r\n", "\n");
    match asking::reply_as_subscriber(&mut tx, own.me.id, id, &body, Vec::new()).await.map_err(Problem::from) {
        Ok(after) => {
            tx.commit().await?;
            Ok(see(&own.portal().at(&format!("/help/{}", after.ticket.id))))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            let conversation = asking::own_conversation(&mut own.read().await?, own.me.id, id).await?;
            conversation_page(&own, conversation, &fields, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}
