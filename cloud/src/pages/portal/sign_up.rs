//! Ordering: for people who are no subscribers yet.

use axum::http::StatusCode;
use axum::response::Response;
use sha2::{Digest, Sha256};
use weir_ui::blocks::{Action, Input};
use weir_ui::portal::Page;

use super::{Visit, plan};
use crate::access::Device;
use crate::catalog;
use crate::db::Scope;
use crate::error::{self, Problem};
use crate::http::page::{Fields, html, is_about_the_form, see};
use crate::ids::PlanVersionId;
use crate::orders::{self, OrderWish, Place};
use crate::pages::phases::offered_for;
use crate::pages::{Asking, form_status};

/// The field only programs fill in.
const TRAP: &str = "website";

pub(super) async fn form(visit: Visit) -> Result<Response, Problem> {
    shown(&visit, &Fields::default(), None).await
}

async fn shown(visit: &Visit, fields: &Fields, problem: Option<&Problem>) -> Result<Response, Problem> {
    if !visit.settings.sign_up {
        return Err(Problem::new(&error::NOT_FOUND, "this ISP takes no orders here"));
    }
    let mut tx = visit.app.db.read(&Scope::system(visit.door.tenant)).await?;
    let offered = catalog::offered(&mut tx, &visit.tenant.currency).await?;
    drop(tx);
    let portal = &visit.portal;
    let title = portal.frame.t1("portal-sign-up", "name", &portal.frame.tenant);
    let mut page = Page::saying(portal, title, portal.t("portal-sign-up-lede"));
    if offered.is_empty() {
        page.lede = portal.t("portal-sign-up-none");
        return html(StatusCode::OK, &page);
    }
    let asked = Asking::new(&portal.frame, fields, problem)
        .ask("plan_version_id", "plan", plan::offers(portal, &offered, offered_for))
        .ask("name", "name", Input::Line("text"))
        .ask("email", "email", Input::Line("email"))
        .ask("phone", "phone", Input::Line("tel"))
        .ask("line1", "address-line1", Input::Line("text"))
        .ask("line2", "address-line2", Input::Line("text"))
        .ask("postcode", "postcode", Input::Line("text"))
        .ask("city", "city", Input::Line("text"))
        .ask("note", "portal-note", Input::Lines);
    page.form = Some(asked.inset(String::new(), portal.at("/sign-up"), "portal-order"));
    page.trap = true;
    html(form_status(problem), &page)
}

pub(super) async fn place(visit: Visit, device: Device, mut fields: Fields) -> Result<Response, Problem> {
    let thanks = see(&visit.portal.at("/sign-up/thanks"));
    if !visit.settings.sign_up {
        return Err(Problem::new(&error::NOT_FOUND, "this ISP takes no orders here"));
    }
    // A person does not see this field; a program that fills it in learns nothing.
    if !fields.get(TRAP).is_empty() {
        return Ok(thanks);
    }
    let Some(plan_version_id) = fields.read::<PlanVersionId>("plan_version_id", "error-choose") else {
        let problem = fields.problem();
        return shown(&visit, &fields, Some(&problem)).await;
    };
    let origin = device.address.map(|address| Sha256::digest(format!("{}{address}", visit.door.tenant)).to_vec());
    let mut tx = visit.app.db.begin(&Scope::system(visit.door.tenant)).await?;
    match orders::place(&mut tx, wish(&visit, &fields, plan_version_id, origin)).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(thanks)
        }
        Err(problem) if is_about_the_form(&problem) => shown(&visit, &fields, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

fn wish(visit: &Visit, fields: &Fields, plan_version_id: PlanVersionId, origin: Option<Vec<u8>>) -> OrderWish {
    OrderWish {
        name: fields.text("name"),
        email: fields.text("email"),
        phone: fields.text("phone"),
        place: Place {
            line1: fields.text("line1"),
            line2: fields.text("line2"),
            city: fields.text("city"),
            postcode: fields.text("postcode"),
            country: visit.tenant.country.clone(),
        },
        language: visit.portal.frame.lang.to_owned(),
        note: fields.text("note").replace("\r\n", "\n"),
        plan_version_id,
        origin,
    }
}

pub(super) async fn thanks(visit: Visit) -> Result<Response, Problem> {
    let portal = &visit.portal;
    let mut page = Page::saying(portal, portal.t("portal-thanks"), portal.t("portal-thanks-lede"));
    page.actions.push(Action::go(portal.home(), portal.t("portal-nav-home")));
    html(StatusCode::OK, &page)
}
