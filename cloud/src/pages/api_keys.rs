//! `/api-keys`: keys programs ask with.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::{NaiveDate, NaiveTime};
use weir_ui::blocks::{Action, Cell, Confirm, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, List, Section, Show};

use super::{Asking, form_status, next_page, page_of};
use crate::access::{self, ApiKey, NewApiKey};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageApiKeys, Permission};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::ApiKeyId;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api-keys", get(list).post(make))
        .route("/api-keys/new", get(new))
        .route("/api-keys/{id}", get(show))
        .route("/api-keys/{id}/revoke", post(revoke))
}

async fn list(screen: Screen<ManageApiKeys>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut keys = access::api_keys(&mut screen.read().await?, page).await?;
    let next = next_page(&mut keys, page, "/api-keys", |key| key.id.uuid());
    let rows = keys.iter().map(|key| {
        vec![
            Cell::link(format!("/api-keys/{}", key.id), &key.name),
            status(&screen, key),
            Cell::Code(format!("{}…", key.beginning)),
            Cell::Number(format::count(screen.frame.lang, key.scopes.len())),
            Cell::Text(used(&screen, key)),
        ]
    });
    let names = ["name", "status", "api-keys-key", "api-keys-scopes", "sessions-last-seen"].map(|key| screen.t(key));
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-api-keys"),
        lede: screen.t("api-keys-lede"),
        action: Some(Action::go("/api-keys/new", screen.t("api-keys-new"))),
        search: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("api-keys-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn status(screen: &Screen<ManageApiKeys>, key: &ApiKey) -> Cell {
    let over = key.expires_at.is_some_and(|at| at <= screen.app.clock.now());
    match (key.revoked_at, over) {
        (Some(_), _) => Cell::status(Tone::Mute, screen.t("api-keys-revoked")),
        (None, true) => Cell::status(Tone::Mute, screen.t("api-keys-expired")),
        (None, false) => Cell::status(Tone::Ok, screen.t("api-keys-in-force")),
    }
}

fn used(screen: &Screen<ManageApiKeys>, key: &ApiKey) -> String {
    key.last_used_at
        .map_or_else(|| screen.t("api-keys-unused"), |at| format::instant(screen.frame.lang, at, screen.zone))
}

/// What a permission is called; by its own name where nobody wrote another.
fn told(screen: &Screen<ManageApiKeys>, permission: &str) -> String {
    let key = format!("may-{permission}");
    let words = Some(screen.t(&key)).filter(|words| *words != key);
    words.unwrap_or_else(|| {
        let words = permission.replace('-', " ");
        words[..1].to_uppercase() + &words[1..]
    })
}

async fn new(screen: Screen<ManageApiKeys>) -> Result<Response, Problem> {
    form(&screen, &Fields::default(), None)
}

fn form(screen: &Screen<ManageApiKeys>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let mut asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "api-keys-name", Input::Line("text"))
        .ask("expires_at", "api-keys-until", Input::Line("date"))
        .ask("networks", "api-keys-networks", Input::Lines);
    let all = access::scopes_of(&screen.person).collect::<Vec<Permission>>();
    for scope in all {
        asked = asked.ask_in(scope.0, told(screen, scope.0), String::new(), Input::Tick);
    }
    let page = Form {
        frame: &screen.frame,
        up: ("/api-keys".into(), screen.t("nav-api-keys")),
        title: screen.t("api-keys-new"),
        lede: screen.t("api-keys-new-lede"),
        form: asked.inset(String::new(), "/api-keys", "api-keys-make"),
    };
    html(form_status(problem), &page)
}

async fn make(screen: Screen<ManageApiKeys>, mut fields: Fields) -> Result<Response, Problem> {
    let day = fields.read_option::<NaiveDate>("expires_at", "error-date");
    let problem = fields.problem();
    if !problem.errors.is_empty() {
        return form(&screen, &fields, Some(&problem));
    }
    // To the end of that day.
    let end = day.and_then(|day| day.succ_opt()?.and_time(NaiveTime::MIN).and_local_timezone(screen.zone).earliest());
    let scopes = access::scopes_of(&screen.person).filter(|scope| fields.get(scope.0) == "yes");
    let wish = NewApiKey {
        name: fields.text("name"),
        scopes: scopes.map(|scope| scope.0.to_owned()).collect(),
        expires_at: end.map(|end| end.to_utc()),
        networks: fields.get("networks").split_whitespace().map(str::to_owned).collect(),
    };
    let mut tx = screen.begin().await?;
    match access::make_api_key(&mut tx, &screen.person, wish).await.map_err(Problem::from) {
        Ok(made) => {
            tx.commit().await?;
            shown(&screen, made.api_key, Some(made.key)).await
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn show(screen: Screen<ManageApiKeys>, ApiPath(id): ApiPath<ApiKeyId>) -> Result<Response, Problem> {
    let key = access::api_key(&mut screen.read().await?, id).await?;
    shown(&screen, key, None).await
}

/// A key's page; with the key itself right after it was made.
async fn shown(screen: &Screen<ManageApiKeys>, key: ApiKey, secret: Option<String>) -> Result<Response, Problem> {
    let by = access::name_of(&mut screen.read().await?, &key.made_by.to_string()).await?;
    let instant = |at| format::instant(screen.frame.lang, at, screen.zone);
    let networks: Vec<_> = key.networks.iter().map(ToString::to_string).collect();
    let from = if networks.is_empty() { screen.t("api-keys-everywhere") } else { networks.join(", ") };
    let until = key.expires_at.map_or_else(|| screen.t("open-end"), instant);
    let last_from = Some(key.last_used_from.clone()).filter(|from| !from.is_empty());
    let facts = vec![
        (screen.t("status"), status(screen, &key)),
        (screen.t("api-keys-key"), Cell::Code(format!("{}…", key.beginning))),
        (screen.t("api-keys-made-by"), by.map_or(Cell::Code(key.made_by.to_string()), Cell::Text)),
        (screen.t("since"), Cell::Text(instant(key.created_at))),
        (screen.t("until"), Cell::Text(until)),
        (screen.t("api-keys-networks"), Cell::Text(from)),
        (screen.t("sessions-last-seen"), Cell::Text(used(screen, &key))),
        (screen.t("sessions-address"), Cell::Code(last_from.unwrap_or_else(|| "—".into()))),
        (screen.t("id"), Cell::Code(key.id.to_string())),
    ];
    let scopes = key.scopes.iter().map(|scope| vec![Cell::Text(told(screen, scope)), Cell::Code(scope.clone())]);
    let scopes = Section {
        title: screen.t("api-keys-scopes"),
        action: None,
        table: Table::new(vec![screen.t("api-keys-scope"), screen.t("code")], scopes.collect()),
        empty: String::new(),
    };
    let revoke = Action::post(format!("/api-keys/{}/revoke", key.id), screen.t("api-keys-revoke")).asking(Confirm {
        title: screen.frame.t1("api-keys-revoke-title", "name", &key.name),
        consequence: screen.t("api-keys-revoke-lede"),
        yes: screen.t("api-keys-revoke"),
        no: screen.t("leave-it"),
    });
    let page = Show {
        frame: &screen.frame,
        up: ("/api-keys".into(), screen.t("nav-api-keys")),
        title: key.name,
        lede: screen.t("api-keys-show-lede"),
        actions: key.revoked_at.is_none().then_some(revoke).into_iter().collect(),
        command: secret.map(|secret| (secret, screen.t("api-keys-once"))),
        facts,
        sections: vec![scopes],
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn revoke(screen: Screen<ManageApiKeys>, ApiPath(id): ApiPath<ApiKeyId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    access::revoke_api_key(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/api-keys/{id}"), "done-api-key-revoked"))
}
