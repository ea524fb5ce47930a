//! `/search`: everything a person may see, by whatever they were told: a name, a number, an address.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use weir_ui::blocks::{Cell, Table};
use weir_ui::format;
use weir_ui::pages::{Found, Section};

use super::subscriptions::{COLUMNS, rows_of};
use crate::app::App;
use crate::billing;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Screen, html, see};
use crate::http::paging::Page;
use crate::http::permission::{LoggedIn, ViewBilling, ViewNetwork, ViewSubscribers, ViewTickets};
use crate::subscriptions::{self, Subscription, is_known_as};
use crate::tickets::{self, TicketFilter};
use crate::{network, subscribers};

/// Things of a kind that are shown; who wants more says more.
const EACH: u32 = 20;
/// Letters that are read of a question.
const LETTERS_MAX: usize = 100;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/search", get(search))
}

#[derive(Deserialize)]
struct Question {
    q: Option<String>,
}

/// What was found of one kind.
struct Kind {
    key: &'static str,
    columns: &'static [&'static str],
    hits: Vec<Hit>,
}

/// One thing that was found: its row, and whether it is exactly what was asked for.
struct Hit {
    href: String,
    row: Vec<Cell>,
    exact: bool,
}

async fn search(screen: Screen<LoggedIn>, ApiQuery(question): ApiQuery<Question>) -> Result<Response, Problem> {
    let query: String = question.q.unwrap_or_default().trim().chars().take(LETTERS_MAX).collect();
    let kinds = if query.is_empty() { Vec::new() } else { find(&screen, &query).await? };
    let mut exact = kinds.iter().flat_map(|kind| &kind.hits).filter(|hit| hit.exact);
    if let (Some(only), None) = (exact.next(), exact.next()) {
        return Ok(see(&only.href));
    }
    let count = kinds.iter().map(|kind| kind.hits.len()).sum();
    let lede = match (query.is_empty(), count) {
        (true, _) => screen.t("search-lede"),
        (false, 0) => screen.frame.t1("search-nothing", "query", &query),
        (false, some) => screen.frame.t1("search-found", "count", &format::count(screen.frame.lang, some)),
    };
    let section = |kind: Kind| {
        let columns = kind.columns.iter().map(|key| screen.t(key)).collect();
        let table = Table::new(columns, kind.hits.into_iter().map(|hit| hit.row).collect());
        Section { title: screen.t(kind.key), action: None, table, empty: String::new() }
    };
    let found = kinds.into_iter().filter(|kind| !kind.hits.is_empty()).map(section).collect();
    html(StatusCode::OK, &Found { frame: &screen.frame, title: screen.t("search-title"), lede, query, found })
}

async fn find(screen: &Screen<LoggedIn>, query: &str) -> Result<Vec<Kind>, Problem> {
    let mut tx = screen.read().await?;
    let mut kinds = vec![places(screen, query)];
    if screen.may::<ViewSubscribers>() {
        kinds.extend(people(&mut tx, query).await?);
        kinds.push(sold(screen, &mut tx, query).await?);
    }
    if screen.may::<ViewBilling>() {
        kinds.push(invoices(screen, &mut tx, query).await?);
        kinds.push(credited(screen, &mut tx, query).await?);
    }
    if screen.may::<ViewTickets>() {
        kinds.push(asked(screen, &mut tx, query).await?);
    }
    if screen.may::<ViewNetwork>() {
        kinds.extend(edges(&mut tx, query).await?);
    }
    Ok(kinds)
}

fn same(one: &str, other: &str) -> bool {
    subscribers::normalise(one) == subscribers::normalise(other)
}

/// The screens themselves, by their names.
fn places(screen: &Screen<LoggedIn>, query: &str) -> Kind {
    let hits = screen.frame.nav.iter().filter_map(|item| {
        let name = screen.t(item.key);
        let exact = same(&name, query);
        let begins = name.to_lowercase().starts_with(&query.to_lowercase());
        begins.then(|| Hit { href: item.href.to_owned(), row: vec![Cell::link(item.href, name)], exact })
    });
    Kind { key: "search-go", columns: &["name"], hits: hits.collect() }
}

async fn people(tx: &mut TenantTx, query: &str) -> Result<[Kind; 3], Problem> {
    let limit = i64::from(EACH);
    let found = subscribers::find_subscribers(tx, query, limit).await?;
    let people = found.into_iter().map(|person| {
        let email = person.email.unwrap_or_default();
        let exact = same(&person.name, query) || same(&email, query) || person.id.to_string() == query;
        let href = format!("/subscribers/{}", person.id);
        let name = Cell::link(&href, person.name);
        Hit { href, row: vec![name, Cell::Text(email), Cell::Text(person.phone.unwrap_or_default())], exact }
    });
    let people = Kind { key: "nav-subscribers", columns: &["name", "email", "phone"], hits: people.collect() };
    let found = subscribers::find_accounts(tx, query, limit).await?;
    let accounts = found.into_iter().map(|account| {
        let exact = same(&account.number, query) || account.id.to_string() == query;
        let href = format!("/accounts/{}", account.id);
        Hit { row: vec![Cell::link(&href, account.number), Cell::Text(account.subscriber)], href, exact }
    });
    let accounts = Kind { key: "accounts", columns: &["account", "subscriber"], hits: accounts.collect() };
    let found = subscribers::find_locations(tx, query, limit).await?;
    let locations = found.into_iter().map(|place| {
        let href = format!("/subscribers/{}", place.subscriber_id);
        let town = format!("{} {}", place.postcode, place.city);
        let row = vec![Cell::link(&href, place.line1), Cell::Text(town), Cell::Text(place.subscriber)];
        Hit { href, row, exact: false }
    });
    let columns = &["address", "city", "subscriber"];
    Ok([people, accounts, Kind { key: "locations", columns, hits: locations.collect() }])
}

async fn sold(screen: &Screen<LoggedIn>, tx: &mut TenantTx, query: &str) -> Result<Kind, Problem> {
    let found = subscriptions::find(tx, query, EACH).await?;
    let asked = subscriptions::addresses(query);
    let holds = |prefix: &String| {
        let prefix = subscriptions::addresses(prefix);
        prefix.zip(asked).is_some_and(|(prefix, asked)| prefix.contains(&asked))
    };
    let is_exact = |sold: &Subscription| {
        let learned = sold.learned_prefixes.iter().map(|learned| &learned.prefix);
        sold.id.to_string() == query || sold.prefixes.iter().chain(learned).any(holds) || is_known_as(sold, query)
    };
    let exact: Vec<_> = found.iter().map(is_exact).collect();
    let hrefs: Vec<_> = found.iter().map(|sold| format!("/subscriptions/{}", sold.id)).collect();
    let rows = rows_of(screen, tx, found).await?.rows;
    let hits = rows.into_iter().zip(hrefs).zip(exact).map(|((row, href), exact)| Hit { href, row, exact });
    Ok(Kind { key: "nav-subscriptions", columns: &COLUMNS, hits: hits.collect() })
}

async fn invoices(screen: &Screen<LoggedIn>, tx: &mut TenantTx, query: &str) -> Result<Kind, Problem> {
    let lang = screen.frame.lang;
    let found = billing::find_invoices(tx, query, i64::from(EACH)).await?;
    let hits = found.into_iter().map(|invoice| {
        let exact = same(&invoice.number, query) || invoice.id.to_string() == query;
        let href = format!("/invoices/{}", invoice.id);
        let gross = format::money(lang, invoice.gross.amount(), invoice.gross.currency().code());
        let row = vec![
            Cell::link(&href, invoice.number),
            Cell::Text(invoice.subscriber),
            Cell::Number(format::date(lang, invoice.issued_on)),
            Cell::Number(gross),
        ];
        Hit { href, row, exact }
    });
    let columns = &["search-number", "subscriber", "search-issued", "search-total"];
    Ok(Kind { key: "nav-invoices", columns, hits: hits.collect() })
}

async fn credited(screen: &Screen<LoggedIn>, tx: &mut TenantTx, query: &str) -> Result<Kind, Problem> {
    let lang = screen.frame.lang;
    let found = billing::find_credit_notes(tx, query, i64::from(EACH)).await?;
    let hits = found.into_iter().map(|note| {
        let exact = same(&note.number, query) || note.id.to_string() == query;
        let href = format!("/credit-notes/{}", note.id);
        let gross = format::money(lang, note.gross.amount(), note.gross.currency().code());
        let row = vec![
            Cell::link(&href, note.number),
            Cell::Text(note.subscriber),
            Cell::Number(format::date(lang, note.issued_on)),
            Cell::Number(gross),
        ];
        Hit { href, row, exact }
    });
    let columns = &["search-number", "subscriber", "search-issued", "search-total"];
    Ok(Kind { key: "credit-notes", columns, hits: hits.collect() })
}

async fn asked(screen: &Screen<LoggedIn>, tx: &mut TenantTx, query: &str) -> Result<Kind, Problem> {
    let filter = TicketFilter { text: Some(query.to_owned()), ..TicketFilter::default() };
    let page = Page { after: None, limit: EACH };
    let found = tickets::tickets(tx, page, &filter).await?.into_iter().take(EACH as usize);
    let hits = found.map(|ticket| {
        let exact = same(&ticket.number, query) || ticket.id.to_string() == query;
        let href = format!("/tickets/{}", ticket.id);
        let row = vec![
            Cell::link(&href, ticket.number),
            Cell::Text(ticket.title),
            Cell::Text(ticket.subscriber.unwrap_or_default()),
            Cell::Text(screen.t(&format!("ticket-status-{}", ticket.status.name()))),
        ];
        Hit { href, row, exact }
    });
    let columns = &["ticket", "ticket-title", "subscriber", "status"];
    Ok(Kind { key: "nav-tickets", columns, hits: hits.collect() })
}

async fn edges(tx: &mut TenantTx, query: &str) -> Result<[Kind; 3], Problem> {
    let limit = i64::from(EACH);
    let routers = network::find_routers(tx, query, limit).await?.into_iter().map(|router| {
        let exact = same(&router.name, query) || router.id.to_string() == query;
        let href = format!("/routers/{}", router.id);
        Hit { row: vec![Cell::link(&href, router.name)], href, exact }
    });
    let routers = Kind { key: "nav-routers", columns: &["router"], hits: routers.collect() };
    let sites = network::find_sites(tx, query, limit).await?.into_iter().map(|site| {
        let exact = same(&site.name, query) || site.id.to_string() == query;
        let href = format!("/sites/{}", site.id);
        Hit { row: vec![Cell::link(&href, site.name), Cell::Text(site.address)], href, exact }
    });
    let mut behind = Vec::new();
    for one in network::find_access_points(tx, query, limit).await? {
        let exact = same(&one.name, query) || one.id.to_string() == query;
        let href = format!("/access-points/{}", one.id);
        let router = network::router(tx, one.router_id).await?;
        let row = vec![Cell::link(&href, one.name), Cell::link(format!("/routers/{}", router.id), router.name)];
        behind.push(Hit { href, row, exact });
    }
    let behind = Kind { key: "nav-access-points", columns: &["access-point", "router"], hits: behind };
    Ok([routers, behind, Kind { key: "nav-sites", columns: &["site", "address"], hits: sites.collect() }])
}
