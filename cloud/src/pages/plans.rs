//! `/plans/{id}`: a plan's versions, a further one, and the end of its sale.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use rust_decimal::Decimal;
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Section, Show};

use super::catalog::{GIGABYTE, MEGABIT, MEGABYTE, price_of, read_terms, typed_price, with_tax};
use super::plan_preview::{self, Seen};
use super::{Asking, phases, steps, traffic_price, windows};
use crate::app::App;
use crate::catalog::{self, BillingPeriod, BillingTiming, Plan, PlanChange, PlanVersion, Throttle};
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageCatalog, ViewCatalog};
use crate::http::toast::see_saying;
use crate::ids::PlanId;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/plans/{id}", get(show))
        .route("/plans/{id}/versions", post(add_version))
        .route("/plans/{id}/versions/new", get(new_version))
        .route("/plans/{id}/retire", get(ask_retire).post(retire))
        .route("/plans/{id}/offer", post(offer))
        .route("/plans/{id}/withhold", post(withhold))
}

async fn show(screen: Screen<ViewCatalog>, ApiPath(id): ApiPath<PlanId>) -> Result<Response, Problem> {
    let plan = catalog::plan(&mut screen.read().await?, id).await?;
    let lang = screen.frame.lang;
    let (status, lede, since) = match plan.retired_at {
        None => (Cell::status(Tone::Ok, screen.t("plan-on-sale")), "plan-lede", None),
        Some(at) => (Cell::status(Tone::Mute, screen.t("plan-retired")), "plan-lede-retired", Some(at)),
    };
    let mut facts = vec![
        (screen.t("status"), status),
        (screen.t("since"), Cell::Text(format::instant(lang, plan.created_at, screen.zone))),
        (screen.t("plan-in-portal"), Cell::Text(screen.t(if plan.offered_in_portal { "yes" } else { "no" }))),
        (screen.t("id"), Cell::Code(id.to_string())),
    ];
    if let Some(at) = since {
        facts.insert(2, (screen.t("plan-retired"), Cell::Text(format::instant(lang, at, screen.zone))));
    }
    let changes = screen.may::<ManageCatalog>() && plan.retired_at.is_none();
    let actions = [("versions/new", "plans-version"), ("retire", "plans-retire")];
    let offer = match plan.offered_in_portal {
        true => Action::post(format!("/plans/{id}/withhold"), screen.t("plan-portal-withhold")),
        false => Action::post(format!("/plans/{id}/offer"), screen.t("plan-portal-offer")),
    };
    let actions = actions.map(|(path, key)| Action::go(format!("/plans/{id}/{path}"), screen.t(key)));
    let page = Show {
        frame: &screen.frame,
        up: ("/plans".into(), screen.t("nav-plans")),
        lede: screen.t(lede),
        actions: if changes { actions.into_iter().chain([offer]).collect() } else { Vec::new() },
        command: None,
        facts,
        sections: vec![versions(&screen, &plan)],
        form: None,
        title: plan.name,
    };
    html(StatusCode::OK, &page)
}

fn versions(screen: &Screen<ViewCatalog>, plan: &Plan) -> Section {
    let lang = screen.frame.lang;
    let volume = |version: &PlanVersion| {
        let bytes = version.allowance_bytes.map(|bytes| format::bytes(lang, bytes));
        let shared = version.allowance_shared.then(|| screen.t("fair-use-shared-short"));
        let words: Vec<_> = bytes.into_iter().chain(shared).collect();
        Cell::Number(if words.is_empty() { screen.t("unlimited") } else { words.join(", ") })
    };
    let beyond = |version: &PlanVersion| {
        let overage = version.overage.as_ref().map(|overage| {
            format!("{} / {}", price_of(lang, &overage.price), format::bytes(lang, overage.block_bytes))
        });
        let traffic = version.traffic_price.as_ref();
        let traffic = traffic.map(|price| traffic_price::words(lang, price, &version.price.currency));
        overage.or(traffic).map(|said| with_tax(lang, said, version.tax_included))
    };
    let rows = plan.versions.iter().map(|version| {
        vec![
            Cell::Text(version.version.to_string()),
            Cell::Number(format::bit_rate(lang, version.rate_down_bps)),
            Cell::Number(format::bit_rate(lang, version.rate_up_bps)),
            volume(version),
            Cell::Number(beyond(version).or_else(|| slowed(lang, version)).unwrap_or_else(|| "—".into())),
            Cell::Number(version.carry_over_bytes.map_or_else(|| "—".into(), |bytes| format::bytes(lang, bytes))),
            Cell::Number(both_bursts(lang, version)),
            Cell::Text(version.windows.iter().map(windows::typed).collect::<Vec<_>>().join(" · ")),
            Cell::Number(phases::offered_for(lang, version)),
            Cell::Text(screen.t(match version.timing {
                BillingTiming::InAdvance => "plan-paid-ahead",
                BillingTiming::InArrears => "plan-paid-afterwards",
            })),
            Cell::Number(format::instant(lang, version.created_at, screen.zone)),
        ]
    });
    let names = [
        "version",
        "down",
        "up",
        "allowance",
        "fair-use-beyond",
        "fair-use-carry",
        "burst",
        "fair-use-windows-short",
        "price",
        "plan-paid",
        "since",
    ]
    .map(|key| screen.t(key));
    Section {
        title: screen.t("plan-versions"),
        action: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: String::new(),
    }
}

async fn new_version(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<PlanId>) -> Result<Response, Problem> {
    let plan = catalog::plan(&mut screen.read().await?, id).await?;
    let mut fields = plan.versions.first().map(fields_of).unwrap_or_default();
    plan_preview::begin(&screen, &mut fields).await?;
    let seen = plan_preview::look(&screen, &plan.name, &mut fields).await?;
    form(&screen, &plan, &fields, None, &seen)
}

/// What the newest version promises, to be changed.
fn fields_of(version: &PlanVersion) -> Fields {
    let scaled = |value: i64, unit: i64| (Decimal::from(value) / Decimal::from(unit)).normalize().to_string();
    let overage = version.overage.as_ref();
    let throttled = |rate: fn(Throttle) -> i64| {
        version.throttle.map(|throttle| scaled(rate(throttle), MEGABIT)).unwrap_or_default()
    };
    let (months, days) = match version.period {
        BillingPeriod::Months(months) => (months.to_string(), String::new()),
        BillingPeriod::Days(days) => (String::new(), days.to_string()),
    };
    let burst = |bytes: i64| if bytes > 0 { scaled(bytes, MEGABYTE) } else { String::new() };
    let mut fields = Fields::of([
        ("rate_down", scaled(version.rate_down_bps, MEGABIT)),
        ("rate_up", scaled(version.rate_up_bps, MEGABIT)),
        ("price", typed_price(&version.price)),
        ("currency", version.price.currency.clone()),
        ("tax_included", if version.tax_included { "yes".into() } else { String::new() }),
        ("period.months", months),
        ("period.days", days),
        ("in_arrears", if version.timing == BillingTiming::InArrears { "yes".into() } else { String::new() }),
        ("phases", version.phases.iter().map(phases::typed).collect::<Vec<_>>().join("\n")),
        ("allowance", version.allowance_bytes.map(|bytes| scaled(bytes, GIGABYTE)).unwrap_or_default()),
        ("overage.block", overage.map(|overage| scaled(overage.block_bytes, GIGABYTE)).unwrap_or_default()),
        ("overage.price", overage.map(|overage| typed_price(&overage.price)).unwrap_or_default()),
        ("throttle.rate_down", throttled(|throttle| throttle.rate_down_bps)),
        ("throttle.rate_up", throttled(|throttle| throttle.rate_up_bps)),
        ("steps", version.steps.iter().map(steps::typed).collect::<Vec<_>>().join("\n")),
        ("carry_over", version.carry_over_bytes.map(|bytes| scaled(bytes, GIGABYTE)).unwrap_or_default()),
        ("allowance_shared", if version.allowance_shared { "yes".into() } else { String::new() }),
        ("burst_down", burst(version.burst_down_bytes)),
        ("burst_up", burst(version.burst_up_bytes)),
        ("windows", version.windows.iter().map(windows::typed).collect::<Vec<_>>().join("\n")),
    ]);
    for (name, value) in traffic_price::fields_of(version.traffic_price.as_ref(), &version.price.currency) {
        fields.set(name, value);
    }
    fields
}

/// What a version does beyond its allowance, as it is typed: the throttle at its end, and steps.
fn slowed(lang: &str, version: &PlanVersion) -> Option<String> {
    let throttle = version.throttle.map(|throttle| both_rates(lang, throttle));
    let beyond: Vec<_> = throttle.into_iter().chain(version.steps.iter().map(steps::typed)).collect();
    (!beyond.is_empty()).then(|| beyond.join(" · "))
}

/// Both rates of a throttle, as readers write them.
fn both_rates(lang: &str, throttle: Throttle) -> String {
    format!("{} / {}", format::bit_rate(lang, throttle.rate_down_bps), format::bit_rate(lang, throttle.rate_up_bps))
}

/// Both bursts of a version, if it has any.
fn both_bursts(lang: &str, version: &PlanVersion) -> String {
    match (version.burst_down_bytes, version.burst_up_bytes) {
        (0, 0) => "—".into(),
        (down, up) => format!("{} / {}", format::bytes(lang, down), format::bytes(lang, up)),
    }
}

fn form(
    screen: &Screen<ManageCatalog>,
    plan: &Plan,
    fields: &Fields,
    problem: Option<&Problem>,
    seen: &Seen,
) -> Result<Response, Problem> {
    let own = format!("/plans/{}", plan.id);
    let asked = super::catalog::ask_terms(Asking::new(&screen.frame, fields, problem));
    let up = (own.clone(), plan.name.clone());
    let told = (up, screen.frame.t1("plans-version-title", "name", &plan.name), screen.t("plans-version-lede"));
    let form = (asked, format!("{own}/versions"), "plans-version");
    plan_preview::page(screen, told, form, (fields, problem), seen)
}

async fn add_version(
    screen: Screen<ManageCatalog>,
    ApiPath(id): ApiPath<PlanId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let plan = catalog::plan(&mut tx, id).await?;
    if fields.get("do") == "preview" {
        drop(tx);
        let seen = plan_preview::look(&screen, &plan.name, &mut fields).await?;
        return form(&screen, &plan, &fields, seen.problem(), &seen);
    }
    let added = match read_terms(&mut fields) {
        Ok(wish) => catalog::add_version(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/plans/{id}"), "done-version"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &plan, &fields, Some(&problem), &Seen::Nothing),
        Err(problem) => Err(problem),
    }
}

async fn ask_retire(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<PlanId>) -> Result<Response, Problem> {
    let plan = catalog::plan(&mut screen.read().await?, id).await?;
    let own = format!("/plans/{id}");
    let page = Confirm {
        frame: &screen.frame,
        up: (own.clone(), plan.name.clone()),
        title: screen.frame.t1("plans-retire-title", "name", &plan.name),
        lede: screen.t("plans-retire-lede"),
        facts: Vec::new(),
        sections: Vec::new(),
        form: Asking::new(&screen.frame, &Fields::default(), None).inset(
            String::new(),
            format!("{own}/retire"),
            "plans-retire",
        ),
        danger: true,
    };
    html(StatusCode::OK, &page)
}

async fn retire(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<PlanId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    catalog::retire(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/plans/{id}"), "done-retired"))
}

async fn offer(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<PlanId>) -> Result<Response, Problem> {
    offered(&screen, id, true).await
}

async fn withhold(screen: Screen<ManageCatalog>, ApiPath(id): ApiPath<PlanId>) -> Result<Response, Problem> {
    offered(&screen, id, false).await
}

/// Offers a plan in the portal, or no longer.
async fn offered(screen: &Screen<ManageCatalog>, id: PlanId, offered_in_portal: bool) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    catalog::change_plan(&mut tx, id, PlanChange { offered_in_portal }).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/plans/{id}"), "done-saved"))
}
