//! `/deferred-revenue`: what was billed and is still to be earned, and the days it was earned on.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_rules::money::Money;
use weir_ui::blocks::{Action, Cell, Table};
use weir_ui::format;
use weir_ui::pages::{Figure, Register, Section};

use super::{money, next_page, page_of};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::paging::PageQuery;
use crate::http::permission::ViewBilling;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::RecognitionId;
use crate::ledger::recognition::{self, DeferredRevenue, Recognition};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/deferred-revenue", get(list))
        .route("/deferred-revenue/file", get(file))
        .route("/recognitions/{id}", get(show))
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let deferred = recognition::deferred_revenue(&mut tx).await?;
    let mut days = recognition::recognitions(&mut tx, page).await?;
    let next = next_page(&mut days, page, "/deferred-revenue", |day| day.id.uuid());
    let lang = screen.frame.lang;
    let rows = days.iter().map(|day| row(&screen, day));
    let heads = ["recognised-day", "recognised-amount", "posted"].map(|key| screen.t(key));
    let page = Register {
        frame: &screen.frame,
        up: Some(("/ledger".into(), screen.t("nav-ledger"))),
        title: screen.t("deferred-revenue"),
        lede: match deferred.recognised_through {
            Some(day) => screen.frame.t1("deferred-lede-through", "day", &format::date(lang, day)),
            None => screen.t("deferred-lede"),
        },
        actions: match deferred.months.is_empty() {
            true => Vec::new(),
            false => vec![Action::go("/deferred-revenue/file", screen.t("journal-csv"))],
        },
        figures: figures(&screen, &deferred),
        sections: vec![months(&screen, &deferred)],
        heading: screen.t("recognised-days"),
        chips: Vec::new(),
        search: None,
        table: Table::new(heads.to_vec(), rows.collect()),
        empty: screen.t("recognised-none"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn figures(screen: &Screen<ViewBilling>, deferred: &DeferredRevenue) -> Vec<Figure> {
    let figure = |total: &Money| Figure {
        label: screen.t("deferred-total"),
        value: money(screen.frame.lang, *total),
        unit: String::new(),
    };
    deferred.total.iter().map(figure).collect()
}

fn months(screen: &Screen<ViewBilling>, deferred: &DeferredRevenue) -> Section {
    let lang = screen.frame.lang;
    let row = |row: &recognition::DeferredMonth| {
        vec![Cell::Text(format::month(lang, row.month)), Cell::Number(money(lang, row.amount))]
    };
    Section {
        title: screen.t("deferred-months"),
        action: None,
        table: Table::new(
            vec![screen.t("deferred-month"), screen.t("deferred-earns")],
            deferred.months.iter().map(row).collect(),
        ),
        empty: screen.t("deferred-none"),
    }
}

fn row(screen: &Screen<ViewBilling>, day: &Recognition) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let posted = day.posted_on.map_or_else(|| "—".into(), |posted| format::date(lang, posted));
    vec![
        Cell::link(format!("/recognitions/{}", day.id), format::date(lang, day.day)),
        Cell::Number(amounts(lang, &day.amounts)),
        Cell::Number(posted),
    ]
}

fn amounts(lang: &str, amounts: &[Money]) -> String {
    match amounts {
        [] => "—".into(),
        amounts => amounts.iter().map(|amount| money(lang, *amount)).collect::<Vec<_>>().join(" · "),
    }
}

async fn show(
    screen: Screen<ViewBilling>,
    ApiPath(id): ApiPath<RecognitionId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let day = recognition::recognition(&mut tx, id).await?;
    let mut lines = recognition::recognised_lines(&mut tx, id, page).await?;
    let next = next_page(&mut lines, page, &format!("/recognitions/{id}"), |line| line.line_id.uuid());
    let lang = screen.frame.lang;
    let rows = lines.into_iter().map(|line| {
        vec![
            Cell::link(format!("/invoices/{}", line.invoice_id), line.invoice_number),
            Cell::Text(line.description),
            Cell::Number(format::date(lang, line.from)),
            Cell::Number(format::date(lang, line.through)),
            Cell::Number(money(lang, line.amount)),
            Cell::Number(money(lang, line.earned)),
        ]
    });
    let heads = ["invoice", "deferred-line", "journal-from", "journal-to", "deferred-amount", "recognised-amount"];
    let page = Register {
        frame: &screen.frame,
        up: Some(("/deferred-revenue".into(), screen.t("deferred-revenue"))),
        title: screen.frame.t1("recognised-of", "day", &format::date(lang, day.day)),
        lede: screen.frame.t1("recognised-lede", "amount", &amounts(lang, &day.amounts)),
        actions: Vec::new(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(heads.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t("recognised-no-lines"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn file(screen: Screen<ViewBilling>) -> Result<Response, Problem> {
    recognition::api::sent(&mut screen.read().await?).await
}
