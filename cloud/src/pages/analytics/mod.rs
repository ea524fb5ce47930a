//! `/analytics`: what the business and the network did. Every sum opens its list ([`lists`]); every list is a file, too.

mod lists;
mod outreach;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_rules::money::Money;
use weir_ui::blocks::{Action, Bars, Cell, Table};
use weir_ui::format;
use weir_ui::pages::{Analytics, Figure, Section};

use super::{address, money};
use crate::analytics::{self, Aging, BusyHour, Collections, Month, Movement, Recurring, Split, Traffic};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::permission::{Needs, ViewAnalytics};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/analytics", get(show)).merge(lists::routes()).merge(outreach::routes())
}

async fn show(screen: Screen<ViewAnalytics>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let months = analytics::recurring(&mut tx, None).await?;
    let aging = analytics::aging(&mut tx, None).await?;
    let collections = analytics::collections(&mut tx, None).await?;
    let mut sections = vec![
        recurring(&screen, &months),
        subscribers(&screen, &months),
        open(&screen, &aging),
        collected(&screen, &collections),
    ];
    for (split, key) in [(Split::Plan, "plan"), (Split::Site, "site"), (Split::Area, "analytics-area")] {
        sections.push(traffic(&screen, key, &analytics::traffic(&mut tx, split).await?));
    }
    sections.push(busy(&screen, &analytics::busy_hours(&mut tx).await?));
    let page = Analytics {
        frame: &screen.frame,
        title: screen.t("nav-analytics"),
        lede: lede(&screen, &months),
        actions: vec![
            Action::go("/analytics/at-risk", screen.t("analytics-at-risk")),
            Action::go("/analytics/used-allowances", screen.t("analytics-used")),
            Action::go("/analytics/recurring.csv", screen.t("csv")),
        ],
        figures: figures(&screen, &months, &aging),
        bars: bars(&screen, &months),
        sections,
    };
    html(StatusCode::OK, &page)
}

fn lede<P: Needs>(screen: &Screen<P>, months: &[Recurring]) -> String {
    let Some(now) = months.last() else { return screen.t("analytics-lede-none") };
    match now.closing.checked_cmp(now.opening) {
        _ if now.closing.is_zero() => screen.t("analytics-lede-none"),
        Ok(std::cmp::Ordering::Greater) => screen.t("analytics-lede-up"),
        Ok(std::cmp::Ordering::Less) => screen.t("analytics-lede-down"),
        _ => screen.t("analytics-lede-same"),
    }
}

fn per_cent(lang: &str, percent: Option<Decimal>) -> String {
    percent.map_or("—".to_owned(), |percent| format!("{} %", format::number(lang, percent.normalize())))
}

fn figures<P: Needs>(screen: &Screen<P>, months: &[Recurring], aging: &[Aging]) -> Vec<Figure> {
    let lang = screen.frame.lang;
    let figure = |key: &str, value: String, unit: &str| Figure { label: screen.t(key), value, unit: screen.t(unit) };
    let Some(now) = months.last() else { return Vec::new() };
    let last = months.iter().rev().nth(1);
    let arpu = now.arpu.map_or("—".to_owned(), |arpu| money(lang, arpu));
    let overdue: Decimal = aging.iter().skip(1).map(|aging| aging.open.amount()).sum();
    vec![
        figure("analytics-mrr", money(lang, now.closing), "analytics-before-tax"),
        figure("analytics-arpu", arpu, "analytics-a-subscriber"),
        figure("analytics-churn", per_cent(lang, last.and_then(|month| month.churn_percent)), "analytics-last-month"),
        figure(
            "analytics-revenue-churn",
            per_cent(lang, last.and_then(|month| month.revenue_churn_percent)),
            "analytics-last-month",
        ),
        figure("overdue", format::money(lang, overdue, now.closing.currency().code()), "analytics-with-tax"),
    ]
}

fn bars<P: Needs>(screen: &Screen<P>, months: &[Recurring]) -> Option<Bars> {
    let lang = screen.frame.lang;
    let greatest = months.iter().map(|month| month.closing.amount()).max().filter(|greatest| !greatest.is_zero())?;
    let value = |month: &Recurring| {
        let name = format::month(lang, month.month.first());
        let words = format!("{name}: {}", money(lang, month.closing));
        let thousandths = (month.closing.amount() * Decimal::ONE_THOUSAND / greatest).to_u32().unwrap_or(0);
        (name, words, thousandths)
    };
    Some(Bars::of(screen.t("analytics-mrr"), months.iter().map(value).collect()))
}

/// A sum that opens its list; nothing opens none.
fn sum_of(lang: &str, href: String, amount: Money) -> Cell {
    if amount.is_zero() { Cell::Number("—".into()) } else { Cell::Sum { href, text: money(lang, amount) } }
}

fn recurring<P: Needs>(screen: &Screen<P>, months: &[Recurring]) -> Section {
    let lang = screen.frame.lang;
    let row = |month: &Recurring| {
        let sum = |movement: Movement, amount| {
            let month = month.month.to_string();
            let href = address("/analytics/movements", &[("month", &month), ("movement", movement.name())]);
            sum_of(lang, href, amount)
        };
        vec![
            Cell::Text(format::month(lang, month.month.first())),
            Cell::Number(money(lang, month.opening)),
            sum(Movement::New, month.new),
            sum(Movement::Reactivated, month.reactivated),
            sum(Movement::Expansion, month.expansion),
            sum(Movement::Contraction, month.contraction),
            sum(Movement::Churned, month.churned),
            Cell::Number(money(lang, month.closing)),
            Cell::Number(money(lang, month.earned)),
        ]
    };
    let names = [
        "analytics-month",
        "analytics-opening",
        "movement-new",
        "movement-reactivated",
        "movement-expansion",
        "movement-contraction",
        "movement-churned",
        "analytics-closing",
        "analytics-earned",
    ];
    section(screen, "analytics-mrr", &names, months.iter().rev().map(row).collect())
}

fn subscribers<P: Needs>(screen: &Screen<P>, months: &[Recurring]) -> Section {
    let lang = screen.frame.lang;
    let row = |month: &Recurring| {
        vec![
            Cell::Text(format::month(lang, month.month.first())),
            Cell::Number(format::number(lang, month.subscribers_opening.into())),
            Cell::Number(format::number(lang, month.subscribers_lost.into())),
            Cell::Number(format::number(lang, month.subscribers_closing.into())),
            Cell::Number(per_cent(lang, month.churn_percent)),
            Cell::Number(per_cent(lang, month.revenue_churn_percent)),
            Cell::Number(month.arpu.map_or("—".to_owned(), |arpu| money(lang, arpu))),
        ]
    };
    let names = [
        "analytics-month",
        "analytics-opening",
        "analytics-lost",
        "analytics-closing",
        "analytics-churn",
        "analytics-revenue-churn",
        "analytics-arpu",
    ];
    section(screen, "nav-subscribers", &names, months.iter().rev().map(row).collect())
}

fn open<P: Needs>(screen: &Screen<P>, aging: &[Aging]) -> Section {
    let lang = screen.frame.lang;
    let row = |aging: &Aging| {
        let href = address("/analytics/aged-invoices", &[("bucket", aging.bucket.name())]);
        vec![
            Cell::Text(screen.t(&format!("aging-{}", aging.bucket.name()))),
            Cell::Number(format::number(lang, aging.invoices.into())),
            sum_of(lang, href, aging.open),
        ]
    };
    let rows = aging.iter().map(row).collect();
    section(screen, "analytics-aging", &["analytics-due-for", "nav-invoices", "open"], rows)
}

fn collected<P: Needs>(screen: &Screen<P>, months: &[Collections]) -> Section {
    let lang = screen.frame.lang;
    let row = |month: &Collections| {
        vec![
            Cell::Text(format::month(lang, month.month.first())),
            Cell::Number(money(lang, month.invoiced)),
            Cell::Number(money(lang, month.settled)),
            Cell::Number(per_cent(lang, month.settled_percent)),
            Cell::Number(money(lang, month.received)),
        ]
    };
    let names = ["analytics-month", "analytics-invoiced", "analytics-settled", "analytics-share", "analytics-received"];
    section(screen, "analytics-collections", &names, months.iter().rev().map(row).collect())
}

fn traffic<P: Needs>(screen: &Screen<P>, key: &str, traffic: &[Traffic]) -> Section {
    let lang = screen.frame.lang;
    let bytes = |bytes: Decimal| format::bytes(lang, bytes.to_i64().unwrap_or(i64::MAX));
    let row = |part: &Traffic| {
        vec![
            Cell::Text(part.name.clone()),
            Cell::Number(format::number(lang, part.lines.into())),
            Cell::Number(bytes(part.down_bytes)),
            Cell::Number(bytes(part.up_bytes)),
            Cell::Number(bytes((part.down_bytes + part.up_bytes) / Decimal::from(part.lines.max(1)))),
        ]
    };
    let names = [key, "analytics-lines", "down", "up", "analytics-a-line"];
    let title = screen.frame.t1("analytics-traffic", "by", &screen.t(key));
    Section { title, ..section(screen, "traffic", &names, traffic.iter().map(row).collect()) }
}

fn busy<P: Needs>(screen: &Screen<P>, hours: &[BusyHour]) -> Section {
    let lang = screen.frame.lang;
    let row = |hour: &BusyHour| {
        let share = (hour.sold_down_bps > 0).then(|| {
            let share = Decimal::from(hour.down_bps) * Decimal::ONE_HUNDRED / Decimal::from(hour.sold_down_bps);
            weir_rules::money::round_half_up(share, 1)
        });
        vec![
            Cell::link(format!("/routers/{}", hour.router_id), &hour.router),
            Cell::Number(format::instant(lang, hour.at, screen.zone)),
            Cell::Number(format::bit_rate(lang, hour.down_bps)),
            Cell::Number(format::bit_rate(lang, hour.up_bps)),
            Cell::Number(format::bit_rate(lang, hour.sold_down_bps)),
            Cell::Number(per_cent(lang, share)),
        ]
    };
    let names = ["router", "analytics-busy-hour", "down", "up", "analytics-sold", "analytics-share"];
    section(screen, "analytics-busy", &names, hours.iter().map(row).collect())
}

fn section<P: Needs>(screen: &Screen<P>, title: &str, names: &[&str], rows: Vec<Vec<Cell>>) -> Section {
    let names = names.iter().map(|key| screen.t(key)).collect();
    Section {
        title: screen.t(title),
        action: None,
        table: Table::new(names, rows),
        empty: screen.t("analytics-nothing"),
    }
}

/// The month of an address; without one, the current one.
fn month_of(text: &str, today: chrono::NaiveDate) -> Month {
    text.parse().unwrap_or(Month::of(today))
}
