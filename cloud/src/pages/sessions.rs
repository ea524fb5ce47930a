//! `/preferences/sessions`: from where one is logged in; the same of others on their pages.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Confirm, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Section, Show};

use crate::access::{self, SessionView};
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Screen, html};
use crate::http::permission::{LoggedIn, ManageStaff, Needs};
use crate::http::toast::see_saying;
use crate::ids::{SessionId, StaffId};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/preferences/sessions", get(own).post(end_others))
        .route("/sessions/{id}/end", post(end))
        .route("/staff/{id}/sessions/end", post(end_of))
}

async fn own(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    let sessions = access::sessions(&mut screen.read().await?, screen.person.id).await?;
    let others = sessions.len() > 1;
    let end = Action::post("/preferences/sessions", screen.t("sessions-end-others")).asking(Confirm {
        title: screen.t("sessions-end-others"),
        consequence: screen.t("sessions-end-others-lede"),
        yes: screen.t("sessions-end-others"),
        no: screen.t("leave-it"),
    });
    let page = Show {
        frame: &screen.frame,
        up: ("/preferences".into(), screen.t("preferences")),
        title: screen.t("sessions"),
        lede: screen.t("sessions-lede"),
        actions: others.then_some(end).into_iter().collect(),
        command: None,
        facts: Vec::new(),
        sections: vec![section(&screen, sessions)],
        form: None,
    };
    html(StatusCode::OK, &page)
}

/// Sessions with what ends each.
pub(super) fn section<P: Needs>(screen: &Screen<P>, sessions: Vec<SessionView>) -> Section {
    let instant = |at| format::instant(screen.frame.lang, at, screen.zone);
    let rows = sessions.into_iter().map(|session| {
        let end = match screen.session == Some(session.id) {
            true => Cell::status(Tone::Ok, screen.t("sessions-this")),
            false => Cell::Post { action: format!("/sessions/{}/end", session.id), text: screen.t("sessions-end") },
        };
        let known = |text: String| if text.is_empty() { "—".to_owned() } else { text };
        vec![
            Cell::Text(known(session.device)),
            Cell::Code(known(session.address)),
            Cell::Text(instant(session.created_at)),
            Cell::Text(instant(session.last_seen_at)),
            end,
        ]
    });
    let names = ["sessions-device", "sessions-address", "since", "sessions-last-seen", "status"];
    Section {
        title: screen.t("sessions"),
        action: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t("sessions-none"),
    }
}

async fn end_others(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    access::end_sessions(&mut tx, screen.person.id, screen.session).await?;
    tx.commit().await?;
    Ok(see_saying("/preferences/sessions", "done-sessions"))
}

async fn end(screen: Screen<LoggedIn>, ApiPath(id): ApiPath<SessionId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let owner = access::session_owner(&mut tx, id).await?;
    access::end_session(&mut tx, &screen.person, id).await?;
    tx.commit().await?;
    let back = if owner == screen.person.id { "/preferences/sessions".to_owned() } else { format!("/staff/{owner}") };
    Ok(see_saying(&back, "done-session"))
}

async fn end_of(screen: Screen<ManageStaff>, ApiPath(id): ApiPath<StaffId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    access::member(&mut tx, id).await?;
    access::end_sessions(&mut tx, id, None).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/staff/{id}"), "done-sessions"))
}
