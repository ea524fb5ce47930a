//! `/port-blocks`: who had this address? And the port blocks of lines and routers on their own pages.

use std::collections::HashMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Section, Show};

use super::subscriptions::named;
use super::{Asking, MANY, address, form_status};
use crate::app::App;
use crate::audit::{self, Entry, EntryFilter, LOOK_UP};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::Page;
use crate::http::permission::{Needs, TraceAddresses, ViewAudit};
use crate::ids::SubscriptionId;
use crate::translation::{self, Answer, Certainty, Found, PortBlock, Question};
use crate::{access, network, subscriptions};

/// Blocks a line's page lists.
const LISTED: Page = Page { after: None, limit: 10 };
/// Questions the page lists.
const LAST: Page = Page { after: None, limit: 10 };
/// How browsers send an instant, without and with seconds.
const TYPED: [&str; 2] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];

/// What was asked of which instant.
type Answered = (DateTime<Utc>, Answer);

pub(super) fn routes() -> Router<App> {
    Router::new().route("/port-blocks", get(ask).post(look_up))
}

async fn ask(screen: Screen<TraceAddresses>) -> Result<Response, Problem> {
    shown(&screen, &Fields::default(), &[], None).await
}

/// Answers with a page and not with a way to one: whoever comes back to the address has asked nothing.
async fn look_up(screen: Screen<TraceAddresses>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let answered = match questions(&mut fields, screen.zone, tx.at()) {
        Ok(questions) => look_up_all(&mut tx, questions).await,
        Err(problem) => Err(problem),
    };
    match answered {
        Ok(answers) => {
            tx.commit().await?;
            shown(&screen, &fields, &answers, None).await
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, &fields, &[], Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn look_up_all(tx: &mut TenantTx, questions: Vec<Question>) -> Result<Vec<Answered>, Problem> {
    let mut answers = Vec::with_capacity(questions.len());
    for question in questions {
        let at = question.at;
        answers.push((at, translation::look_up(tx, question).await?));
    }
    Ok(answers)
}

/// What is asked: a question for each instant the local time names.
fn questions(fields: &mut Fields, zone: Tz, now: DateTime<Utc>) -> Result<Vec<Question>, Problem> {
    let port = fields.read("port", "error-number");
    let instants = instants(fields.get("at"), zone, now);
    if instants.is_empty() {
        fields.refuse("at", "error-date");
    }
    let Some(port) = port.filter(|_| !instants.is_empty()) else { return Err(fields.problem()) };
    let (address, reason) = (fields.text("address"), fields.text("reason"));
    let question = |at| Question { address: address.clone(), port, at, reason: reason.clone() };
    Ok(instants.into_iter().map(question).collect())
}

/// The instants a time of the ISP's own clocks names: two where they were set back, none where they were set ahead. Of two,
/// one that is still to come is not meant.
fn instants(typed: &str, zone: Tz, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let local = TYPED.iter().find_map(|shape| NaiveDateTime::parse_from_str(typed, shape).ok());
    let utc = |at: DateTime<Tz>| at.with_timezone(&Utc);
    match local.map(|local| zone.from_local_datetime(&local)) {
        Some(LocalResult::Single(at)) => vec![utc(at)],
        Some(LocalResult::Ambiguous(one, other)) if utc(other) <= now => vec![utc(one), utc(other)],
        Some(LocalResult::Ambiguous(one, _)) => vec![utc(one)],
        Some(LocalResult::None) | None => Vec::new(),
    }
}

/// An instant of the ISP's own clocks; the first of two where they are set back.
pub(super) fn instant(typed: &str, zone: Tz) -> Option<DateTime<Utc>> {
    let local = TYPED.iter().find_map(|shape| NaiveDateTime::parse_from_str(typed, shape).ok())?;
    zone.from_local_datetime(&local).earliest().map(|at| at.with_timezone(&Utc))
}

async fn shown(
    screen: &Screen<TraceAddresses>,
    fields: &Fields,
    answers: &[Answered],
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let mut sections = Vec::new();
    for (at, answer) in answers {
        let title = match answers.len() {
            1 => screen.t("lookup-answer"),
            _ => {
                let at = at.with_timezone(&screen.zone).format("%Y-%m-%d %H:%M:%S %:z").to_string();
                screen.frame.t1("lookup-answer-twice", "at", &at)
            }
        };
        sections.push(answered(screen, &mut tx, title, answer).await?);
    }
    sections.push(asked_before(screen, &mut tx).await?);
    let hint = screen.frame.t1("lookup-at-hint", "zone", screen.zone.name());
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("address", "lookup-address", Input::Line("text"))
        .ask("port", "lookup-port", Input::Line("number"))
        .ask_in("at", screen.t("lookup-at"), hint, Input::Instant)
        .ask("reason", "lookup-reason", Input::Line("text"))
        .inset(screen.t("lookup-ask"), "/port-blocks", "lookup-submit");
    let page = Show {
        frame: &screen.frame,
        up: ("/routers".into(), screen.t("nav-routers")),
        title: screen.t("nav-port-blocks"),
        lede: screen.t("lookup-lede"),
        actions: Vec::new(),
        command: None,
        facts: Vec::new(),
        sections,
        form: Some(form),
    };
    html(if problem.is_some() { form_status(problem) } else { StatusCode::OK }, &page)
}

async fn answered(
    screen: &Screen<TraceAddresses>,
    tx: &mut TenantTx,
    title: String,
    answer: &Answer,
) -> Result<Section, Problem> {
    let ids: Vec<_> = answer.found.iter().map(|found| found.subscription_id).collect();
    let names = subscriptions::names(tx, &ids).await?;
    let rows = answer.found.iter().map(|found| found_row(screen, &names, found)).collect();
    let heads =
        ["subscription", "lookup-certainty", "ports", "port-block-assigned", "port-block-in-force", "port-block-ended"];
    Ok(Section {
        title,
        action: None,
        table: Table::new(heads.map(|key| screen.t(key)).to_vec(), rows),
        empty: screen.t("lookup-nobody"),
    })
}

fn found_row<P: Needs>(screen: &Screen<P>, names: &HashMap<SubscriptionId, String>, found: &Found) -> Vec<Cell> {
    let tone = match found.certainty {
        Certainty::InForce => Tone::Ok,
        Certainty::Assigned | Certainty::Ended => Tone::Warn,
    };
    vec![
        named(names, found.subscription_id),
        Cell::status(tone, screen.t(&format!("lookup-{}", found.certainty.name()))),
        Cell::Code(format!("{}–{}", found.first_port, found.last_port)),
        at(screen, Some(found.assigned_at)),
        at(screen, found.in_force_at),
        at(screen, found.ended_at),
    ]
}

/// An instant to the second, or a dash.
fn at<P: Needs>(screen: &Screen<P>, instant: Option<DateTime<Utc>>) -> Cell {
    let shown =
        |at: DateTime<Utc>| format!("{}:{:02}", format::instant(screen.frame.lang, at, screen.zone), at.second());
    Cell::Text(instant.map_or("—".into(), shown))
}

/// The last questions, from the audit log.
async fn asked_before(screen: &Screen<TraceAddresses>, tx: &mut TenantTx) -> Result<Section, Problem> {
    let filter = EntryFilter { action: Some(LOOK_UP.into()), ..EntryFilter::default() };
    let mut entries = audit::entries(tx, LAST, &filter).await?;
    let more = entries.len() > LAST.limit as usize;
    entries.truncate(LAST.limit as usize);
    let staff: HashMap<_, _> =
        access::members(tx, MANY).await?.into_iter().map(|member| (member.id.to_string(), member.name)).collect();
    let rows = entries.iter().map(|entry| question_row(screen, &staff, entry)).collect();
    let heads = ["when", "audit-who", "lookup-asked", "lookup-at", "lookup-reason", "lookup-lines"];
    let all = || Action::go(address("/audit", &[("action", LOOK_UP)]), screen.t("nav-audit"));
    Ok(Section {
        title: screen.t("lookup-before"),
        action: (more && screen.may::<ViewAudit>()).then(all),
        table: Table::new(heads.map(|key| screen.t(key)).to_vec(), rows),
        empty: screen.t("lookup-before-empty"),
    })
}

fn question_row(screen: &Screen<TraceAddresses>, staff: &HashMap<String, String>, entry: &Entry) -> Vec<Cell> {
    let asked = &entry.detail["asked"];
    let about = asked["at"].as_str().and_then(|at| at.parse().ok());
    let lines = entry.detail["answered"].as_array().map_or(0, Vec::len);
    let when = format::instant(screen.frame.lang, entry.at, screen.zone);
    vec![
        if screen.may::<ViewAudit>() { Cell::link(format!("/audit/{}", entry.id), when) } else { Cell::Text(when) },
        Cell::Text(staff.get(&entry.actor).unwrap_or(&entry.actor).clone()),
        Cell::Code(entry.subject.clone()),
        at(screen, about),
        Cell::Text(asked["reason"].as_str().unwrap_or_default().to_owned()),
        Cell::Number(format::count(screen.frame.lang, lines)),
    ]
}

/// What a line's block is and, for those who may ask who had an address, which it had; nothing where there is none.
pub(super) async fn of_line<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: SubscriptionId,
) -> Result<Option<Section>, Problem> {
    let mut blocks = translation::of_line(tx, id, screen.may::<TraceAddresses>(), LISTED).await?;
    blocks.truncate(LISTED.limit as usize);
    if blocks.is_empty() {
        return Ok(None);
    }
    let rows = blocks.iter().map(|block| block_row(screen, block)).collect();
    let heads = ["address", "ports", "status", "port-block-assigned", "port-block-in-force", "port-block-ended"];
    let table = Table::new(heads.map(|key| screen.t(key)).to_vec(), rows);
    Ok(Some(Section { title: screen.t("port-blocks"), action: None, table, empty: String::new() }))
}

fn block_row<P: Needs>(screen: &Screen<P>, block: &PortBlock) -> Vec<Cell> {
    let (tone, key) = match (block.ended_at, block.in_force_at) {
        (Some(_), _) => (Tone::Mute, "lookup-ended"),
        (None, Some(_)) => (Tone::Ok, "lookup-in_force"),
        (None, None) => (Tone::Warn, "lookup-assigned"),
    };
    vec![
        Cell::Code(block.address.clone()),
        Cell::Code(format!("{}–{}", block.first_port, block.last_port)),
        Cell::status(tone, screen.t(key)),
        at(screen, Some(block.assigned_at)),
        at(screen, block.in_force_at),
        at(screen, block.ended_at),
    ]
}

/// The public networks of a router, and how full they are; nothing where there are none.
pub(super) async fn of_router<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    router: &network::Router,
) -> Result<Vec<(String, Cell)>, Problem> {
    if router.public_networks.is_empty() {
        return Ok(Vec::new());
    }
    let (pool, lang) = (translation::pool(tx, router.id).await?, screen.frame.lang);
    let number = |count: i64| format::number(lang, count.into());
    let mut facts = vec![
        (screen.t("public-networks"), Cell::Code(router.public_networks.join("  "))),
        (screen.t("ports-per-line"), Cell::Text(number(router.ports_per_line.into()))),
        (screen.t("port-blocks-used"), Cell::Text(format!("{} / {}", number(pool.used), number(pool.blocks)))),
    ];
    if pool.lines_without > 0 {
        let without = screen.frame.t1("port-blocks-without", "count", &number(pool.lines_without));
        facts.push((screen.t("port-blocks"), Cell::status(Tone::Warn, without)));
    }
    Ok(facts)
}
