//! `/audit`: who changed what, when; narrowed by what the address says, and the same as a file.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::NaiveDate;
use futures_util::stream;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use weir_ui::blocks::{Action, Cell, Field, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Browse, Section, Show};

use super::{MANY, address, next_page, page_of};
use crate::access;
use crate::app::App;
use crate::audit::{self, Entry, EntryFilter};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Screen, html};
use crate::http::paging::Page;
use crate::http::permission::{TraceAddresses, ViewAudit};
use crate::http::{ApiPath, ApiQuery, csv};
use crate::ids::AuditEntryId;

/// Facts of a change the list shows.
const FACTS_SHOWN: usize = 3;
/// Entries read at once for a file.
const AT_ONCE: u32 = 1_000;
/// How ids of things begin, what such a thing is called, and where its page is, if it has one for as long as the log.
const PLACES: [(&str, &str, &str); 31] = [
    ("sit", "site", "/sites"),
    ("rtr", "router", "/routers"),
    ("acp", "access-point", "/access-points"),
    ("sbr", "subscriber", "/subscribers"),
    ("acc", "account", "/accounts"),
    ("pln", "plan", "/plans"),
    ("sub", "subscription", "/subscriptions"),
    ("inv", "invoice", "/invoices"),
    ("crn", "credit-note", "/credit-notes"),
    ("pay", "receipt", "/payments"),
    ("run", "run", "/billing-runs"),
    ("bck", "book-check", "/book-checks"),
    ("lcl", "closing", ""),
    ("whk", "webhook", "/webhooks"),
    ("imp", "imports-import", "/imports"),
    ("key", "api-key", "/api-keys"),
    ("dcs", "dunning-case", "/dunning-cases"),
    ("stf", "audit-person", "/staff"),
    ("tkt", "audit-thing-ticket", "/tickets"),
    ("plg", "audit-thing-plugin", "/plugins"),
    ("pgv", "audit-thing-plugin-version", "/plugin-versions"),
    ("msg", "audit-thing-message", "/messages"),
    ("ord", "audit-thing-order", "/orders"),
    ("ssp", "audit-thing-suspense", "/suspense-items"),
    ("bfl", "audit-thing-bank-file", "/bank-files"),
    ("tpp", "audit-thing-top-up", "/top-up-products"),
    ("bop", "audit-thing-boost", "/boost-products"),
    ("pat", "audit-thing-attempt", "/payment-attempts"),
    ("eml", "audit-thing-mail", ""),
    ("loc", "audit-thing-place", ""),
    ("ivt", "audit-thing-invitation", ""),
];

pub(super) fn routes() -> Router<App> {
    Router::new().route("/audit", get(list)).route("/audit/{id}", get(show)).route("/audit.csv", get(file))
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    actor: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    day: String,
    after: Option<String>,
}

impl Wanted {
    fn filter(&self) -> EntryFilter {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        EntryFilter {
            actor: given(&self.actor),
            action: given(&self.action),
            subject: given(&self.subject),
            day: self.day.parse::<NaiveDate>().ok(),
        }
    }

    fn at(&self, path: &str) -> String {
        let asked = [("actor", &self.actor), ("action", &self.action), ("subject", &self.subject), ("day", &self.day)];
        address(path, &asked.map(|(name, value)| (name, value.as_str())))
    }
}

async fn list(screen: Screen<ViewAudit>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after.clone())?;
    let mut tx = screen.read().await?;
    let mut entries = audit::entries(&mut tx, page, &wanted.filter()).await?;
    let next = next_page(&mut entries, page, &wanted.at("/audit"), |entry| entry.id.uuid());
    let names = names(&mut tx, &entries).await?;
    let traces = screen.may::<TraceAddresses>();
    let entries: Vec<_> = entries.into_iter().map(|entry| entry.shown_to(traces)).collect();
    let rows = entries.iter().map(|entry| row(&screen, entry, &names)).collect();
    let heads = ["when", "audit-who", "audit-what", "audit-thing", "audit-facts"].map(|key| screen.t(key));
    let narrowed = !wanted.at("").is_empty();
    let page = Browse {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-audit"),
        lede: screen.t("audit-lede"),
        actions: vec![Action::go(wanted.at("/audit.csv"), screen.t("csv"))],
        filters: filters(&screen, &mut tx, &wanted).await?,
        narrowed,
        all: "/audit".into(),
        table: Table::new(heads.to_vec(), rows),
        empty: screen.t(if narrowed { "audit-none" } else { "audit-empty" }),
        next,
        sections: Vec::new(),
    };
    html(StatusCode::OK, &page)
}

async fn filters(screen: &Screen<ViewAudit>, tx: &mut TenantTx, wanted: &Wanted) -> Result<Vec<Field>, Problem> {
    let any = || (String::new(), screen.t("audit-any"));
    let mut actors = vec![any()];
    let members = access::members(tx, MANY).await?;
    actors.extend(members.into_iter().map(|member| (member.id.to_string(), member.name)));
    actors.push(("system".into(), screen.t("by-itself")));
    if !actors.iter().any(|(actor, _)| *actor == wanted.actor) {
        actors.push((wanted.actor.clone(), wanted.actor.clone()));
    }
    let mut actions = vec![any()];
    actions.extend(audit::actions(tx).await?.into_iter().map(|action| {
        let words = told(screen, &action);
        (action, words)
    }));
    let field = |name: &'static str, key: &str, input, value: &str| Field {
        name: name.into(),
        label: screen.t(key),
        hint: String::new(),
        input,
        value: value.to_owned(),
        error: String::new(),
    };
    Ok(vec![
        field("actor", "audit-who", Input::Choice(actors), &wanted.actor),
        field("action", "audit-what", Input::Choice(actions), &wanted.action),
        field("subject", "audit-thing", Input::Line("text"), &wanted.subject),
        field("day", "audit-day", Input::Line("date"), &wanted.day),
    ])
}

/// The names of those who acted, as far as they are people.
async fn names(tx: &mut TenantTx, entries: &[Entry]) -> Result<BTreeMap<String, String>, Problem> {
    let mut names = BTreeMap::new();
    for entry in entries {
        if !names.contains_key(&entry.actor)
            && let Some(name) = access::name_of(tx, &entry.actor).await?
        {
            names.insert(entry.actor.clone(), name);
        }
    }
    Ok(names)
}

fn row(screen: &Screen<ViewAudit>, entry: &Entry, names: &BTreeMap<String, String>) -> Vec<Cell> {
    let facts: Vec<_> =
        facts(&entry.detail).into_iter().take(FACTS_SHOWN).map(|(name, value)| format!("{name}: {value}")).collect();
    vec![
        Cell::Text(format::instant(screen.frame.lang, entry.at, screen.zone)),
        who(screen, entry, names),
        Cell::link(format!("/audit/{}", entry.id), told(screen, &entry.action)),
        thing(screen, &entry.subject),
        Cell::Text(facts.join(" · ")),
    ]
}

/// What was done, in the reader's language where there are words for it.
fn told(screen: &Screen<ViewAudit>, action: &str) -> String {
    let key = format!("audit-did-{}", action.replace(' ', "-"));
    Some(screen.t(&key)).filter(|words| *words != key).unwrap_or_else(|| action.to_owned())
}

fn who(screen: &Screen<ViewAudit>, entry: &Entry, names: &BTreeMap<String, String>) -> Cell {
    match names.get(&entry.actor) {
        Some(name) => Cell::Text(name.clone()),
        None if entry.actor == "system" => Cell::Text(screen.t("by-itself")),
        None => Cell::Code(entry.actor.clone()),
    }
}

/// The thing a change was made to, as a way to its page if it has one.
fn thing(screen: &Screen<ViewAudit>, subject: &str) -> Cell {
    let place =
        PLACES.iter().find(|(prefix, ..)| subject.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_')));
    match place {
        Some((_, key, path)) => {
            let end = subject.get(subject.len().saturating_sub(6)..).unwrap_or_default();
            let name = format!("{} …{end}", screen.t(key));
            if path.is_empty() { Cell::Text(name) } else { Cell::link(format!("{path}/{subject}"), name) }
        }
        None if subject.starts_with("ten_") => Cell::link("/settings", screen.t("nav-provider")),
        None => Cell::Code(subject.to_owned()),
    }
}

/// What a detail says, a name and a value a fact; of a before and an after, what differs.
fn facts(detail: &Value) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    match (detail.get("before"), detail.get("after")) {
        (Some(before), Some(after)) => {
            let (mut old, mut new) = (Vec::new(), Vec::new());
            flatten("", before, &mut old);
            flatten("", after, &mut new);
            let old: BTreeMap<_, _> = old.into_iter().collect();
            for (name, value) in new {
                let was = old.get(&name).map_or("", String::as_str);
                if was != value {
                    facts.push((name, format!("{was} → {value}")));
                }
            }
        }
        _ => flatten("", detail, &mut facts),
    }
    facts
}

fn flatten(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, into)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| flatten(&below(&n.to_string()), value, into));
        }
        Value::Null => {}
        Value::String(text) if text.is_empty() => {}
        Value::String(text) => into.push((path.to_owned(), text.clone())),
        other => into.push((path.to_owned(), other.to_string())),
    }
}

async fn show(screen: Screen<ViewAudit>, ApiPath(id): ApiPath<AuditEntryId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let entry = audit::entry(&mut tx, id).await?.shown_to(screen.may::<TraceAddresses>());
    let names = names(&mut tx, std::slice::from_ref(&entry)).await?;
    let place = match (entry.position, &entry.hash) {
        (Some(position), Some(hash)) => Cell::Code(format!("{position}: {hash}")),
        _ => Cell::Text(screen.t("audit-unlinked")),
    };
    let shown = vec![
        (screen.t("when"), Cell::Text(format::instant(screen.frame.lang, entry.at, screen.zone))),
        (screen.t("audit-who"), who(&screen, &entry, &names)),
        (screen.t("audit-thing"), thing(&screen, &entry.subject)),
        (screen.t("id"), Cell::Code(id.to_string())),
        (screen.t("audit-chain"), place),
    ];
    let details = facts(&entry.detail).into_iter().map(|(name, value)| (name, Cell::Text(value)));
    let detail = Section {
        title: screen.t("audit-facts"),
        action: Some(Action::go(format!("/audit?subject={}", entry.subject), screen.t("audit-history"))),
        table: Table::facts(details),
        empty: screen.t("audit-facts-none"),
    };
    let page = Show {
        frame: &screen.frame,
        up: ("/audit".into(), screen.t("nav-audit")),
        title: told(&screen, &entry.action),
        lede: screen.t("audit-entry-lede"),
        actions: Vec::new(),
        command: None,
        facts: shown,
        sections: vec![detail],
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn file(screen: Screen<ViewAudit>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let (filter, tx, traces) = (wanted.filter(), screen.read().await?, screen.may::<TraceAddresses>());
    let head = csv::line(["at", "actor", "action", "subject", "detail", "position", "hash"]);
    let start = (tx, filter, Some(None));
    let chunks = stream::try_unfold(start, move |(mut tx, filter, after)| async move {
        let Some(after) = after else { return Ok(None) };
        let mut entries = audit::entries(&mut tx, Page { after, limit: AT_ONCE }, &filter).await?;
        let more = entries.len() > AT_ONCE as usize;
        entries.truncate(AT_ONCE as usize);
        let then = entries.last().filter(|_| more).map(|last| Some(last.id.uuid()));
        let lines: Vec<u8> = entries.into_iter().flat_map(|entry| line(&entry.shown_to(traces))).collect();
        Ok::<_, Problem>(Some((lines.into(), (tx, filter, then))))
    });
    let lines = futures_util::StreamExt::chain(stream::iter([Ok(head)]), chunks);
    Ok(csv::file("audit.csv", lines))
}

fn line(entry: &Entry) -> axum::body::Bytes {
    let position = entry.position.map(|position| position.to_string()).unwrap_or_default();
    let at = entry.at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let detail = entry.detail.to_string();
    let hash = entry.hash.clone().unwrap_or_default();
    csv::line([&at, &entry.actor, &entry.action, &entry.subject, &detail, &position, &hash])
}
