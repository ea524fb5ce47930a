//! `/plugins`: the rules an ISP brought, how they do, what they are told.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::DateTime;
use rust_decimal::Decimal;
use serde::Deserialize;
use weir_plugin_host::call::Hook;
use weir_ui::blocks::{Action, Cell, Confirm, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, Inset, Register, Show};

use super::{Asking, form_status, next_page, page_of, plugin_calls, plugin_versions};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::events::EventKind;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::Page;
use crate::http::permission::{ManagePlugins, Needs, ViewPlugins};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::PluginId;
use crate::plugins::{self, EFFECTS, NewPlugin, Plugin, PluginStatus, SettingsWish, Stats};

/// Calls a plugin's page shows.
const CALLS: Page = Page { after: None, limit: 20 };

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/plugins", get(list).post(add))
        .route("/plugins/new", get(new))
        .route("/plugins/{id}", get(show).post(set))
        .route("/plugins/{id}/roll-back", post(roll_back))
        .route("/plugins/{id}/disable", post(disable))
        .route("/plugins/{id}/resume", post(resume))
}

#[derive(Deserialize)]
struct Wanted {
    after: Option<String>,
}

async fn list(screen: Screen<ViewPlugins>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let mut tx = screen.read().await?;
    let mut found = plugins::plugins(&mut tx, page).await?;
    let next = next_page(&mut found, page, "/plugins", |plugin| plugin.id.uuid());
    let mut rows = Vec::new();
    for plugin in found {
        let stats = plugins::stats(&mut tx, plugin.id).await?;
        rows.push(vec![
            Cell::link(format!("/plugins/{}", plugin.id), &plugin.name),
            Cell::Text(hook(&screen, plugin.hook)),
            status(&screen, plugin.status),
            count(&screen, stats.calls),
            count(&screen, stats.faults),
            time(&screen, stats.p99_micros),
        ]);
    }
    let names = ["name", "plugin-hook", "status", "plugin-calls", "plugin-faults", "plugin-p99"];
    let add = screen.may::<ManagePlugins>().then(|| Action::go("/plugins/new", screen.t("plugin-add")));
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-plugins"),
        lede: screen.t("plugin-list-lede"),
        actions: add.into_iter().collect(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows),
        empty: screen.t("plugin-list-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// What a plugin is asked, in words.
fn hook<P: Needs>(screen: &Screen<P>, hook: Hook) -> String {
    screen.t(&format!("plugin-hook-{}", hook.name()))
}

fn status<P: Needs>(screen: &Screen<P>, status: PluginStatus) -> Cell {
    let tone = match status {
        PluginStatus::Active => Tone::Ok,
        PluginStatus::Paused => Tone::Bad,
        PluginStatus::Idle => Tone::Mute,
    };
    Cell::status(tone, screen.t(&format!("plugin-{}", status.name())))
}

fn count<P: Needs>(screen: &Screen<P>, count: i64) -> Cell {
    Cell::Number(format::number(screen.frame.lang, count.into()))
}

/// Microseconds, as milliseconds.
pub(super) fn time<P: Needs>(screen: &Screen<P>, micros: i64) -> Cell {
    let millis =
        format::number(screen.frame.lang, weir_rules::money::round_half_up(Decimal::new(micros, 3), 2).normalize());
    Cell::Number(screen.frame.t1("plugin-ms", "count", &millis))
}

async fn new(screen: Screen<ManagePlugins>) -> Result<Response, Problem> {
    let fields = Fields::of([("hook", Hook::RateUsage.name().into())]);
    form(&screen, &fields, None)
}

fn form(screen: &Screen<ManagePlugins>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let hooks = Hook::ALL.map(|one| (one.name().to_owned(), hook(screen, one))).to_vec();
    let asked = Asking::new(&screen.frame, fields, problem).ask("name", "plugin-name", Input::Line("text")).ask(
        "hook",
        "plugin-hook",
        Input::Choice(hooks),
    );
    let page = Form {
        frame: &screen.frame,
        up: ("/plugins".into(), screen.t("nav-plugins")),
        title: screen.t("plugin-add"),
        lede: screen.t("plugin-add-lede"),
        form: asked.inset(String::new(), "/plugins", "plugin-add"),
    };
    html(form_status(problem), &page)
}

async fn add(screen: Screen<ManagePlugins>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = NewPlugin { name: fields.text("name"), hook: fields.text("hook") };
    match plugins::add(&mut tx, &wish).await.map_err(Problem::from) {
        Ok(plugin) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/plugins/{}", plugin.id), "done-plugin-added"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn show(screen: Screen<ViewPlugins>, ApiPath(id): ApiPath<PluginId>) -> Result<Response, Problem> {
    shown(&screen, id, None).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    id: PluginId,
    refused: Option<(&Fields, &Problem)>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let plugin = plugins::plugin(&mut tx, id).await?;
    let stats = plugins::stats(&mut tx, id).await?;
    let may = screen.may::<ManagePlugins>();
    let mut sections = vec![plugin_versions::section(screen, id, plugins::versions(&mut tx, id).await?)];
    if plugin.hook == Hook::HandleEvent {
        sections.push(plugin_calls::notes(screen, &mut tx, id).await?);
        let aside = plugins::invocations(&mut tx, id, CALLS, true).await?;
        sections.push(plugin_calls::section(screen, "plugin-set-aside", aside));
    }
    sections.push(plugin_calls::section(
        screen,
        "plugin-calls",
        plugins::invocations(&mut tx, id, CALLS, false).await?,
    ));
    let own = settings_fields(&plugin);
    let (fields, problem) = refused.map_or((&own, None), |(fields, problem)| (fields, Some(problem)));
    let publish = format!("weir plugin publish --url {} --name {}", screen.app.config.public_url, plugin.name);
    let page = Show {
        frame: &screen.frame,
        up: ("/plugins".into(), screen.t("nav-plugins")),
        title: plugin.name.clone(),
        lede: match &plugin.paused_because {
            Some(because) => screen.frame.t1("plugin-lede-paused", "because", because),
            None => screen.t(&format!("plugin-lede-{}-{}", plugin.hook.name(), plugin.status.name())),
        },
        actions: if may { actions(screen, &plugin) } else { Vec::new() },
        command: may.then(|| (publish, screen.t("plugin-publish-lede"))),
        facts: facts(screen, &mut tx, &plugin, stats).await?,
        sections,
        form: may.then(|| settings(screen, &plugin, fields, problem)),
    };
    html(form_status(problem), &page)
}

async fn facts<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    plugin: &Plugin,
    stats: Stats,
) -> Result<Vec<(String, Cell)>, Problem> {
    let active = match plugin.active_version_id {
        Some(id) => {
            let version = plugins::version(tx, id).await?;
            let text = format!("{} · {}", version.number, plugin_versions::short(&version.digest));
            Cell::link(format!("/plugin-versions/{id}"), text)
        }
        None => Cell::Text("—".into()),
    };
    let lang = screen.frame.lang;
    let number = |count: i64| Cell::Text(format::number(lang, count.into()));
    let plain = |cell: Cell| match cell {
        Cell::Number(text) => Cell::Text(text),
        other => other,
    };
    let mut facts = vec![
        (screen.t("status"), status(screen, plugin.status)),
        (screen.t("plugin-hook"), Cell::Text(hook(screen, plugin.hook))),
        (screen.t("plugin-active-version"), active),
        (screen.t("plugin-calls"), number(stats.calls)),
        (screen.t("plugin-faults"), number(stats.faults)),
        (screen.t("plugin-p50"), plain(time(screen, stats.p50_micros))),
        (screen.t("plugin-p99"), plain(time(screen, stats.p99_micros))),
        (screen.t("plugin-revision"), number(plugin.settings.revision.into())),
    ];
    if let Some(at) = plugin.paused_at {
        facts.push((screen.t("plugin-paused-at"), Cell::Text(instant(screen, at))));
    }
    facts.push((screen.t("id"), Cell::Code(plugin.id.to_string())));
    Ok(facts)
}

/// An instant in the ISP's zone.
pub(super) fn instant<P: Needs>(screen: &Screen<P>, at: DateTime<chrono::Utc>) -> String {
    format::instant(screen.frame.lang, at, screen.zone)
}

fn actions<P: Needs>(screen: &Screen<P>, plugin: &Plugin) -> Vec<Action> {
    let (id, name) = (plugin.id, &plugin.name);
    let post = |path: &str, key: &str| {
        let confirm = Confirm {
            title: screen.frame.t1(&format!("{key}-title"), "name", name),
            consequence: screen.t(&format!("{key}-lede")),
            yes: screen.t(key),
            no: screen.t("cancel"),
        };
        Action::post(format!("/plugins/{id}/{path}"), screen.t(key)).asking(confirm)
    };
    let mut actions = Vec::new();
    if plugin.paused_at.is_some() {
        actions.push(Action::post(format!("/plugins/{id}/resume"), screen.t("plugin-resume")));
    }
    if plugin.previous_version_id.is_some() {
        actions.push(post("roll-back", "plugin-roll-back"));
    }
    if plugin.active_version_id.is_some() {
        actions.push(post("disable", "plugin-disable"));
    }
    actions
}

fn settings_fields(plugin: &Plugin) -> Fields {
    let settings = &plugin.settings;
    let tick = |effect: &str| if settings.effects.iter().any(|one| one == effect) { "yes" } else { "" };
    let entries: Vec<_> = settings.entries.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    Fields::of([
        ("entries", entries.join("\n")),
        ("limit_percent", settings.limit_percent.to_string()),
        ("note", tick("note").into()),
        ("hold", tick("hold").into()),
        ("events", settings.events.join("\n")),
    ])
}

fn settings<P: Needs>(screen: &Screen<P>, plugin: &Plugin, fields: &Fields, problem: Option<&Problem>) -> Inset {
    let asked = Asking::new(&screen.frame, fields, problem).ask("entries", "plugin-entries", Input::Lines);
    let asked = match plugin.hook {
        Hook::RateUsage => asked.ask("limit_percent", "plugin-limit", Input::Line("number")),
        Hook::HandleEvent => asked
            .ask("note", "plugin-effect-note", Input::Tick)
            .ask("hold", "plugin-effect-hold", Input::Tick)
            .ask("events", "plugin-events", Input::Lines),
    };
    asked.inset(screen.t("plugin-settings"), format!("/plugins/{}", plugin.id), "save")
}

async fn set(
    screen: Screen<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let now = plugins::plugin(&mut tx, id).await?.settings.limit_percent;
    let saved = match wish(&mut fields, now) {
        Ok(wish) => plugins::set(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match saved {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/plugins/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, id, Some((&fields, &problem))).await
        }
        Err(problem) => Err(problem),
    }
}

/// The settings a form asks for; entries are lines of `name = value`.
fn wish(fields: &mut Fields, limit_now: i32) -> Result<SettingsWish, Problem> {
    let limit = fields.read_option::<i32>("limit_percent", "error-number");
    let mut entries = BTreeMap::new();
    let mut unread = false;
    for line in fields.text("entries").lines().filter(|line| !line.trim().is_empty()) {
        match line.split_once('=') {
            Some((name, value)) => unread |= entries.insert(name.trim().to_owned(), value.trim().to_owned()).is_some(),
            None => unread = true,
        }
    }
    if unread {
        fields.refuse("entries", "error-plugin-entries");
    }
    let events: Vec<String> = fields.text("events").split_whitespace().map(str::to_owned).collect();
    if events.iter().any(|kind| EventKind::from_name(kind).is_none()) {
        fields.refuse("events", "error-plugin-events");
    }
    let problem = fields.problem();
    if !problem.errors.is_empty() {
        return Err(problem);
    }
    let effects = EFFECTS.into_iter().filter(|effect| fields.get(effect) == "yes").map(str::to_owned).collect();
    Ok(SettingsWish { entries, limit_percent: limit.unwrap_or(limit_now), effects, events })
}

async fn roll_back(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    plugins::roll_back(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/plugins/{id}"), "done-plugin-rolled-back"))
}

async fn disable(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    plugins::disable(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/plugins/{id}"), "done-plugin-disabled"))
}

async fn resume(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    plugins::resume(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/plugins/{id}"), "done-plugin-resumed"))
}
