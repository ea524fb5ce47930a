//! `/messages/templates`: which built-in messages are sent, by what, in whose words, and how they look.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::i18n::{LANGUAGES, t};
use weir_ui::pages::{List, Section, Show};

use super::messages::mail;
use super::{Asking, form_status};
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageMessages, Needs, ViewMessages};
use crate::http::toast::see_saying;
use crate::notifications::{self, Error, Preview, SAMPLE_NAME, Template, TemplateSettings, TemplateWish, Wording};
use crate::tenants;

const HERE: &str = "/messages/templates";
/// Name of the fields with an ISP's own words, by language.
const OWN: [(&str, &str, &str); 5] = [
    ("en", "subject_en", "intro_en"),
    ("es", "subject_es", "intro_es"),
    ("pt-BR", "subject_pt", "intro_pt"),
    ("fr", "subject_fr", "intro_fr"),
    ("ar", "subject_ar", "intro_ar"),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/messages/templates", get(list))
        .route("/messages/templates/{template}", get(show).post(change))
        .route("/messages/templates/{template}/{language}", get(preview))
        .route("/messages/templates/{template}/{language}/html", get(preview_html))
}

async fn list(screen: Screen<ViewMessages>) -> Result<Response, Problem> {
    let templates = notifications::templates(&mut screen.read().await?).await?;
    let rows = templates.into_iter().map(|one| {
        let name = one.template.name();
        let languages: Vec<_> =
            one.wordings.iter().map(|wording| screen.t(&format!("language-{}", wording.language))).collect();
        vec![
            Cell::link(format!("{HERE}/{name}"), screen.t(&format!("messages-{name}"))),
            Cell::Text(screen.t(&format!("messages-{name}-about"))),
            if one.optional { switch(&screen, one.email) } else { always(&screen) },
            switch(&screen, one.sms),
            Cell::Text(if languages.is_empty() { "—".into() } else { languages.join(", ") }),
        ]
    });
    let names =
        ["messages-template", "messages-about", "messages-channel-email", "messages-channel-sms", "messages-own-words"];
    let page = List {
        frame: &screen.frame,
        title: screen.t("messages-templates"),
        lede: screen.t("messages-templates-lede"),
        action: None,
        search: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: String::new(),
        next: None,
    };
    html(StatusCode::OK, &page)
}

fn switch(screen: &Screen<ViewMessages>, on: bool) -> Cell {
    match on {
        true => Cell::status(Tone::Ok, screen.t("messages-on")),
        false => Cell::status(Tone::Mute, screen.t("messages-off")),
    }
}

fn always(screen: &Screen<ViewMessages>) -> Cell {
    Cell::status(Tone::Ok, screen.t("messages-always"))
}

async fn show(screen: Screen<ViewMessages>, ApiPath(name): ApiPath<String>) -> Result<Response, Problem> {
    let template = Template::named(&name).ok_or(Error::UnknownTemplate(name))?;
    let one = notifications::template(&mut screen.read().await?, template).await?;
    let tick = |on: bool| if on { "yes".to_owned() } else { String::new() };
    let mut fields = Fields::of([("email", tick(one.email)), ("sms", tick(one.sms))]);
    for (language, subject, intro) in OWN {
        if let Some(own) = one.wordings.iter().find(|wording| wording.language == language) {
            fields.set(subject, own.subject.clone());
            fields.set(intro, own.intro.clone());
        }
    }
    shown(&screen, &one, &fields, None)
}

fn shown<P: Needs>(
    screen: &Screen<P>,
    one: &TemplateSettings,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let name = one.template.name();
    let previews = LANGUAGES.map(|tag| {
        let language = screen.t(&format!("language-{tag}"));
        vec![Cell::link(format!("{HERE}/{name}/{tag}"), screen.frame.t1("messages-preview", "language", &language))]
    });
    let sections = vec![Section {
        title: screen.t("messages-previews"),
        action: None,
        table: Table::new(vec![screen.t("language")], previews.to_vec()),
        empty: String::new(),
    }];
    let page = Show {
        frame: &screen.frame,
        up: (HERE.into(), screen.t("messages-templates")),
        title: screen.t(&format!("messages-{name}")),
        lede: screen.t(&format!("messages-{name}-about")),
        actions: Vec::new(),
        command: None,
        facts: Vec::new(),
        sections,
        form: screen.may::<ManageMessages>().then(|| form(screen, one, fields, problem)),
    };
    html(form_status(problem), &page)
}

fn form<P: Needs>(
    screen: &Screen<P>,
    one: &TemplateSettings,
    fields: &Fields,
    problem: Option<&Problem>,
) -> weir_ui::pages::Inset {
    let known: Vec<_> = one.facts.iter().map(|fact| format!("{{{fact}}}")).collect();
    let hint = screen.frame.t1("messages-own-hint", "facts", &known.join(" "));
    let mut asked = Asking::new(&screen.frame, fields, problem);
    if one.optional {
        asked = asked.ask("email", "messages-by-email", Input::Tick);
    }
    asked = asked.ask("sms", "messages-by-sms", Input::Tick);
    for (language, subject, intro) in OWN {
        let words = screen.t(&format!("language-{language}"));
        asked = asked.part_in(words.clone(), String::new());
        let label = |key: &str| screen.frame.t1(key, "language", &words);
        asked = asked.ask_in(subject, label("messages-own-subject"), String::new(), Input::Line("text")).ask_in(
            intro,
            label("messages-own-intro"),
            hint.clone(),
            Input::Lines,
        );
    }
    asked.inset(screen.t("messages-own-words"), format!("{HERE}/{}", one.template.name()), "save")
}

async fn change(
    screen: Screen<ManageMessages>,
    ApiPath(name): ApiPath<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let template = Template::named(&name).ok_or(Error::UnknownTemplate(name))?;
    let mut tx = screen.begin().await?;
    let before = notifications::template(&mut tx, template).await?;
    let own = OWN.map(|(language, subject, intro)| Wording {
        language: language.to_owned(),
        subject: fields.text(subject),
        intro: fields.text(intro).replace("\r\n", "\n"),
    });
    let wish = TemplateWish {
        email: before.optional.then(|| fields.get("email") == "yes"),
        sms: Some(fields.get("sms") == "yes"),
        wordings: Some(own.to_vec()),
    };
    match notifications::change_template(&mut tx, template, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("{HERE}/{}", template.name()), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => shown(&screen, &before, &fields, Some(&in_the_form(problem))),
        Err(problem) => Err(problem),
    }
}

/// The fields of a problem as the form names them: `wordings.1.subject` is `subject_es`.
fn in_the_form(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        let Some((number, part)) = error.field.strip_prefix("wordings.").and_then(|rest| rest.split_once('.')) else {
            continue;
        };
        let named = number.parse::<usize>().ok().and_then(|number| OWN.get(number));
        if let Some((_, subject, intro)) = named {
            error.field = (if part == "subject" { *subject } else { *intro }).to_owned();
        }
    }
    problem
}

/// The message in a language, in the ISP's own words where it has some.
async fn made(screen: &Screen<ViewMessages>, name: String, tag: &str) -> Result<(Template, Preview), Problem> {
    let template = Template::named(&name).ok_or(Error::UnknownTemplate(name))?;
    let language = LANGUAGES.into_iter().find(|known| *known == tag);
    let language = language.ok_or_else(|| Problem::new(&crate::error::NOT_FOUND, "no message is in this language"))?;
    let mut tx = screen.read().await?;
    let tenant = tenants::tenant(&mut tx).await.map_err(Error::from)?;
    let one = notifications::template(&mut tx, template).await?;
    let own = one.wordings.iter().find(|wording| wording.language == language);
    Ok((template, notifications::preview(&tenant, template, language, own)?))
}

async fn preview(
    screen: Screen<ViewMessages>,
    ApiPath((name, tag)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    let (template, made) = made(&screen, name, &tag).await?;
    let one_cell = |key: &str, text: String| Section {
        title: screen.t(key),
        action: None,
        table: Table::new(vec![screen.t(key)], vec![vec![Cell::Lines(text)]]),
        empty: String::new(),
    };
    let own = format!("{HERE}/{}", template.name());
    let lede = t(screen.frame.lang, "messages-preview-lede", &[("name", SAMPLE_NAME)]);
    let page = Show {
        frame: &screen.frame,
        up: (own.clone(), screen.t(&format!("messages-{}", template.name()))),
        title: screen.frame.t1("messages-preview", "language", &screen.t(&format!("language-{tag}"))),
        lede,
        actions: vec![Action::go(format!("{own}/{tag}/html"), screen.t("messages-html"))],
        command: None,
        facts: vec![(screen.t("messages-subject"), Cell::Text(made.subject))],
        sections: vec![one_cell("messages-text", made.text), one_cell("messages-sms-text", made.sms)],
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn preview_html(
    screen: Screen<ViewMessages>,
    ApiPath((name, tag)): ApiPath<(String, String)>,
) -> Result<Response, Problem> {
    Ok(mail(made(&screen, name, &tag).await?.1.html))
}
