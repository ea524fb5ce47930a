//! Changing the plan: the choices, then the exact consequence, then the change.
//!
//! As on the staff's screens, the page that asks makes the change, looks at what would be billed, and does not commit.

use axum::http::StatusCode;
use axum::response::Response;
use weir_ui::blocks::{Cell, Input, Table};
use weir_ui::format;
use weir_ui::pages::Section;
use weir_ui::portal::{Page, Portal, section};

use super::{LineTax, Own, beyond, session};
use crate::billing::{self, UpcomingBill};
use crate::catalog::{Plan, PlanVersion};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, html, see};
use crate::ids::{PlanVersionId, SubscriptionId};
use crate::pages::catalog::price_for;
use crate::pages::{Asking, days, form_status, money};
use crate::portal::{self, Changed};

/// The path of a page about a line.
type LinePath = ApiPath<(String, SubscriptionId)>;
/// The path of a page about a line and a plan for it.
type WishPath = ApiPath<(String, SubscriptionId, PlanVersionId)>;

pub(super) async fn choose(own: Own, ApiPath((_, id)): LinePath) -> Result<Response, Problem> {
    choices(&own, id, &Fields::default(), None).await
}

async fn choices(
    own: &Own,
    id: SubscriptionId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = own.read().await?;
    let (line, _) = portal::line(&mut tx, own.me.id, id).await?;
    let offered = portal::choices(&mut tx, own.me.id, id).await?;
    let portal = own.portal();
    let lede = portal.frame.t1("portal-plan-lede", "plan", &line.plan_name);
    let mut page = Page::saying(portal, portal.t("portal-change-plan"), lede);
    page.up = Some((portal.home().to_owned(), portal.t("portal-nav-home")));
    if offered.is_empty() {
        page.lede = portal.t("portal-plan-none");
        return html(StatusCode::OK, &page);
    }
    let form = Asking::new(&portal.frame, fields, problem)
        .ask("plan_version_id", "plan-new", offers(portal, &offered, price_for))
        .inset(String::new(), portal.at(&format!("/lines/{id}/plan")), "portal-plan-see");
    page.form = Some(form);
    html(form_status(problem), &page)
}

/// Plans to choose from: name and price, then what is promised for it. Introductory prices are for lines that begin.
pub(super) fn offers(
    portal: &Portal,
    offered: &[(Plan, PlanVersion)],
    price: impl Fn(&str, &PlanVersion) -> String,
) -> Input {
    let lang = portal.frame.lang;
    let offer = |(plan, version): &(Plan, PlanVersion)| {
        let price = price(lang, version);
        let included = match version.allowance_bytes {
            Some(bytes) => format!("{} {}", portal.t("allowance"), format::bytes(lang, bytes)),
            None => portal.t("unlimited"),
        };
        let mut words = format!("{} · {price}\n{} · {included}", plan.name, rates(lang, version));
        for sentence in beyond::words(portal, version) {
            words.push('\n');
            words.push_str(&sentence);
        }
        (version.id.to_string(), words)
    };
    Input::Choice(offered.iter().map(offer).collect())
}

/// How fast a plan is, down and up.
fn rates(lang: &str, version: &PlanVersion) -> String {
    [version.rate_down_bps, version.rate_up_bps].map(|bps| format::bit_rate(lang, bps)).join(" / ")
}

pub(super) async fn preview(own: Own, ApiPath((_, id)): LinePath, mut fields: Fields) -> Result<Response, Problem> {
    match fields.read::<PlanVersionId>("plan_version_id", "error-choose") {
        Some(version) => Ok(see(&own.portal().at(&format!("/lines/{id}/plan/{version}")))),
        None => {
            let problem = fields.problem();
            choices(&own, id, &fields, Some(&problem)).await
        }
    }
}

pub(super) async fn ask(own: Own, ApiPath((_, id, version)): WishPath) -> Result<Response, Problem> {
    let mut tx = own.begin().await?;
    let changed = portal::change_plan(&mut tx, own.me.id, id, version).await?;
    let up_to = billing::today(&mut tx).await?.max(changed.effective_on);
    let bill = billing::upcoming(&mut tx, changed.account.id, id, up_to).await?;
    let tax = LineTax::of(&mut tx, id).await?.name;
    drop(tx);
    let (portal, lang) = (own.portal(), own.lang());
    let day = format::date(lang, changed.effective_on);
    let mut page = Page::saying(
        portal,
        portal.frame.t1("portal-plan-ask", "plan", &changed.new_name),
        portal.frame.t1("portal-plan-ask-lede", "date", &day),
    );
    let choices = portal.at(&format!("/lines/{id}/plan"));
    page.up = Some((choices.clone(), portal.t("portal-change-plan")));
    page.leave = Some(choices);
    page.facts = facts(portal, &changed, day);
    page.sections = vec![next_bill(&own, &bill, tax)];
    let fields = Fields::default();
    let asked = Asking::new(&portal.frame, &fields, None);
    let address = portal.at(&format!("/lines/{id}/plan/{version}"));
    page.form = Some(asked.inset(String::new(), address, "portal-change-plan"));
    html(StatusCode::OK, &page)
}

fn facts(portal: &Portal, changed: &Changed, day: String) -> Vec<(String, Cell)> {
    let lang = portal.frame.lang;
    let whole = |name: &str, version: &PlanVersion| {
        Cell::Text(format!("{name} · {} · {}", rates(lang, version), price_for(lang, version)))
    };
    vec![
        (portal.t("plan-now"), whole(&changed.before.plan_name, &changed.old)),
        (portal.t("plan-new"), whole(&changed.new_name, &changed.new)),
        (portal.t("effective-on"), Cell::Text(day)),
    ]
}

/// What the next bill says of it: what is given back, what is charged, the tax, the whole.
fn next_bill(own: &Own, bill: &UpcomingBill, tax: String) -> Section {
    let (portal, lang) = (own.portal(), own.lang());
    let mut rows: Vec<_> = bill
        .lines
        .iter()
        .map(|line| {
            let less = (!line.discount.is_zero()).then(|| money(lang, -line.discount));
            let less = less.map(|less| format!("{} · {} {less}", line.plan, portal.t("discount")));
            vec![
                Cell::Text(less.unwrap_or_else(|| line.plan.clone())),
                Cell::Text(portal.t(&format!("line-{}", line.kind.name()))),
                Cell::Text(days(lang, line.from, line.to)),
                Cell::Number(money(lang, line.net)),
            ]
        })
        .collect();
    if !bill.lines.is_empty() {
        let nothing = || Cell::Text(String::new());
        let mut sum = |name: String, amount| {
            rows.push(vec![Cell::Text(name), nothing(), nothing(), Cell::Number(money(lang, amount))]);
        };
        sum(portal.t("net"), bill.net);
        sum(tax, bill.tax);
        sum(portal.t("total"), bill.gross);
    }
    let names = ["plan", "line", "period", "amount"].map(|key| portal.t(key)).to_vec();
    section(portal.t("portal-plan-bill"), Table::new(names, rows), portal.t("next-bill-nothing"))
}

pub(super) async fn change(own: Own, ApiPath((_, id, version)): WishPath) -> Result<Response, Problem> {
    let mut tx: TenantTx = own.begin().await?;
    portal::change_plan(&mut tx, own.me.id, id, version).await?;
    tx.commit().await?;
    Ok(session::done(&own.visit, "done-plan"))
}
