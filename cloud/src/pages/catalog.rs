//! `/plans`: what is sold.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::i18n::t;
use weir_ui::pages::List;

use super::plan_preview::{self, Seen};
use super::{Asking, money, next_page, page_of, phases, steps, traffic_price, windows};
use crate::app::App;
use crate::catalog::{
    self, Amount, BillingPeriod, BillingTiming, Overage, Plan, PlanVersion, PlanWish, Throttle, VersionWish,
};
use crate::error::Problem;
use crate::http::ApiQuery;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageCatalog, ViewCatalog};
use crate::http::toast::see_saying;
use crate::tenants;

/// Bits per second of the unit rates are asked in.
pub(super) const MEGABIT: i64 = 1_000_000;
/// Bytes of the unit bursts are asked in.
pub(super) const MEGABYTE: i64 = 1_000_000;
/// Bytes of the unit volumes are asked in.
pub(super) const GIGABYTE: i64 = 1_000_000_000;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/plans", get(list).post(add)).route("/plans/new", get(new))
}

async fn list(screen: Screen<ViewCatalog>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut plans = catalog::plans(&mut screen.read().await?, page).await?;
    let next = next_page(&mut plans, page, "/plans", |plan| plan.id.uuid());
    let names = ["plan", "status", "down", "up", "allowance", "price"].map(|key| screen.t(key)).to_vec();
    let table = Table::new(names, plans.iter().map(|plan| row(&screen, plan)).collect());
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-plans"),
        lede: screen.t("plans-lede"),
        action: screen.may::<ManageCatalog>().then(|| Action::go("/plans/new", screen.t("plans-new"))),
        search: None,
        table,
        empty: screen.t("plans-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn row(screen: &Screen<ViewCatalog>, plan: &Plan) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let sold = match plan.retired_at {
        None => Cell::status(Tone::Ok, screen.t("plan-on-sale")),
        Some(_) => Cell::status(Tone::Mute, screen.t("plan-retired")),
    };
    let newest = plan.versions.first();
    let rate = |bps: Option<i64>| Cell::Number(bps.map_or("—".into(), |bps| format::bit_rate(lang, bps)));
    let allowance = newest.and_then(|version| version.allowance_bytes);
    vec![
        Cell::link(format!("/plans/{}", plan.id), &plan.name),
        sold,
        rate(newest.map(|version| version.rate_down_bps)),
        rate(newest.map(|version| version.rate_up_bps)),
        Cell::Number(allowance.map_or(screen.t("unlimited"), |bytes| format::bytes(lang, bytes))),
        Cell::Number(newest.map_or("—".into(), |version| phases::offered_for(lang, version))),
    ]
}

async fn new(screen: Screen<ManageCatalog>) -> Result<Response, Problem> {
    let mut fields = Fields::of([("currency", screen.currency.clone())]);
    if tenants::tenant(&mut screen.read().await?).await?.tax_included {
        fields.set("tax_included", "yes");
    }
    plan_preview::begin(&screen, &mut fields).await?;
    form(&screen, &fields, None, &Seen::Nothing)
}

async fn add(screen: Screen<ManageCatalog>, mut fields: Fields) -> Result<Response, Problem> {
    if fields.get("do") == "preview" {
        let name = fields.option("name").unwrap_or_else(|| screen.t("plan"));
        let seen = plan_preview::look(&screen, &name, &mut fields).await?;
        return form(&screen, &fields, seen.problem(), &seen);
    }
    let mut tx = screen.begin().await?;
    let added = match read_terms(&mut fields) {
        Ok(first) => catalog::add_plan(&mut tx, named(&fields, first)).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(plan) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/plans/{}", plan.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &fields, Some(&problem), &Seen::Nothing),
        Err(problem) => Err(problem),
    }
}

fn named(fields: &Fields, first: VersionWish) -> PlanWish {
    PlanWish {
        name: fields.text("name"),
        rate_down_bps: first.rate_down_bps,
        rate_up_bps: first.rate_up_bps,
        price: first.price,
        tax_included: first.tax_included,
        period: first.period,
        timing: first.timing,
        phases: first.phases,
        allowance_bytes: first.allowance_bytes,
        overage: first.overage,
        traffic_price: first.traffic_price,
        throttle: first.throttle,
        steps: first.steps,
        carry_over_bytes: first.carry_over_bytes,
        allowance_shared: first.allowance_shared,
        windows: first.windows,
        burst_down_bytes: first.burst_down_bytes,
        burst_up_bytes: first.burst_up_bytes,
        offered_in_portal: fields.get("offered_in_portal") == "yes",
    }
}

/// What a form says a version promises and costs.
pub(super) fn read_terms(fields: &mut Fields) -> Result<VersionWish, Problem> {
    let down = read_scaled(fields, "rate_down", MEGABIT);
    let up = read_scaled(fields, "rate_up", MEGABIT);
    let amount = fields.read::<Decimal>("price", "error-number");
    let given = |fields: &Fields, name: &str| !fields.get(name).is_empty();
    let allowance_bytes = if given(fields, "allowance") { read_scaled(fields, "allowance", GIGABYTE) } else { None };
    let currency = fields.text("currency");
    let overage = if given(fields, "overage.block") || given(fields, "overage.price") {
        let block_bytes = read_scaled(fields, "overage.block", GIGABYTE);
        let amount = fields.read("overage.price", "error-number");
        block_bytes
            .zip(amount)
            .map(|(block_bytes, amount)| Overage { block_bytes, price: Amount { amount, currency: currency.clone() } })
    } else {
        None
    };
    let traffic_price = traffic_price::read(fields, &currency);
    let throttle = if given(fields, "throttle.rate_down") || given(fields, "throttle.rate_up") {
        let down = read_scaled(fields, "throttle.rate_down", MEGABIT);
        let up = read_scaled(fields, "throttle.rate_up", MEGABIT);
        down.zip(up).map(|(rate_down_bps, rate_up_bps)| Throttle { rate_down_bps, rate_up_bps })
    } else {
        None
    };
    let mut burst = |name: &str| if given(fields, name) { read_scaled(fields, name, MEGABYTE) } else { Some(0) };
    let burst = burst("burst_down").zip(burst("burst_up"));
    let steps = steps::read(fields);
    let carry_over_bytes = if given(fields, "carry_over") { read_scaled(fields, "carry_over", GIGABYTE) } else { None };
    let allowance_shared = fields.get("allowance_shared") == "yes";
    let windows = windows::read(fields);
    let phases = phases::read(fields, &currency);
    let period = read_period(fields);
    let tax_included = fields.get("tax_included") == "yes";
    let timing = match fields.get("in_arrears") {
        "yes" => BillingTiming::InArrears,
        _ => BillingTiming::InAdvance,
    };
    let problem = fields.problem();
    match (down, up, amount, burst) {
        (Some(rate_down_bps), Some(rate_up_bps), Some(amount), Some((burst_down_bytes, burst_up_bytes)))
            if problem.errors.is_empty() =>
        {
            let price = Amount { amount, currency };
            Ok(VersionWish {
                rate_down_bps,
                rate_up_bps,
                price,
                tax_included: Some(tax_included),
                period,
                timing,
                phases,
                allowance_bytes,
                overage,
                traffic_price,
                throttle,
                steps,
                carry_over_bytes,
                allowance_shared,
                windows,
                burst_down_bytes,
                burst_up_bytes,
            })
        }
        _ => Err(problem),
    }
}

/// How long a price is for: days if they are given, or else months, one unless it says.
fn read_period(fields: &mut Fields) -> BillingPeriod {
    let mut read = |name: &str| {
        if fields.get(name).is_empty() { None } else { fields.read::<i16>(name, "error-number") }
    };
    match (read("period.days"), read("period.months")) {
        (Some(_), Some(_)) => {
            fields.refuse("period.days", "plan-period-error-both");
            BillingPeriod::default()
        }
        (Some(days), None) => BillingPeriod::Days(days),
        (None, months) => months.map(BillingPeriod::Months).unwrap_or_default(),
    }
}

/// A price and what it is for, as readers write it.
pub(super) fn price_for(lang: &str, version: &PlanVersion) -> String {
    let price = format!("{} {}", price_of(lang, &version.price), period_words(lang, version.period));
    with_tax(lang, price, version.tax_included)
}

/// A price, and that it includes tax, where it does.
pub(super) fn with_tax(lang: &str, price: String, included: bool) -> String {
    if included { t(lang, "price-tax-included", &[("price", &price)]) } else { price }
}

/// The price of one of a line's.
pub(super) fn unit_price(lang: &str, price: Money, tax_included: bool) -> String {
    with_tax(lang, money(lang, price), tax_included)
}

/// A price that holds for a while: what it is for is said where that is not a month.
pub(super) fn priced(lang: &str, price: &Amount, period: BillingPeriod) -> String {
    match period {
        BillingPeriod::Months(1) => price_of(lang, price),
        period => format!("{} {}", price_of(lang, price), period_words(lang, period)),
    }
}

fn period_words(lang: &str, period: BillingPeriod) -> String {
    match period {
        BillingPeriod::Months(3) => t(lang, "plan-period-quarter", &[]),
        BillingPeriod::Months(6) => t(lang, "plan-period-half-year", &[]),
        BillingPeriod::Months(12) => t(lang, "plan-period-year", &[]),
        BillingPeriod::Months(_) => t(lang, "plan-period-month", &[]),
        BillingPeriod::Days(1) => t(lang, "plan-period-day", &[]),
        BillingPeriod::Days(days) => t(lang, "plan-period-of-days", &[("days", &days.to_string())]),
    }
}

/// Reads a figure in a unit as a whole number of what the unit is made of.
pub(super) fn read_scaled(fields: &mut Fields, name: &str, unit: i64) -> Option<i64> {
    let figure = fields.read::<Decimal>(name, "error-number")?;
    let whole = figure.checked_mul(unit.into()).filter(Decimal::is_integer).and_then(|whole| whole.to_i64());
    if whole.is_none() {
        fields.refuse(name, "error-number");
    }
    whole
}

/// Asks what a version promises and costs.
pub(super) fn ask_terms(asked: Asking<'_>) -> Asking<'_> {
    asked
        .ask("rate_down", "rate-down-mbit", Input::Line("text"))
        .ask("rate_up", "rate-up-mbit", Input::Line("text"))
        .ask("price", "price", Input::Line("text"))
        .ask("currency", "currency", Input::Line("text"))
        .ask("tax_included", "plan-tax-included", Input::Tick)
        .ask("period.months", "plan-period-months", Input::Line("text"))
        .ask("period.days", "plan-period-days", Input::Line("text"))
        .ask("in_arrears", "plan-in-arrears", Input::Tick)
        .ask("phases", "plan-phases", Input::Lines)
        .ask("allowance", "allowance-gb", Input::Line("text"))
        .ask("overage.block", "overage-block-gb", Input::Line("text"))
        .ask("overage.price", "overage-price", Input::Line("text"))
        .ask("traffic_price.tiers", "traffic-price", Input::Lines)
        .ask("traffic_price.mode", "traffic-price-volume", Input::Tick)
        .ask("traffic_price.maximum", "traffic-price-maximum", Input::Line("text"))
        .ask("throttle.rate_down", "fair-use-throttle-down-mbit", Input::Line("text"))
        .ask("throttle.rate_up", "fair-use-throttle-up-mbit", Input::Line("text"))
        .ask("steps", "fair-use-steps", Input::Lines)
        .ask("carry_over", "fair-use-carry-gb", Input::Line("text"))
        .ask("allowance_shared", "fair-use-shared", Input::Tick)
        .ask("windows", "fair-use-windows", Input::Lines)
        .ask("burst_down", "burst-down-mb", Input::Line("text"))
        .ask("burst_up", "burst-up-mb", Input::Line("text"))
}

/// A price, as readers write it.
pub(super) fn price_of(lang: &str, price: &Amount) -> String {
    format::money(lang, price.amount, &price.currency)
}

/// A price as it is typed: every digit it has, and at least the currency's own.
pub(super) fn typed_price(price: &Amount) -> String {
    let decimals = Currency::from_code(&price.currency).map_or(0, Currency::decimals);
    let mut amount = price.amount.normalize();
    if amount.scale() < decimals {
        amount.rescale(decimals);
    }
    amount.to_string()
}

fn form(
    screen: &Screen<ManageCatalog>,
    fields: &Fields,
    problem: Option<&Problem>,
    seen: &Seen,
) -> Result<Response, Problem> {
    let asked = Asking::new(&screen.frame, fields, problem).ask("name", "name", Input::Line("text"));
    let asked = ask_terms(asked).ask("offered_in_portal", "plan-portal-offer", Input::Tick);
    let up = ("/plans".into(), screen.t("nav-plans"));
    let told = (up, screen.t("plans-new"), screen.t("plans-new-lede"));
    plan_preview::page(screen, told, (asked, "/plans".into(), "save"), (fields, problem), seen)
}
