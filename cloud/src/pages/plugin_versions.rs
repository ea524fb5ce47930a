//! `/plugin-versions`: what a version may reach, what it would change, and having it asked.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Section, Show};

use super::plugins::instant;
use super::{Asking, form_status};
use crate::access;
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, Upload, html, is_about_the_form};
use crate::http::permission::{ManagePlugins, Needs, ViewPlugins};
use crate::http::toast::see_saying;
use crate::ids::{PluginId, PluginVersionId};
use crate::plugins::{self, Difference, DryRun, Version, VersionState};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/plugins/{id}/versions", get(choosing).post(upload))
        .route("/plugin-versions/{id}", get(show))
        .route("/plugin-versions/{id}/dry-run", post(dry_run))
        .route("/plugin-versions/{id}/activate", get(asking).post(activate))
}

/// The versions of a plugin.
pub(super) fn section<P: Needs>(screen: &Screen<P>, id: PluginId, versions: Vec<Version>) -> Section {
    let rows = versions.into_iter().map(|version| {
        vec![
            Cell::link(format!("/plugin-versions/{}", version.id), version.number.to_string()),
            Cell::Code(short(&version.digest)),
            state(screen, version.state),
            version.dry_run.as_ref().map_or(Cell::Text("—".into()), |found| trial(screen, found)),
            Cell::Text(instant(screen, version.uploaded_at)),
            Cell::Number(format::bytes(screen.frame.lang, version.size.into())),
        ]
    });
    let names = ["version", "plugin-digest", "status", "plugin-trial", "plugin-uploaded", "plugin-size"];
    Section {
        title: screen.t("plugin-versions"),
        action: screen
            .may::<ManagePlugins>()
            .then(|| Action::go(format!("/plugins/{id}/versions"), screen.t("plugin-upload"))),
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t("plugin-versions-empty"),
    }
}

async fn choosing(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginId>) -> Result<Response, Problem> {
    upload_form(&screen, id, None).await
}

async fn upload_form(
    screen: &Screen<ManagePlugins>,
    id: PluginId,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let plugin = plugins::plugin(&mut screen.read().await?, id).await?;
    let here = format!("/plugins/{id}");
    let form = Asking::new(&screen.frame, &Fields::default(), problem)
        .ask("component", "plugin-component", Input::File)
        .inset(String::new(), format!("{here}/versions"), "plugin-upload-do");
    let page = Form {
        frame: &screen.frame,
        up: (here, plugin.name.clone()),
        title: screen.t("plugin-upload"),
        lede: screen.t("plugin-upload-lede"),
        form,
    };
    html(form_status(problem), &page)
}

async fn upload(
    screen: Screen<ManagePlugins>,
    ApiPath(id): ApiPath<PluginId>,
    sent: Upload,
) -> Result<Response, Problem> {
    // What is no plugin of theirs takes no file.
    plugins::plugin(&mut screen.read().await?, id).await?;
    let Some((_, component)) = sent.files.into_iter().next() else {
        let mut fields = Fields::default();
        fields.refuse("component", "error-required");
        return upload_form(&screen, id, Some(&fields.problem())).await;
    };
    match plugins::upload(&screen.app, &screen.scope(), id, &component).await.map_err(Problem::from) {
        Ok(version) => Ok(see_saying(&format!("/plugin-versions/{}", version.id), "done-plugin-uploaded")),
        Err(problem) if is_about_the_form(&problem) => upload_form(&screen, id, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

/// Enough of a digest to tell it from others.
pub(super) fn short(digest: &str) -> String {
    digest.chars().take(12).collect()
}

fn state<P: Needs>(screen: &Screen<P>, state: VersionState) -> Cell {
    let tone = match state {
        VersionState::Active => Tone::Ok,
        VersionState::Tried | VersionState::Verified => Tone::Warn,
        VersionState::Retired => Tone::Mute,
    };
    Cell::status(tone, screen.t(&format!("plugin-version-{}", state.name())))
}

/// How a dry run went, the worst first.
fn trial<P: Needs>(screen: &Screen<P>, found: &DryRun) -> Cell {
    let (key, count) = if found.failed > 0 { ("failed", found.failed) } else { ("changed", found.changed) };
    let counts = [("count", count), ("all", found.inputs)];
    let counts = counts.map(|(name, count)| (name, format::number(screen.frame.lang, count.into())));
    let counts: Vec<_> = counts.iter().map(|(name, count)| (*name, count.as_str())).collect();
    let text = weir_ui::i18n::t(screen.frame.lang, &format!("plugin-trial-{key}"), &counts);
    if found.failed > 0 { Cell::status(Tone::Bad, text) } else { Cell::Text(text) }
}

async fn show(screen: Screen<ViewPlugins>, ApiPath(id): ApiPath<PluginVersionId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let version = plugins::version(&mut tx, id).await?;
    let plugin = plugins::plugin(&mut tx, version.plugin_id).await?;
    let by = access::name_of(&mut tx, &version.uploaded_by).await?;
    let mut actions = Vec::new();
    if screen.may::<ManagePlugins>() {
        if version.dry_run.is_some() && version.state != VersionState::Active {
            actions.push(Action::go(format!("/plugin-versions/{id}/activate"), screen.t("plugin-activate")));
        }
        let key = if version.dry_run.is_some() { "plugin-dry-run-again" } else { "plugin-dry-run" };
        actions.push(Action::post(format!("/plugin-versions/{id}/dry-run"), screen.t(key)));
    }
    let mut facts = vec![
        (screen.t("status"), state(&screen, version.state)),
        (screen.t("plugin-digest"), Cell::Code(version.digest.clone())),
        (screen.t("plugin-size"), Cell::Text(format::bytes(screen.frame.lang, version.size.into()))),
        (screen.t("plugin-uploaded"), Cell::Text(instant(&screen, version.uploaded_at))),
        (screen.t("plugin-uploaded-by"), by.map_or(Cell::Code(version.uploaded_by.clone()), Cell::Text)),
    ];
    facts.extend(version.dry_run.iter().flat_map(|found| figures(&screen, found)));
    facts.push((screen.t("id"), Cell::Code(id.to_string())));
    let mut sections = vec![grants(&screen, &version)];
    sections.extend(version.dry_run.as_ref().map(|found| differences(&screen, found)));
    let title = [("name", plugin.name.as_str()), ("version", &version.number.to_string())];
    let page = Show {
        frame: &screen.frame,
        up: (format!("/plugins/{}", plugin.id), plugin.name.clone()),
        title: weir_ui::i18n::t(screen.frame.lang, "plugin-version-title", &title),
        lede: screen.t(&format!("plugin-version-{}-lede", version.state.name())),
        actions,
        command: None,
        facts,
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

/// What a dry run found, in figures.
fn figures<P: Needs>(screen: &Screen<P>, found: &DryRun) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    let number = |count: i64| Cell::Text(format::number(lang, count.into()));
    let mut facts = vec![
        (screen.t("plugin-tried"), Cell::Text(instant(screen, found.at))),
        (screen.t("plugin-inputs"), number(found.inputs)),
        (screen.t("plugin-changed"), number(found.changed)),
        (screen.t("plugin-failed"), number(found.failed)),
    ];
    if let (Some(charged), Some(would), Some(code)) = (found.charged, found.would_charge, &found.currency) {
        facts.push((screen.t("plugin-charged"), Cell::Text(format::money(lang, charged, code))));
        facts.push((screen.t("plugin-would-charge"), Cell::Text(format::money(lang, would, code))));
    }
    facts
}

/// What it may call: all it can reach.
fn grants<P: Needs>(screen: &Screen<P>, version: &Version) -> Section {
    let rows = version.imports.iter().map(|import| {
        let name = import.split(['/', '@']).nth(1).unwrap_or(import);
        vec![Cell::Code(import.clone()), Cell::Text(screen.t(&format!("plugin-import-{name}")))]
    });
    Section {
        title: screen.t("plugin-grants"),
        action: None,
        table: Table::new(vec![screen.t("plugin-interface"), screen.t("plugin-reaches")], rows.collect()),
        empty: screen.t("plugin-grants-none"),
    }
}

fn differences<P: Needs>(screen: &Screen<P>, found: &DryRun) -> Section {
    let rows = found.differences.iter().map(|difference| {
        let dash = |text: &str| if text.is_empty() { "—".to_owned() } else { text.to_owned() };
        vec![
            subject(difference),
            Cell::Text(difference.about.clone()),
            Cell::Text(dash(&difference.before)),
            match difference.failed {
                true => Cell::status(Tone::Bad, screen.t("plugin-no-answer")),
                false => Cell::Text(dash(&difference.after)),
            },
            Cell::Text(dash(&difference.reason)),
        ]
    });
    let names = ["plugin-subject", "plugin-about", "plugin-before", "plugin-after", "plugin-reason"];
    Section {
        title: screen.t("plugin-differences"),
        action: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t(if found.inputs == 0 { "plugin-nothing-recorded" } else { "plugin-no-differences" }),
    }
}

fn subject(difference: &Difference) -> Cell {
    match place(&difference.subject_id) {
        Some(place) => Cell::link(place, &difference.subject),
        None => Cell::Code(difference.subject.clone()),
    }
}

/// Where a thing is seen, by its id.
pub(super) fn place(id: &str) -> Option<String> {
    let collection = match id.split('_').next()? {
        "inv" => "invoices",
        "crn" => "credit-notes",
        "acc" => "accounts",
        "sub" => "subscriptions",
        "sbr" => "subscribers",
        "pay" => "payments",
        _ => return None,
    };
    Some(format!("/{collection}/{id}"))
}

async fn dry_run(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginVersionId>) -> Result<Response, Problem> {
    plugins::dry_run(&screen.app, &screen.scope(), id).await?;
    Ok(see_saying(&format!("/plugin-versions/{id}"), "done-plugin-tried"))
}

async fn asking(screen: Screen<ManagePlugins>, ApiPath(id): ApiPath<PluginVersionId>) -> Result<Response, Problem> {
    confirm(&screen, id, None).await
}

/// Shows what would change before it does.
async fn confirm(
    screen: &Screen<ManagePlugins>,
    id: PluginVersionId,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let version = plugins::version(&mut tx, id).await?;
    let plugin = plugins::plugin(&mut tx, version.plugin_id).await?;
    let mut facts = vec![(screen.t("plugin-digest"), Cell::Code(version.digest.clone()))];
    facts.extend(version.dry_run.iter().flat_map(|found| figures(screen, found)));
    let fields = Fields::of([("digest", version.digest.clone())]);
    let asked = Asking::new(&screen.frame, &fields, problem).ask("digest", "plugin-digest", Input::Hidden);
    let title = [("name", plugin.name.as_str()), ("version", &version.number.to_string())];
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/plugin-versions/{id}"), screen.t("version")),
        title: weir_ui::i18n::t(screen.frame.lang, "plugin-activate-title", &title),
        lede: screen.t(&format!("plugin-activate-lede-{}", plugin.hook.name())),
        facts,
        sections: version.dry_run.as_ref().map(|found| differences(screen, found)).into_iter().collect(),
        form: asked.inset(String::new(), format!("/plugin-versions/{id}/activate"), "plugin-activate"),
        danger: false,
    };
    html(form_status(problem), &page)
}

async fn activate(
    screen: Screen<ManagePlugins>,
    ApiPath(id): ApiPath<PluginVersionId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let version = plugins::version(&mut tx, id).await?;
    // What was looked at is what is activated.
    let digest = fields.option("digest").unwrap_or_else(|| version.digest.clone());
    match plugins::activate(&mut tx, version.plugin_id, &digest).await.map_err(Problem::from) {
        Ok(plugin) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/plugins/{}", plugin.id), "done-plugin-activated"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            confirm(&screen, id, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
