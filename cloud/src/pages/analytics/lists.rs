//! The lists behind the sums, on a page and as a file.

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use futures_util::stream;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Chip, Table, Tone};
use weir_ui::format;
use weir_ui::pages::Register;

use super::{month_of, outreach};
use crate::analytics::{self, AgingBucket, Movement};
use crate::app::App;
use crate::billing;
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::paging::Page;
use crate::http::permission::{ManageMessages, ViewAnalytics};
use crate::http::{ApiQuery, csv};
use crate::pages::{MANY, address, money, next_page, page_of};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/analytics/recurring.csv", get(recurring_file))
        .route("/analytics/movements", get(movements))
        .route("/analytics/movements.csv", get(movements_file))
        .route("/analytics/aged-invoices", get(aged))
        .route("/analytics/aged-invoices.csv", get(aged_file))
        .route("/analytics/at-risk", get(at_risk))
        .route("/analytics/at-risk.csv", get(at_risk_file))
        .route("/analytics/used-allowances", get(exhausted))
        .route("/analytics/used-allowances.csv", get(exhausted_file))
}

fn saved(name: &str, lines: Vec<Bytes>) -> Response {
    csv::file(name, stream::iter(lines.into_iter().map(Ok)))
}

/// A list as it stands on its page.
struct Listing {
    title: &'static str,
    lede: &'static str,
    file: String,
    /// What else can be done.
    more: Option<Action>,
    chips: Vec<Chip>,
    names: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    empty: &'static str,
    next: Option<String>,
}

fn shown(screen: &Screen<ViewAnalytics>, list: Listing) -> Result<Response, Problem> {
    let names = list.names.iter().map(|key| screen.t(key)).collect();
    let page = Register {
        frame: &screen.frame,
        up: Some(("/analytics".into(), screen.t("nav-analytics"))),
        title: screen.t(list.title),
        lede: screen.t(list.lede),
        actions: list.more.into_iter().chain([Action::go(list.file, screen.t("csv"))]).collect(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: list.chips,
        search: None,
        table: Table::new(names, list.rows),
        empty: screen.t(list.empty),
        next: list.next,
    };
    html(StatusCode::OK, &page)
}

async fn recurring_file(screen: Screen<ViewAnalytics>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let mut lines = vec![csv::line([
        "month",
        "currency",
        "opening",
        "new",
        "reactivated",
        "expansion",
        "contraction",
        "churned",
        "closing",
        "earned",
        "subscribers_opening",
        "subscribers_lost",
        "subscribers_closing",
    ])];
    for month in analytics::recurring(&mut tx, None).await? {
        let amounts = [
            month.opening,
            month.new,
            month.reactivated,
            month.expansion,
            month.contraction,
            month.churned,
            month.closing,
            month.earned,
        ];
        let counts = [month.subscribers_opening, month.subscribers_lost, month.subscribers_closing];
        let mut cells = vec![month.month.to_string(), month.opening.currency().code().to_owned()];
        cells.extend(amounts.map(|amount| amount.amount().to_string()));
        cells.extend(counts.map(|count| count.to_string()));
        lines.push(csv::line(cells));
    }
    Ok(saved("recurring.csv", lines))
}

#[derive(Deserialize)]
struct Moves {
    #[serde(default)]
    month: String,
    movement: Option<Movement>,
    after: Option<String>,
}

impl Moves {
    fn at(&self, path: &str, movement: Option<Movement>) -> String {
        address(path, &[("month", &self.month), ("movement", movement.map_or("", Movement::name))])
    }
}

async fn movements(screen: Screen<ViewAnalytics>, ApiQuery(wanted): ApiQuery<Moves>) -> Result<Response, Problem> {
    let page = page_of(wanted.after.clone())?;
    let mut tx = screen.read().await?;
    let month = month_of(&wanted.month, billing::today(&mut tx).await?);
    let mut moved = analytics::moved(&mut tx, None, month, wanted.movement, page).await?;
    let here = wanted.at("/analytics/movements", wanted.movement);
    let next = next_page(&mut moved, page, &here, |line| line.subscription_id.uuid());
    let lang = screen.frame.lang;
    let chip = |movement: Option<Movement>, key: &str| Chip {
        href: wanted.at("/analytics/movements", movement),
        text: screen.t(key),
        chosen: wanted.movement == movement,
    };
    let mut chips = vec![chip(None, "analytics-all")];
    chips.extend(Movement::ALL.map(|movement| chip(Some(movement), &format!("movement-{}", movement.name()))));
    let rows = moved.iter().map(|line| {
        vec![
            Cell::link(format!("/subscriptions/{}", line.subscription_id), &line.subscriber),
            Cell::Text(screen.t(&format!("movement-{}", line.movement.name()))),
            Cell::Number(money(lang, line.before)),
            Cell::Number(money(lang, line.after)),
        ]
    });
    let list = Listing {
        title: "analytics-movements",
        lede: "analytics-movements-lede",
        file: wanted.at("/analytics/movements.csv", wanted.movement),
        more: None,
        chips,
        names: vec!["subscriber", "analytics-movement", "analytics-before", "analytics-after"],
        rows: rows.collect(),
        empty: "analytics-nothing",
        next,
    };
    shown(&screen, list)
}

async fn movements_file(screen: Screen<ViewAnalytics>, ApiQuery(wanted): ApiQuery<Moves>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let month = month_of(&wanted.month, billing::today(&mut tx).await?);
    let mut lines =
        vec![csv::line(["subscription", "account", "subscriber", "movement", "before", "after", "currency"])];
    let mut page = MANY;
    loop {
        let mut moved = analytics::moved(&mut tx, None, month, wanted.movement, page).await?;
        let more = moved.len() > page.limit as usize;
        moved.truncate(page.limit as usize);
        lines.extend(moved.iter().map(|line| {
            csv::line([
                line.subscription_id.to_string(),
                line.account_id.to_string(),
                line.subscriber.clone(),
                line.movement.name().to_owned(),
                line.before.amount().to_string(),
                line.after.amount().to_string(),
                line.after.currency().code().to_owned(),
            ])
        }));
        let Some(last) = moved.last().filter(|_| more) else { break };
        page = Page { after: Some(last.subscription_id.uuid()), ..MANY };
    }
    Ok(saved("movements.csv", lines))
}

#[derive(Deserialize)]
struct Age {
    bucket: Option<AgingBucket>,
    after: Option<String>,
}

impl Age {
    fn bucket(&self) -> AgingBucket {
        self.bucket.unwrap_or(AgingBucket::NotDue)
    }
}

fn of_bucket(path: &str, bucket: AgingBucket) -> String {
    address(path, &[("bucket", bucket.name())])
}

async fn aged(screen: Screen<ViewAnalytics>, ApiQuery(wanted): ApiQuery<Age>) -> Result<Response, Problem> {
    let (page, bucket, lang) = (page_of(wanted.after.clone())?, wanted.bucket(), screen.frame.lang);
    let mut tx = screen.read().await?;
    let mut aged = analytics::aged(&mut tx, None, bucket, page).await?;
    let here = of_bucket("/analytics/aged-invoices", bucket);
    let next = next_page(&mut aged, page, &here, |invoice| invoice.invoice_id.uuid());
    let chips = AgingBucket::ALL.map(|one| Chip {
        href: of_bucket("/analytics/aged-invoices", one),
        text: screen.t(&format!("aging-{}", one.name())),
        chosen: one == bucket,
    });
    let rows = aged.iter().map(|invoice| {
        vec![
            Cell::link(format!("/invoices/{}", invoice.invoice_id), &invoice.number),
            Cell::link(format!("/accounts/{}", invoice.account_id), &invoice.subscriber),
            Cell::Number(format::date(lang, invoice.due_on)),
            Cell::Number(format::number(lang, invoice.days.max(0).into())),
            Cell::Number(money(lang, invoice.open)),
        ]
    });
    let list = Listing {
        title: "analytics-aging",
        lede: "analytics-aging-lede",
        file: of_bucket("/analytics/aged-invoices.csv", bucket),
        more: None,
        chips: chips.to_vec(),
        names: vec!["invoice", "subscriber", "due", "analytics-days", "open"],
        rows: rows.collect(),
        empty: "analytics-nothing",
        next,
    };
    shown(&screen, list)
}

async fn aged_file(screen: Screen<ViewAnalytics>, ApiQuery(wanted): ApiQuery<Age>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let mut lines = vec![csv::line(["invoice", "account", "subscriber", "due_on", "days", "open", "currency"])];
    let mut page = MANY;
    loop {
        let mut aged = analytics::aged(&mut tx, None, wanted.bucket(), page).await?;
        let more = aged.len() > page.limit as usize;
        aged.truncate(page.limit as usize);
        lines.extend(aged.iter().map(|invoice| {
            csv::line([
                invoice.number.clone(),
                invoice.account_id.to_string(),
                invoice.subscriber.clone(),
                invoice.due_on.to_string(),
                invoice.days.to_string(),
                invoice.open.amount().to_string(),
                invoice.open.currency().code().to_owned(),
            ])
        }));
        let Some(last) = aged.last().filter(|_| more) else { break };
        page = Page { after: Some(last.invoice_id.uuid()), ..MANY };
    }
    Ok(saved("aged-invoices.csv", lines))
}

async fn at_risk(screen: Screen<ViewAnalytics>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let rows = analytics::at_risk(&mut tx).await?.into_iter().map(|one| {
        let reasons: Vec<_> = one.reasons.iter().map(|reason| screen.t(&format!("risk-{}", reason.name()))).collect();
        let (tone, key) = match one.score {
            50.. => (Tone::Bad, "risk-high"),
            30.. => (Tone::Warn, "risk-middle"),
            _ => (Tone::Mute, "risk-low"),
        };
        vec![
            Cell::link(format!("/subscribers/{}", one.subscriber_id), one.subscriber),
            Cell::status(tone, screen.t(key)),
            Cell::Number(format::number(screen.frame.lang, one.score.into())),
            Cell::Text(reasons.join(", ")),
        ]
    });
    let list = Listing {
        title: "analytics-at-risk",
        lede: "analytics-at-risk-lede",
        file: "/analytics/at-risk.csv".into(),
        more: None,
        chips: Vec::new(),
        names: vec!["subscriber", "analytics-risk", "analytics-score", "analytics-reasons"],
        rows: rows.collect(),
        empty: "analytics-at-risk-none",
        next: None,
    };
    shown(&screen, list)
}

async fn at_risk_file(screen: Screen<ViewAnalytics>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let mut lines = vec![csv::line(["subscriber_id", "subscriber", "score", "reasons"])];
    lines.extend(analytics::at_risk(&mut tx).await?.into_iter().map(|one| {
        let reasons: Vec<_> = one.reasons.iter().map(|reason| reason.name()).collect();
        csv::line([one.subscriber_id.to_string(), one.subscriber, one.score.to_string(), reasons.join(" ")])
    }));
    Ok(saved("at-risk.csv", lines))
}

#[derive(Deserialize)]
struct Area {
    area: Option<String>,
}

async fn exhausted(screen: Screen<ViewAnalytics>, ApiQuery(wanted): ApiQuery<Area>) -> Result<Response, Problem> {
    let lang = screen.frame.lang;
    let mut tx = screen.read().await?;
    let lines = analytics::exhausted(&mut tx, wanted.area.as_deref()).await?;
    let mut areas: Vec<_> = lines.iter().map(|line| line.area.clone()).collect();
    areas.dedup();
    let mut chips = vec![Chip {
        href: "/analytics/used-allowances".into(),
        text: screen.t("analytics-all"),
        chosen: wanted.area.is_none(),
    }];
    chips.extend(areas.into_iter().map(|area| Chip {
        href: address("/analytics/used-allowances", &[("area", &area)]),
        chosen: wanted.area.as_ref() == Some(&area),
        text: area,
    }));
    let bytes = |bytes: Decimal| format::bytes(lang, bytes.to_i64().unwrap_or(i64::MAX));
    let rows = lines.iter().map(|line| {
        vec![
            Cell::link(format!("/subscriptions/{}", line.subscription_id), &line.subscriber),
            Cell::Text(line.area.clone()),
            Cell::Text(line.plan.clone()),
            Cell::Number(bytes(line.used_bytes)),
            Cell::Number(format::bytes(lang, line.allowance_bytes)),
        ]
    });
    let list = Listing {
        title: "analytics-used",
        lede: "analytics-used-lede",
        file: address("/analytics/used-allowances.csv", &[("area", wanted.area.as_deref().unwrap_or_default())]),
        more: (!lines.is_empty() && screen.may::<ManageMessages>())
            .then(|| Action::go(outreach::here(wanted.area.as_deref()), screen.t("analytics-write"))),
        chips,
        names: vec!["subscriber", "analytics-area", "plan", "analytics-used-bytes", "allowance"],
        rows: rows.collect(),
        empty: "analytics-used-none",
        next: None,
    };
    shown(&screen, list)
}

async fn exhausted_file(screen: Screen<ViewAnalytics>, ApiQuery(wanted): ApiQuery<Area>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let mut lines = vec![csv::line(["subscription", "subscriber", "area", "plan", "used_bytes", "allowance_bytes"])];
    lines.extend(analytics::exhausted(&mut tx, wanted.area.as_deref()).await?.into_iter().map(|line| {
        csv::line([
            line.subscription_id.to_string(),
            line.subscriber,
            line.area,
            line.plan,
            line.used_bytes.to_string(),
            line.allowance_bytes.to_string(),
        ])
    }));
    Ok(saved("used-allowances.csv", lines))
}
