//! `/imports`: lists of subscribers brought in from a file: what would become of every row, and then the import itself.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use futures_util::stream;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Chip, Confirm, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, List, Register, Section};

use super::{Asking, ROWS, address, form_status, next_page, page_of, told_in};
use crate::access;
use crate::app::App;
use crate::error::{self, Problem};
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::ManageImports;
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery, csv};
use crate::ids::ImportId;
use crate::imports::{self, FIELDS, Import, ImportChange, ImportStatus, NewImport, Row};

/// Rows read at once for a file.
const AT_ONCE: u32 = 1_000;

/// What is said of rows, by a part of it, and how readers are told.
const SAID: &[(&str, &str)] = &[
    ("stands in an earlier row", "imports-error-twice"),
    ("is not a day of the month", "imports-error-billing-day"),
    ("must be between 1 and 31", "imports-error-billing-day"),
    ("must be named when", "imports-error-plan-missing"),
    ("no plan on sale is called", "imports-error-plan"),
    ("no router is called", "imports-error-router"),
    ("no access point of this router is called", "imports-error-access-point"),
    ("is not a day such as", "imports-error-day"),
    ("must be in the years", "imports-error-years"),
    ("is not an e-mail address", "imports-error-email"),
    ("must be one of en", "imports-error-language"),
    ("unknown currency", "imports-error-currency"),
    ("the plan is priced in", "imports-error-plan-currency"),
    ("is not an ISO 3166-1 code", "imports-error-country"),
    ("must name 1 to", "imports-error-prefixes"),
    (" overlap", "imports-error-overlap"),
    (" is an identity of", "imports-error-identity-taken"),
    ("prefix ", "imports-error-prefix"),
];

type Bringer = Screen<ManageImports>;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/imports", get(list).post(add))
        .route("/imports/new", get(new))
        .route("/imports/{id}", get(show))
        .route("/imports/{id}/columns", get(columns).post(change))
        .route("/imports/{id}/start", post(start))
        .route("/imports/{id}/remove", post(remove))
        .route("/imports/{id}/rows.csv", get(file))
}

async fn list(screen: Bringer, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut imports = imports::imports(&mut screen.read().await?, page).await?;
    let next = next_page(&mut imports, page, "/imports", |import| import.id.uuid());
    let lang = screen.frame.lang;
    let rows = imports.iter().map(|import| {
        vec![
            Cell::link(format!("/imports/{}", import.id), &import.name),
            standing(&screen, import),
            Cell::Number(format::number(lang, import.row_count.into())),
            Cell::Text(format::instant(lang, import.created_at, screen.zone)),
        ]
    });
    let names = ["imports-file", "status", "imports-rows", "started"].map(|key| screen.t(key)).to_vec();
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-imports"),
        lede: screen.t("imports-lede"),
        action: Some(Action::go("/imports/new", screen.t("imports-new"))),
        search: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("imports-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn standing(screen: &Bringer, import: &Import) -> Cell {
    if import.status.is_at_work() {
        let seen = format::number(screen.frame.lang, import.seen.into());
        let all = format::number(screen.frame.lang, import.row_count.into());
        let words = weir_ui::i18n::t(screen.frame.lang, "run-accounts", &[("done", &seen), ("all", &all)]);
        return Cell::Progress { done: import.seen.unsigned_abs(), all: import.row_count.unsigned_abs(), words };
    }
    match (import.status, import.wrong) {
        (ImportStatus::Done, _) => Cell::status(Tone::Ok, screen.t("imports-done")),
        (_, 0) => Cell::status(Tone::Ok, screen.t("imports-ready")),
        _ => Cell::status(Tone::Bad, screen.t("imports-wrong")),
    }
}

async fn new(screen: Bringer) -> Result<Response, Problem> {
    form(&screen, None)
}

fn form(screen: &Bringer, problem: Option<&Problem>) -> Result<Response, Problem> {
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, problem).ask("csv", "imports-csv", Input::File).ask(
        "welcome",
        "imports-welcome",
        Input::Tick,
    );
    let page = Form {
        frame: &screen.frame,
        up: ("/imports".into(), screen.t("nav-imports")),
        title: screen.t("imports-new"),
        lede: screen.t("imports-new-lede"),
        form: asked.inset(String::new(), "/imports", "imports-check"),
    };
    html(form_status(problem), &page)
}

async fn add(screen: Bringer, mut sent: Multipart) -> Result<Response, Problem> {
    let unreadable = |error: MultipartError| Problem::new(&error::MALFORMED_BODY, error.body_text());
    let mut wish = NewImport { name: String::new(), csv: String::new(), columns: BTreeMap::new(), welcome: false };
    let mut problem = None;
    while let Some(part) = sent.next_field().await.map_err(unreadable)? {
        match part.name() {
            Some("csv") => {}
            Some("welcome") => {
                wish.welcome = part.text().await.map_err(unreadable)? == "yes";
                continue;
            }
            _ => continue,
        }
        wish.name = part.file_name().unwrap_or_default().to_owned();
        match String::from_utf8(part.bytes().await.map_err(unreadable)?.to_vec()) {
            Ok(text) if text.contains('\0') => problem = Some(Problem::field("csv", "error-import-letters")),
            Ok(text) => wish.csv = text,
            Err(_) => problem = Some(Problem::field("csv", "error-import-letters")),
        }
    }
    if wish.name.is_empty() {
        problem = Some(Problem::field("csv", "error-required"));
    }
    if let Some(problem) = problem {
        return form(&screen, Some(&problem));
    }
    let mut tx = screen.begin().await?;
    match imports::add(&mut tx, wish).await.map_err(Problem::from) {
        Ok(import) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/imports/{}", import.id), "done-import-checking"))
        }
        // No column for the names is known: whoever sent the file says which one it is.
        Err(problem) if is_about_the_form(&problem) => {
            let told = problem.errors.iter().map(|error| error.message.clone()).collect::<Vec<_>>().join("; ");
            form(&screen, Some(&Problem::field("csv", told)))
        }
        Err(problem) => Err(problem),
    }
}

#[derive(Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    rows: String,
    #[serde(default)]
    line: i32,
}

async fn show(
    screen: Bringer,
    ApiPath(id): ApiPath<ImportId>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let import = imports::import(&mut tx, id).await?;
    let wrong = wanted.rows == "wrong";
    let mut rows = imports::outcomes(&mut tx, id, wanted.line, ROWS, wrong).await?;
    let by = access::name_of(&mut tx, &import.made_by).await?;
    let here = format!("/imports/{id}");
    let at = |rows: &str, line: &str| address(&here, &[("rows", rows), ("line", line)]);
    let more = rows.len() > ROWS as usize;
    rows.truncate(ROWS as usize);
    let next = rows.last().filter(|_| more).map(|row| at(&wanted.rows, &row.line.to_string()));
    let chip = |value: &str, key: &str| Chip { href: at(value, ""), text: screen.t(key), chosen: wanted.rows == value };
    let names = ["imports-line", "name", "status", "imports-errors"].map(|key| screen.t(key)).to_vec();
    let lang = screen.frame.lang;
    let mut facts = vec![
        (screen.t("status"), standing(&screen, &import)),
        (screen.t("imports-rows"), Cell::Text(format::number(lang, import.row_count.into()))),
        (screen.t("imports-wrong-rows"), Cell::Text(format::number(lang, import.wrong.into()))),
        (screen.t("started-by"), Cell::Text(by.unwrap_or(import.made_by.clone()))),
    ];
    let welcome = if import.welcome { "imports-welcome-yes" } else { "imports-welcome-no" };
    facts.push((screen.t("imports-welcome"), Cell::Text(screen.t(welcome))));
    let read = import.columns.iter().map(|(field, column)| format!("{}: {column}", told(screen.frame.lang, field)));
    facts.push((screen.t("imports-columns"), Cell::Text(read.collect::<Vec<_>>().join(" · "))));
    let page = Register {
        frame: &screen.frame,
        up: Some(("/imports".into(), screen.t("nav-imports"))),
        title: import.name.clone(),
        lede: screen.t(lede_of(&import)),
        actions: actions(&screen, &import),
        figures: Vec::new(),
        sections: vec![Section {
            title: screen.t("imports-import"),
            action: None,
            table: Table::facts(facts),
            empty: String::new(),
        }],
        heading: screen.t("imports-rows"),
        chips: vec![chip("", "imports-rows-all"), chip("wrong", "imports-rows-wrong")],
        search: None,
        table: Table::new(names, rows.iter().map(|row| outcome(&screen, &import, row)).collect()),
        empty: screen.t(if import.status.is_at_work() { "imports-rows-later" } else { "imports-rows-none" }),
        next,
    };
    html(StatusCode::OK, &page)
}

fn lede_of(import: &Import) -> &'static str {
    match import.status {
        ImportStatus::Checking => "imports-checking-lede",
        ImportStatus::Importing => "imports-importing-lede",
        ImportStatus::Done => "imports-done-lede",
        ImportStatus::Checked if import.wrong > 0 => "imports-wrong-lede",
        ImportStatus::Checked => "imports-ready-lede",
    }
}

fn actions(screen: &Bringer, import: &Import) -> Vec<Action> {
    let to = |verb: &str| format!("/imports/{}/{verb}", import.id);
    if import.status.is_at_work() {
        return vec![Action::go(format!("/imports/{}", import.id), screen.t("run-look-again"))];
    }
    let mut actions = Vec::new();
    if import.status == ImportStatus::Checked {
        if import.wrong == 0 {
            let count = format::number(screen.frame.lang, import.row_count.into());
            actions.push(Action::post(to("start"), screen.t("imports-start")).asking(Confirm {
                title: screen.frame.t1("imports-start-title", "count", &count),
                consequence: screen.t("imports-start-lede"),
                yes: screen.t("imports-start"),
                no: screen.t("leave-it"),
            }));
        }
        actions.push(Action::go(to("columns"), screen.t("imports-columns-change")));
    }
    actions.push(Action::go(to("rows.csv"), screen.t("csv")));
    actions.push(Action::post(to("remove"), screen.t("imports-remove")).asking(Confirm {
        title: screen.t("imports-remove"),
        consequence: screen.t("imports-remove-lede"),
        yes: screen.t("imports-remove"),
        no: screen.t("leave-it"),
    }));
    actions
}

/// What is wrong with a row, in the reader's language.
fn wrong(lang: &str, row: &Row) -> Vec<String> {
    row.errors.iter().map(|error| format!("{}: {}", told(lang, &error.field), said(lang, &error.message))).collect()
}

/// What was said of a field, with the value it was said of.
fn said(lang: &str, message: &str) -> String {
    let Some((_, key)) = SAID.iter().find(|(part, _)| message.contains(part)) else { return told_in(lang, message) };
    let quoted = message.split_once('"').and_then(|(_, rest)| rest.rsplit_once('"')).map(|(value, _)| value);
    let first = || message.split(' ').next().unwrap_or_default();
    weir_ui::i18n::t(lang, key, &[("value", quoted.unwrap_or_else(first))])
}

/// What a field is called.
fn told(lang: &str, field: &str) -> String {
    // A part of a field is called like the whole.
    let field = field.split('.').next().unwrap_or(field);
    let known = FIELDS.iter().any(|(known, _)| *known == field);
    let key = format!("imports-field-{}", field.replace('_', "-"));
    if known { weir_ui::i18n::t(lang, &key, &[]) } else { field.to_owned() }
}

fn outcome(screen: &Bringer, import: &Import, row: &Row) -> Vec<Cell> {
    let errors = wrong(screen.frame.lang, row);
    let name = match row.subscriber_id {
        Some(id) => Cell::link(format!("/subscribers/{id}"), &row.name),
        None => Cell::Text(row.name.clone()),
    };
    let standing = match (errors.is_empty(), import.status) {
        (false, _) => Cell::status(Tone::Bad, screen.t("imports-row-wrong")),
        (true, ImportStatus::Done) => Cell::status(Tone::Ok, screen.t("imports-row-done")),
        (true, _) => Cell::status(Tone::Ok, screen.t("imports-row-ready")),
    };
    vec![Cell::Code(row.line.to_string()), name, standing, Cell::Text(errors.join("; "))]
}

async fn columns(screen: Bringer, ApiPath(id): ApiPath<ImportId>) -> Result<Response, Problem> {
    let import = imports::import(&mut screen.read().await?, id).await?;
    let mut fields = Fields::default();
    for (field, column) in &import.columns {
        fields.set(field, column);
    }
    columns_form(&screen, id, &fields, None).await
}

async fn columns_form(
    screen: &Bringer,
    id: ImportId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let (import, headers) = (imports::import(&mut tx, id).await?, imports::headers(&mut tx, id).await?);
    let mut choices = vec![(String::new(), screen.t("imports-column-none"))];
    choices.extend(headers.into_iter().filter(|name| !name.is_empty()).map(|name| (name.clone(), name)));
    let mut asked = Asking::new(&screen.frame, fields, problem);
    for (field, _) in FIELDS {
        asked = asked.ask_in(field, told(screen.frame.lang, field), String::new(), Input::Choice(choices.clone()));
    }
    let page = Form {
        frame: &screen.frame,
        up: (format!("/imports/{id}"), import.name),
        title: screen.t("imports-columns-change"),
        lede: screen.t("imports-columns-lede"),
        form: asked.inset(String::new(), format!("/imports/{id}/columns"), "imports-check"),
    };
    html(form_status(problem), &page)
}

async fn change(screen: Bringer, ApiPath(id): ApiPath<ImportId>, fields: Fields) -> Result<Response, Problem> {
    let chosen = FIELDS.iter().filter_map(|(field, _)| Some(((*field).to_owned(), fields.option(field)?)));
    let wish = ImportChange { columns: chosen.collect() };
    let mut tx = screen.begin().await?;
    match imports::change(&mut tx, id, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/imports/{id}"), "done-import-checking"))
        }
        Err(mut problem) if is_about_the_form(&problem) => {
            drop(tx);
            for error in &mut problem.errors {
                error.field = error.field.trim_start_matches("columns.").to_owned();
            }
            columns_form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn start(screen: Bringer, ApiPath(id): ApiPath<ImportId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    imports::start(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/imports/{id}"), "done-import-started"))
}

async fn remove(screen: Bringer, ApiPath(id): ApiPath<ImportId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    imports::remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying("/imports", "done-removed"))
}

async fn file(screen: Bringer, ApiPath(id): ApiPath<ImportId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    imports::import(&mut tx, id).await?;
    let lang = screen.frame.lang;
    let head = csv::line(["line", "name", "errors", "subscriber"]);
    let chunks = stream::try_unfold((tx, Some(0)), move |(mut tx, after)| async move {
        let Some(after) = after else { return Ok(None) };
        let mut rows = imports::outcomes(&mut tx, id, after, AT_ONCE, false).await?;
        let more = rows.len() > AT_ONCE as usize;
        rows.truncate(AT_ONCE as usize);
        let then = rows.last().filter(|_| more).map(|last| last.line);
        let lines: Vec<u8> = rows.iter().flat_map(|row| line(lang, row)).collect();
        Ok::<_, Problem>(Some((lines.into(), (tx, then))))
    });
    let lines = futures_util::StreamExt::chain(stream::iter([Ok(head)]), chunks);
    Ok(csv::file("import.csv", lines))
}

fn line(lang: &str, row: &Row) -> axum::body::Bytes {
    let errors = wrong(lang, row);
    let subscriber = row.subscriber_id.map(|id| id.to_string()).unwrap_or_default();
    csv::line([&row.line.to_string(), &row.name, &errors.join("; "), &subscriber])
}
