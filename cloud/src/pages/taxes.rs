//! `/tax-rules`: which tax is charged where, from which day to which.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Register, Show};

use super::{Asking, form_status, next_page, page_of, tax_exemptions, tax_starters};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageBilling, Needs, ViewBilling};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::TaxRuleId;
use crate::taxes::{self, TaxRuleWish, TaxRuleWishes};

/// Categories a rule may have, by their codes.
const CATEGORIES: [&str; 5] = ["S", "Z", "E", "L", "M"];

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/tax-rules", get(list).post(add))
        .route("/tax-rules/new", get(new))
        .route("/tax-rules/{id}", get(show))
        .route("/tax-rules/{id}/edit", get(edit).post(change))
        .route("/tax-rules/{id}/withdraw", get(ask_withdraw).post(withdraw))
        .merge(tax_starters::routes())
        .merge(tax_exemptions::routes())
}

/// Where a rule holds, the country first.
pub(super) fn place(wish: &TaxRuleWish) -> String {
    let parts = [&wish.country, &wish.region, &wish.city, &wish.postcode];
    parts.into_iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" · ")
}

/// When it holds.
pub(super) fn held<P: Needs>(screen: &Screen<P>, wish: &TaxRuleWish) -> String {
    let lang = screen.frame.lang;
    match (wish.from, wish.to) {
        (None, None) => screen.t("tax-always"),
        (Some(from), None) => screen.frame.t1("tax-from-on", "date", &format::date(lang, from)),
        (None, Some(to)) => screen.frame.t1("tax-until", "date", &format::date(lang, to.pred_opt().unwrap_or(to))),
        (Some(from), Some(to)) => super::days(lang, from, to),
    }
}

pub(super) fn rate<P: Needs>(screen: &Screen<P>, wish: &TaxRuleWish) -> String {
    let percent = format!("{} %", format::number(screen.frame.lang, wish.rate_percent));
    if wish.compound { format!("{percent} · {}", screen.t("tax-compound-short")) } else { percent }
}

async fn list(screen: Screen<ViewBilling>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut rules = taxes::rules(&mut screen.read().await?, page).await?;
    let next = next_page(&mut rules, page, "/tax-rules", |rule| rule.id.uuid());
    let rows = rules.iter().map(|rule| {
        vec![
            Cell::link(format!("/tax-rules/{}", rule.id), &rule.tax),
            Cell::Text(place(&rule.wish())),
            Cell::Number(rate(&screen, &rule.wish())),
            Cell::Text(screen.t(&format!("tax-category-{}", rule.category))),
            Cell::Text(held(&screen, &rule.wish())),
        ]
    });
    let names = ["tax", "tax-place", "tax-rate", "tax-category", "tax-days"].map(|key| screen.t(key)).to_vec();
    let may = screen.may::<ManageBilling>();
    let actions = [("/tax-rules/new", "taxes-new"), ("/tax-starters", "tax-starters")];
    let page = Register {
        frame: &screen.frame,
        up: None,
        title: screen.t("nav-taxes"),
        lede: screen.t("taxes-lede"),
        actions: actions.iter().filter(|_| may).map(|(href, key)| Action::go(*href, screen.t(key))).collect(),
        figures: Vec::new(),
        sections: Vec::new(),
        heading: String::new(),
        chips: Vec::new(),
        search: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("taxes-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn new(screen: Screen<ManageBilling>) -> Result<Response, Problem> {
    let fields = Fields::of([("category", "S".into()), ("turn", "0".into())]);
    form(&screen, None, &fields, None)
}

fn form(
    screen: &Screen<ManageBilling>,
    of: Option<(TaxRuleId, &str)>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let categories = CATEGORIES.map(|code| (code.to_owned(), screen.t(&format!("tax-category-{code}"))));
    let asked = Asking::new(&screen.frame, fields, problem)
        .part("tax-place")
        .ask("country", "country", Input::Line("text"))
        .ask("region", "region", Input::Line("text"))
        .ask("city", "city", Input::Line("text"))
        .ask("postcode", "tax-postcode", Input::Line("text"))
        .part("tax")
        .ask("tax", "tax-name", Input::Line("text"))
        .ask("category", "tax-category", Input::Choice(categories.to_vec()))
        .ask("rate_percent", "tax-rate-percent", Input::Line("text"))
        .ask("turn", "tax-turn", Input::Line("number"))
        .ask("compound", "tax-compound", Input::Tick)
        .part("tax-days")
        .ask("from", "tax-first-day", Input::Line("date"))
        .ask("to", "tax-day-after", Input::Line("date"));
    let (up, title, lede, action) = match of {
        None => (("/tax-rules".into(), screen.t("nav-taxes")), "taxes-new", "taxes-new-lede", "/tax-rules".into()),
        Some((id, tax)) => {
            let own = format!("/tax-rules/{id}");
            ((own.clone(), tax.to_owned()), "taxes-edit", "taxes-edit-lede", format!("{own}/edit"))
        }
    };
    let page = Form {
        frame: &screen.frame,
        up,
        title: screen.t(title),
        lede: screen.t(lede),
        form: asked.inset(String::new(), action, "save"),
    };
    html(form_status(problem), &page)
}

fn wish(fields: &mut Fields) -> Result<TaxRuleWish, Problem> {
    let rate = fields.read::<Decimal>("rate_percent", "error-number");
    let turn = if fields.get("turn").is_empty() { Some(0) } else { fields.read("turn", "error-number") };
    let (from, to) = (fields.read_option("from", "error-date"), fields.read_option("to", "error-date"));
    let problem = fields.problem();
    let (Some(rate_percent), Some(turn), true) = (rate, turn, problem.errors.is_empty()) else { return Err(problem) };
    Ok(TaxRuleWish {
        country: fields.text("country").to_uppercase(),
        region: fields.text("region"),
        city: fields.text("city"),
        postcode: fields.text("postcode"),
        tax: fields.text("tax"),
        category: fields.text("category"),
        rate_percent,
        turn,
        compound: fields.get("compound") == "yes",
        from,
        to,
    })
}

async fn add(screen: Screen<ManageBilling>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let added = match wish(&mut fields) {
        Ok(wish) => taxes::add_rules(&mut tx, TaxRuleWishes { rules: vec![wish] }).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying("/tax-rules", "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, None, &fields, Some(&of_one(problem))),
        Err(problem) => Err(problem),
    }
}

/// A problem of the only rule, by the fields of its form.
fn of_one(mut problem: Problem) -> Problem {
    for error in &mut problem.errors {
        error.field = error.field.trim_start_matches("rules[0].").to_owned();
    }
    problem
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<TaxRuleId>) -> Result<Response, Problem> {
    let rule = taxes::rule(&mut screen.read().await?, id).await?;
    let (wish, lang) = (&rule.wish(), screen.frame.lang);
    let status = match rule.withdrawn_at {
        None => Cell::status(Tone::Ok, screen.t("tax-used")),
        Some(_) => Cell::status(Tone::Mute, screen.t("tax-withdrawn")),
    };
    let mut facts = vec![
        (screen.t("status"), status),
        (screen.t("tax-place"), Cell::Text(place(wish))),
        (screen.t("tax-rate"), Cell::Text(rate(&screen, wish))),
        (screen.t("tax-category"), Cell::Text(screen.t(&format!("tax-category-{}", wish.category)))),
        (screen.t("tax-turn"), Cell::Text(wish.turn.to_string())),
        (screen.t("tax-days"), Cell::Text(held(&screen, wish))),
        (screen.t("since"), Cell::Text(format::instant(lang, rule.created_at, screen.zone))),
    ];
    if let Some(at) = rule.withdrawn_at {
        facts.push((screen.t("tax-withdrawn"), Cell::Text(format::instant(lang, at, screen.zone))));
    }
    facts.push((screen.t("id"), Cell::Code(id.to_string())));
    let may = screen.may::<ManageBilling>() && rule.withdrawn_at.is_none();
    let actions = [("edit", "taxes-edit"), ("withdraw", "tax-withdraw")];
    let action = |(path, key): &(&str, &str)| Action::go(format!("/tax-rules/{id}/{path}"), screen.t(key));
    let page = Show {
        frame: &screen.frame,
        up: ("/tax-rules".into(), screen.t("nav-taxes")),
        title: wish.tax.clone(),
        lede: screen.t("tax-lede"),
        actions: actions.iter().filter(|_| may).map(action).collect(),
        command: None,
        facts,
        sections: Vec::new(),
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn edit(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<TaxRuleId>) -> Result<Response, Problem> {
    let wish = taxes::rule(&mut screen.read().await?, id).await?.wish();
    let day = |day: Option<chrono::NaiveDate>| day.map(|day| day.to_string()).unwrap_or_default();
    let fields = Fields::of([
        ("country", wish.country),
        ("region", wish.region),
        ("city", wish.city),
        ("postcode", wish.postcode),
        ("category", wish.category),
        ("rate_percent", wish.rate_percent.to_string()),
        ("turn", wish.turn.to_string()),
        ("compound", if wish.compound { "yes".into() } else { String::new() }),
        ("from", day(wish.from)),
        ("to", day(wish.to)),
        ("tax", wish.tax.clone()),
    ]);
    form(&screen, Some((id, &wish.tax)), &fields, None)
}

async fn change(
    screen: Screen<ManageBilling>,
    ApiPath(id): ApiPath<TaxRuleId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = taxes::rule(&mut tx, id).await?.tax;
    let changed = match wish(&mut fields) {
        Ok(wish) => taxes::change_rule(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(rule) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/tax-rules/{}", rule.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, Some((id, &before)), &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn ask_withdraw(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<TaxRuleId>) -> Result<Response, Problem> {
    let wish = taxes::rule(&mut screen.read().await?, id).await?.wish();
    let own = format!("/tax-rules/{id}");
    let fields = Fields::default();
    let page = Confirm {
        frame: &screen.frame,
        up: (own.clone(), wish.tax.clone()),
        title: screen.frame.t1("tax-withdraw-title", "tax", &wish.tax),
        lede: screen.t("tax-withdraw-lede"),
        facts: vec![
            (screen.t("tax-place"), Cell::Text(place(&wish))),
            (screen.t("tax-rate"), Cell::Text(rate(&screen, &wish))),
        ],
        sections: Vec::new(),
        form: Asking::new(&screen.frame, &fields, None).inset(String::new(), format!("{own}/withdraw"), "tax-withdraw"),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn withdraw(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<TaxRuleId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    taxes::withdraw_rule(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying("/tax-rules", "done-tax-withdrawn"))
}
