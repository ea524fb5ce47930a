//! How a delivery leaves the house: only to public addresses, whatever a name resolves to at that moment; signed; no redirects.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::redirect::Policy;
use ring::hmac;

use crate::outward::{Names, is_public};

/// How long an endpoint may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// What is kept of an answer.
const BODY_MAX: usize = 2 * 1024;
/// What a secret begins with.
const SECRET_PREFIX: &str = "whsec_";
/// What came of an attempt.
pub struct Outcome {
    pub status: Option<u16>,
    pub body: String,
    pub error: String,
    pub duration: Duration,
}

impl Outcome {
    /// Whether the endpoint took it.
    pub fn is_taken(&self) -> bool {
        self.error.is_empty()
    }
}

/// A message to be signed and posted.
pub struct Message<'a> {
    pub url: &'a str,
    pub id: &'a str,
    /// Unix seconds of this attempt.
    pub at: i64,
    pub body: &'a str,
    /// Each signs: receivers take any they know.
    pub secrets: &'a [String],
}

/// Sends; clones share one.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    private: bool,
}

impl Client {
    /// A client that reaches private addresses and speaks plain http only if `private` says so.
    pub fn new(private: bool) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(Policy::none())
            .no_proxy()
            // What a name resolves to is looked at for every delivery.
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Names { public: !private }))
            .user_agent(concat!("Weir/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, private })
    }

    /// Posts a message; every failure is an outcome.
    pub async fn post(&self, message: &Message<'_>) -> Outcome {
        let begun = Instant::now();
        let mut outcome = Outcome { status: None, body: String::new(), error: String::new(), duration: Duration::ZERO };
        match self.ask(message).await {
            Ok((status, body)) => {
                outcome.status = Some(status);
                outcome.body = body;
                if !(200..300).contains(&status) {
                    outcome.error = format!("the endpoint answered {status}");
                }
            }
            Err(error) => outcome.error = error,
        }
        outcome.duration = begun.elapsed();
        outcome
    }

    async fn ask(&self, message: &Message<'_>) -> Result<(u16, String), String> {
        check_url(message.url, self.private)?;
        let signatures: Vec<_> = message.secrets.iter().map(|secret| sign(secret, message)).collect();
        let request = self
            .http
            .post(message.url)
            .header("content-type", "application/json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", message.at)
            .header("webhook-signature", signatures.join(" "))
            .body(message.body.to_owned());
        let mut response = request.send().await.map_err(|error| told(&error))?;
        let (status, mut body) = (response.status().as_u16(), Vec::new());
        while body.len() < BODY_MAX {
            // A body that breaks off does not make the answer less of one.
            let Ok(Some(chunk)) = response.chunk().await else { break };
            body.extend_from_slice(&chunk);
        }
        body.truncate(BODY_MAX);
        Ok((status, String::from_utf8_lossy(&body).replace('\0', "\u{fffd}")))
    }
}

/// Why nothing came back, down to the cause, without the address.
fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", PATIENCE.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    format!("cannot be reached: {cause}")
}

/// `v1,` and the HMAC-SHA256 of id, timestamp and body, as Standard Webhooks has it.
pub fn sign(secret: &str, message: &Message<'_>) -> String {
    let bytes = STANDARD.decode(secret.trim_start_matches(SECRET_PREFIX)).unwrap_or_default();
    let signed = format!("{}.{}.{}", message.id, message.at, message.body);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), signed.as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// A fresh secret.
pub fn new_secret() -> Result<String, crate::secrets::Error> {
    let bytes: [u8; 32] = crate::secrets::random()?;
    Ok(format!("{SECRET_PREFIX}{}", STANDARD.encode(bytes)))
}

/// Whether an address may be posted to, as far as it tells without asking for the name.
pub fn check_url(text: &str, private: bool) -> Result<(), String> {
    let url: Url = text.parse().map_err(|error| format!("is not an address: {error}"))?;
    match url.scheme() {
        "https" => {}
        "http" if private => {}
        _ => return Err("must begin with https://".into()),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a name or a password".into());
    }
    let literal = url.host_str().unwrap_or_default().trim_matches(['[', ']']).parse::<IpAddr>();
    match literal {
        Ok(address) if !private && !is_public(address) => Err(format!("{address} is no public address")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(url: &'a str, secrets: &'a [String]) -> Message<'a> {
        Message { url, id: "msg_p5jXN8AQM9LWM0D4loKWxJek", at: 1_614_265_330, body: r#"{"test": 2432232314}"#, secrets }
    }

    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let signed = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", &message("https://example.net", &[]));
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let made = new_secret().unwrap();
        assert_eq!(STANDARD.decode(made.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    }

    #[test]
    fn only_public_addresses_are_reached() {
        let closed = [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://10.1.2.3/",
            "https://172.31.0.1/",
            "https://192.168.1.1/",
            "https://169.254.169.254/latest",
            "https://100.64.0.1/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a00:1]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[ff02::1]/",
            "http://example.net/",
            "ftp://example.net/",
            "https://a@example.net/",
            "https://a:b@example.net/",
            "https://",
            "nothing",
            "",
        ];
        for url in closed {
            assert!(check_url(url, false).is_err(), "{url}");
        }
        for url in ["https://example.net/hook", "https://198.41.0.4/", "https://[2606:4700::1111]:8443/a?b"] {
            assert_eq!(check_url(url, false), Ok(()), "{url}");
        }
        assert_eq!(check_url("http://127.0.0.1:9/", true), Ok(()));
    }

    #[tokio::test]
    async fn a_name_that_leads_home_is_not_followed() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        let outcome = Client::new(false).unwrap().post(&message(&url, &[])).await;
        assert_eq!(
            (outcome.status, outcome.error.as_str()),
            (None, "cannot be reached: localhost is not on the public internet")
        );
        let connected = tokio::time::timeout(Duration::from_millis(50), listener.accept()).await;
        assert!(connected.is_err(), "somebody connected");
    }
}
