//! What a subscriber would pay, beside the form of a plan: as the form stands, by the rules of runs. Nothing is kept.

use axum::http::StatusCode;
use axum::response::Response;
use chrono::NaiveDate;
use weir_ui::blocks::{Cell, Field, Input, Table};
use weir_ui::format;
use weir_ui::pages::{Figure, PlanForm, PlanPreview};

use super::catalog::read_terms;
use super::{Asking, days, form_status, money};
use crate::billing::{self, FirstYear, FirstYearBill, NewLine};
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ManageCatalog;
use crate::{catalog, tenants};

/// What is known of the subscriber: nobody asked yet, what would be billed, or what is wrong.
pub(super) enum Seen {
    Nothing,
    Year(FirstYear),
    Wrong(Problem),
}

impl Seen {
    /// What is to be put right.
    pub(super) fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Wrong(problem) => Some(problem),
            Self::Nothing | Self::Year(_) => None,
        }
    }
}

/// A subscriber to begin with: from today, at home.
pub(super) async fn begin(screen: &Screen<ManageCatalog>, fields: &mut Fields) -> Result<(), Problem> {
    let mut tx = screen.read().await?;
    fields.set("starts_on", billing::today(&mut tx).await?.to_string());
    fields.set("billing_day", "1");
    fields.set("country", tenants::tenant(&mut tx).await?.country);
    Ok(())
}

/// What a form says a subscriber would pay, under the name of the plan.
pub(super) async fn look(screen: &Screen<ManageCatalog>, name: &str, fields: &mut Fields) -> Result<Seen, Problem> {
    let mut tx = screen.read().await?;
    let starts_on = fields.read::<NaiveDate>("starts_on", "error-date");
    let billing_day = fields.read::<i16>("billing_day", "error-number");
    let terms = read_terms(fields);
    let (wish, starts_on, billing_day) = match (terms, starts_on, billing_day) {
        (Ok(wish), Some(starts_on), Some(billing_day)) => (wish, starts_on, billing_day),
        (Err(problem), _, _) => return Ok(Seen::Wrong(problem)),
        _ => return Ok(Seen::Wrong(fields.problem())),
    };
    let line = NewLine { starts_on, billing_day, country: fields.text("country").to_uppercase() };
    let seen = match catalog::proposed(&mut tx, wish).await {
        Ok(version) => {
            billing::first_year(&mut tx, (name, &version, screen.frame.lang), &line).await.map_err(Problem::from)
        }
        Err(error) => Err(Problem::from(error)),
    };
    match seen {
        Ok(year) => Ok(Seen::Year(year)),
        Err(problem) if is_about_the_form(&problem) => Ok(Seen::Wrong(problem)),
        Err(problem) => Err(problem),
    }
}

/// The page of a form with what is seen beside it; `of` = title and sentence.
pub(super) fn page(
    screen: &Screen<ManageCatalog>,
    (up, title, lede): ((String, String), String, String),
    (asked, action, submit): (Asking<'_>, String, &str),
    (fields, problem): (&Fields, Option<&Problem>),
    seen: &Seen,
) -> Result<Response, Problem> {
    let asks = Asking::new(&screen.frame, fields, problem)
        .ask("starts_on", "plan-preview-starts", Input::Line("date"))
        .ask("billing_day", "plan-preview-day", Input::Line("text"))
        .ask("country", "country", Input::Line("text"))
        .asked;
    let mut form = asked.inset(String::new(), action, submit);
    let wrong = |field: &Field| (!field.error.is_empty()).then(|| (field.label.clone(), field.error.clone()));
    let wrong: Vec<_> = form.fields.iter().chain(&asks).filter_map(wrong).collect();
    let of_the_panel = |problem: &Problem| {
        !problem.errors.is_empty() && problem.errors.iter().all(|error| asks.iter().any(|ask| ask.name == error.field))
    };
    if problem.is_some_and(of_the_panel) {
        form.problem = screen.t("error-form");
    }
    let mut preview = PlanPreview {
        title: screen.t("plan-preview"),
        hint: screen.t("plan-preview-hint"),
        asks,
        show: screen.t("plan-preview-show"),
        wrong_title: screen.t("plan-preview-wrong"),
        wrong,
        nothing: screen.t("plan-preview-nothing"),
        ..PlanPreview::default()
    };
    if let Seen::Year(year) = seen {
        preview.figures = figures(screen, year);
        preview.bills = Some(bills(screen, year));
    }
    // Whoever looks is told what is wrong; nothing was asked for that would be refused.
    let status = if matches!(seen, Seen::Wrong(_)) { StatusCode::OK } else { form_status(problem) };
    html(status, &PlanForm { frame: &screen.frame, up, title, lede, form, preview })
}

fn figures(screen: &Screen<ManageCatalog>, year: &FirstYear) -> Vec<Figure> {
    let lang = screen.frame.lang;
    let Some(first) = year.bills.first() else { return Vec::new() };
    let figure = |key, value, unit| Figure { label: screen.t(key), value, unit };
    let net = |amount| format!("{} {}", screen.t("net"), money(lang, amount));
    vec![
        figure("plan-preview-first", money(lang, first.gross), format::date(lang, first.on)),
        figure("plan-preview-year", money(lang, year.gross), net(year.net)),
    ]
}

fn bills(screen: &Screen<ManageCatalog>, year: &FirstYear) -> Table {
    let lang = screen.frame.lang;
    let row = |bill: &FirstYearBill| {
        let lines = bill.lines.iter().map(|line| format!("{} · {}", days(lang, line.from, line.to), line.description));
        vec![
            Cell::Text(format::date(lang, bill.on)),
            Cell::Lines(lines.collect::<Vec<_>>().join("\n")),
            Cell::Number(money(lang, bill.net)),
            Cell::Number(money(lang, bill.tax)),
            Cell::Number(money(lang, bill.gross)),
        ]
    };
    let names = ["plan-preview-asked", "period", "net", "tax", "total"].map(|key| screen.t(key));
    Table::new(names.to_vec(), year.bills.iter().map(row).collect())
}
