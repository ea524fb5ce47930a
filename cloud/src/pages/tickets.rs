//! `/tickets`: the queue, as a table and as CSV, and the form that opens a ticket.

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use weir_rules::support::priority::{Impact, Priority};
use weir_rules::support::status::TicketStatus;
use weir_ui::blocks::{Action, Cell, Chip, Input, Search, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, Register, Section};

use super::{Asking, MANY, address, form_status, next_page, page_of};
use crate::app::App;
use crate::billing::{self, InvoiceFilter};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::Page;
use crate::http::permission::{ManageTickets, Needs, ViewSettings, ViewTickets};
use crate::http::toast::see_saying;
use crate::ids::{InvoiceId, RouterId, StaffId, SubscriberId, SubscriptionId};
use crate::tickets::{self, Promise, SOON, Ticket, TicketFilter, TicketWish};
use crate::{access, network, subscribers, subscriptions};

/// The readings of the queue: the value in the address, and its message.
const VIEWS: [(&str, &str); 7] = [
    ("", "tickets-all"),
    ("mine", "tickets-mine"),
    ("unassigned", "tickets-unassigned"),
    ("breaching", "tickets-breaching"),
    ("waiting", "tickets-waiting"),
    ("solved", "tickets-solved"),
    ("closed", "tickets-closed"),
];
const ACTIVE: [TicketStatus; 3] = [TicketStatus::New, TicketStatus::Open, TicketStatus::Waiting];
/// Rows of a CSV at most.
const CSV_MAX: usize = 20_000;
/// Tickets a page about something else shows.
const FEW: Page = Page { after: None, limit: 10 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/tickets", get(list).post(open))
        .route("/tickets.csv", get(csv))
        .route("/tickets/new", get(new))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    view: String,
    #[serde(default)]
    q: String,
    subscriber_id: Option<SubscriberId>,
    after: Option<String>,
}

fn filter(screen: &Screen<ViewTickets>, wanted: &Wanted) -> TicketFilter {
    let mut filter = TicketFilter {
        statuses: ACTIVE.to_vec(),
        subscriber: wanted.subscriber_id,
        text: Some(wanted.q.trim().to_owned()).filter(|text| !text.is_empty()),
        ..TicketFilter::default()
    };
    match wanted.view.as_str() {
        "mine" => filter.assignee = Some(screen.person.id),
        "unassigned" => filter.unassigned = true,
        "breaching" => filter.due_by = Some(screen.app.clock.now() + SOON),
        "waiting" => filter.statuses = vec![TicketStatus::Waiting],
        "solved" => filter.statuses = vec![TicketStatus::Solved],
        "closed" => filter.statuses = vec![TicketStatus::Closed],
        _ => {}
    }
    filter
}

async fn list(screen: Screen<ViewTickets>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after.clone())?;
    let mut tx = screen.read().await?;
    let mut rows = tickets::tickets(&mut tx, page, &filter(&screen, &wanted)).await?;
    let subscriber = wanted.subscriber_id.map(|id| id.to_string()).unwrap_or_default();
    let at =
        |path: &str, view: &str| address(path, &[("view", view), ("q", &wanted.q), ("subscriber_id", &subscriber)]);
    let next = next_page(&mut rows, page, &at("/tickets", &wanted.view), |ticket| ticket.id.uuid());
    let narrowed = !wanted.view.is_empty() || !wanted.q.is_empty() || !subscriber.is_empty();
    let kept = [("view", wanted.view.clone()), ("subscriber_id", subscriber.clone())];
    let chips =
        VIEWS.map(|(view, key)| Chip { href: at("/tickets", view), text: screen.t(key), chosen: view == wanted.view });
    let mut actions = Vec::new();
    if screen.may::<ManageTickets>() {
        actions.push(Action::go("/tickets/new", screen.t("tickets-new")));
    }
    let mail = tickets::mail::unmatched_count(&mut tx).await?;
    let mail = screen.frame.t1("unmatched-count", "count", &format::number(screen.frame.lang, mail.into()));
    actions.push(Action::go("/unmatched-mail", mail));
    actions.push(Action::go(at("/tickets.csv", &wanted.view), screen.t("tickets-csv")));
    if screen.may::<ViewSettings>() {
        actions.push(Action::go("/settings/support", screen.t("support")));
    }
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-tickets"),
        lede: screen.t("tickets-lede"),
        actions,
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: chips.into(),
        search: Some(Search {
            label: screen.t("tickets-search"),
            value: wanted.q.clone(),
            kept: kept.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
        }),
        table: table(&screen, rows),
        empty: screen.t(if narrowed { "tickets-none" } else { "tickets-empty" }),
        next,
    };
    html(StatusCode::OK, &page)
}

fn table<P: Needs>(screen: &Screen<P>, tickets: Vec<Ticket>) -> Table {
    let rows = tickets.into_iter().map(|ticket| {
        vec![
            Cell::link(format!("/tickets/{}", ticket.id), &ticket.number),
            Cell::Text(ticket.title.clone()),
            Cell::Text(ticket.subscriber.clone().unwrap_or_else(|| "—".into())),
            priority(screen, ticket.priority),
            status(screen, ticket.status),
            promise(screen, next_promise(&ticket)),
            Cell::Text(ticket.assignee.unwrap_or_else(|| screen.t("ticket-nobody"))),
        ]
    });
    let names = ["ticket", "ticket-title", "subscriber", "ticket-priority", "status", "ticket-due", "ticket-assignee"];
    Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect())
}

/// The tickets about something, for its own page; nothing for whoever may not see tickets.
pub(super) async fn about<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    filter: TicketFilter,
    new: String,
) -> Result<Option<Section>, Problem> {
    if !screen.may::<ViewTickets>() {
        return Ok(None);
    }
    let mut rows = tickets::tickets(tx, FEW, &filter).await?;
    rows.truncate(FEW.limit as usize);
    let action = screen.may::<ManageTickets>().then(|| Action::go(new, screen.t("tickets-new")));
    let (table, empty) = (table(screen, rows), screen.t("tickets-none"));
    Ok(Some(Section { title: screen.t("nav-tickets"), action, table, empty }))
}

/// The promise that is looked at next.
fn next_promise(ticket: &Ticket) -> &Promise {
    let open = |promise: &&Promise| promise.kept_at.is_none();
    let both = [&ticket.response, &ticket.resolution];
    both.into_iter()
        .filter(open)
        .min_by_key(|one| one.due_at.unwrap_or(DateTime::<Utc>::MAX_UTC))
        .unwrap_or(&ticket.resolution)
}

/// Where a promise stands.
pub(super) fn promise<P: Needs>(screen: &Screen<P>, promise: &Promise) -> Cell {
    let now = screen.app.clock.now();
    let told = |tone, key: &str, at: DateTime<Utc>| {
        let at = format::instant(screen.frame.lang, at, screen.zone);
        Cell::status(tone, screen.frame.t1(key, "at", &at))
    };
    match (promise.kept_at, promise.missed_at, promise.due_at) {
        (Some(at), None, _) => told(Tone::Ok, "ticket-promise-kept", at),
        (Some(at), Some(_), _) => told(Tone::Warn, "ticket-promise-late", at),
        (None, Some(at), _) => told(Tone::Bad, "ticket-promise-missed", at),
        (None, None, Some(due)) if due <= now => told(Tone::Bad, "ticket-promise-missed", due),
        (None, None, Some(due)) if due <= now + SOON => told(Tone::Warn, "ticket-promise-due", due),
        (None, None, Some(due)) => told(Tone::Mute, "ticket-promise-due", due),
        (None, None, None) => {
            let key = if promise.left_seconds.is_some() { "ticket-promise-paused" } else { "ticket-promise-none" };
            Cell::status(Tone::Mute, screen.t(key))
        }
    }
}

pub(super) fn status<P: Needs>(screen: &Screen<P>, status: TicketStatus) -> Cell {
    let tone = match status {
        TicketStatus::New => Tone::Bad,
        TicketStatus::Open => Tone::Warn,
        TicketStatus::Waiting | TicketStatus::Closed => Tone::Mute,
        TicketStatus::Solved => Tone::Ok,
    };
    Cell::status(tone, screen.t(&format!("ticket-status-{}", status.name())))
}

pub(super) fn priority<P: Needs>(screen: &Screen<P>, priority: Priority) -> Cell {
    let tone = match priority {
        Priority::Low | Priority::Normal => Tone::Mute,
        Priority::High => Tone::Warn,
        Priority::Urgent => Tone::Bad,
    };
    Cell::status(tone, screen.t(&format!("ticket-priority-{}", priority.name())))
}

async fn csv(screen: Screen<ViewTickets>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let filter = filter(&screen, &wanted);
    let mut tx = screen.read().await?;
    let head = ["number", "title", "subscriber", "status", "priority", "impact", "channel", "assignee", "opened_at"];
    let mut text = format!(
        "{},first_response_due_at,first_response_missed_at,resolution_due_at,resolution_missed_at,solved_at\r\n",
        head.join(",")
    );
    let (mut page, mut count) = (MANY, 0);
    while count < CSV_MAX {
        let mut rows = tickets::tickets(&mut tx, page, &filter).await?;
        let more = rows.len() > page.limit as usize;
        rows.truncate(page.limit as usize);
        count += rows.len();
        rows.iter().for_each(|ticket| line(&mut text, ticket));
        let Some(last) = rows.last().filter(|_| more) else { break };
        page = Page { after: Some(last.id.uuid()), ..MANY };
    }
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"tickets.csv\"")),
    ];
    Ok((headers, text).into_response())
}

fn line(text: &mut String, ticket: &Ticket) {
    let at = |at: Option<DateTime<Utc>>| at.map(|at| at.to_rfc3339()).unwrap_or_default();
    let cells = [
        ticket.number.clone(),
        ticket.title.clone(),
        ticket.subscriber.clone().unwrap_or_default(),
        ticket.status.name().to_owned(),
        ticket.priority.name().to_owned(),
        ticket.impact.name().to_owned(),
        ticket.channel.name().to_owned(),
        ticket.assignee.clone().unwrap_or_default(),
        at(Some(ticket.opened_at)),
        at(ticket.response.due_at),
        at(ticket.response.missed_at),
        at(ticket.resolution.due_at),
        at(ticket.resolution.missed_at),
        at(ticket.solved_at),
    ];
    let cells: Vec<_> = cells.iter().map(|cell| quoted(cell)).collect();
    text.push_str(&cells.join(","));
    text.push_str("\r\n");
}

/// A text as a cell: quoted where it must be, and never a formula.
fn quoted(text: &str) -> String {
    let plain = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
    if plain.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", plain.replace('"', "\"\"")) } else { plain }
}

#[derive(Deserialize)]
struct About {
    subscriber_id: Option<SubscriberId>,
    subscription_id: Option<SubscriptionId>,
    router_id: Option<RouterId>,
    invoice_id: Option<InvoiceId>,
}

async fn new(screen: Screen<ManageTickets>, ApiQuery(about): ApiQuery<About>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let mut account = match about.subscription_id {
        Some(id) => Some(subscriptions::subscription(&mut tx, id).await?.account_id),
        None => None,
    };
    if let Some(id) = about.invoice_id {
        account = Some(billing::invoice(&mut tx, id).await?.summary.account_id);
    }
    let subscriber = match (about.subscriber_id, account) {
        (Some(id), _) => Some(id),
        (None, Some(account)) => Some(subscribers::account(&mut tx, account).await?.subscriber_id),
        (None, None) => None,
    };
    drop(tx);
    if subscriber.is_none() && about.router_id.is_none() {
        // Whose it is comes first: it is found by name, address or number.
        return Ok(see_saying("/subscribers", "done-ticket-whose"));
    }
    let text = |id: Option<String>| id.unwrap_or_default();
    let fields = Fields::of([
        ("subscriber_id", text(subscriber.map(|id| id.to_string()))),
        ("subscription_id", text(about.subscription_id.map(|id| id.to_string()))),
        ("router_id", text(about.router_id.map(|id| id.to_string()))),
        ("invoice_id", text(about.invoice_id.map(|id| id.to_string()))),
        ("impact", if subscriber.is_some() { Impact::OneLine } else { Impact::SeveralLines }.name().to_owned()),
    ]);
    form(&screen, fields, None).await
}

/// Values and words of a choice, what is not chosen first.
pub(super) fn choices<P: Needs, const N: usize>(screen: &Screen<P>, prefix: &str, names: [&str; N]) -> Input {
    Input::Choice(names.map(|name| (name.to_owned(), screen.t(&format!("{prefix}-{name}")))).into())
}

/// The staff, to choose from.
pub(super) async fn colleagues<P: Needs>(screen: &Screen<P>, tx: &mut TenantTx) -> Result<Input, Problem> {
    let members = access::members(tx, MANY).await?;
    let active = members.into_iter().filter(|member| member.disabled_at.is_none());
    let mut choices = vec![(String::new(), screen.t("ticket-nobody"))];
    choices.extend(active.map(|member| (member.id.to_string(), member.name)));
    Ok(Input::Choice(choices))
}

async fn form(
    screen: &Screen<ManageTickets>,
    mut fields: Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let subscriber = fields.read_option::<SubscriberId>("subscriber_id", "error-choose");
    let router = fields.read_option::<RouterId>("router_id", "error-choose");
    let (up, lines, invoices) = match subscriber {
        Some(id) => {
            let person = subscribers::subscriber(&mut tx, id).await?;
            (
                (format!("/subscribers/{id}"), person.name),
                lines_of(screen, &mut tx, id).await?,
                invoices_of(screen, &mut tx, id).await?,
            )
        }
        None => {
            let up = match router {
                Some(id) => (format!("/routers/{id}"), network::router(&mut tx, id).await?.name),
                None => ("/tickets".to_owned(), screen.t("nav-tickets")),
            };
            (up, Vec::new(), Vec::new())
        }
    };
    let colleagues = colleagues(screen, &mut tx).await?;
    let mut asked = Asking::new(&screen.frame, &fields, problem).ask("title", "ticket-title", Input::Line("text")).ask(
        "body",
        "ticket-body",
        Input::Lines,
    );
    if subscriber.is_some() {
        asked = asked.ask("subscription_id", "ticket-line", Input::Choice(lines));
        asked = asked.ask("invoice_id", "ticket-invoice", Input::Choice(invoices));
    }
    let asked = asked
        .ask("impact", "ticket-impact", choices(screen, "ticket-impact", Impact::ALL.map(Impact::name)))
        .ask("assignee_id", "ticket-assignee", colleagues)
        .ask("subscriber_id", "subscriber", Input::Hidden)
        .ask("router_id", "router", Input::Hidden);
    let page = Form {
        frame: &screen.frame,
        up,
        title: screen.t("tickets-new"),
        lede: screen.t("tickets-new-lede"),
        form: asked.inset(String::new(), "/tickets", "tickets-open"),
    };
    html(form_status(problem), &page)
}

async fn lines_of(
    screen: &Screen<ManageTickets>,
    tx: &mut TenantTx,
    id: SubscriberId,
) -> Result<Vec<(String, String)>, Problem> {
    let mut lines = vec![(String::new(), screen.t("ticket-line-none"))];
    for account in subscribers::accounts(tx, Some(id), MANY).await? {
        let sold = subscriptions::subscriptions(tx, Some(account.id), MANY).await?;
        lines.extend(
            sold.into_iter().map(|sold| (sold.id.to_string(), format!("{} · {}", sold.plan_name, sold.address()))),
        );
    }
    Ok(lines)
}

async fn invoices_of(
    screen: &Screen<ManageTickets>,
    tx: &mut TenantTx,
    id: SubscriberId,
) -> Result<Vec<(String, String)>, Problem> {
    let mut invoices = vec![(String::new(), screen.t("ticket-invoice-none"))];
    for account in subscribers::accounts(tx, Some(id), MANY).await? {
        let filter = InvoiceFilter { account: Some(account.id), ..InvoiceFilter::default() };
        let issued = billing::invoices(tx, Page { after: None, limit: 24 }, &filter).await?;
        invoices.extend(issued.into_iter().map(|invoice| {
            let gross = super::money(screen.frame.lang, invoice.gross);
            (invoice.id.to_string(), format!("{} · {gross}", invoice.number))
        }));
    }
    Ok(invoices)
}

async fn open(screen: Screen<ManageTickets>, mut fields: Fields) -> Result<Response, Problem> {
    let wish = wish(&mut fields);
    let problem = fields.problem();
    let Some(wish) = wish.filter(|_| problem.errors.is_empty()) else {
        return form(&screen, fields, Some(&problem)).await;
    };
    let mut tx = screen.begin().await?;
    match tickets::open(&mut tx, wish).await.map_err(Problem::from) {
        Ok(ticket) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/tickets/{}", ticket.id), "done-ticket"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

fn wish(fields: &mut Fields) -> Option<TicketWish> {
    let impact = Impact::from_name(fields.get("impact"));
    if impact.is_none() {
        fields.refuse("impact", "error-choose");
    }
    Some(TicketWish {
        title: fields.text("title"),
        body: fields.text("body"),
        subscriber_id: fields.read_option("subscriber_id", "error-choose"),
        account_id: None,
        subscription_id: fields.read_option("subscription_id", "error-choose"),
        router_id: fields.read_option("router_id", "error-choose"),
        invoice_id: fields.read_option("invoice_id", "error-choose"),
        impact: impact?,
        priority: None,
        assignee_id: fields.read_option::<StaffId>("assignee_id", "error-choose"),
    })
}
