//! A word about what was just done, carried from a form's POST to the page it leads to, in a cookie that is read once.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use weir_ui::Frame;

use super::{page, staff};

const COOKIE: &str = "weir_done";

/// Sends the browser on after a change, with a message to show there: a key that begins with `done-`.
pub fn done(address: &str, key: &'static str) -> Response {
    let mut response = page::see(address);
    let cookie = format!("{COOKIE}={key}; Path=/; HttpOnly; SameSite=Lax; Max-Age=60");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

/// The message a request brings, in the frame's language; anything but our own keys is nothing.
pub fn told(headers: &HeaderMap, frame: &Frame) -> Option<String> {
    let key = staff::cookie(headers, COOKIE).filter(|key| key.starts_with("done-"))?;
    let text = frame.t(&key);
    (text != key).then_some(text)
}

/// Forgets a message once a page has shown it.
pub async fn forget(request: Request, next: Next) -> Response {
    let brought = staff::cookie(request.headers(), COOKIE).is_some();
    let mut response = next.run(request).await;
    let is_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if brought && is_page {
        let gone = HeaderValue::from_static("weir_done=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        response.headers_mut().append(header::SET_COOKIE, gone);
    }
    response
}
