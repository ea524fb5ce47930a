//! Buying a faster time: the exact price, then the purchase; and what runs on a line.
//!
//! As with top-ups, the page that asks buys, looks, and does not commit.

use axum::http::StatusCode;
use axum::response::Response;
use weir_ui::blocks::{Action, Cell, Input};
use weir_ui::format;
use weir_ui::i18n::t;
use weir_ui::portal::Page;

use super::top_up::net;
use super::{LineTax, Own, session};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fair_use::{self, BoostStatus, BoostWish};
use crate::http::ApiPath;
use crate::http::page::{Fields, html};
use crate::ids::{BoostProductId, RequestId, SubscriptionId, new_id};
use crate::pages::boosts::{lasts, rates};
use crate::pages::{Asking, MANY, money};
use crate::portal;

/// The path of a page about a line and a boost for it.
type WishPath = ApiPath<(String, SubscriptionId, BoostProductId)>;

/// Ways to have a line faster for a time, with what each costs in the end.
pub(super) async fn offers(own: &Own, tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<Action>, Problem> {
    let (portal, mut offers) = (own.portal(), Vec::new());
    let tax = LineTax::of(tx, id).await?;
    for product in portal::boosts(tx, own.me.id, id).await? {
        let (_, total) = tax.on(net(&product.price)?)?;
        let lasts = lasts(own.lang(), product.minutes);
        let names = [("name", product.name.as_str()), ("lasts", &lasts), ("price", &money(own.lang(), total))];
        let words = t(own.lang(), "portal-boost-offer", &names);
        offers.push(Action::go(portal.at(&format!("/lines/{id}/boosts/{}", product.id)), words));
    }
    Ok(offers)
}

/// What runs on a line now and what is to come, a sentence each, the next first.
pub(super) async fn said(own: &Own, tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<String>, Problem> {
    let lang = own.lang();
    let mut ahead = fair_use::boosts(tx, id, MANY).await?;
    ahead.retain(|boost| matches!(boost.status, BoostStatus::Coming | BoostStatus::Running));
    ahead.sort_by_key(|boost| boost.from_at);
    let at = |at| format::instant(lang, at, own.visit.zone);
    let sentences = ahead.iter().map(|boost| {
        let rates = rates(lang, boost.rate_down_bps, boost.rate_up_bps);
        let names = [
            ("name", boost.name.as_str()),
            ("rates", rates.as_str()),
            ("from", &at(boost.from_at)),
            ("until", &at(boost.until_at)),
        ];
        let running = boost.status == BoostStatus::Running;
        t(lang, if running { "portal-boost-runs" } else { "portal-boost-comes" }, &names)
    });
    Ok(sentences.collect())
}

pub(super) async fn ask(own: Own, ApiPath((_, id, product_id)): WishPath) -> Result<Response, Problem> {
    let reference = new_id::<RequestId>(own.visit.app.clock.now()).to_string();
    let mut tx = own.begin().await?;
    let wish = BoostWish { product_id, from_at: None, reference: reference.clone() };
    let bought = portal::buy_boost(&mut tx, own.me.id, id, wish).await?;
    let line_tax = LineTax::of(&mut tx, id).await?;
    drop(tx);
    let (portal, lang) = (own.portal(), own.lang());
    let net = net(&bought.price)?;
    let (tax, total) = line_tax.on(net)?;
    let title = portal.frame.t1("portal-top-up-ask", "name", &bought.name);
    let mut page = Page::saying(portal, title, portal.t("portal-boost-lede"));
    let usage = portal.at(&format!("/lines/{id}/usage"));
    page.up = Some((usage.clone(), portal.t("portal-usage")));
    page.leave = Some(usage);
    page.facts = vec![
        (portal.t("rates"), Cell::Text(rates(lang, bought.rate_down_bps, bought.rate_up_bps))),
        (portal.t("until"), Cell::Text(format::instant(lang, bought.until_at, own.visit.zone))),
        (portal.t("net"), Cell::Text(money(lang, net))),
        (line_tax.name, Cell::Text(money(lang, tax))),
        (portal.t("total"), Cell::Text(money(lang, total))),
    ];
    let fields = Fields::of([("reference", reference)]);
    let asked = Asking::new(&portal.frame, &fields, None).ask("reference", "boost", Input::Hidden);
    let there = portal.at(&format!("/lines/{id}/boosts/{product_id}"));
    let mut form = asked.inset(String::new(), there, "portal-top-up-do");
    form.submit = portal.frame.t1("portal-top-up-do", "price", &money(lang, total));
    page.form = Some(form);
    html(StatusCode::OK, &page)
}

pub(super) async fn buy(own: Own, ApiPath((_, id, product_id)): WishPath, fields: Fields) -> Result<Response, Problem> {
    let mut tx = own.begin().await?;
    let wish = BoostWish { product_id, from_at: None, reference: fields.text("reference") };
    portal::buy_boost(&mut tx, own.me.id, id, wish).await?;
    tx.commit().await?;
    Ok(session::done(&own.visit, "done-boost-bought"))
}
