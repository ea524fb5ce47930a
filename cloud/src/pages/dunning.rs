//! `/dunning`: who will be written to, charged and restricted in the next thirty days, when, why and how much.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use serde::Deserialize;
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Action, Cell, Chip, Table, Tone};
use weir_ui::pages::{Figure, Register, Section};
use weir_ui::{Frame, format, i18n};

use super::{address, money};
use crate::app::App;
use crate::dunning::{self, ExpectedStep, StepName};
use crate::error::{self, Problem};
use crate::http::page::{Screen, html};
use crate::http::permission::{Needs, ViewDunning};
use crate::http::{ApiQuery, csv};

/// Days the page looks ahead.
const DAYS: u32 = 30;
/// Rows the page shows; the file has all of them.
const ROWS: usize = 200;
/// Columns of the file.
const COLUMNS: [&str; 11] =
    ["on", "at", "account", "subscriber", "step", "kind", "due_since", "invoices", "balance", "fee", "currency"];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/dunning", get(page)).route("/dunning/forecast.csv", get(file))
}

#[derive(Deserialize)]
struct Wanted {
    step: Option<String>,
}

impl Wanted {
    fn kind(&self) -> Result<Option<StepName>, Problem> {
        let named = self.step.as_deref().filter(|name| !name.is_empty());
        let unknown = || Problem::new(&error::MALFORMED_QUERY, "step must be the name of a kind of step");
        named.map(|name| StepName::from_name(name).ok_or_else(unknown)).transpose()
    }
}

async fn expected(screen: &Screen<ViewDunning>, kind: Option<StepName>) -> Result<Vec<ExpectedStep>, Problem> {
    let mut items = dunning::forecast(&mut screen.read().await?, DAYS, None).await?.items;
    items.retain(|one| kind.is_none_or(|kind| kind == one.kind));
    Ok(items)
}

async fn page(screen: Screen<ViewDunning>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let kind = wanted.kind()?;
    let items = expected(&screen, kind).await?;
    let name = kind.map_or("", StepName::name);
    let chip = |kind: Option<StepName>, text: String, chosen| Chip {
        href: address("/dunning", &[("step", kind.map_or("", StepName::name))]),
        text,
        chosen,
    };
    let kinds = StepName::ALL.into_iter().map(|one| chip(Some(one), step_name(&screen.frame, one), kind == Some(one)));
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-dunning"),
        lede: screen.t("dunning-lede"),
        actions: vec![
            Action::go("/dunning/policy", screen.t("dunning-policy")),
            Action::go(address("/dunning/forecast.csv", &[("step", name)]), screen.t("dunning-csv")),
        ],
        figures: figures(&screen, &items),
        sections: if items.is_empty() { Vec::new() } else { vec![by_day(&screen, &items)] },
        heading: screen.t("dunning-list"),
        chips: std::iter::once(chip(None, screen.t("dunning-all"), kind.is_none())).chain(kinds).collect(),
        search: None,
        table: table(&screen, &items),
        empty: screen.t("dunning-empty"),
        next: None,
    };
    html(StatusCode::OK, &page)
}

fn figures(screen: &Screen<ViewDunning>, items: &[ExpectedStep]) -> Vec<Figure> {
    let count = |kinds: &[StepName]| items.iter().filter(|one| kinds.contains(&one.kind)).count();
    let accounts: std::collections::BTreeSet<_> = items.iter().map(|one| one.account_id).collect();
    let figure = |key: &str, value: usize, unit: String| Figure {
        label: screen.t(key),
        value: format::count(screen.frame.lang, value),
        unit,
    };
    vec![
        figure("dunning-accounts", accounts.len(), screen.t("dunning-in-30-days")),
        figure("dunning-messages", count(&[StepName::Remind, StepName::FinalNotice]), String::new()),
        figure(
            "dunning-fees",
            count(&[StepName::LateFee]),
            total(screen.frame.lang, items.iter().filter_map(|one| one.fee)),
        ),
        figure("dunning-restrictions", count(&[StepName::Throttle, StepName::WalledGarden]), String::new()),
    ]
}

/// Amounts of each currency added up, beside each other.
fn total(lang: &str, amounts: impl Iterator<Item = Money>) -> String {
    let mut sums: BTreeMap<Currency, Money> = BTreeMap::new();
    for amount in amounts {
        let sum = sums.entry(amount.currency()).or_insert_with(|| Money::zero(amount.currency()));
        *sum = sum.checked_add(amount).unwrap_or(*sum);
    }
    sums.into_values().map(|sum| money(lang, sum)).collect::<Vec<_>>().join(" · ")
}

/// What each day brings, added up.
fn by_day(screen: &Screen<ViewDunning>, items: &[ExpectedStep]) -> Section {
    let lang = screen.frame.lang;
    let mut days: BTreeMap<NaiveDate, Vec<&ExpectedStep>> = BTreeMap::new();
    for one in items {
        days.entry(one.on).or_default().push(one);
    }
    let rows = days.into_iter().map(|(day, items)| {
        let count = |kinds: &[StepName]| {
            let some = items.iter().filter(|one| kinds.contains(&one.kind)).count();
            Cell::Number(if some == 0 { "—".into() } else { format::count(lang, some) })
        };
        let fees = total(lang, items.iter().filter_map(|one| one.fee));
        let mut seen = std::collections::BTreeSet::new();
        let owed = items.iter().filter(|one| one.fee.is_none() && seen.insert(one.account_id)).map(|one| one.balance);
        let owed = total(lang, owed);
        vec![
            Cell::Text(format::date(lang, day)),
            count(&[StepName::Remind, StepName::FinalNotice]),
            count(&[StepName::LateFee]),
            Cell::Number(if fees.is_empty() { "—".into() } else { fees }),
            count(&[StepName::Throttle]),
            count(&[StepName::WalledGarden]),
            Cell::Number(if owed.is_empty() { "—".into() } else { owed }),
        ]
    });
    let names = [
        "dunning-day",
        "dunning-messages",
        "dunning-fees",
        "dunning-fee-sum",
        "dunning-step-throttle",
        "dunning-step-walled_garden",
        "dunning-owed",
    ];
    Section {
        title: screen.t("dunning-by-day"),
        action: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: String::new(),
    }
}

fn table(screen: &Screen<ViewDunning>, items: &[ExpectedStep]) -> Table {
    let rows = items.iter().take(ROWS).map(|one| row(screen, one));
    let names = ["dunning-day", "subscriber", "dunning-step", "dunning-why", "invoice", "amount"];
    Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect())
}

fn row<P: Needs>(screen: &Screen<P>, one: &ExpectedStep) -> Vec<Cell> {
    let lang = screen.frame.lang;
    vec![
        Cell::Text(format::date(lang, one.on)),
        Cell::link(format!("/accounts/{}", one.account_id), &one.subscriber),
        step_cell(&screen.frame, one.kind),
        Cell::Text(why(screen, one)),
        Cell::Text(one.invoices.join(", ")),
        Cell::Number(money(lang, one.fee.unwrap_or(one.balance))),
    ]
}

/// Why something is done: how much is due since when.
pub(super) fn why<P: Needs>(screen: &Screen<P>, one: &ExpectedStep) -> String {
    let lang = screen.frame.lang;
    let (amount, since) = (money(lang, one.balance), format::date(lang, one.due_since));
    let key = if one.due_since < one.on { "dunning-why-since" } else { "dunning-why-until" };
    i18n::t(lang, key, &[("amount", &amount), ("date", &since)])
}

/// The name of a kind of step.
pub(super) fn step_name(frame: &Frame, kind: StepName) -> String {
    frame.t(&format!("dunning-step-{}", kind.name()))
}

/// A kind of step as a state: the stricter, the louder.
pub(super) fn step_cell(frame: &Frame, kind: StepName) -> Cell {
    let tone = match kind {
        StepName::Remind => Tone::Mute,
        StepName::LateFee | StepName::Throttle => Tone::Warn,
        StepName::WalledGarden | StepName::FinalNotice => Tone::Bad,
    };
    Cell::status(tone, step_name(frame, kind))
}

async fn file(screen: Screen<ViewDunning>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let items = expected(&screen, wanted.kind()?).await?;
    let lines = std::iter::once(csv::line(COLUMNS)).chain(items.into_iter().map(line)).map(Ok);
    Ok(csv::file("dunning-forecast.csv", futures_util::stream::iter(lines.collect::<Vec<_>>())))
}

fn line(one: ExpectedStep) -> Bytes {
    csv::line([
        one.on.to_string(),
        one.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        one.account_number,
        one.subscriber,
        one.step.to_string(),
        one.kind.name().to_owned(),
        one.due_since.to_string(),
        one.invoices.join(" "),
        one.balance.amount().to_string(),
        one.fee.map(|fee| fee.amount().to_string()).unwrap_or_default(),
        one.balance.currency().code().to_owned(),
    ])
}
