//! Transfers: the bank's statements, files to be imported, and sums whose owner has to be found.

use axum::Router;
use axum::extract::Multipart;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::NaiveDate;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, Inset, Register, Section, Show};

use super::{Asking, form_status, money, next_page, page_of};
use crate::app::App;
use crate::error::{self, Problem};
use crate::http::page::{Fields, Screen, html, is_about_the_form, see};
use crate::http::permission::{ManageBilling, RecordPayments, ViewBilling};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, BankFileId, BankStatementId, SuspenseId};
use crate::payments::bank::{self, BankFile, Columns, Fate, NewBankFile, PlannedEntry, PlannedStatement};
use crate::payments::{self, MatchWish, Suggestion};
use crate::subscribers;

/// The columns asked for, as named in the form and in the catalogues.
const COLUMNS: [(&str, &str); 5] = [
    ("columns.booked_on", "bank-column-day"),
    ("columns.amount", "bank-column-amount"),
    ("columns.payer", "bank-column-payer"),
    ("columns.remittance", "bank-column-remittance"),
    ("columns.reference", "bank-column-reference"),
];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/bank-statements", get(list))
        .route("/bank-statements/{id}", get(show))
        .route("/bank-files/new", get(new))
        .route("/bank-files", post(give))
        .route("/bank-files/{id}", get(file))
        .route("/bank-files/{id}/import", post(import))
        .route("/suspense-items", get(waiting))
        .route("/suspense-items/{id}", get(matching))
        .route("/suspense-items/{id}/match", post(match_item))
}

#[derive(Deserialize)]
struct Wanted {
    after: Option<String>,
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let lang = screen.frame.lang;
    let mut tx = screen.read().await?;
    let mut statements = bank::statements(&mut tx, page).await?;
    let next = next_page(&mut statements, page, "/bank-statements", |statement| statement.id.uuid());
    let balance = |amount: Option<_>| Cell::Number(amount.map_or_else(|| "—".into(), |amount| money(lang, amount)));
    let rows = statements.into_iter().map(|statement| {
        vec![
            Cell::link(format!("/bank-statements/{}", statement.id), days(lang, statement.from_on, statement.to_on)),
            Cell::Code(statement.reference),
            balance(statement.opening),
            balance(statement.closing),
            Cell::Number(format::instant(lang, statement.imported_at, screen.zone)),
        ]
    });
    let names = ["period", "bank-statement", "bank-opening", "bank-closing", "bank-imported"].map(|key| screen.t(key));
    let mut actions = vec![Action::go("/suspense-items", screen.t("suspense"))];
    if screen.may::<ManageBilling>() {
        actions.insert(0, Action::go("/bank-files/new", screen.t("bank-give")));
    }
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-bank"),
        lede: screen.t("bank-lede"),
        actions,
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("bank-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

/// The days a statement is of.
fn days(lang: &str, from: NaiveDate, to: NaiveDate) -> String {
    let (from, to) = (format::date(lang, from), format::date(lang, to));
    if from == to { from } else { format!("{from} – {to}") }
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<BankStatementId>) -> Result<Response, Problem> {
    let lang = screen.frame.lang;
    let statement = bank::statement(&mut screen.read().await?, id).await?;
    let rows = statement.entries.into_iter().map(|entry| {
        let became = match (entry.payment_id, entry.suspense_id) {
            (Some(payment), _) => Cell::link(format!("/payments/{payment}"), screen.t("bank-fate-pays")),
            (None, Some(item)) => Cell::link(format!("/suspense-items/{item}"), screen.t("bank-fate-waits")),
            (None, None) => Cell::Text(screen.t("bank-fate-went_out")),
        };
        vec![
            Cell::Text(format::date(lang, entry.booked_on)),
            Cell::Text(entry.payer),
            Cell::Text(entry.remittance),
            Cell::Number(money(lang, entry.amount)),
            became,
        ]
    });
    let names = ["bank-booked", "bank-payer", "reference", "amount", "bank-became"].map(|key| screen.t(key)).to_vec();
    let balance = |amount: Option<_>| Cell::Text(amount.map_or_else(|| "—".into(), |amount| money(lang, amount)));
    let page = Show {
        frame: &screen.frame,
        up: ("/bank-statements".into(), screen.t("nav-bank")),
        title: screen.frame.t1("bank-statement-title", "days", &days(lang, statement.from_on, statement.to_on)),
        lede: screen.t("bank-statement-lede"),
        actions: Vec::new(),
        command: None,
        facts: vec![
            (screen.t("bank-statement"), Cell::Code(statement.reference)),
            (screen.t("bank-iban"), Cell::Code(statement.iban)),
            (screen.t("bank-opening"), balance(statement.opening)),
            (screen.t("bank-closing"), balance(statement.closing)),
            (screen.t("bank-imported"), Cell::Text(format::instant(lang, statement.imported_at, screen.zone))),
            (screen.t("id"), Cell::Code(id.to_string())),
        ],
        sections: vec![Section {
            title: screen.t("bank-entries"),
            action: None,
            table: Table::new(names, rows.collect()),
            empty: screen.t("bank-no-entries"),
        }],
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn new(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let fields = Fields::of([
        ("kind", "camt".into()),
        ("columns.date_format", "%Y-%m-%d".into()),
        ("columns.decimal_mark", ".".into()),
        ("columns.separator", ",".into()),
    ]);
    give_form(&screen, &fields, None)
}

fn give_form(screen: &Screen<ManageBilling>, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    let choice = |values: &[(&str, &str)]| {
        Input::Choice(values.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect())
    };
    let kinds = vec![("camt".to_owned(), screen.t("bank-kind-camt")), ("csv".to_owned(), screen.t("bank-kind-csv"))];
    let dates = choice(&[
        ("%Y-%m-%d", "2026-11-30"),
        ("%d.%m.%Y", "30.11.2026"),
        ("%d/%m/%Y", "30/11/2026"),
        ("%m/%d/%Y", "11/30/2026"),
    ]);
    let tab = screen.t("bank-tab");
    let mut asked = Asking::new(&screen.frame, fields, problem).ask("content", "bank-file", Input::File).ask(
        "kind",
        "bank-kind",
        Input::Choice(kinds),
    );
    asked = asked.part("bank-columns");
    for (name, key) in COLUMNS {
        asked = asked.ask(name, key, Input::Line("text"));
    }
    let form = asked
        .ask("columns.date_format", "bank-date-format", dates)
        .ask("columns.decimal_mark", "bank-decimal-mark", choice(&[(".", "1234.50"), (",", "1234,50")]))
        .ask("columns.separator", "bank-separator", choice(&[(",", ","), (";", ";"), ("\t", &tab)]))
        .inset(String::new(), "/bank-files", "bank-look");
    let page = Form {
        frame: &screen.frame,
        up: ("/bank-statements".into(), screen.t("nav-bank")),
        title: screen.t("bank-give"),
        lede: screen.t("bank-give-lede"),
        form,
    };
    html(form_status(problem), &page)
}

async fn give(screen: Screen<ManageBilling>, mut sent: Multipart) -> Result<Response, Problem> {
    let unreadable =
        |error: axum::extract::multipart::MultipartError| Problem::new(&error::MALFORMED_BODY, error.body_text());
    let (mut fields, mut name, mut content) = (Fields::default(), String::new(), Vec::new());
    while let Some(part) = sent.next_field().await.map_err(unreadable)? {
        let field = part.name().unwrap_or_default().to_owned();
        if field == "content" {
            name = part.file_name().unwrap_or_default().to_owned();
            content = part.bytes().await.map_err(unreadable)?.to_vec();
        } else {
            let value = part.text().await.map_err(unreadable)?;
            // A tab is a value here.
            fields.set(&field, if value == "\t" { value } else { value.trim().to_owned() });
        }
    }
    let given = match String::from_utf8(content) {
        Ok(text) if !text.contains('\0') => {
            let wish = NewBankFile { name, content: text, columns: columns(&fields) };
            let mut tx = screen.begin().await?;
            match bank::give(&mut tx, wish).await.map_err(Problem::from) {
                Ok(id) => {
                    tx.commit().await?;
                    Ok(id)
                }
                Err(problem) => Err(problem),
            }
        }
        _ => Err(Problem::field("content", "error-not-text")),
    };
    match given {
        Ok(id) => Ok(see(&format!("/bank-files/{id}"))),
        Err(problem) if is_about_the_form(&problem) => give_form(&screen, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

fn columns(fields: &Fields) -> Option<Columns> {
    let column = |name: &str| fields.text(&format!("columns.{name}"));
    (fields.get("kind") == "csv").then(|| Columns {
        booked_on: column("booked_on"),
        amount: column("amount"),
        payer: column("payer"),
        remittance: column("remittance"),
        reference: column("reference"),
        date_format: column("date_format"),
        decimal_mark: column("decimal_mark"),
        separator: column("separator"),
    })
}

async fn file(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<BankFileId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let file = bank::plan(&mut tx, id).await?;
    let accounts: Vec<AccountId> =
        file.statements.iter().flat_map(|one| &one.entries).filter_map(|entry| entry.account_id).collect();
    let holders = subscribers::holders(&mut tx, &accounts).await?;
    drop(tx);
    let name_of =
        |account: AccountId| holders.get(&account).map_or_else(|| "—".to_owned(), |holder| holder.name.clone());
    let (tone, state) = match (&file.imported_at, &file.refused) {
        (Some(_), _) => (Tone::Ok, "bank-file-imported"),
        (None, Some(_)) => (Tone::Bad, "bank-file-refused"),
        (None, None) => (Tone::Mute, "bank-file-ready"),
    };
    let mut facts = vec![
        (screen.t("status"), Cell::status(tone, screen.t(state))),
        (screen.t("bank-file"), Cell::Text(file.name.clone())),
        (screen.t("bank-given"), Cell::Text(format::instant(screen.frame.lang, file.given_at, screen.zone))),
    ];
    if let Some(why) = &file.refused {
        facts.insert(1, (screen.t("bank-refused-why"), Cell::Text(why.clone())));
    }
    let ready = file.imported_at.is_none() && file.refused.is_none() && screen.may::<ManageBilling>();
    let import = Action::post(format!("/bank-files/{id}/import"), screen.t("bank-import"));
    let page = Show {
        frame: &screen.frame,
        up: ("/bank-statements".into(), screen.t("nav-bank")),
        title: screen.t("bank-file-title"),
        lede: screen.frame.t1("bank-file-lede", "counts", &counts(&screen, &file)),
        actions: ready.then_some(import).into_iter().collect(),
        command: None,
        facts,
        sections: file.statements.iter().map(|statement| planned(&screen, statement, &name_of)).collect(),
        form: None,
    };
    html(StatusCode::OK, &page)
}

/// How many entries meet which fate.
fn counts(screen: &Screen<ViewBilling>, file: &BankFile) -> String {
    let entries: Vec<_> = file.statements.iter().flat_map(|statement| &statement.entries).collect();
    let count = |fate: Fate| entries.iter().filter(|entry| entry.fate == fate).count();
    let told = [Fate::Pays, Fate::Waits, Fate::WentOut, Fate::Known].map(|fate| {
        let number = format::count(screen.frame.lang, count(fate));
        format!("{} {number}", screen.t(fate_key(fate)))
    });
    told.join(" · ")
}

fn fate_key(fate: Fate) -> &'static str {
    match fate {
        Fate::Pays => "bank-fate-pays",
        Fate::Waits => "bank-fate-waits",
        Fate::WentOut => "bank-fate-went_out",
        Fate::Known => "bank-fate-known",
    }
}

fn planned(
    screen: &Screen<ViewBilling>,
    statement: &PlannedStatement,
    name_of: &impl Fn(AccountId) -> String,
) -> Section {
    let lang = screen.frame.lang;
    let became = |entry: &PlannedEntry| match (entry.account_id, &entry.why) {
        (Some(account), _) => Cell::link(format!("/accounts/{account}"), name_of(account)),
        (None, Some(why)) => Cell::status(Tone::Warn, screen.t(&format!("suspense-why-{why}"))),
        (None, None) => Cell::status(Tone::Mute, screen.t(fate_key(entry.fate))),
    };
    let rows = statement.entries.iter().map(|entry| {
        vec![
            Cell::Text(format::date(lang, entry.booked_on)),
            Cell::Text(entry.payer.clone()),
            Cell::Text(entry.remittance.clone()),
            Cell::Number(money(lang, entry.amount)),
            became(entry),
        ]
    });
    let names = ["bank-booked", "bank-payer", "reference", "amount", "bank-becomes"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.frame.t1("bank-statement-title", "days", &days(lang, statement.from_on, statement.to_on)),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("bank-no-entries"),
    }
}

async fn import(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<BankFileId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let imported = bank::import(&mut tx, id).await;
    match imported {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/bank-files/{id}"), "done-bank-imported"))
        }
        // The file's page says what is wrong with it.
        Err(payments::Error::FileRefused(_)) => Ok(see(&format!("/bank-files/{id}"))),
        Err(error) => Err(error.into()),
    }
}

async fn waiting(screen: Screen<ViewBilling>, ApiQuery(wanted): ApiQuery<Wanted>) -> Result<Response, Problem> {
    let page = page_of(wanted.after)?;
    let lang = screen.frame.lang;
    let mut items = payments::suspense_items(&mut screen.read().await?, page).await?;
    let next = next_page(&mut items, page, "/suspense-items", |item| item.id.uuid());
    let rows = items.into_iter().map(|item| {
        let likely =
            item.suggestions.first().map_or_else(|| "—".to_owned(), |one| format!("{} ({})", one.name, one.number));
        vec![
            Cell::link(format!("/suspense-items/{}", item.id), format::date(lang, item.received_on)),
            Cell::Text(item.payer),
            Cell::Text(item.about),
            Cell::Number(money(lang, item.amount)),
            Cell::status(Tone::Warn, screen.t(&format!("suspense-why-{}", item.why))),
            Cell::Text(likely),
        ]
    });
    let names = ["received", "bank-payer", "reference", "amount", "status", "suspense-likely"].map(|key| screen.t(key));
    let page = Register {
        frame: &screen.frame,
        up: Some(("/bank-statements".into(), screen.t("nav-bank"))),
        title: screen.t("suspense"),
        lede: screen.t("suspense-lede"),
        actions: Vec::new(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("suspense-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn matching(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<SuspenseId>) -> Result<Response, Problem> {
    let fields = Fields::default();
    match_page(&screen, id, &fields, None).await
}

async fn match_page<P: crate::http::permission::Needs>(
    screen: &Screen<P>,
    id: SuspenseId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let lang = screen.frame.lang;
    let item = payments::suspense_item(&mut screen.read().await?, id).await?;
    let amount = money(lang, item.amount);
    let facts = vec![
        (screen.t("status"), Cell::status(Tone::Warn, screen.t(&format!("suspense-why-{}", item.why)))),
        (screen.t("amount"), Cell::Text(amount.clone())),
        (screen.t("received"), Cell::Text(format::date(lang, item.received_on))),
        (screen.t("bank-payer"), Cell::Text(item.payer)),
        (screen.t("reference"), Cell::Text(item.about)),
        (screen.t("suspense-place"), Cell::Text(screen.t(&format!("suspense-place-{}", item.place)))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    let form = screen.may::<RecordPayments>().then(|| match_form(screen, id, &item.suggestions, fields, problem));
    let page = Show {
        frame: &screen.frame,
        up: ("/suspense-items".into(), screen.t("suspense")),
        title: screen.frame.t1("suspense-title", "amount", &amount),
        lede: screen.t("suspense-item-lede"),
        actions: Vec::new(),
        command: None,
        facts,
        sections: vec![suggested(screen, &item.suggestions)],
        form,
    };
    html(form_status(problem), &page)
}

fn suggested<P: crate::http::permission::Needs>(screen: &Screen<P>, suggestions: &[Suggestion]) -> Section {
    let rows = suggestions.iter().map(|one| {
        let because: Vec<_> = one.because.iter().map(|why| screen.t(&format!("suspense-because-{why}"))).collect();
        vec![
            Cell::link(format!("/accounts/{}", one.account_id), &one.number),
            Cell::Text(one.name.clone()),
            Cell::Text(because.join(", ")),
        ]
    });
    let names = ["account", "subscriber", "suspense-because"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("suspense-suggestions"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("suspense-no-suggestions"),
    }
}

fn match_form<P: crate::http::permission::Needs>(
    screen: &Screen<P>,
    id: SuspenseId,
    suggestions: &[Suggestion],
    fields: &Fields,
    problem: Option<&Problem>,
) -> Inset {
    let mut choices: Vec<_> =
        suggestions.iter().map(|one| (one.number.clone(), format!("{} · {}", one.number, one.name))).collect();
    choices.push((String::new(), screen.t("suspense-other")));
    Asking::new(&screen.frame, fields, problem)
        .ask("suggested", "suspense-account", Input::Choice(choices))
        .ask("account_number", "suspense-number", Input::Line("text"))
        .inset(screen.t("suspense-match"), format!("/suspense-items/{id}/match"), "suspense-match")
}

async fn match_item(
    screen: Screen<RecordPayments>,
    ApiPath(id): ApiPath<SuspenseId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let number = fields.option("account_number").unwrap_or_else(|| fields.text("suggested"));
    let mut tx = screen.begin().await?;
    payments::suspense_item(&mut tx, id).await?;
    let matched = match subscribers::account_numbered(&mut tx, &number).await? {
        Some(account_id) => {
            payments::match_suspense(&mut tx, id, &MatchWish { account_id }).await.map_err(Problem::from)
        }
        None => Err(Problem::field("account_number", "error-no-account")),
    };
    match matched {
        Ok(payment) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/payments/{}", payment.id), "done-payment"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            match_page(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}
