//! `/subscribers/{id}/locations`: where access ends.

use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::Input;
use weir_ui::pages::Form;

use super::{Asking, form_status};
use crate::app::App;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ManageSubscribers;
use crate::http::toast::see_saying;
use crate::ids::SubscriberId;
use crate::subscribers::{self, LocationWish};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/subscribers/{id}/locations", post(add_location))
        .route("/subscribers/{id}/locations/new", get(new_location))
}

async fn new_location(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
) -> Result<Response, Problem> {
    location_form(&screen, id, &Fields::default(), None).await
}

async fn add_location(
    screen: Screen<ManageSubscribers>,
    ApiPath(id): ApiPath<SubscriberId>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = LocationWish {
        subscriber_id: id,
        site_id: None,
        line1: fields.text("line1"),
        line2: fields.text("line2"),
        city: fields.text("city"),
        postcode: fields.text("postcode"),
        region: fields.text("region"),
        country: fields.text("country").to_uppercase(),
    };
    match subscribers::add_location(&mut tx, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/subscribers/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => location_form(&screen, id, &fields, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

async fn location_form(
    screen: &Screen<ManageSubscribers>,
    id: SubscriberId,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let subscriber = subscribers::subscriber(&mut screen.read().await?, id).await?;
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("line1", "address-line1", Input::Line("text"))
        .ask("line2", "address-line2", Input::Line("text"))
        .ask("postcode", "postcode", Input::Line("text"))
        .ask("city", "city", Input::Line("text"))
        .ask("region", "region", Input::Line("text"))
        .ask("country", "country", Input::Line("text"));
    let page = Form {
        frame: &screen.frame,
        up: (format!("/subscribers/{id}"), subscriber.name),
        title: screen.t("locations-new"),
        lede: screen.t("locations-new-lede"),
        form: asked.inset(String::new(), format!("/subscribers/{id}/locations"), "save"),
    };
    html(form_status(problem), &page)
}
