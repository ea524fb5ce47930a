//! `/settings` of the ISP, and `/preferences` of the person.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Input};
use weir_ui::pages::{Form, Show};

use super::staff::role_name;
use super::{Asking, form_status};
use crate::access;
use crate::app::App;
use crate::error::Problem;
use crate::fleet::desired;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{LoggedIn, ManageSettings, Needs, ViewSettings};
use crate::http::toast::see_saying;
use crate::tenants::{self, LANGUAGES, Recognition, TaxRounding, TenantChange};

const THEMES: [&str; 3] = ["system", "light", "dark"];
/// A field, its words, and its type.
type Line = (&'static str, &'static str, &'static str);
/// What the settings ask in one line each, by part.
const PARTS: [(&str, &[Line]); 3] = [
    (
        "settings-shown",
        &[
            ("name", "name", "text"),
            ("hue", "hue", "number"),
            ("contact", "contact", "text"),
            ("pay_url", "pay-url", "url"),
        ],
    ),
    (
        "settings-billing",
        &[
            ("payment_terms_days", "payment-terms", "number"),
            ("grace_days", "grace-days", "number"),
            ("bank_holder", "bank-holder", "text"),
            ("bank_iban", "bank-iban", "text"),
            ("bank_bic", "bank-bic", "text"),
        ],
    ),
    ("settings-company", &[("legal_name", "legal-name", "text"), ("port_block_months", "port-block-months", "number")]),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/settings", get(settings).post(change_settings))
        .route("/preferences", get(preferences).post(change_preferences))
        .route("/preferences/password", get(password).post(change_password))
}

async fn settings(screen: Screen<ViewSettings>) -> Result<Response, Problem> {
    let tenant = tenants::tenant(&mut screen.read().await?).await?;
    let fields = Fields::of([
        ("name", tenant.name),
        ("legal_name", tenant.legal_name),
        ("address", tenant.address),
        ("tax_id", tenant.tax_id),
        ("contact", tenant.contact),
        ("pay_url", tenant.pay_url),
        ("hue", tenant.hue.to_string()),
        ("tax_rounding", if tenant.tax_rounding == TaxRounding::Line { "line".into() } else { "invoice".into() }),
        ("tax_included", if tenant.tax_included { "yes".into() } else { String::new() }),
        ("recognition", tenant.recognition.name().into()),
        ("payment_terms_days", tenant.payment_terms_days.to_string()),
        ("grace_days", tenant.grace_days.to_string()),
        ("bank_holder", tenant.bank_holder),
        ("bank_iban", tenant.bank_iban),
        ("bank_bic", tenant.bank_bic),
        ("port_block_months", tenant.port_block_months.to_string()),
    ]);
    settings_form(&screen, &fields, None)
}

fn settings_form<P: Needs>(
    screen: &Screen<P>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut asked = Asking::new(&screen.frame, fields, problem);
    for (part, lines) in PARTS {
        asked = asked.part(part);
        for (name, key, kind) in lines {
            asked = asked.ask(*name, key, Input::Line(kind));
        }
    }
    let roundings = ["invoice", "line"].map(|name| (name.to_owned(), screen.t(&format!("tax-rounding-{name}"))));
    let asked = asked.ask("tax_rounding", "tax-rounding", Input::Choice(roundings.to_vec()));
    let asked = asked.ask("tax_included", "tax-included", Input::Tick);
    let ways = Recognition::ALL.map(|way| (way.name().to_owned(), screen.t(&format!("recognition-{}", way.name()))));
    let hint = screen.t("recognition-hint");
    let asked = asked.ask_in("recognition", screen.t("recognition"), hint, Input::Choice(ways.to_vec()));
    let asked = asked.ask("address", "address", Input::Lines).ask("tax_id", "tax-id", Input::Line("text"));
    let page = Form {
        frame: &screen.frame,
        up: ("/".into(), screen.t("nav-overview")),
        title: screen.t("nav-settings"),
        lede: screen.t("settings-lede"),
        form: asked.inset(String::new(), "/settings", "save"),
    };
    html(form_status(problem), &page)
}

async fn change_settings(screen: Screen<ManageSettings>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let changed = match wish(&mut fields) {
        Ok(wish) => tenants::change(&mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            // The walled garden of every router shows the ISP's name, colour and contact.
            desired::refresh_all_routers(&mut tx).await?;
            tx.commit().await?;
            Ok(see_saying("/settings", "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => settings_form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn wish(fields: &mut Fields) -> Result<TenantChange, Problem> {
    let change = TenantChange {
        name: Some(fields.text("name")),
        legal_name: Some(fields.text("legal_name")),
        address: Some(fields.text("address").replace("\r\n", "\n")),
        tax_id: Some(fields.text("tax_id")),
        contact: Some(fields.text("contact")),
        pay_url: Some(fields.text("pay_url")),
        bank_holder: Some(fields.text("bank_holder")),
        bank_iban: Some(fields.text("bank_iban")),
        bank_bic: Some(fields.text("bank_bic")),
        hue: fields.read("hue", "error-number"),
        tax_rounding: Some(if fields.get("tax_rounding") == "line" { TaxRounding::Line } else { TaxRounding::Invoice }),
        tax_included: Some(fields.get("tax_included") == "yes"),
        recognition: Recognition::ALL.into_iter().find(|way| way.name() == fields.get("recognition")),
        payment_terms_days: fields.read("payment_terms_days", "error-number"),
        grace_days: fields.read("grace_days", "error-number"),
        port_block_months: fields.read_option("port_block_months", "error-number"),
        ..TenantChange::default()
    };
    let problem = fields.problem();
    if problem.errors.is_empty() { Ok(change) } else { Err(problem) }
}

async fn preferences(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    let fields = Fields::of([
        ("language", screen.person.language.clone()),
        ("theme", screen.person.theme.clone()),
        ("single_keys", if screen.person.single_keys { "yes".into() } else { String::new() }),
    ]);
    preferences_form(&screen, &fields, None)
}

fn preferences_form(
    screen: &Screen<LoggedIn>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let languages = LANGUAGES.map(|tag| (tag.to_owned(), screen.t(&format!("language-{tag}")))).to_vec();
    let themes = THEMES.map(|theme| (theme.to_owned(), screen.t(&format!("theme-{theme}")))).to_vec();
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("language", "language", Input::Choice(languages))
        .ask("theme", "theme", Input::Choice(themes))
        .ask("single_keys", "single-keys", Input::Tick)
        .inset(screen.t("preferences-screen"), "/preferences", "save");
    let facts = vec![
        (screen.t("name"), Cell::Text(screen.person.name.clone())),
        (screen.t("email"), Cell::Text(screen.person.email.clone())),
        (screen.t("role"), Cell::Text(role_name(screen, screen.person.role))),
    ];
    let page = Show {
        frame: &screen.frame,
        up: ("/".into(), screen.t("nav-overview")),
        title: screen.t("preferences"),
        lede: screen.t("preferences-lede"),
        actions: vec![
            Action::go("/preferences/second-step", screen.t("second-step")),
            Action::go("/preferences/sessions", screen.t("sessions")),
            Action::go("/preferences/password", screen.t("password-change")),
        ],
        command: None,
        facts,
        sections: Vec::new(),
        form: Some(form),
    };
    html(form_status(problem), &page)
}

async fn change_preferences(screen: Screen<LoggedIn>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let (language, theme) = (fields.get("language"), fields.get("theme"));
    let changed =
        access::change_preferences(&mut tx, screen.person.id, language, theme, fields.get("single_keys") == "yes")
            .await;
    match changed.map_err(Problem::from) {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_saying("/preferences", "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => preferences_form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn password(screen: Screen<LoggedIn>) -> Result<Response, Problem> {
    password_form(&screen, None)
}

fn password_form(screen: &Screen<LoggedIn>, problem: Option<&Problem>) -> Result<Response, Problem> {
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, problem)
        .ask("current_password", "password-current", Input::Line("password"))
        .ask("password", "password-new", Input::Line("password"));
    let page = Form {
        frame: &screen.frame,
        up: ("/preferences".into(), screen.t("preferences")),
        title: screen.t("password-change"),
        lede: screen.t("password-change-lede"),
        form: asked.inset(String::new(), "/preferences/password", "save"),
    };
    html(form_status(problem), &page)
}

async fn change_password(screen: Screen<LoggedIn>, fields: Fields) -> Result<Response, Problem> {
    let (current, new) = (fields.text("current_password"), fields.text("password"));
    match access::change_password(&screen.app, &screen.person, screen.session, current, new)
        .await
        .map_err(Problem::from)
    {
        Ok(()) => Ok(see_saying("/preferences", "done-saved")),
        Err(problem) if is_about_the_form(&problem) => password_form(&screen, Some(&problem)),
        Err(problem) => Err(problem),
    }
}
