//! `/tax-starters`: sets of tax rules to start with. Each is shown whole, can be changed line by line, and is laid down only then.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use weir_ui::blocks::{Cell, Input, Table};
use weir_ui::format;
use weir_ui::i18n::t;
use weir_ui::pages::{List, Section, Show};

use super::taxes::{held, place, rate};
use super::{Asking, form_status, told_in};
use crate::app::App;
use crate::error::{FieldError, Problem};
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ManageBilling;
use crate::http::toast::see_saying;
use crate::taxes::{self, Starter, TaxRuleWish, TaxRuleWishes};

pub(super) fn routes() -> Router<App> {
    Router::new().route("/tax-starters", get(list)).route("/tax-starters/{name}", get(show).post(lay_down))
}

async fn list(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let rows = taxes::starters().into_iter().map(|starter| {
        vec![
            Cell::link(format!("/tax-starters/{}", starter.name), screen.t(&format!("tax-starter-{}", starter.name))),
            Cell::Number(format::number(screen.frame.lang, Decimal::from(starter.rules.len()))),
            Cell::Text(format::date(screen.frame.lang, starter.as_of)),
        ]
    });
    let names = ["tax-starter", "tax-starter-rules", "tax-starter-as-of"].map(|key| screen.t(key)).to_vec();
    let page = List {
        frame: &screen.frame,
        title: screen.t("tax-starters"),
        lede: screen.t("tax-starters-lede"),
        action: None,
        search: None,
        table: Table::new(names, rows.collect()),
        empty: String::new(),
        next: None,
    };
    html(StatusCode::OK, &page)
}

async fn show(screen: Screen<ManageBilling>, ApiPath(name): ApiPath<String>) -> Result<Response, Problem> {
    let starter = taxes::starter(&name)?;
    let lines: Vec<_> = starter.rules.iter().map(written).collect();
    form(&screen, &starter, &Fields::of([("rules", lines.join("\n"))]), None)
}

fn form(
    screen: &Screen<ManageBilling>,
    starter: &Starter,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let rows = starter.rules.iter().map(|rule| {
        vec![
            Cell::Text(rule.tax.clone()),
            Cell::Text(place(rule)),
            Cell::Number(rate(screen, rule)),
            Cell::Text(held(screen, rule)),
        ]
    });
    let names = ["tax", "tax-place", "tax-rate", "tax-days"].map(|key| screen.t(key)).to_vec();
    let own = format!("tax-starter-{}", starter.name);
    let asked = Asking::new(&screen.frame, fields, problem).ask("rules", "tax-starter-lines", Input::Lines);
    let page = Show {
        frame: &screen.frame,
        up: ("/tax-starters".into(), screen.t("tax-starters")),
        title: screen.t(&own),
        lede: screen.t(&format!("{own}-note")),
        actions: Vec::new(),
        command: None,
        facts: vec![
            (screen.t("tax-starter-as-of"), Cell::Text(format::date(screen.frame.lang, starter.as_of))),
            (screen.t("tax-starter-source"), Cell::link(starter.source.clone(), &starter.source)),
        ],
        sections: vec![Section {
            title: screen.t("tax-starter-rules"),
            action: None,
            table: Table::new(names, rows.collect()),
            empty: String::new(),
        }],
        form: Some(asked.inset(
            screen.t("tax-starter-check"),
            format!("/tax-starters/{}", starter.name),
            "tax-starter-lay-down",
        )),
    };
    html(form_status(problem), &page)
}

async fn lay_down(
    screen: Screen<ManageBilling>,
    ApiPath(name): ApiPath<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let starter = taxes::starter(&name)?;
    let mut tx = screen.begin().await?;
    let added = match read(&screen, fields.get("rules")) {
        Ok(rules) => taxes::add_rules(&mut tx, TaxRuleWishes { rules }).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying("/tax-rules", "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            form(&screen, &starter, &fields, Some(&by_line(&screen, problem, fields.get("rules"))))
        }
        Err(problem) => Err(problem),
    }
}

/// A rule as a line of the form: `KE; ; ; ; VAT; S; 16; 1; compound; 2026-01-01; `
fn written(rule: &TaxRuleWish) -> String {
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let compound = if rule.compound { "compound" } else { "" };
    let (rate, turn) = (rule.rate_percent.to_string(), rule.turn.to_string());
    let (from, to) = (day(rule.from), day(rule.to));
    let parts: [&str; 11] = [
        &rule.country,
        &rule.region,
        &rule.city,
        &rule.postcode,
        &rule.tax,
        &rule.category,
        &rate,
        &turn,
        compound,
        &from,
        &to,
    ];
    parts.join("; ").trim_end().to_owned()
}

/// The lines of the form that are not empty, with their numbers.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line.trim())).filter(|(_, line)| !line.is_empty())
}

fn read(screen: &Screen<ManageBilling>, text: &str) -> Result<Vec<TaxRuleWish>, Problem> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for (number, line) in lines(text) {
        match rule(line) {
            Some(rule) => rules.push(rule),
            None => errors.push(FieldError::new("rules", at_line(screen, number, &screen.t("tax-error-line")))),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(Problem::invalid(errors)) }
}

fn rule(line: &str) -> Option<TaxRuleWish> {
    let parts: Vec<_> = line.split(';').map(str::trim).collect();
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let text = |index: usize| part(index).to_owned();
    let day = |index: usize| if part(index).is_empty() { Some(None) } else { part(index).parse().ok().map(Some) };
    if parts.len() > 11 {
        return None;
    }
    Some(TaxRuleWish {
        country: text(0).to_uppercase(),
        region: text(1),
        city: text(2),
        postcode: text(3),
        tax: text(4),
        category: text(5),
        rate_percent: part(6).parse().ok()?,
        turn: if part(7).is_empty() { 0 } else { part(7).parse().ok()? },
        compound: match part(8) {
            "" => false,
            "compound" => true,
            _ => return None,
        },
        from: day(9)?,
        to: day(10)?,
    })
}

/// A problem of rules by the lines that they stand on.
fn by_line(screen: &Screen<ManageBilling>, mut problem: Problem, text: &str) -> Problem {
    let numbers: Vec<_> = lines(text).map(|(number, _)| number).collect();
    for error in &mut problem.errors {
        let index = error.field.strip_prefix("rules[").and_then(|rest| rest.split(']').next()?.parse::<usize>().ok());
        if let Some(number) = index.and_then(|index| numbers.get(index)) {
            let message = at_line(screen, *number, &told_in(screen.frame.lang, &error.message));
            *error = FieldError::new("rules", message);
        }
    }
    problem
}

fn at_line(screen: &Screen<ManageBilling>, number: usize, told: &str) -> String {
    t(screen.frame.lang, "tax-error-at-line", &[("line", &number.to_string()), ("told", told)])
}
