//! `/routers/{id}`: changing a router, removing it, revoking its agent, confirming what the agent holds back.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::Cell;
use weir_ui::pages::Confirm;

use super::routers::{form, wish};
use super::{Asking, form_status, held_changes};
use crate::app::App;
use crate::error::Problem;
use crate::fleet::{self, held};
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ManageNetwork;
use crate::http::toast::see_saying;
use crate::ids::RouterId;
use crate::network;

/// Confirming what the agent holds back.
const CONFIRM: &str = "confirm-removals";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/routers/{id}/edit", get(edit).post(change))
        .route("/routers/{id}/remove", get(ask_remove).post(remove))
        .route("/routers/{id}/revoke", get(ask_revoke).post(revoke))
        .route("/routers/{id}/confirm-removals", get(ask_confirm_removals).post(confirm_removals))
}

async fn edit(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    let router = network::router(&mut screen.read().await?, id).await?;
    let capacity = |bps: Option<i64>| bps.map(|bps| bps.to_string()).unwrap_or_default();
    let ticked = |yes: bool| if yes { "yes".to_owned() } else { String::new() };
    let fields = Fields::of([
        ("name", router.name.clone()),
        ("site_id", router.site_id.to_string()),
        ("lan_interface", router.lan_interface),
        ("wan_interface", router.wan_interface),
        ("nat", ticked(router.nat)),
        ("untracked", ticked(router.untracked)),
        ("metered", ticked(router.metered)),
        ("capacity_down_bps", capacity(router.capacity_down_bps)),
        ("capacity_up_bps", capacity(router.capacity_up_bps)),
        ("unknown_hosts", router.unknown_hosts.name().to_owned()),
        ("own_networks", router.own_networks.join("\n")),
        ("public_networks", router.public_networks.join("\n")),
        ("ports_per_line", router.ports_per_line.to_string()),
    ]);
    form(&screen, Some((id, router.name)), &fields, None).await
}

async fn change(
    screen: Screen<ManageNetwork>,
    ApiPath(id): ApiPath<RouterId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = network::router(&mut tx, id).await?;
    let changed = match wish(&mut fields) {
        Ok(wish) => fleet::change_router(&mut tx, id, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match changed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/routers/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            form(&screen, Some((id, before.name)), &fields, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_remove(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    asked(&screen, id, "remove", None).await
}

async fn remove(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match network::remove_router(&mut tx, id).await.map_err(Problem::from) {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_saying("/routers", "done-removed"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            asked(&screen, id, "remove", Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_revoke(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    asked(&screen, id, "revoke", None).await
}

async fn revoke(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match fleet::revoke(&mut tx, id).await.map_err(Problem::from) {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/routers/{id}"), "done-revoked"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            asked(&screen, id, "revoke", Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn ask_confirm_removals(
    screen: Screen<ManageNetwork>,
    ApiPath(id): ApiPath<RouterId>,
) -> Result<Response, Problem> {
    asked(&screen, id, CONFIRM, None).await
}

async fn confirm_removals(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match fleet::confirm_removals(&mut tx, id).await.map_err(Problem::from) {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/routers/{id}"), "done-removals-confirmed"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            asked(&screen, id, CONFIRM, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

/// Asks before `what` is done to a router.
async fn asked(
    screen: &Screen<ManageNetwork>,
    id: RouterId,
    what: &str,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let router = network::router(&mut tx, id).await?;
    let site = network::site(&mut tx, router.site_id).await?;
    let own = format!("/routers/{id}");
    let key = format!("routers-{what}");
    let mut facts = vec![(screen.t("site"), Cell::Text(site.name))];
    if what == CONFIRM {
        facts.extend(
            held::of_router(&mut tx, id).await?.map(|held| held_changes::facts(screen, &held)).into_iter().flatten(),
        );
    }
    let page = Confirm {
        frame: &screen.frame,
        up: (own.clone(), router.name.clone()),
        title: screen.frame.t1(&format!("{key}-title"), "name", &router.name),
        lede: screen.t(&format!("{key}-lede")),
        facts,
        sections: Vec::new(),
        form: Asking::new(&screen.frame, &Fields::default(), problem).inset(
            String::new(),
            format!("{own}/{what}"),
            &key,
        ),
        danger: true,
    };
    html(form_status(problem), &page)
}
