//! `/portal-settings`: where the portal is and what it allows; links that let a subscriber in.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Input};
use weir_ui::pages::Show;

use super::{Asking, form_status, subscribers};
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSettings, ManageSubscribers, Needs, ViewSettings};
use crate::http::toast::see_saying;
use crate::ids::SubscriberId;
use crate::portal::{self, PortalSettings, PortalSettingsChange};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/portal-settings", get(show).post(change))
        .route("/subscribers/{id}/portal-link", post(make_link))
        .route("/subscribers/{id}/portal-sign-out", post(sign_out))
}

async fn show(screen: Screen<ViewSettings>) -> Result<Response, Problem> {
    let settings = portal::settings(&screen.app, &mut screen.read().await?).await?;
    let tick = |on: bool| if on { "yes".to_owned() } else { String::new() };
    let fields = Fields::of([
        ("host", settings.host.clone()),
        ("how_to_pay", settings.how_to_pay.clone()),
        ("sign_up", tick(settings.sign_up)),
        ("cheaper_at_period_end", tick(settings.cheaper_at_period_end)),
        ("top_ups", tick(settings.top_ups)),
    ]);
    shown(&screen, &settings, &fields, None)
}

fn shown<P: Needs>(
    screen: &Screen<P>,
    settings: &PortalSettings,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let form = screen.may::<ManageSettings>().then(|| {
        Asking::new(&screen.frame, fields, problem)
            .ask("host", "portal-host", Input::Line("text"))
            .ask("how_to_pay", "portal-how-to-pay", Input::Lines)
            .ask("sign_up", "portal-sign-up-open", Input::Tick)
            .ask("cheaper_at_period_end", "portal-cheaper", Input::Tick)
            .ask("top_ups", "portal-top-ups", Input::Tick)
            .inset(screen.t("nav-settings"), "/portal-settings", "save")
    });
    let sign_up = format!("{}/sign-up", settings.address);
    let page = Show {
        frame: &screen.frame,
        up: ("/settings".into(), screen.t("nav-settings")),
        title: screen.t("nav-portal"),
        lede: screen.t("portal-settings-lede"),
        actions: vec![Action::go(settings.address.clone(), screen.t("portal-open"))],
        command: None,
        facts: vec![
            (screen.t("portal-address"), Cell::Code(settings.address.clone())),
            (screen.t("portal-sign-up-address"), Cell::Code(sign_up)),
        ],
        sections: Vec::new(),
        form,
    };
    html(form_status(problem), &page)
}

async fn change(screen: Screen<ManageSettings>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = portal::settings(&screen.app, &mut tx).await?;
    let wish = PortalSettingsChange {
        host: Some(fields.text("host")),
        how_to_pay: Some(fields.text("how_to_pay").replace("\r\n", "\n")),
        sign_up: Some(fields.get("sign_up") == "yes"),
        cheaper_at_period_end: Some(fields.get("cheaper_at_period_end") == "yes"),
        top_ups: Some(fields.get("top_ups") == "yes"),
    };
    match portal::change_settings(&screen.app, &mut tx, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying("/portal-settings", "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => shown(&screen, &before, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn make_link(screen: Screen<ManageSubscribers>, ApiPath(id): ApiPath<SubscriberId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let link = portal::make_link(&screen.app, &mut tx, id).await?;
    tx.commit().await?;
    subscribers::shown(&screen, id, Some(link.link)).await
}

async fn sign_out(screen: Screen<ManageSubscribers>, ApiPath(id): ApiPath<SubscriberId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    crate::subscribers::subscriber(&mut tx, id).await?;
    portal::sign_out_everywhere(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/subscribers/{id}"), "done-saved"))
}
