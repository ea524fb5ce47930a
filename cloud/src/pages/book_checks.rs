//! `/book-checks`: whether the books are what the documents say, as checked every night.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Register, Section, Show};

use super::{next_page, page_of};
use crate::access;
use crate::app::App;
use crate::books::{self, Answer, BookCheck, Difference};
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageBilling, Needs, ViewBilling};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::BookCheckId;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/book-checks", get(list).post(check)).route("/book-checks/{id}", get(show))
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut checks = books::book_checks(&mut screen.read().await?, page).await?;
    let next = next_page(&mut checks, page, "/book-checks", |check| check.id.uuid());
    let lede = match checks.first() {
        None => "book-checks-lede-none",
        Some(newest) if newest.agrees => "book-checks-lede-agree",
        Some(_) => "book-checks-lede-differ",
    };
    let rows = checks.iter().map(|check| {
        let at = format::instant(screen.frame.lang, check.checked_at, screen.zone);
        let differ: i64 = check.answers.iter().map(|answer| answer.differ).sum();
        vec![
            Cell::link(format!("/book-checks/{}", check.id), at),
            status(&screen, check.agrees),
            Cell::Number(format::number(screen.frame.lang, differ.into())),
        ]
    });
    let heads = ["book-check", "status", "book-check-differ"].map(|key| screen.t(key));
    let actions = match screen.may::<ManageBilling>() {
        true => vec![Action::post("/book-checks", screen.t("book-check-now"))],
        false => Vec::new(),
    };
    let page = Register {
        frame: &screen.frame,
        up: Some(("/ledger".into(), screen.t("nav-ledger"))),
        title: screen.t("book-checks"),
        lede: screen.t(lede),
        actions,
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(heads.to_vec(), rows.collect()),
        empty: screen.t("book-checks-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn status<P: Needs>(screen: &Screen<P>, agrees: bool) -> Cell {
    match agrees {
        true => Cell::status(Tone::Ok, screen.t("book-check-agrees")),
        false => Cell::status(Tone::Bad, screen.t("book-check-differs")),
    }
}

async fn check(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let check = books::check(&screen.app, &screen.scope()).await?;
    Ok(see_saying(&format!("/book-checks/{}", check.id), "done-book-check"))
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<BookCheckId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let check = books::book_check(&mut tx, id).await?;
    let by = access::name_of(&mut tx, &check.checked_by).await?.unwrap_or_else(|| screen.t("by-itself"));
    let lang = screen.frame.lang;
    let mut sections = vec![answers(&screen, &check)];
    sections.extend(check.answers.iter().filter(|answer| answer.differ > 0).map(|answer| differing(&screen, answer)));
    let page = Show {
        frame: &screen.frame,
        up: ("/book-checks".into(), screen.t("book-checks")),
        title: screen.frame.t1("book-check-of", "day", &format::date(lang, check.checked_on)),
        lede: screen.t(if check.agrees { "book-checks-lede-agree" } else { "book-checks-lede-differ" }),
        actions: Vec::new(),
        command: None,
        facts: vec![
            (screen.t("when"), Cell::Text(format::instant(lang, check.checked_at, screen.zone))),
            (screen.t("audit-who"), Cell::Text(by)),
        ],
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn answers(screen: &Screen<ViewBilling>, check: &BookCheck) -> Section {
    let number = |count: i64| Cell::Number(format::number(screen.frame.lang, count.into()));
    let rows = check.answers.iter().map(|answer| {
        vec![
            Cell::Text(asked(screen, answer)),
            status(screen, answer.differ == 0),
            number(answer.looked_at),
            number(answer.differ),
        ]
    });
    let heads = ["book-check-question", "status", "book-check-looked-at", "book-check-differ"];
    Section {
        title: screen.t("book-check-questions"),
        action: None,
        table: Table::new(heads.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: String::new(),
    }
}

fn asked(screen: &Screen<ViewBilling>, answer: &Answer) -> String {
    screen.t(&format!("book-check-{}", answer.question.name().replace('_', "-")))
}

fn differing(screen: &Screen<ViewBilling>, answer: &Answer) -> Section {
    let rows = answer
        .differences
        .iter()
        .map(|one| vec![subject(one), Cell::Number(one.expected.clone()), Cell::Number(one.found.clone())]);
    let heads = ["book-check-subject", "book-check-expected", "book-check-found"].map(|key| screen.t(key));
    Section {
        title: asked(screen, answer),
        action: None,
        table: Table::new(heads.to_vec(), rows.collect()),
        empty: String::new(),
    }
}

/// The thing, as a way to its page if it has one.
fn subject(one: &Difference) -> Cell {
    let thing = one.subject.split(' ').next().unwrap_or_default();
    let place = match thing.split('_').next() {
        Some("acc") => "/accounts",
        Some("inv") => "/invoices",
        Some("sub") => "/subscriptions",
        _ => return Cell::Code(one.subject.clone()),
    };
    Cell::link(format!("{place}/{thing}"), &one.subject)
}
