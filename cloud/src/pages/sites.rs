//! `/sites`.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use weir_ui::blocks::{Action, Cell, Input, Table};
use weir_ui::pages::{Confirm, Form, List, Section, Show};

use super::{Asking, MANY, form_status, next_page, page_of};
use crate::app::App;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageNetwork, ViewNetwork};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::SiteId;
use crate::network::{self, SiteWish};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/sites", get(list).post(add))
        .route("/sites/new", get(new))
        .route("/sites/{id}", get(show).post(change))
        .route("/sites/{id}/edit", get(edit))
        .route("/sites/{id}/remove", get(ask_remove).post(remove))
}

async fn list(screen: Screen<ViewNetwork>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut sites = network::sites(&mut screen.read().await?, page).await?;
    let next = next_page(&mut sites, page, "/sites", |site| site.id.uuid());
    let rows = sites
        .into_iter()
        .map(|site| vec![Cell::link(format!("/sites/{}", site.id), site.name), Cell::Text(site.address)]);
    let table = Table::new(vec![screen.t("name"), screen.t("address")], rows.collect());
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-sites"),
        lede: screen.t("sites-lede"),
        action: screen.may::<ManageNetwork>().then(|| Action::go("/sites/new", screen.t("sites-new"))),
        search: None,
        table,
        empty: screen.t("sites-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn show(screen: Screen<ViewNetwork>, ApiPath(id): ApiPath<SiteId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let site = network::site(&mut tx, id).await?;
    let routers = network::routers(&mut tx, MANY).await?.into_iter().filter(|router| router.site_id == id);
    let rows = routers.map(|router| vec![Cell::link(format!("/routers/{}", router.id), router.name)]).collect();
    let section = Section {
        title: screen.t("nav-routers"),
        action: screen.may::<ManageNetwork>().then(|| Action::go("/routers/new", screen.t("routers-new"))),
        table: Table::new(vec![screen.t("router")], rows),
        empty: screen.t("routers-empty"),
    };
    let actions = match screen.may::<ManageNetwork>() {
        true => [("edit", "edit"), ("remove", "sites-remove")]
            .map(|(path, key)| Action::go(format!("/sites/{id}/{path}"), screen.t(key)))
            .into(),
        false => Vec::new(),
    };
    let page = Show {
        frame: &screen.frame,
        up: ("/sites".into(), screen.t("nav-sites")),
        title: site.name,
        lede: screen.t("sites-show-lede"),
        actions,
        command: None,
        facts: vec![(screen.t("address"), Cell::Text(site.address)), (screen.t("id"), Cell::Code(id.to_string()))],
        sections: vec![section],
        form: None,
    };
    html(StatusCode::OK, &page)
}

async fn new(screen: Screen<ManageNetwork>) -> Result<Response, Problem> {
    form(&screen, "/sites", "sites-new", &Fields::default(), None)
}

async fn add(screen: Screen<ManageNetwork>, fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match network::add_site(&mut tx, wish(&fields)).await.map_err(Problem::from) {
        Ok(site) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/sites/{}", site.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, "/sites", "sites-new", &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn edit(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<SiteId>) -> Result<Response, Problem> {
    let site = network::site(&mut screen.read().await?, id).await?;
    let fields = Fields::of([("name", site.name), ("address", site.address)]);
    form(&screen, &format!("/sites/{id}"), "sites-edit", &fields, None)
}

async fn change(
    screen: Screen<ManageNetwork>,
    ApiPath(id): ApiPath<SiteId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let address = format!("/sites/{id}");
    match network::change_site(&mut tx, id, wish(&fields)).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&address, "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, &address, "sites-edit", &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn ask_remove(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<SiteId>) -> Result<Response, Problem> {
    asked(&screen, id, None).await
}

async fn remove(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<SiteId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    match network::remove_site(&mut tx, id).await.map_err(Problem::from) {
        Ok(()) => {
            tx.commit().await?;
            Ok(see_saying("/sites", "done-removed"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            asked(&screen, id, Some(&problem)).await
        }
        Err(problem) => Err(problem),
    }
}

async fn asked(screen: &Screen<ManageNetwork>, id: SiteId, problem: Option<&Problem>) -> Result<Response, Problem> {
    let site = network::site(&mut screen.read().await?, id).await?;
    let own = format!("/sites/{id}");
    let form = Asking::new(&screen.frame, &Fields::default(), problem).inset(
        String::new(),
        format!("{own}/remove"),
        "sites-remove",
    );
    let page = Confirm {
        frame: &screen.frame,
        title: screen.frame.t1("sites-remove-title", "name", &site.name),
        up: (own, site.name),
        lede: screen.t("sites-remove-lede"),
        facts: vec![(screen.t("address"), Cell::Text(site.address))],
        sections: Vec::new(),
        form,
        danger: true,
    };
    html(form_status(problem), &page)
}

fn wish(fields: &Fields) -> SiteWish {
    SiteWish { name: fields.text("name"), address: fields.text("address") }
}

fn form(
    screen: &Screen<ManageNetwork>,
    action: &str,
    title: &str,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let asked = Asking::new(&screen.frame, fields, problem).ask("name", "name", Input::Line("text")).ask(
        "address",
        "address",
        Input::Lines,
    );
    let page = Form {
        frame: &screen.frame,
        up: ("/sites".into(), screen.t("nav-sites")),
        title: screen.t(title),
        lede: screen.t("sites-lede"),
        form: asked.inset(String::new(), action, "save"),
    };
    html(form_status(problem), &page)
}
