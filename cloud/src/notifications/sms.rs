//! Short messages: any gateway that takes a number and a text in one HTTP request.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Url, redirect};

use super::deliver::{Outcome, with_causes};
use super::{SmsMethod, SmsType};
use crate::config::Config;
use crate::outward;

/// Longest wait for a gateway.
const WAIT: Duration = Duration::from_secs(30);
/// As much of an answer as is kept, in characters.
const ANSWER_MAX: usize = 500;
/// Digits of a telephone number, by E.164 at most fifteen.
const DIGITS: std::ops::RangeInclusive<usize> = 3..=15;

/// A gateway.
pub(super) struct Gateway<'a> {
    pub url: String,
    pub method: SmsMethod,
    pub kind: SmsType,
    pub body: String,
    /// Name and value of the header that proves who asks.
    pub proof: Option<(String, String)>,
    /// Says which servers may be asked.
    pub config: &'a Config,
}

/// A telephone number as gateways want it: digits, with a plus before them where there was one.
pub(super) fn number(text: &str) -> Option<String> {
    let text = text.trim();
    let (plus, rest) = text.strip_prefix('+').map_or(("", text), |rest| ("+", rest));
    let digits: String = rest.chars().filter(|letter| !matches!(letter, ' ' | '-' | '(' | ')' | '.' | '/')).collect();
    let whole = DIGITS.contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
    whole.then(|| format!("{plus}{digits}"))
}

/// Gives a text to a gateway.
pub(super) async fn send(gateway: &Gateway<'_>, to: &str, text: &str) -> Outcome {
    if gateway.url.is_empty() {
        return Outcome::Deferred("no gateway is set up".into());
    }
    let address = fill(&gateway.url, &encoded(to), &encoded(text));
    let url: Url = match address.parse() {
        Ok(url) => url,
        Err(error) => return Outcome::Unsendable(format!("the gateway's address cannot be read: {error}")),
    };
    let host = url.host_str().unwrap_or_default().to_owned();
    let found = match outward::addresses(gateway.config, &host, url.port_or_known_default().unwrap_or_default()).await {
        Ok(found) => found,
        Err(error) => return Outcome::Deferred(error.to_string()),
    };
    let request = match request(gateway, url, (&host, &found), to, text) {
        Ok(request) => request,
        Err(error) => return Outcome::Unsendable(error),
    };
    let mut response = match request.send().await {
        Ok(response) => response,
        // The address may hold the number and a key.
        Err(error) => return Outcome::Deferred(with_causes(&error.without_url())),
    };
    let status = response.status();
    let mut read = Vec::new();
    while let (true, Ok(Some(part))) = (read.len() < ANSWER_MAX, response.chunk().await) {
        read.extend_from_slice(&part);
    }
    let words: String =
        String::from_utf8_lossy(&read).chars().filter(|letter| !letter.is_control()).take(ANSWER_MAX).collect();
    let answer = format!("{status} {words}").trim().to_owned();
    let about_us = matches!(status.as_u16(), 401 | 403 | 404 | 408 | 429);
    if status.is_success() {
        Outcome::Sent(answer)
    } else if status.is_client_error() && !about_us {
        Outcome::Refused(answer)
    } else {
        Outcome::Deferred(answer)
    }
}

fn request(
    gateway: &Gateway<'_>,
    url: Url,
    (host, found): (&str, &[SocketAddr]),
    to: &str,
    text: &str,
) -> Result<reqwest::RequestBuilder, String> {
    let client = reqwest::Client::builder()
        .timeout(WAIT)
        .resolve_to_addrs(host, found)
        .redirect(redirect::Policy::none())
        // A proxy would resolve the name once more.
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())?;
    let method = match gateway.method {
        SmsMethod::Get => Method::GET,
        SmsMethod::Post => Method::POST,
        SmsMethod::Put => Method::PUT,
    };
    let mut request = client.request(method.clone(), url);
    if method != Method::GET {
        request =
            request.header(CONTENT_TYPE, content_type(gateway.kind)).body(body(gateway.kind, &gateway.body, to, text));
    }
    if let Some((name, value)) = &gateway.proof {
        let name: HeaderName = name.parse().map_err(|_| "the header's name cannot be used".to_owned())?;
        let mut value: HeaderValue = value.parse().map_err(|_| "the header's value cannot be used".to_owned())?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    Ok(request)
}

/// The body of a request, number and text escaped as its type wants.
pub(super) fn body(kind: SmsType, template: &str, to: &str, text: &str) -> String {
    match kind {
        SmsType::Json => fill(template, &in_json(to), &in_json(text)),
        SmsType::Form => fill(template, &encoded(to), &encoded(text)),
        SmsType::Plain => fill(template, to, text),
    }
}

fn content_type(kind: SmsType) -> &'static str {
    match kind {
        SmsType::Json => "application/json",
        SmsType::Form => "application/x-www-form-urlencoded",
        SmsType::Plain => "text/plain; charset=utf-8",
    }
}

/// Replaces the places of number and text at once, so that neither can contain the other's.
fn fill(template: &str, to: &str, text: &str) -> String {
    let parts: Vec<_> = template.split("{text}").map(|part| part.replace("{to}", to)).collect();
    parts.join(text)
}

fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// A text as it stands between the quotation marks of JSON.
fn in_json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_what_people_put_between_the_digits() {
        assert_eq!(number(" +34 600-000 (001)"), Some("+34600000001".into()));
        assert_eq!(number("0044 20/7946.0000"), Some("00442079460000".into()));
        for none in ["", "12", "+34 600 ask for Ana", "++34600000001", "1234567890123456"] {
            assert_eq!(number(none), None, "{none}");
        }
    }

    #[test]
    fn a_text_cannot_leave_its_place() {
        let text = "\"},{to} & 5 €\n";
        let made = body(SmsType::Json, r#"{"to":"{to}","text":"{text}"}"#, "+34600", text);
        let read: serde_json::Value = serde_json::from_str(&made).unwrap();
        assert_eq!(read, serde_json::json!({ "to": "+34600", "text": text }));
        assert_eq!(body(SmsType::Form, "to={to}&text={text}", "+34", "a&b=c"), "to=%2B34&text=a%26b%3Dc");
    }
}
