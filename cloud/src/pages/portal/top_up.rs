//! Buying more volume: the exact price, then the purchase.
//!
//! As with plans, the page that asks buys, looks, and does not commit.

use axum::http::StatusCode;
use axum::response::Response;
use weir_rules::money::{Currency, Money};
use weir_ui::blocks::{Action, Cell, Input};
use weir_ui::format;
use weir_ui::portal::Page;

use super::{LineTax, Own, session};
use crate::catalog::Amount;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fair_use::{self, TopUpWish};
use crate::http::ApiPath;
use crate::http::page::{Fields, html};
use crate::ids::{RequestId, SubscriptionId, TopUpProductId, new_id};
use crate::pages::{Asking, days, money};
use crate::portal;

/// The path of a page about a line and a top-up for it.
type WishPath = ApiPath<(String, SubscriptionId, TopUpProductId)>;

/// Ways to buy more for a line, with what each costs in the end.
pub(super) async fn offers(own: &Own, tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<Action>, Problem> {
    let (portal, mut offers) = (own.portal(), Vec::new());
    let tax = LineTax::of(tx, id).await?;
    for product in portal::top_ups(tx, own.me.id, id).await? {
        let (_, total) = tax.on(net(&product.price)?)?;
        let names = [("name", product.name.as_str()), ("price", &money(own.lang(), total))];
        let words = weir_ui::i18n::t(own.lang(), "portal-top-up-offer", &names);
        offers.push(Action::go(portal.at(&format!("/lines/{id}/top-ups/{}", product.id)), words));
    }
    Ok(offers)
}

pub(super) fn net(price: &Amount) -> Result<Money, Problem> {
    let internal = |error| Problem::internal(&error);
    let currency = Currency::from_code(&price.currency).map_err(internal)?;
    Money::new(price.amount, currency).map_err(internal)
}

pub(super) async fn ask(own: Own, ApiPath((_, id, product_id)): WishPath) -> Result<Response, Problem> {
    let reference = new_id::<RequestId>(own.visit.app.clock.now()).to_string();
    let mut tx = own.begin().await?;
    let wish = TopUpWish { product_id, reference: reference.clone() };
    let bought = portal::buy_top_up(&mut tx, own.me.id, id, wish).await?;
    let shared = fair_use::standing(&mut tx, id).await?.sharing_lines.is_some();
    let line_tax = LineTax::of(&mut tx, id).await?;
    drop(tx);
    let (portal, lang) = (own.portal(), own.lang());
    let net = net(&bought.price)?;
    let (tax, total) = line_tax.on(net)?;
    let title = portal.frame.t1("portal-top-up-ask", "name", &bought.name);
    let lede = match shared {
        true => format!("{} {}", portal.t("portal-top-up-lede"), portal.t("portal-top-up-shared")),
        false => portal.t("portal-top-up-lede"),
    };
    let mut page = Page::saying(portal, title, lede);
    let usage = portal.at(&format!("/lines/{id}/usage"));
    page.up = Some((usage.clone(), portal.t("portal-usage")));
    page.leave = Some(usage);
    page.facts = vec![
        (portal.t("top-up-volume"), Cell::Text(format::bytes(lang, bought.bytes))),
        (portal.t("top-up-counts"), Cell::Text(days(lang, bought.sold_on, bought.until_on))),
        (portal.t("net"), Cell::Text(money(lang, net))),
        (line_tax.name, Cell::Text(money(lang, tax))),
        (portal.t("total"), Cell::Text(money(lang, total))),
    ];
    let fields = Fields::of([("reference", reference)]);
    let asked = Asking::new(&portal.frame, &fields, None).ask("reference", "top-up", Input::Hidden);
    let mut form =
        asked.inset(String::new(), portal.at(&format!("/lines/{id}/top-ups/{product_id}")), "portal-top-up-do");
    form.submit = portal.frame.t1("portal-top-up-do", "price", &money(lang, total));
    page.form = Some(form);
    html(StatusCode::OK, &page)
}

pub(super) async fn buy(own: Own, ApiPath((_, id, product_id)): WishPath, fields: Fields) -> Result<Response, Problem> {
    let mut tx = own.begin().await?;
    let wish = TopUpWish { product_id, reference: fields.text("reference") };
    portal::buy_top_up(&mut tx, own.me.id, id, wish).await?;
    tx.commit().await?;
    Ok(session::done(&own.visit, "done-top-up-bought"))
}
