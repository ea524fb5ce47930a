//! `/messages/settings`: the mail server, the gateway for short messages, and whether they take a message.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::pages::{Form, Section, Show};

use super::{Asking, form_status};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageSettings, Needs, ViewMessages};
use crate::http::toast::see_saying;
use crate::notifications::{
    self, Channel, EmailSettings, EmailWish, Security, SmsMethod, SmsSettings, SmsType, SmsWish, Tested,
};

const HERE: &str = "/messages/settings";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/messages/settings", get(show))
        .route("/messages/settings/email", get(email).post(change_email))
        .route("/messages/settings/sms", get(sms).post(change_sms))
        .route("/messages/settings/test", post(test))
}

async fn show(screen: Screen<ViewMessages>) -> Result<Response, Problem> {
    let fields = Fields::of([("to", screen.person.email.clone())]);
    shown(&screen, &fields, None, None).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    fields: &Fields,
    problem: Option<&Problem>,
    tested: Option<Tested>,
) -> Result<Response, Problem> {
    let settings = notifications::settings(&mut screen.read().await?).await?;
    let may = screen.may::<ManageSettings>();
    let edit = |part: &str| may.then(|| Action::go(format!("{HERE}/{part}"), screen.t("edit")));
    let mut sections: Vec<_> = tested.map(|tested| answer(screen, tested)).into_iter().collect();
    sections.push(Section {
        title: screen.t("messages-email"),
        action: edit("email"),
        table: Table::facts(email_rows(screen, &settings.email)),
        empty: screen.t("messages-email-none"),
    });
    sections.push(Section {
        title: screen.t("messages-sms"),
        action: edit("sms"),
        table: Table::facts(sms_rows(screen, &settings.sms)),
        empty: screen.t("messages-sms-none"),
    });
    let channels = [Channel::Email, Channel::Sms]
        .map(|channel| (channel.name().to_owned(), screen.t(&format!("messages-channel-{}", channel.name()))));
    let form = may.then(|| {
        Asking::new(&screen.frame, fields, problem)
            .ask("channel", "messages-channel", Input::Choice(channels.to_vec()))
            .ask("to", "messages-test-to", Input::Line("text"))
            .inset(screen.t("messages-test"), format!("{HERE}/test"), "messages-test-do")
    });
    let page = Show {
        frame: &screen.frame,
        up: ("/messages".into(), screen.t("nav-messages")),
        title: screen.t("messages-settings"),
        lede: screen.t("messages-settings-lede"),
        actions: Vec::new(),
        command: None,
        facts: Vec::new(),
        sections,
        form,
    };
    html(form_status(problem), &page)
}

fn answer<P: Needs>(screen: &Screen<P>, tested: Tested) -> Section {
    let (tone, key) = match tested.accepted {
        true => (Tone::Ok, "messages-test-accepted"),
        false => (Tone::Bad, "messages-test-refused"),
    };
    let row = vec![Cell::status(tone, screen.t(key)), Cell::Code(tested.answer)];
    let names = vec![screen.t("status"), screen.t("messages-answer")];
    Section {
        title: screen.t("messages-test"),
        action: None,
        table: Table::new(names, vec![row]),
        empty: String::new(),
    }
}

fn email_rows<P: Needs>(screen: &Screen<P>, email: &EmailSettings) -> Vec<(String, Cell)> {
    if email.host.is_empty() {
        return Vec::new();
    }
    let mut rows = vec![
        row(screen, "messages-host", Cell::Code(format!("{}:{}", email.host, email.port))),
        row(screen, "messages-security", Cell::Text(screen.t(&format!("messages-security-{}", email.security.name())))),
        row(screen, "messages-user", Cell::Text(or_dash(&email.user))),
        row(screen, "messages-password", kept(screen, email.has_password)),
        row(screen, "messages-from-name", Cell::Text(or_dash(&email.from_name))),
        row(screen, "messages-from-address", Cell::Text(email.from_address.clone())),
    ];
    if !email.reply_to.is_empty() {
        rows.push(row(screen, "messages-reply-to", Cell::Text(email.reply_to.clone())));
    }
    rows
}

fn sms_rows<P: Needs>(screen: &Screen<P>, sms: &SmsSettings) -> Vec<(String, Cell)> {
    if sms.url.is_empty() {
        return Vec::new();
    }
    vec![
        row(screen, "messages-url", Cell::Code(sms.url.clone())),
        row(screen, "messages-method", Cell::Code(sms.method.name().into())),
        row(screen, "messages-type", Cell::Text(screen.t(&format!("messages-type-{}", sms.kind.name())))),
        row(screen, "messages-body", Cell::Lines(or_dash(&sms.body))),
        row(screen, "messages-header", Cell::Text(or_dash(&sms.header))),
        row(screen, "messages-credential", kept(screen, sms.has_credential)),
    ]
}

fn row<P: Needs>(screen: &Screen<P>, key: &str, value: Cell) -> (String, Cell) {
    (screen.t(key), value)
}

fn or_dash(text: &str) -> String {
    if text.is_empty() { "—".into() } else { text.to_owned() }
}

fn kept<P: Needs>(screen: &Screen<P>, kept: bool) -> Cell {
    Cell::Text(if kept { screen.t("messages-password-kept") } else { "—".into() })
}

async fn email(screen: Screen<ManageSettings>) -> Result<Response, Problem> {
    let kept = notifications::settings(&mut screen.read().await?).await?.email;
    let fields = Fields::of([
        ("host", kept.host),
        ("port", kept.port.to_string()),
        ("security", kept.security.name().into()),
        ("user", kept.user),
        ("from_name", kept.from_name),
        ("from_address", kept.from_address),
        ("reply_to", kept.reply_to),
        ("authority", kept.authority),
    ]);
    email_form(&screen, &fields, None)
}

fn email_form(
    screen: &Screen<ManageSettings>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let security =
        Security::ALL.map(|kind| (kind.name().to_owned(), screen.t(&format!("messages-security-{}", kind.name()))));
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("host", "messages-host", Input::Line("text"))
        .ask("port", "messages-port", Input::Line("number"))
        .ask("security", "messages-security", Input::Choice(security.to_vec()))
        .ask("user", "messages-user", Input::Line("text"))
        .ask("password", "messages-password", Input::Line("password"))
        .ask("from_name", "messages-from-name", Input::Line("text"))
        .ask("from_address", "messages-from-address", Input::Line("email"))
        .ask("reply_to", "messages-reply-to", Input::Line("email"))
        .ask("authority", "messages-authority", Input::Lines);
    let page = Form {
        frame: &screen.frame,
        up: (HERE.into(), screen.t("messages-settings")),
        title: screen.t("messages-email"),
        lede: screen.t("messages-email-lede"),
        form: asked.inset(String::new(), format!("{HERE}/email"), "save"),
    };
    html(form_status(problem), &page)
}

async fn change_email(screen: Screen<ManageSettings>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let changed = match email_wish(&mut fields) {
        Ok(wish) => notifications::change_email(&screen.app, &mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(HERE, "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => email_form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn email_wish(fields: &mut Fields) -> Result<EmailWish, Problem> {
    let port = fields.read::<u16>("port", "error-number");
    let security = Security::ALL.into_iter().find(|kind| kind.name() == fields.get("security"));
    if security.is_none() {
        fields.refuse("security", "error-choose");
    }
    let (Some(port), Some(security)) = (port, security) else { return Err(fields.problem()) };
    Ok(EmailWish {
        host: fields.text("host"),
        port,
        security,
        authority: fields.text("authority"),
        user: fields.text("user"),
        password: fields.option("password"),
        from_name: fields.text("from_name"),
        from_address: fields.text("from_address"),
        reply_to: fields.text("reply_to"),
    })
}

async fn sms(screen: Screen<ManageSettings>) -> Result<Response, Problem> {
    let kept = notifications::settings(&mut screen.read().await?).await?.sms;
    let body = if kept.url.is_empty() { r#"{"to":"{to}","text":"{text}"}"#.into() } else { kept.body };
    let fields = Fields::of([
        ("url", kept.url),
        ("method", kept.method.name().into()),
        ("type", kept.kind.name().into()),
        ("body", body),
        ("header", kept.header),
    ]);
    sms_form(&screen, &fields, None)
}

fn sms_form(screen: &Screen<ManageSettings>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let methods = SmsMethod::ALL.map(|method| (method.name().to_owned(), method.name().to_owned()));
    let types = SmsType::ALL.map(|kind| (kind.name().to_owned(), screen.t(&format!("messages-type-{}", kind.name()))));
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("url", "messages-url", Input::Line("text"))
        .ask("method", "messages-method", Input::Choice(methods.to_vec()))
        .ask("type", "messages-type", Input::Choice(types.to_vec()))
        .ask("body", "messages-body", Input::Lines)
        .ask("header", "messages-header", Input::Line("text"))
        .ask("credential", "messages-credential", Input::Line("password"));
    let page = Form {
        frame: &screen.frame,
        up: (HERE.into(), screen.t("messages-settings")),
        title: screen.t("messages-sms"),
        lede: screen.t("messages-sms-lede"),
        form: asked.inset(String::new(), format!("{HERE}/sms"), "save"),
    };
    html(form_status(problem), &page)
}

async fn change_sms(screen: Screen<ManageSettings>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let changed = match sms_wish(&mut fields) {
        Ok(wish) => notifications::change_sms(&screen.app, &mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(HERE, "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => sms_form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn sms_wish(fields: &mut Fields) -> Result<SmsWish, Problem> {
    let method = SmsMethod::ALL.into_iter().find(|method| method.name() == fields.get("method"));
    let kind = SmsType::ALL.into_iter().find(|kind| kind.name() == fields.get("type"));
    for (name, missing) in [("method", method.is_none()), ("type", kind.is_none())] {
        if missing {
            fields.refuse(name, "error-choose");
        }
    }
    let (Some(method), Some(kind)) = (method, kind) else { return Err(fields.problem()) };
    Ok(SmsWish {
        url: fields.text("url"),
        method,
        kind,
        body: fields.text("body"),
        header: fields.text("header"),
        credential: fields.option("credential"),
    })
}

async fn test(screen: Screen<ManageSettings>, fields: Fields) -> Result<Response, Problem> {
    let channel = if fields.get("channel") == Channel::Sms.name() { Channel::Sms } else { Channel::Email };
    let (scope, lang) = (screen.scope(), screen.frame.lang);
    match notifications::test(&screen.app, &scope, channel, fields.get("to"), lang).await.map_err(Problem::from) {
        Ok(tested) => shown(&screen, &fields, None, Some(tested)).await,
        Err(problem) if is_about_the_form(&problem) => shown(&screen, &fields, Some(&problem), None).await,
        Err(problem) => Err(problem),
    }
}
