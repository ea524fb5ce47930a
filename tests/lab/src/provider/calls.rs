//! How the provider is asked: keys, faults, and the answers.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde_json::{Value, json};

use super::world::{Fault, Form, World};
use super::{Shared, open, page};

const LIST_PAGE: usize = 100;

pub(super) fn router(world: Shared) -> Router {
    page::routes().fallback(call).with_state(world)
}

async fn call(State(world): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 1 << 20).await else { return StatusCode::BAD_REQUEST.into_response() };
    let (method, path, headers) = (parts.method.clone(), parts.uri.path().to_owned(), parts.headers.clone());
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let form = form_of(Request::from_parts(parts, Body::from(body.clone()))).await;
    let mut world = open(&world);
    world.calls.push(format!("{method} {path}"));
    if !is_known(&headers) {
        return answer(401, &json!({ "error": { "type": "invalid_request_error", "message": "Invalid API Key" } }));
    }
    let at = world.faults.iter().position(|(of, _)| path.contains(of.as_str()));
    let fault = at.map(|at| world.faults.remove(at).1);
    if let Some(Fault::Refuses(status)) = fault {
        return answer(status, &json!({ "error": { "type": "api_error", "message": "scripted" } }));
    }
    let (status, told) = match method {
        Method::POST => once(&mut world, &headers, &path, &body, &form),
        _ => read(&world, &path, &query),
    };
    match fault {
        Some(Fault::DoesAndAnswers(status)) => {
            answer(status, &json!({ "error": { "type": "api_error", "message": "scripted" } }))
        }
        Some(Fault::DoesAndIsSilent) => silence(),
        _ => answer(status, &told),
    }
}

fn is_known(headers: &HeaderMap) -> bool {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    sent.is_some_and(|sent| sent.starts_with("Bearer sk_") && !sent.contains("wrong"))
}

/// The beginning of an answer, and then nothing.
fn silence() -> Response {
    let broken = stream::iter([Ok(Bytes::from_static(b"{")), Err(std::io::Error::other("cut"))]);
    Body::from_stream(broken).into_response()
}

fn answer(status: u16, body: &Value) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

async fn form_of(request: Request) -> Form {
    match axum::Form::<Vec<(String, String)>>::from_request(request, &()).await {
        Ok(axum::Form(pairs)) => pairs.into_iter().collect(),
        Err(_) => Form::new(),
    }
}

/// A change, done once for its key.
fn once(world: &mut World, headers: &HeaderMap, path: &str, body: &Bytes, form: &Form) -> (u16, Value) {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let asked = format!("{path} {}", String::from_utf8_lossy(body));
    if let Some((before, status, told)) = world.keys.get(&key) {
        return match *before == asked {
            true => (*status, told.clone()),
            false => {
                (400, json!({ "error": { "type": "idempotency_error", "message": "another request had this key" } }))
            }
        };
    }
    let (status, told) = change(world, path, form);
    if !key.is_empty() {
        world.keys.insert(key, (asked, status, told.clone()));
    }
    (status, told)
}

fn refused(kind: &str, code: &str) -> (u16, Value) {
    (400, json!({ "error": { "type": kind, "code": code, "message": code } }))
}

fn change(world: &mut World, path: &str, form: &Form) -> (u16, Value) {
    let shown = |world: &World, id: &str| (200, world.shown(id).unwrap_or_default());
    let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
    match parts.as_slice() {
        ["customers"] => (200, world.customer(form)),
        ["webhook_endpoints"] => (200, world.listen(form)),
        ["payment_methods", method, "detach"] => shown(world, method),
        ["checkout", "sessions"] => (200, world.session(form)),
        ["checkout", "sessions", id, "expire"] => match world.expire(id) {
            true => shown(world, id),
            false => refused("invalid_request_error", "session_not_open"),
        },
        ["payment_intents"] => charge(world, form),
        ["payment_intents", id, "cancel"] => match world.cancel(id) {
            true => shown(world, id),
            false => refused("invalid_request_error", "payment_intent_unexpected_state"),
        },
        ["refunds"] => refund(world, form),
        _ => (404, json!({ "error": { "type": "invalid_request_error", "message": "Unrecognized request URL" } })),
    }
}

fn charge(world: &mut World, form: &Form) -> (u16, Value) {
    let method = form.get("payment_method").cloned().unwrap_or_default();
    if !world.objects.contains_key(&method) {
        return refused("invalid_request_error", "resource_missing");
    }
    let intent = world.intent(form, "");
    match world.charge(&intent, &method) {
        Ok(()) => (200, world.shown(&intent).unwrap_or_default()),
        Err(code) => {
            let told = world.shown(&intent);
            let error = json!({ "type": "card_error", "code": "card_declined", "decline_code": code, "message": code, "payment_intent": told });
            (402, json!({ "error": error }))
        }
    }
}

fn refund(world: &mut World, form: &Form) -> (u16, Value) {
    let get = |name: &str| form.get(name).cloned().unwrap_or_default();
    let (intent, units) = (get("payment_intent"), get("amount").parse().unwrap_or(0));
    if units <= 0 || units > world.refundable(&intent) {
        return refused("invalid_request_error", "charge_already_refunded");
    }
    let id = world.refund(&intent, units, &get("metadata[weir_key]"));
    (200, world.shown(&id).unwrap_or_default())
}

fn read(world: &World, path: &str, query: &str) -> (u16, Value) {
    let missing = || {
        (
            404,
            json!({ "error": { "type": "invalid_request_error", "code": "resource_missing", "message": "No such thing" } }),
        )
    };
    let parts: Vec<_> = path.trim_start_matches("/v1/").split('/').collect();
    let kind = match parts.as_slice() {
        ["payment_intents"] => "payment_intent",
        ["refunds"] => "refund",
        ["disputes"] => "dispute",
        [.., id] => return world.shown(id).map_or_else(missing, |found| (200, found)),
        [] => return missing(),
    };
    let after = query.split('&').find_map(|pair| pair.strip_prefix("starting_after="));
    let found = world.list(kind);
    let from = after.and_then(|after| found.iter().position(|object| object["id"] == after)).map_or(0, |at| at + 1);
    let page: Vec<_> = found.iter().skip(from).take(LIST_PAGE).collect();
    (200, json!({ "object": "list", "data": page, "has_more": found.len() > from + LIST_PAGE }))
}
