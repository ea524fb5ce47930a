//! A sentence about what was just done: carried to the next page in a cookie, shown there once.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use weir_ui::i18n;

use super::page::see;
use super::staff::cookie;

const COOKIE: &str = "weir_toast";
/// Names of the figures a sentence may have, in the order they are given.
const FIGURES: [&str; 2] = ["a", "b"];

/// Sends the browser on after a change; the page there says the message `key`, which begins with `done-`.
pub fn see_saying(address: &str, key: &str) -> Response {
    see_counting(address, key, &[])
}

/// As [`see_saying`], with figures for the message's `$a` and `$b`.
pub fn see_counting(address: &str, key: &str, figures: &[u32]) -> Response {
    let mut response = see(address);
    let words = figures.iter().fold(key.to_owned(), |words, figure| format!("{words}.{figure}"));
    let set = format!("{COOKIE}={words}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
    if let Ok(set) = HeaderValue::from_str(&set) {
        response.headers_mut().append(header::SET_COOKIE, set);
    }
    response
}

/// What the page before wants said, in the reader's language.
pub(crate) fn told(headers: &HeaderMap, lang: &str) -> Option<String> {
    let words = cookie(headers, COOKIE)?;
    let mut parts = words.split('.');
    let key = parts.next().filter(|key| key.starts_with("done-"))?;
    let figures: Vec<_> = parts.map_while(|part| part.parse::<u32>().ok()).map(|figure| figure.to_string()).collect();
    let figures: Vec<_> = FIGURES.into_iter().zip(figures.iter().map(String::as_str)).collect();
    Some(i18n::t(lang, key, &figures)).filter(|message| message != key)
}

/// Forgets the sentence with the page that showed it.
pub async fn shown_once(request: Request, next: Next) -> Response {
    let carried = request.method() == Method::GET && cookie(request.headers(), COOKIE).is_some();
    let mut response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if carried && kind.is_some_and(|kind| kind.starts_with("text/html")) {
        let forget = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        if let Ok(forget) = HeaderValue::from_str(&forget) {
            response.headers_mut().append(header::SET_COOKIE, forget);
        }
    }
    response
}
