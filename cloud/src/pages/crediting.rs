//! `/invoices/{id}/credit`: what a credit note would give back is shown, exactly, before it is issued.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_rules::money::Money;
use weir_ui::blocks::{Cell, Input};
use weir_ui::pages::{Confirm, Form};

use super::{Asking, days, form_status, money};
use crate::app::App;
use crate::billing::{self, CreditNoteLineWish, CreditNotePreview, CreditNoteWish, Invoice, InvoiceLeft};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::IssueCreditNotes;
use crate::http::toast::see_saying;
use crate::ids::InvoiceId;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/invoices/{id}/credit", get(choose).post(preview))
        .route("/invoices/{id}/credit-notes", post(issue))
}

/// The question an amount of a line is asked under.
fn question(line: &impl std::fmt::Display) -> String {
    format!("amount_{line}")
}

async fn known(screen: &Screen<IssueCreditNotes>, id: InvoiceId) -> Result<(Invoice, InvoiceLeft), Problem> {
    let mut tx = screen.read().await?;
    let invoice = billing::invoice(&mut tx, id).await?;
    let left = billing::left_of(&mut tx, &invoice).await?;
    Ok((invoice, left))
}

async fn choose(screen: Screen<IssueCreditNotes>, ApiPath(id): ApiPath<InvoiceId>) -> Result<Response, Problem> {
    let (invoice, left) = known(&screen, id).await?;
    let fields = Fields::of([("scope", "rest".into()), ("left", left.gross.amount().to_string())]);
    form(&screen, (&invoice, &left), &fields, None)
}

fn form(
    screen: &Screen<IssueCreditNotes>,
    (invoice, left): (&Invoice, &InvoiceLeft),
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let lang = screen.frame.lang;
    let whole = screen.frame.t1("credit-note-scope-rest", "amount", &money(lang, left.gross));
    let scopes = vec![("rest".to_owned(), whole), ("lines".to_owned(), screen.t("credit-note-scope-lines"))];
    let mut asking = Asking::new(&screen.frame, fields, problem)
        .ask("reason", "credit-note-reason", Input::Line("text"))
        .ask("scope", "credit-note-scope", Input::Choice(scopes));
    for line in left.lines.iter().filter(|line| line.left.is_positive()) {
        let Some(charged) = invoice.lines.iter().find(|charged| charged.id == line.id) else { continue };
        let label = format!("{}, {}", charged.description, days(lang, charged.from, charged.to));
        let key = if charged.gross.is_some() { "credit-note-left-with-tax" } else { "credit-note-left" };
        let hint = screen.frame.t1(key, "amount", &money(lang, line.left));
        asking = asking.ask_in(question(&line.id), label, hint, Input::Line("text"));
    }
    let number = &invoice.summary.number;
    let page = Form {
        frame: &screen.frame,
        up: (format!("/invoices/{}", invoice.summary.id), number.clone()),
        title: screen.frame.t1("credit-note-new-title", "number", number),
        lede: screen.t("credit-note-new-lede"),
        form: asking.ask("left", "amount", Input::Hidden).inset(
            String::new(),
            format!("/invoices/{}/credit", invoice.summary.id),
            "see-what-follows",
        ),
    };
    html(form_status(problem), &page)
}

/// What the form asks for. Amounts of lines count only where lines are chosen.
fn wish(fields: &mut Fields, left: &InvoiceLeft) -> Result<CreditNoteWish, Problem> {
    let currency = left.gross.currency();
    let mut lines = Vec::new();
    for line in &left.lines {
        let name = question(&line.id);
        if fields.get(&name).trim().is_empty() {
            continue;
        }
        match Money::parse(fields.get(&name).trim(), currency) {
            Ok(amount) => lines.push(CreditNoteLineWish { line_id: line.id, amount: Some(amount) }),
            Err(_) => fields.refuse(&name, "error-amount"),
        }
    }
    let chosen = match fields.get("scope") {
        "rest" => None,
        "lines" => Some(lines),
        _ => {
            fields.refuse("scope", "error-choose");
            None
        }
    };
    if fields.get("reason").trim().is_empty() {
        fields.refuse("reason", "error-required");
    }
    let refused = fields.problem();
    if !refused.errors.is_empty() {
        return Err(refused);
    }
    let expected = Money::parse(fields.get("left"), currency).ok();
    Ok(CreditNoteWish { lines: chosen, reason: fields.text("reason"), left: expected })
}

/// A problem about lines as a problem about this form's questions.
fn in_the_form(mut problem: Problem, wish: &CreditNoteWish) -> Problem {
    let lines = wish.lines.as_deref().unwrap_or_default();
    for error in &mut problem.errors {
        for (index, line) in lines.iter().enumerate() {
            if error.field.starts_with(&format!("lines[{index}].")) {
                error.field = question(&line.line_id);
            }
        }
        if error.field == "lines" {
            error.field = "scope".into();
        }
    }
    problem
}

async fn preview(
    screen: Screen<IssueCreditNotes>,
    ApiPath(id): ApiPath<InvoiceId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (invoice, left) = known(&screen, id).await?;
    let tried = match wish(&mut fields, &left) {
        Ok(wish) => {
            let shown = billing::preview_credit_note(&mut screen.read().await?, id, &wish).await;
            shown.map_err(|error| in_the_form(error.into(), &wish))
        }
        Err(problem) => Err(problem),
    };
    match tried {
        Ok(shown) => confirm(&screen, (&invoice, &left), &fields, &shown),
        Err(problem) if is_about_the_form(&problem) => again(&screen, (&invoice, &left), fields, &problem),
        Err(problem) => Err(problem),
    }
}

/// The form with what was wrong, and with what is left by now.
fn again(
    screen: &Screen<IssueCreditNotes>,
    known: (&Invoice, &InvoiceLeft),
    mut fields: Fields,
    problem: &Problem,
) -> Result<Response, Problem> {
    fields.set("left", known.1.gross.amount().to_string());
    form(screen, known, &fields, Some(problem))
}

fn confirm(
    screen: &Screen<IssueCreditNotes>,
    (invoice, left): (&Invoice, &InvoiceLeft),
    fields: &Fields,
    shown: &CreditNotePreview,
) -> Result<Response, Problem> {
    let amount = |amount| Cell::Text(money(screen.frame.lang, amount));
    let credit = shown.gross.checked_sub(shown.settles).map_err(|error| Problem::internal(&error))?;
    let mut facts =
        vec![(screen.t("credit-note-reason"), Cell::Text(fields.text("reason"))), (screen.t("net"), amount(shown.net))];
    for tax in &shown.taxes {
        let rate = weir_ui::format::number(screen.frame.lang, tax.rate);
        facts.push((format!("{} {rate} %", tax.name), amount(tax.tax)));
    }
    facts.extend([
        (screen.t("total"), amount(shown.gross)),
        (screen.t("credit-note-settles"), amount(shown.settles)),
        (screen.t("credit-note-becomes-credit"), amount(credit)),
    ]);
    let mut asking = Asking::new(&screen.frame, fields, None)
        .ask("reason", "credit-note-reason", Input::Hidden)
        .ask("scope", "credit-note-scope", Input::Hidden)
        .ask("left", "amount", Input::Hidden);
    for line in &left.lines {
        asking = asking.ask(question(&line.id), "amount", Input::Hidden);
    }
    let number = &invoice.summary.number;
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/invoices/{}", invoice.summary.id), number.clone()),
        title: screen.frame.t1("credit-note-new-title", "number", number),
        lede: screen.t("credit-note-confirm-lede"),
        facts,
        sections: Vec::new(),
        form: asking.inset(
            String::new(),
            format!("/invoices/{}/credit-notes", invoice.summary.id),
            "credit-note-issue",
        ),
        danger: false,
    };
    html(StatusCode::OK, &page)
}

async fn issue(
    screen: Screen<IssueCreditNotes>,
    ApiPath(id): ApiPath<InvoiceId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let (invoice, left) = known(&screen, id).await?;
    let mut tx = screen.begin().await?;
    let issued = match wish(&mut fields, &left) {
        Ok(wish) => {
            let issued = billing::issue_credit_note(&mut tx, id, &wish).await;
            issued.map_err(|error| in_the_form(error.into(), &wish))
        }
        Err(problem) => Err(problem),
    };
    match issued {
        Ok(note) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/credit-notes/{}", note.summary.id), "done-credit-note"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            again(&screen, (&invoice, &left), fields, &problem)
        }
        Err(problem) => Err(problem),
    }
}
