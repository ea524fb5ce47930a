//! `/unmatched-mail`: e-mail nobody could be found for.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Confirm, Input, Table};
use weir_ui::format;
use weir_ui::pages::{List, Section, Show};

use super::{Asking, form_status, next_page, page_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageTickets, Needs, ViewTickets};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::SupportMailId;
use crate::subscribers;
use crate::tickets::mail::{self, ConnectWish, UnmatchedMail};
use crate::tickets::{self, TicketFilter};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/unmatched-mail", get(list))
        .route("/unmatched-mail/{id}", get(show))
        .route("/unmatched-mail/{id}/connect", post(connect))
        .route("/unmatched-mail/{id}/discard", post(discard))
}

fn subject<P: Needs>(screen: &Screen<P>, mail: &UnmatchedMail) -> String {
    if mail.subject.trim().is_empty() { screen.t("unmatched-no-subject") } else { mail.subject.clone() }
}

async fn list(screen: Screen<ViewTickets>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut mails = mail::unmatched_mails(&mut screen.read().await?, page).await?;
    let next = next_page(&mut mails, page, "/unmatched-mail", |mail| mail.id.uuid());
    let rows = mails.iter().map(|mail| {
        vec![
            Cell::link(format!("/unmatched-mail/{}", mail.id), subject(&screen, mail)),
            Cell::Text(mail.sender.clone()),
            Cell::Text(screen.t(&format!("unmatched-reason-{}", mail.reason))),
            Cell::Text(format::instant(screen.frame.lang, mail.received_at, screen.zone)),
        ]
    });
    let names = ["unmatched-subject", "unmatched-sender", "unmatched-why", "unmatched-received"];
    let page = List {
        frame: &screen.frame,
        title: screen.t("unmatched"),
        lede: screen.t("unmatched-lede"),
        action: Some(Action::go("/tickets", screen.t("nav-tickets"))),
        search: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t("unmatched-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn show(screen: Screen<ViewTickets>, ApiPath(id): ApiPath<SupportMailId>) -> Result<Response, Problem> {
    shown(&screen, id, &Fields::default(), None).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    id: SupportMailId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mail = mail::unmatched(&mut screen.read().await?, id).await?;
    let discard =
        Action::post(format!("/unmatched-mail/{id}/discard"), screen.t("unmatched-discard")).asking(Confirm {
            title: screen.t("unmatched-discard-title"),
            consequence: screen.t("unmatched-discard-lede"),
            yes: screen.t("unmatched-discard"),
            no: screen.t("cancel"),
        });
    let facts = vec![
        (screen.t("unmatched-sender"), Cell::Text(mail.sender.clone())),
        (screen.t("name"), Cell::Text(mail.sender_name.clone())),
        (screen.t("unmatched-why"), Cell::Text(screen.t(&format!("unmatched-reason-{}", mail.reason)))),
        (screen.t("unmatched-received"), Cell::Text(format::instant(screen.frame.lang, mail.received_at, screen.zone))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let says = Section {
        title: screen.t("unmatched-says"),
        action: None,
        table: Table::new(vec![screen.t("unmatched-says")], vec![vec![Cell::Lines(mail.body.clone())]]),
        empty: String::new(),
    };
    let manages = screen.may::<ManageTickets>();
    let form = Asking::new(&screen.frame, fields, problem)
        .ask_in("to", screen.t("unmatched-to"), screen.t("unmatched-connect-lede"), Input::Line("text"))
        .inset(screen.t("unmatched-connect"), format!("/unmatched-mail/{id}/connect"), "unmatched-connect");
    let page = Show {
        frame: &screen.frame,
        up: ("/unmatched-mail".into(), screen.t("unmatched")),
        title: subject(screen, &mail),
        lede: screen.t("unmatched-lede"),
        actions: manages.then_some(discard).into_iter().collect(),
        command: None,
        facts,
        sections: vec![says],
        form: manages.then_some(form),
    };
    html(form_status(problem), &page)
}

/// The one ticket or subscriber that is meant.
async fn meant(tx: &mut TenantTx, text: &str) -> Result<Option<ConnectWish>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.to_uppercase();
    let filter = TicketFilter { text: Some(number.clone()), ..TicketFilter::default() };
    let rows = tickets::tickets(tx, super::MANY, &filter).await?;
    if let Some(ticket) = rows.into_iter().find(|ticket| ticket.number == number) {
        return Ok(Some(ConnectWish { ticket_id: Some(ticket.id), subscriber_id: None }));
    }
    let mut found: Vec<_> =
        subscribers::find_subscribers(tx, text, 3).await?.into_iter().map(|person| person.id).collect();
    found.extend(subscribers::find_accounts(tx, text, 3).await?.into_iter().map(|account| account.subscriber_id));
    found.sort_unstable();
    found.dedup();
    let one = if let [one] = found[..] { Some(one) } else { None };
    Ok(one.map(|subscriber| ConnectWish { ticket_id: None, subscriber_id: Some(subscriber) }))
}

async fn connect(
    screen: Screen<ManageTickets>,
    ApiPath(id): ApiPath<SupportMailId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    mail::unmatched(&mut tx, id).await?;
    let text = fields.text("to");
    let connected = match meant(&mut tx, &text).await? {
        Some(wish) => mail::connect(&mut tx, id, wish).await.map_err(Problem::from),
        None => {
            fields.refuse("to", "error-not-found-one");
            Err(fields.problem())
        }
    };
    match connected {
        Ok(ticket) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/tickets/{}", ticket.id), "done-unmatched"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn discard(screen: Screen<ManageTickets>, ApiPath(id): ApiPath<SupportMailId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    mail::discard(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying("/unmatched-mail", "done-unmatched-discarded"))
}
