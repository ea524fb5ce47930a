//! `/preferences/second-step`: one's authenticator and recovery codes; and what the staff page says of others'.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Confirm, Input, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, Picture, SecondStep, Show};

use super::{Asking, form_status};
use crate::access::{self, Enrolment};
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{LoggedIn, ManageStaff, Needs};
use crate::http::toast::see_saying;
use crate::ids::StaffId;

const HERE: &str = "/preferences/second-step";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/preferences/second-step", get(show).post(begin))
        .route("/preferences/second-step/confirm", post(confirm))
        .route("/preferences/second-step/codes", get(codes).post(renew))
        .route("/preferences/second-step/off", get(off).post(remove))
        .route("/staff/{id}/second-step/reset", post(reset))
        .route("/staff/policy", post(change_policy))
}

async fn show(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    let step = access::second_step(&mut screen.read().await?, &screen.person).await?;
    let mut actions = Vec::new();
    if step.on {
        actions.push(Action::go(format!("{HERE}/codes"), screen.t("second-step-codes-new")));
        if !step.required {
            actions.push(Action::go(format!("{HERE}/off"), screen.t("second-step-off")));
        }
    } else {
        actions.push(Action::post(HERE, screen.t("second-step-begin")));
    }
    let status = match step.on {
        true => Cell::status(Tone::Ok, screen.t("second-step-is-on")),
        false => Cell::status(Tone::Warn, screen.t("second-step-is-off")),
    };
    let mut facts = vec![(screen.t("status"), status)];
    if let Some(since) = step.since {
        facts.push((screen.t("since"), Cell::Text(format::instant(screen.frame.lang, since, screen.zone))));
        let left = format::number(screen.frame.lang, step.recovery_codes_left.into());
        facts.push((screen.t("second-step-codes-left"), Cell::Text(left)));
    }
    let demanded = if step.required { "second-step-demanded" } else { "second-step-not-demanded" };
    facts.push((screen.t("second-step-policy"), Cell::Text(screen.t(demanded))));
    let page = Show {
        frame: &screen.frame,
        up: ("/preferences".into(), screen.t("preferences")),
        title: screen.t("second-step"),
        lede: screen.t(if screen.person.lacks_second_step() { "second-step-due" } else { "second-step-lede" }),
        actions,
        command: None,
        facts,
        sections: Vec::new(),
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn begin(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let enrolment = access::begin_second_step(&screen.app, &mut tx, &screen.person).await?;
    tx.commit().await?;
    enrolling(&screen, &enrolment, None)
}

fn enrolling(screen: &Screen<LoggedIn>, enrolment: &Enrolment, problem: Option<&Problem>) -> Result<Response, Problem> {
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, problem).ask("code", "second-step-code", Input::Code);
    let secret: Vec<_> = enrolment.secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    let page = SecondStep {
        frame: &screen.frame,
        up: (HERE.into(), screen.t("second-step")),
        title: screen.t("second-step-begin"),
        lede: screen.t("second-step-begin-lede"),
        picture: picture(&enrolment.uri)?,
        secret: secret.join(" "),
        form: asked.inset(screen.t("second-step-confirm"), format!("{HERE}/confirm"), "second-step-confirm-do"),
    };
    html(form_status(problem), &page)
}

/// A text as a QR code, four modules of quiet around it.
fn picture(text: &str) -> Result<Picture, Problem> {
    const QUIET: usize = 4;
    let code = qrcode::QrCode::new(text).map_err(|error| Problem::internal(&error))?;
    let width = code.width();
    let dark = code.to_colors().into_iter().enumerate().filter(|(_, color)| *color == qrcode::Color::Dark);
    let path = dark.map(|(n, _)| format!("M{} {}h1v1h-1z", n % width + QUIET, n / width + QUIET)).collect();
    Ok(Picture { side: width + 2 * QUIET, path })
}

async fn confirm(screen: Screen<LoggedIn>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let confirmed =
        access::confirm_second_step(&screen.app, &mut tx, &screen.person, screen.session, fields.get("code")).await;
    match confirmed.map_err(Problem::from) {
        Ok(codes) => {
            tx.commit().await?;
            shown_once(&screen, &codes)
        }
        Err(problem) if !problem.errors.is_empty() => {
            drop(tx);
            let begun = access::begun_second_step(&screen.app, &mut screen.read().await?, &screen.person).await?;
            enrolling(&screen, &begun, Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

fn shown_once(screen: &Screen<LoggedIn>, codes: &[String]) -> Result<Response, Problem> {
    let page = Show {
        frame: &screen.frame,
        up: (HERE.into(), screen.t("second-step")),
        title: screen.t("second-step-codes"),
        lede: screen.t("second-step-codes-lede"),
        actions: vec![Action::go(HERE, screen.t("second-step-codes-kept"))],
        command: Some((codes.join("\n"), screen.t("second-step-codes-once"))),
        facts: Vec::new(),
        sections: Vec::new(),
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn codes(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    code_form(&screen, "codes", "second-step-codes-new", None)
}

async fn renew(screen: Screen<LoggedIn>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let renewed = access::renew_recovery_codes(&screen.app, &mut tx, &screen.person, fields.get("code")).await;
    match renewed.map_err(Problem::from) {
        Ok(codes) => {
            tx.commit().await?;
            shown_once(&screen, &codes)
        }
        Err(problem) if is_about_the_form(&problem) => {
            code_form(&screen, "codes", "second-step-codes-new", Some(&problem))
        }
        Err(problem) => Err(problem),
    }
}

async fn off(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    code_form(&screen, "off", "second-step-off", None)
}

async fn remove(screen: Screen<LoggedIn>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let removed = access::remove_second_step(&screen.app, &mut tx, &screen.person, fields.get("code")).await;
    match removed.map_err(Problem::from) {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_saying(HERE, "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => code_form(&screen, "off", "second-step-off", Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn code_form(screen: &Screen<LoggedIn>, what: &str, key: &str, problem: Option<&Problem>) -> Result<Response, Problem> {
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, problem).ask("code", "second-step-code", Input::Code);
    let page = Form {
        frame: &screen.frame,
        up: (HERE.into(), screen.t("second-step")),
        title: screen.t(key),
        lede: screen.t("second-step-code-asked"),
        form: asked.inset(String::new(), format!("{HERE}/{what}"), key),
    };
    html(form_status(problem), &page)
}

async fn reset(screen: Screen<ManageStaff>, ApiPath(id): ApiPath<StaffId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    access::reset_second_step(&mut tx, &screen.person, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/staff/{id}"), "done-second-step-reset"))
}

/// What takes somebody's lost authenticator away.
pub(super) fn reset_action<P: Needs>(screen: &Screen<P>, id: StaffId, name: &str) -> Action {
    Action::post(format!("/staff/{id}/second-step/reset"), screen.t("second-step-reset")).asking(Confirm {
        title: screen.frame.t1("second-step-reset-title", "name", name),
        consequence: screen.t("second-step-reset-lede"),
        yes: screen.t("second-step-reset"),
        no: screen.t("leave-it"),
    })
}

async fn change_policy(screen: Screen<ManageStaff>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    access::require_second_step(&mut tx, &screen.person, fields.get("second_step_required") == "yes").await?;
    tx.commit().await?;
    Ok(see_saying("/staff", "done-saved"))
}
