//! `/plugin-invocations`: a call with all its answer depended on; made again, or tried again.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Section, Show};

use super::plugin_versions::{place, short};
use super::plugins::{instant, time};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Screen, html};
use crate::http::permission::{ManagePlugins, Needs, ViewPlugins};
use crate::http::toast::see_saying;
use crate::ids::{PluginId, PluginInvocationId};
use crate::plugins::{self, Invocation, InvocationSummary};
use crate::subscribers;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/plugin-invocations/{id}", get(show))
        .route("/plugin-invocations/{id}/replay", post(replay))
        .route("/plugin-invocations/{id}/retry", post(retry))
}

/// Calls under the heading `key`; `<key>-empty` says what will be here.
pub(super) fn section<P: Needs>(screen: &Screen<P>, key: &str, calls: Vec<InvocationSummary>) -> Section {
    let rows = calls.into_iter().map(|call| {
        let about = match place(&call.subject) {
            Some(place) => {
                Cell::link(place, screen.t(&format!("plugin-about-{}", call.subject.get(..3).unwrap_or_default())))
            }
            None => Cell::Code(call.subject.clone()),
        };
        vec![
            Cell::link(format!("/plugin-invocations/{}", call.id), instant(screen, call.at)),
            Cell::Text(call.version.to_string()),
            about,
            outcome(screen, &call),
            Cell::Text(if call.message.is_empty() { "—".into() } else { call.message }),
            time(screen, call.micros),
        ]
    });
    let names = ["when", "version", "plugin-subject", "status", "plugin-message", "plugin-time"];
    Section {
        title: screen.t(key),
        action: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t(&format!("{key}-empty")),
    }
}

/// What the plugin asked staff to know, newest first.
pub(super) async fn notes<P: Needs>(screen: &Screen<P>, tx: &mut TenantTx, id: PluginId) -> Result<Section, Problem> {
    let mut rows = Vec::new();
    for note in plugins::notes(tx, id).await? {
        let about = match note.account_id {
            Some(account) => {
                Cell::link(format!("/accounts/{account}"), subscribers::account(tx, account).await?.number)
            }
            None => Cell::Text("—".into()),
        };
        rows.push(vec![
            Cell::Text(instant(screen, note.at)),
            Cell::Text(note.data["text"].as_str().unwrap_or_default().to_owned()),
            about,
        ]);
    }
    let names = ["when", "plugin-note", "account"].map(|key| screen.t(key)).to_vec();
    Ok(Section {
        title: screen.t("plugin-notes"),
        action: None,
        table: Table::new(names, rows),
        empty: screen.t("plugin-notes-empty"),
    })
}

/// How a call ended, in a word; known faults have words of their own.
fn outcome<P: Needs>(screen: &Screen<P>, call: &InvocationSummary) -> Cell {
    let word = screen.t(&format!("plugin-outcome-{}", call.outcome));
    match (call.outcome.as_str(), call.mode.as_str()) {
        ("ok", "replay") => Cell::status(Tone::Mute, screen.t("plugin-replay")),
        ("ok", _) => Cell::status(Tone::Ok, word),
        _ => Cell::status(Tone::Bad, word),
    }
}

async fn show(screen: Screen<ViewPlugins>, ApiPath(id): ApiPath<PluginInvocationId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let invocation = plugins::invocation(&mut tx, id).await?;
    let call = &invocation.summary;
    let plugin = plugins::plugin(&mut tx, call.plugin_id).await?;
    let mut actions = Vec::new();
    if screen.may::<ManagePlugins>() {
        if invocation.set_aside {
            actions.push(Action::post(format!("/plugin-invocations/{id}/retry"), screen.t("plugin-retry")));
        }
        actions.push(Action::post(format!("/plugin-invocations/{id}/replay"), screen.t("plugin-replay")));
    }
    let about = match place(&call.subject) {
        Some(place) => Cell::link(place, &call.subject),
        None => Cell::Code(call.subject.clone()),
    };
    let version = format!("{} · {}", call.version, short(&invocation.digest));
    let facts = vec![
        (screen.t("status"), outcome(&screen, call)),
        (
            screen.t("plugin-message"),
            Cell::Text(if call.message.is_empty() { "—".into() } else { call.message.clone() }),
        ),
        (screen.t("plugin-subject"), about),
        (screen.t("version"), Cell::link(format!("/plugin-versions/{}", call.version_id), version)),
        (screen.t("plugin-digest"), Cell::Code(invocation.digest.clone())),
        (screen.t("when"), Cell::Text(instant(&screen, call.at))),
        (screen.t("plugin-fuel"), Cell::Text(format::number(screen.frame.lang, call.fuel.into()))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let page = Show {
        frame: &screen.frame,
        up: (format!("/plugins/{}", plugin.id), plugin.name.clone()),
        title: screen.frame.t1("plugin-call-title", "name", &plugin.name),
        lede: screen.t(if invocation.set_aside { "plugin-call-aside-lede" } else { "plugin-call-lede" }),
        actions,
        command: Some((recorded(&invocation), screen.t("plugin-recorded"))),
        facts,
        sections: vec![log(&screen, &invocation)],
        form: None,
    };
    html(StatusCode::OK, &page)
}

/// The call as a case of `weir plugin test`.
fn recorded(invocation: &Invocation) -> String {
    let case = serde_json::json!({
        "call": invocation.call, "result": invocation.result, "outcome": invocation.summary.outcome,
    });
    serde_json::to_string_pretty(&case).unwrap_or_default()
}

fn log(screen: &Screen<ViewPlugins>, invocation: &Invocation) -> Section {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let lines = invocation.logs.as_array().into_iter().flatten();
    let rows = lines.map(|line| vec![Cell::Code(text(&line[0])), Cell::Text(text(&line[1]))]).collect();
    Section {
        title: screen.t("plugin-log"),
        action: None,
        table: Table::new(vec![screen.t("plugin-level"), screen.t("plugin-message")], rows),
        empty: screen.t("plugin-log-empty"),
    }
}

async fn replay(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginInvocationId>) -> Result<Response, Problem> {
    let (made, same) = plugins::replay(&screen.app, &screen.scope(), id).await?;
    let said = if same { "done-plugin-same" } else { "done-plugin-differs" };
    Ok(see_saying(&format!("/plugin-invocations/{}", made.summary.id), said))
}

async fn retry(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginInvocationId>) -> Result<Response, Problem> {
    let made = plugins::retry(&screen.app, &screen.scope(), id).await?;
    Ok(see_saying(&format!("/plugin-invocations/{}", made.summary.id), "done-plugin-retried"))
}
