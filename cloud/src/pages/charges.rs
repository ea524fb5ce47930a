//! `/accounts/{id}/charges`: what an account is charged once; `/charges/{id}`: one of these, billed at once or removed.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Confirm, Form, Section, Show};

use super::discounts::read_money;
use super::{Asking, MANY, form_status, money};
use crate::app::App;
use crate::db::TenantTx;
use crate::deals::{self, Charge, ChargeStatus, ChargeWish};
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::{ManageBilling, ManageSubscriptions, Needs, ViewBilling};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AccountId, ChargeId, RequestId, SubscriptionId, new_id};
use crate::{billing, subscribers, subscriptions};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/accounts/{id}/charges", get(choose).post(add))
        .route("/charges/{id}", get(show))
        .route("/charges/{id}/remove", get(ask_remove).post(remove))
        .route("/charges/{id}/bill", get(ask_bill).post(bill))
}

/// The one-time charges of an account, newest first.
pub(super) async fn of_account<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: AccountId,
) -> Result<Section, Problem> {
    let charges = deals::charges(tx, id, false, MANY).await?;
    let lang = screen.frame.lang;
    let rows = charges.iter().map(|charge| {
        vec![
            Cell::link(format!("/charges/{}", charge.id), &charge.description),
            status(screen, charge),
            Cell::Text(format::date(lang, charge.charged_on)),
            Cell::Number(format::number(lang, charge.quantity)),
            Cell::Number(money(lang, charge.unit_price)),
            Cell::Number(money(lang, charge.net)),
        ]
    });
    let names = ["charge", "status", "charge-day", "quantity", "unit-price", "amount"].map(|key| screen.t(key));
    let add = || Action::go(format!("/accounts/{id}/charges"), screen.t("charges-add"));
    Ok(Section {
        title: screen.t("charges"),
        action: screen.may::<ManageSubscriptions>().then(add),
        table: Table::new(names.to_vec(), rows.collect()),
        empty: screen.t("charges-none"),
    })
}

fn status<P: Needs>(screen: &Screen<P>, charge: &Charge) -> Cell {
    let word = screen.t(&format!("charge-{}", charge.status.name()));
    match charge.status {
        ChargeStatus::Waiting => Cell::status(Tone::Warn, word),
        ChargeStatus::Billed => Cell::status(Tone::Ok, word),
        ChargeStatus::Removed => Cell::status(Tone::Mute, word),
    }
}

#[derive(Deserialize)]
struct About {
    subscription_id: Option<SubscriptionId>,
}

async fn choose(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<AccountId>,
    ApiQuery(about): ApiQuery<About>,
) -> Result<Response, Problem> {
    // A form sent twice is one charge.
    let reference = new_id::<RequestId>(screen.app.clock.now()).to_string();
    let about = about.subscription_id.map(|about| about.to_string()).unwrap_or_default();
    let fields = Fields::of([("reference", reference), ("quantity", "1".into()), ("subscription_id", about)]);
    form(&screen, id, &fields, None).await
}

async fn form(
    screen: &Screen<ManageSubscriptions>,
    id: AccountId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let account = subscribers::account(&mut tx, id).await?;
    let sold = subscriptions::subscriptions(&mut tx, Some(id), MANY).await?.into_iter();
    let about = sold.map(|sold| (sold.id.to_string(), format!("{} · {}", sold.plan_name, sold.address())));
    let about: Vec<_> = std::iter::once((String::new(), screen.t("charge-about-none"))).chain(about).collect();
    let price = screen.frame.t1("charge-price", "currency", &account.currency);
    let form = Asking::new(&screen.frame, fields, problem)
        .ask("description", "charge-description", Input::Line("text"))
        .ask("quantity", "quantity", Input::Line("text"))
        .ask_in("unit_price", price, screen.t("charge-price-hint"), Input::Line("text"))
        .ask("charged_on", "charge-day", Input::Line("date"))
        .ask("subscription_id", "charge-about", Input::Choice(about))
        .ask("reference", "charge", Input::Hidden)
        .inset(String::new(), format!("/accounts/{id}/charges"), "charges-add");
    let page = Form {
        frame: &screen.frame,
        up: (format!("/accounts/{id}"), account.number.clone()),
        title: screen.frame.t1("charges-add-title", "account", &account.number),
        lede: screen.t("charges-add-lede"),
        form,
    };
    html(form_status(problem), &page)
}

async fn add(
    screen: Screen<ManageSubscriptions>,
    ApiPath(id): ApiPath<AccountId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let currency = billing::currency(&mut tx, id).await?;
    if fields.get("unit_price").is_empty() {
        fields.refuse("unit_price", "error-number");
    }
    let unit_price = read_money(&mut fields, "unit_price", currency);
    let quantity = fields.read_option("quantity", "error-number");
    let charged_on = fields.read_option("charged_on", "error-date");
    let subscription_id = fields.read_option("subscription_id", "error-choose");
    let problem = fields.problem();
    let added = match unit_price.filter(|_| problem.errors.is_empty()) {
        Some(unit_price) => {
            let (description, reference) = (fields.text("description"), fields.text("reference"));
            let wish = ChargeWish { description, quantity, unit_price, charged_on, subscription_id, reference };
            deals::add_charge(&mut tx, id, wish).await.map_err(Problem::from)
        }
        None => Err(problem),
    };
    match added {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/accounts/{id}"), "done-charge"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, id, &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn show(screen: Screen<ViewBilling>, ApiPath(id): ApiPath<ChargeId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let charge = deals::charge(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, charge.account_id).await?;
    let mut facts = vec![(screen.t("status"), status(&screen, &charge))];
    facts.extend(figures(&screen, &charge));
    facts.push((screen.t("account"), Cell::link(format!("/accounts/{}", account.id), &account.number)));
    if let Some(about) = charge.subscription_id {
        let names = subscriptions::names(&mut tx, &[about]).await?;
        facts.push((screen.t("charge-about"), super::subscriptions::named(&names, about)));
    }
    if let Some(invoice) = charge.invoice_id {
        let number = billing::invoice(&mut tx, invoice).await?.summary.number;
        facts.push((screen.t("invoice"), Cell::link(format!("/invoices/{invoice}"), number)));
    }
    facts.push((screen.t("since"), Cell::Text(format::instant(screen.frame.lang, charge.added_at, screen.zone))));
    facts.push((screen.t("id"), Cell::Code(id.to_string())));
    let mut actions = Vec::new();
    if charge.status == ChargeStatus::Waiting {
        let go = |what: &str| Action::go(format!("/charges/{id}/{what}"), screen.t(&format!("charges-{what}")));
        actions.extend(screen.may::<ManageBilling>().then(|| go("bill")));
        actions.extend(screen.may::<ManageSubscriptions>().then(|| go("remove")));
    }
    let page = Show {
        frame: &screen.frame,
        up: (format!("/accounts/{}", account.id), account.number),
        lede: screen.t(&format!("charge-{}-lede", charge.status.name())),
        actions,
        command: None,
        facts,
        sections: Vec::new(),
        form: None,
        title: charge.description,
    };
    html(StatusCode::OK, &page)
}

fn figures<P: Needs>(screen: &Screen<P>, charge: &Charge) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    vec![
        (screen.t("amount"), Cell::Text(money(lang, charge.net))),
        (screen.t("quantity"), Cell::Text(format::number(lang, charge.quantity))),
        (screen.t("unit-price"), Cell::Text(money(lang, charge.unit_price))),
        (screen.t("charge-day"), Cell::Text(format::date(lang, charge.charged_on))),
    ]
}

async fn ask<P: Needs>(screen: Screen<P>, id: ChargeId, what: &str) -> Result<Response, Problem> {
    let charge = deals::charge(&mut screen.read().await?, id).await?;
    let fields = Fields::default();
    let asked = Asking::new(&screen.frame, &fields, None);
    let page = Confirm {
        frame: &screen.frame,
        up: (format!("/charges/{id}"), charge.description.clone()),
        title: screen.frame.t1(&format!("charges-{what}-title"), "name", &charge.description),
        lede: screen.t(&format!("charges-{what}-lede")),
        facts: figures(&screen, &charge),
        sections: Vec::new(),
        form: asked.inset(String::new(), format!("/charges/{id}/{what}"), &format!("charges-{what}")),
        danger: what == "remove",
    };
    html(StatusCode::OK, &page)
}

async fn ask_remove(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<ChargeId>) -> Result<Response, Problem> {
    ask(screen, id, "remove").await
}

async fn remove(screen: Screen<ManageSubscriptions>, ApiPath(id): ApiPath<ChargeId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let removed = deals::remove_charge(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/accounts/{}", removed.account_id), "done-charge-removed"))
}

async fn ask_bill(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<ChargeId>) -> Result<Response, Problem> {
    ask(screen, id, "bill").await
}

async fn bill(screen: Screen<ManageBilling>, ApiPath(id): ApiPath<ChargeId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    deals::bill_charge(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/charges/{id}"), "done-charge-billed"))
}
