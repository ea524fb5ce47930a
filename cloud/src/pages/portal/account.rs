//! What the ISP knows of the subscriber, and the way out.

use axum::http::StatusCode;
use axum::response::Response;
use weir_ui::blocks::{Action, Cell, Table};
use weir_ui::portal::{Page, section};

use super::Own;
use crate::error::Problem;
use crate::http::page::html;
use crate::{portal, subscribers};

pub(super) async fn show(own: Own) -> Result<Response, Problem> {
    let mut tx = own.read().await?;
    let accounts = portal::accounts(&mut tx, own.me.id).await?;
    let places = subscribers::locations(&mut tx, Some(own.me.id), crate::pages::MANY).await?;
    let portal = own.portal();
    let known = |value: &Option<String>| Cell::Text(value.clone().unwrap_or_else(|| "—".into()));
    let mut page = Page::saying(portal, own.me.name.clone(), portal.t("portal-account-lede"));
    page.facts = vec![(portal.t("email"), known(&own.me.email)), (portal.t("phone"), known(&own.me.phone))];
    for account in accounts {
        page.facts.push((portal.t("portal-account-number"), Cell::Code(account.number)));
    }
    let rows = places.into_iter().map(|place| {
        vec![Cell::Text(place.line1), Cell::Text(place.line2), Cell::Text(format!("{} {}", place.postcode, place.city))]
    });
    let names = ["address", "address-line2", "city"].map(|key| portal.t(key)).to_vec();
    let places = section(portal.t("portal-places"), Table::new(names, rows.collect()), portal.t("portal-places-none"));
    page.sections.push(places);
    page.actions = vec![
        Action::post(portal.at("/sign-out"), portal.t("portal-sign-out")),
        Action::post(portal.at("/sign-out-everywhere"), portal.t("portal-sign-out-everywhere")),
    ];
    html(StatusCode::OK, &page)
}
