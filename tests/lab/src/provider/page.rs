//! The provider's page, where a person pays: a card's number says what the card does.

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::world::Card;
use super::{Shared, open};

pub(super) fn routes() -> Router<Shared> {
    Router::new().route("/page/{id}", get(show).post(pay))
}

#[derive(Deserialize)]
struct Typed {
    number: String,
}

async fn show(State(world): State<Shared>, Path(id): Path<String>) -> Response {
    shown(&world, &id, "")
}

fn shown(world: &Shared, id: &str, told: &str) -> Response {
    let world = open(world);
    let Some(session) = world.objects.get(id) else { return StatusCode::NOT_FOUND.into_response() };
    let text = |name: &str| session[name].as_str().unwrap_or_default().to_owned();
    if text("status") != "open" {
        return (StatusCode::GONE, Html("<!doctype html><title>Over</title><h1>This page is over.</h1>"))
            .into_response();
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta name=\"viewport\" content=\"width=device-width\"><title>Pay</title><h1>{}: {} {}</h1><p role=\"alert\">{told}</p>\
         <form method=\"post\"><label>Card number <input name=\"number\" value=\"4242424242424242\"></label> <button>Pay</button></form>\
         <p><a href=\"{}\">Back</a></p></html>",
        text("about"),
        text("amount"),
        text("currency"),
        text("cancel_url")
    );
    Html(page).into_response()
}

async fn pay(State(world): State<Shared>, Path(id): Path<String>, Form(typed): Form<Typed>) -> Response {
    let card = match typed.number.replace(' ', "").as_str() {
        "4242424242424242" => Card::Good,
        "4000000000003220" => Card::NeedsHolder,
        "4000000000000341" => Card::Empty,
        "4000000000009995" => Card::Declined("insufficient_funds"),
        "4000000000009979" => Card::Declined("stolen_card"),
        _ => Card::Declined("incorrect_number"),
    };
    let (paid, back) = {
        let mut world = open(&world);
        let back =
            world.objects.get(&id).and_then(|session| session["success_url"].as_str()).unwrap_or_default().to_owned();
        (world.pay(&id, card), back.replace("{CHECKOUT_SESSION_ID}", &id))
    };
    if paid { Redirect::to(&back).into_response() } else { shown(&world, &id, "The card was declined.") }
}
