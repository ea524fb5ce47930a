//! `/routers/{id}/usage-quarantine` and `/usage-quarantine`: usage that is not counted unless somebody says so.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Utc};
use weir_ui::blocks::{Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Register, Section};

use super::{Asking, form_status, next_page, page_of};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageBilling, Needs, ViewNetwork};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{QuarantinedId, RouterId};
use crate::usage::{self, Batch, Decision, Quarantined, Share, Shares, Whose};
use crate::{network, subscriptions};

const RECORDS: [&str; 6] = ["quarantine-log", "quarantine-record", "period", "down", "up", "status"];
const WAITING: [&str; 5] = ["quarantine-log", "period", "quarantine-records", "down", "up"];

/// Lines that are shown of what waits; the API tells of all.
const LINES_SHOWN: usize = 200;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/routers/{id}/usage-quarantine", get(shown))
        .route("/usage-quarantine/{id}/bill", get(ask_bill).post(bill))
        .route("/usage-quarantine/{id}/drop", get(ask_drop).post(drop_all))
}

/// What of a router waits for a decision, as a fact of its page; nothing where nothing does.
pub(super) async fn of_router<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: RouterId,
) -> Result<Option<(String, Cell)>, Problem> {
    let waiting: i64 = usage::undecided(tx, id).await?.iter().map(|batch| batch.records).sum();
    let text = || screen.frame.t1("quarantine-waiting", "count", &format::number(screen.frame.lang, waiting.into()));
    let way = |text| Cell::link(format!("/routers/{id}/usage-quarantine"), text);
    Ok((waiting > 0).then(|| (screen.t("quarantine"), way(text()))))
}

async fn shown(
    screen: Screen<ViewNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    ApiQuery(query): ApiQuery<PageQuery>,
) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let router = network::router(&mut tx, id).await?;
    let waiting = usage::undecided(&mut tx, id).await?;
    let mut records = usage::quarantined(&mut tx, id, page).await?;
    let next = next_page(&mut records, page, &format!("/routers/{id}/usage-quarantine"), |one| one.id.uuid());
    let sections = match waiting.is_empty() {
        true => Vec::new(),
        false => vec![Section {
            title: screen.t("quarantine-undecided"),
            action: None,
            table: waiting_table(&screen, &waiting),
            empty: String::new(),
        }],
    };
    let page = Register {
        frame: &screen.frame,
        up: Some((format!("/routers/{id}"), router.name)),
        title: screen.t("quarantine"),
        lede: screen.t("quarantine-lede"),
        actions: Vec::new(),
        figures: Vec::new(),
        sections,
        heading: screen.t("quarantine-all"),
        chips: Vec::new(),
        search: None,
        table: records_table(&screen, &records),
        empty: screen.t("quarantine-none"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn waiting_table(screen: &Screen<ViewNetwork>, waiting: &[Batch]) -> Table {
    let may = screen.may::<ManageBilling>();
    let row = |batch: &Batch| {
        let to = |what: &str| {
            let way = format!("/usage-quarantine/{}/{what}", batch.id);
            Cell::link(way, screen.t(&format!("quarantine-{what}")))
        };
        let mut row = vec![
            Cell::Code(batch.epoch.clone()),
            period(screen, batch.start_at, batch.end_at),
            Cell::Number(format::number(screen.frame.lang, batch.records.into())),
            Cell::Number(format::bytes(screen.frame.lang, batch.down_bytes)),
            Cell::Number(format::bytes(screen.frame.lang, batch.up_bytes)),
        ];
        row.extend(may.then(|| [to("bill"), to("drop")]).into_iter().flatten());
        row
    };
    let decide = may.then_some(["quarantine-decide", "quarantine-or"]);
    let names = WAITING.into_iter().chain(decide.into_iter().flatten());
    Table::new(names.map(|key| screen.t(key)).collect(), waiting.iter().map(row).collect())
}

fn records_table(screen: &Screen<ViewNetwork>, records: &[Quarantined]) -> Table {
    let lang = screen.frame.lang;
    let row = |one: &Quarantined| {
        let (tone, key) = match one.decision {
            None => (Tone::Warn, "quarantine-waits"),
            Some(Decision::Billed) if one.counted_at.is_none() => (Tone::Warn, "quarantine-counting"),
            Some(Decision::Billed) => (Tone::Ok, "quarantine-billed"),
            Some(Decision::Dropped) => (Tone::Mute, "quarantine-dropped"),
        };
        vec![
            Cell::Code(one.epoch.clone()),
            Cell::Number(format::number(lang, one.seq.into())),
            period(screen, one.start_at, one.end_at),
            Cell::Number(format::bytes(lang, one.down_bytes)),
            Cell::Number(format::bytes(lang, one.up_bytes)),
            Cell::status(tone, screen.t(key)),
        ]
    };
    Table::new(RECORDS.map(|key| screen.t(key)).to_vec(), records.iter().map(row).collect())
}

fn period<P: Needs>(screen: &Screen<P>, from: DateTime<Utc>, to: DateTime<Utc>) -> Cell {
    let told = |at| format::instant(screen.frame.lang, at, screen.zone);
    Cell::Text(format!("{} – {}", told(from), told(to)))
}

async fn ask_bill(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<QuarantinedId>) -> Result<Response, Problem> {
    asked(&screen, id, "bill", None).await
}

async fn ask_drop(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<QuarantinedId>) -> Result<Response, Problem> {
    asked(&screen, id, "drop", None).await
}

async fn bill(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<QuarantinedId>) -> Result<Response, Problem> {
    decide(&screen, id, "bill", Decision::Billed).await
}

async fn drop_all(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<QuarantinedId>) -> Result<Response, Problem> {
    decide(&screen, id, "drop", Decision::Dropped).await
}

async fn decide(
    screen: &Screen<ManageBilling>,
    id: QuarantinedId,
    what: &str,
    decision: Decision,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let router = usage::waiting_with(&mut tx, id).await?.0;
    match usage::decide(&mut tx, id, decision).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/routers/{router}/usage-quarantine"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            asked(screen, id, what, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

/// Asks before it is decided about what waits with a record.
async fn asked(
    screen: &Screen<ManageBilling>,
    id: QuarantinedId,
    what: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let (router, batch) = usage::waiting_with(&mut tx, id).await?;
    let shares = usage::shares(&mut tx, id).await?;
    let sections = vec![lines(screen, &mut tx, &shares).await?];
    let router = network::router(&mut tx, router).await?;
    let (lang, key) = (screen.frame.lang, format!("quarantine-{what}"));
    let mut facts = vec![
        (screen.t("quarantine-by-router"), period(screen, batch.start_at, batch.end_at)),
        (screen.t("quarantine-ended"), ended(screen, &shares)),
        (screen.t("quarantine-records"), Cell::Number(format::number(lang, batch.records.into()))),
        (screen.t("down"), Cell::Number(format::bytes(lang, batch.down_bytes))),
        (screen.t("up"), Cell::Number(format::bytes(lang, batch.up_bytes))),
    ];
    facts.extend(sums(screen, &shares));
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/routers/{}/usage-quarantine", router.id), screen.t("quarantine")),
        title: screen.frame.t1(&format!("{key}-title"), "name", &router.name),
        lede: screen.t(&format!("{key}-lede")),
        facts,
        sections,
        form: Asking::new(&screen.frame, &Fields::default(), problem).inset(
            String::new(),
            format!("/usage-quarantine/{id}/{what}"),
            &key,
        ),
        danger: what == "drop",
    };
    html(form_status(problem), &page)
}

/// When it was moved, as far as that is known.
fn ended(screen: &Screen<ManageBilling>, shares: &Shares) -> Cell {
    let Some((earliest, latest)) = shares.earliest_end_at.zip(shares.latest_end_at) else {
        return Cell::Text("—".to_owned());
    };
    if !shares.clock_doubtful {
        return Cell::status(Tone::Ok, screen.t("quarantine-clock-right"));
    }
    let told = |at| format::instant(screen.frame.lang, at, screen.zone);
    let between = format!("{} – {}", told(earliest), told(latest));
    Cell::status(Tone::Warn, screen.frame.t1("quarantine-clock-doubtful", "between", &between))
}

fn whose(screen: &Screen<ManageBilling>, whose: Whose) -> (Tone, String) {
    let (tone, key) = match whose {
        Whose::Line => (Tone::Ok, "quarantine-whose-line"),
        Whose::SoldLater => (Tone::Mute, "quarantine-whose-sold-later"),
        Whose::NoLine => (Tone::Mute, "quarantine-whose-no-line"),
        Whose::Unknown => (Tone::Warn, "quarantine-whose-unknown"),
    };
    (tone, screen.t(key))
}

/// How much would be billed to its line, and how much to nobody and why.
fn sums(screen: &Screen<ManageBilling>, shares: &Shares) -> Vec<(String, Cell)> {
    let sum = |of: Whose| {
        let these = shares.items.iter().filter(|share| share.whose == of);
        let bytes = |share: &Share| share.down_bytes.saturating_add(share.up_bytes);
        these.map(bytes).reduce(u64::saturating_add).map(|sum| {
            let sum = i64::try_from(sum).unwrap_or(i64::MAX);
            (whose(screen, of).1, Cell::Number(format::bytes(screen.frame.lang, sum)))
        })
    };
    [Whose::Line, Whose::SoldLater, Whose::NoLine, Whose::Unknown].into_iter().filter_map(sum).collect()
}

/// What each line is said to have moved, what is nobody's first; as many as fit a page.
async fn lines(screen: &Screen<ManageBilling>, tx: &mut TenantTx, shares: &Shares) -> Result<Section, Problem> {
    let lang = screen.frame.lang;
    let shown = &shares.items[..shares.items.len().min(LINES_SHOWN)];
    let ids: Vec<_> = shown.iter().filter_map(|share| share.subscription_id).collect();
    let names = subscriptions::names(tx, &ids).await?;
    let number = |bytes: u64| Cell::Number(format::bytes(lang, i64::try_from(bytes).unwrap_or(i64::MAX)));
    let row = |share: &Share| {
        let line = share.subscription_id.map_or(Cell::Text("—".to_owned()), |id| {
            let name = names.get(&id).cloned().unwrap_or_else(|| "—".to_owned());
            Cell::link(format!("/subscriptions/{id}"), name)
        });
        let (tone, text) = whose(screen, share.whose);
        vec![line, number(share.down_bytes), number(share.up_bytes), Cell::status(tone, text)]
    };
    let head = ["subscription", "down", "up", "quarantine-whose"].map(|key| screen.t(key)).to_vec();
    Ok(Section {
        title: screen.t("quarantine-lines"),
        action: None,
        table: Table::new(head, shown.iter().map(row).collect()),
        empty: screen.t("quarantine-lines-none"),
    })
}
