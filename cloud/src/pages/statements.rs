//! `/accounts/{id}/statement`: what moved an account over some days, as a page and as a document.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use weir_rules::money::Money;
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::pages::{Browse, Section};
use weir_ui::{Frame, format, i18n};

use super::{Asking, address, form_status, money};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ViewBilling;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::AccountId;
use crate::statements::{self, Movement, MovementKind, StatementOfAccount, StatementSpan};
use crate::subscribers;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/accounts/{id}/statement", get(show)).route("/accounts/{id}/statement/pdf", get(document))
}

/// As forms and addresses have it: what is empty is not asked.
#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

async fn show(
    screen: Screen<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let account = subscribers::account(&mut tx, id).await?;
    let narrowed = !(wanted.from.is_empty() && wanted.to.is_empty());
    let mut fields = Fields::of([("from", wanted.from), ("to", wanted.to)]);
    let span =
        StatementSpan { from: fields.read_option("from", "error-date"), to: fields.read_option("to", "error-date") };
    let wrong = fields.problem();
    let made = match wrong.errors.is_empty() {
        true => statements::statement(&mut tx, id, span).await.map_err(Problem::from),
        false => Err(wrong),
    };
    let (statement, problem) = match made {
        Ok(statement) => (Some(statement), None),
        Err(problem) if is_about_the_form(&problem) => (None, Some(problem)),
        Err(problem) => return Err(problem),
    };
    if let Some(statement) = &statement {
        fields = Fields::of([("from", statement.from.to_string()), ("to", statement.to.to_string())]);
    }
    let asked = Asking::new(&screen.frame, &fields, problem.as_ref())
        .ask("from", "statement-from", Input::Line("date"))
        .ask("to", "statement-to", Input::Line("date"));
    let all = format!("/accounts/{id}/statement");
    let page = Browse {
        frame: &screen.frame,
        up: Some((format!("/accounts/{id}"), screen.frame.t1("account-title", "number", &account.number))),
        title: screen.frame.t1("statement-of", "account", &account.number),
        lede: statement.as_ref().map_or_else(|| screen.t("statement-lede-wrong"), |it| lede(&screen.frame, it)),
        actions: statement.iter().map(|it| pdf(&screen.frame, &all, it)).collect(),
        filters: asked.asked,
        narrowed,
        all,
        table: statement.as_ref().map(|it| table(&screen.frame, it, way)).unwrap_or_default(),
        empty: screen.t("statement-none"),
        next: None,
        sections: statement.as_ref().map(|it| open(&screen.frame, it, invoice_way)).unwrap_or_default(),
    };
    html(form_status(problem.as_ref()), &page)
}

async fn document(
    screen: Screen<ViewBilling>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(span): ApiQuery<StatementSpan>,
) -> Result<Response, Problem> {
    statements::api::drawn(screen.read().await?, id, span).await
}

/// Where a movement is explained.
fn way(movement: &Movement) -> Option<String> {
    let id = &movement.document_id;
    match movement.kind {
        MovementKind::Invoice | MovementKind::LateFee | MovementKind::CreditUsed => Some(invoice_way(id)),
        MovementKind::CreditNote => Some(format!("/credit-notes/{id}")),
        MovementKind::Payment => Some(format!("/payments/{id}")),
        MovementKind::Refund | MovementKind::Dispute => movement.payment_id.map(|id| format!("/payments/{id}")),
        MovementKind::Other => None,
    }
}

fn invoice_way(id: &str) -> String {
    format!("/invoices/{id}")
}

/// The same days as a document.
pub(super) fn pdf(frame: &Frame, path: &str, statement: &StatementOfAccount) -> Action {
    let (from, to) = (statement.from.to_string(), statement.to.to_string());
    Action::go(address(&format!("{path}/pdf"), &[("from", &from), ("to", &to)]), frame.t("statement-pdf"))
}

/// How the account stands after the last day.
pub(super) fn lede(frame: &Frame, statement: &StatementOfAccount) -> String {
    let (key, amount) = match statement.closing {
        closing if closing.is_positive() => ("statement-lede-owed", closing),
        closing if closing.is_negative() => ("statement-lede-credit", -closing),
        closing => ("statement-lede-even", closing),
    };
    let (amount, day) = (money(frame.lang, amount), format::date(frame.lang, statement.to));
    i18n::t(frame.lang, key, &[("amount", &amount), ("day", &day)])
}

/// The movements as rows, between the balances.
pub(super) fn table(frame: &Frame, statement: &StatementOfAccount, way: impl Fn(&Movement) -> Option<String>) -> Table {
    let lang = frame.lang;
    let figure = |amount: Option<Money>| Cell::Number(amount.map(|amount| money(lang, amount)).unwrap_or_default());
    let balance = |day, key: &str, sums: [Option<Money>; 2], amount| {
        let [debits, credits] = sums.map(figure);
        vec![Cell::Text(format::date(lang, day)), Cell::Text(frame.t(key)), debits, credits, figure(Some(amount))]
    };
    let mut rows = vec![balance(statement.from, "statement-opening", [None, None], statement.opening)];
    rows.extend(statement.movements.iter().map(|one| {
        let text = named(frame, one);
        let what = match way(one) {
            Some(way) => Cell::link(way, text),
            None => Cell::Text(text),
        };
        vec![
            Cell::Text(format::date(lang, one.on)),
            what,
            figure(one.debit),
            figure(one.credit),
            figure(Some(one.balance)),
        ]
    }));
    let sums = [Some(statement.debits), Some(statement.credits)];
    rows.push(balance(statement.to, "statement-closing", sums, statement.closing));
    let names = ["statement-day", "statement-what", "statement-charged", "statement-paid", "balance"];
    Table::new(names.map(|key| frame.t(key)).to_vec(), rows)
}

fn named(frame: &Frame, movement: &Movement) -> String {
    let number = movement.number.as_deref().unwrap_or_default();
    let key = match movement.kind {
        MovementKind::Invoice => "posting-issue",
        MovementKind::LateFee => "statement-late-fee",
        MovementKind::CreditNote => "posting-credit_note",
        MovementKind::Payment => "posting-record",
        MovementKind::Refund => "posting-refund",
        MovementKind::Dispute => "posting-dispute",
        MovementKind::CreditUsed => "statement-credit-used",
        MovementKind::Other => return movement.description.clone(),
    };
    let used = movement.used.map(|used| money(frame.lang, used)).unwrap_or_default();
    i18n::t(frame.lang, key, &[("number", number), ("amount", &used)])
}

/// What is open after the last day, and by age.
pub(super) fn open(frame: &Frame, statement: &StatementOfAccount, way: impl Fn(&str) -> String) -> Vec<Section> {
    let lang = frame.lang;
    let rows = statement.open_items.iter().map(|item| {
        vec![
            Cell::link(way(&item.invoice_id.to_string()), &item.number),
            Cell::Text(format::date(lang, item.issued_on)),
            Cell::Text(format::date(lang, item.due_on)),
            Cell::Text(frame.t(&format!("statement-age-{}", item.age.name()))),
            Cell::Number(money(lang, item.gross)),
            Cell::Number(money(lang, item.open)),
        ]
    });
    let names = ["invoice", "issued", "due", "statement-age", "amount", "open"].map(|key| frame.t(key)).to_vec();
    let ages = statement.ages.iter().map(|sum| {
        vec![Cell::Text(frame.t(&format!("statement-age-{}", sum.age.name()))), Cell::Number(money(lang, sum.open))]
    });
    let mut ages: Vec<_> = ages.collect();
    if !statement.unused.is_zero() {
        ages.push(vec![Cell::Text(frame.t("account-credit")), Cell::Number(money(lang, -statement.unused))]);
    }
    let day = format::date(lang, statement.to);
    let items = Section {
        title: frame.t1("statement-items", "day", &day),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: frame.t("statement-items-none"),
    };
    let ages = Section {
        title: frame.t("statement-ages"),
        action: None,
        table: Table::new(vec![frame.t("statement-age"), frame.t("open")], ages),
        empty: String::new(),
    };
    vec![items, ages]
}
