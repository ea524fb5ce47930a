//! Calls: what was done, what was refused, and what nobody knows.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::wire::Intent;
use crate::payments::provider::Error;

/// The API's version, so that an account's own default changes nothing.
const VERSION: &str = "2024-06-20";
/// A charge waits for banks; longer than this is no answer.
const PATIENCE: Duration = Duration::from_secs(40);

/// What asks providers, for all tenants: making one is dear, and its connections are worth keeping.
pub fn http() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).no_proxy().build()
}

/// An HTTP client with the tenant's key.
#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    secret: String,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("base", &self.base).finish_non_exhaustive()
    }
}

/// What a change came to.
pub(super) enum Answered<T> {
    Done(T),
    Refused(Box<Refused>),
}

impl<T> Answered<T> {
    /// Where a refusal is nothing we could act on.
    pub fn accepted(self) -> Result<T, Error> {
        match self {
            Self::Done(done) => Ok(done),
            Self::Refused(refused) => Err(Error::Failed { status: refused.status, message: refused.message }),
        }
    }
}

/// Why it was not done.
pub(super) struct Refused {
    /// 402 if a bank said no, else the request cannot be.
    pub status: u16,
    /// The bank's word if there is one, else the API's.
    pub code: String,
    pub message: String,
    /// The payment that was refused.
    pub intent: Option<Intent>,
}

#[derive(Deserialize)]
struct Envelope {
    error: Told,
}

#[derive(Default, Deserialize)]
struct Told {
    #[serde(default, rename = "type")]
    kind: String,
    code: Option<String>,
    decline_code: Option<String>,
    #[serde(default)]
    message: String,
    payment_intent: Option<Intent>,
}

#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    #[serde(default)]
    has_more: bool,
}

impl Client {
    pub fn new(http: reqwest::Client, base: &str, secret: &str) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned(), secret: secret.to_owned() }
    }

    /// A change, done once for its key.
    pub async fn post<T: DeserializeOwned>(
        &self,
        key: &str,
        path: &str,
        form: &[(&str, String)],
    ) -> Result<Answered<T>, Error> {
        let request = self.http.post(format!("{}{path}", self.base)).header("idempotency-key", key).form(form);
        let (status, body) = self.send(request).await?;
        if status.is_success() {
            return Ok(Answered::Done(read(&body)?));
        }
        let told = told(&body);
        // These say that this was not done; the rest says nothing.
        let refused = matches!(status.as_u16(), 400 | 402 | 404) && told.kind != "idempotency_error";
        if !refused {
            return Err(failed(status, told));
        }
        let code = told.decline_code.or(told.code).unwrap_or_else(|| told.kind.clone());
        let (status, message) = (status.as_u16(), told.message);
        Ok(Answered::Refused(Box::new(Refused { status, code, message, intent: told.payment_intent })))
    }

    /// A thing, if it is there.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<Option<T>, Error> {
        let query: Vec<_> = query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let (status, body) = self.send(self.http.get(format!("{}{path}?{}", self.base, query.join("&")))).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => read(&body).map(Some),
            status => Err(failed(status, told(&body))),
        }
    }

    /// Everything made at or after an instant; lists come newest first.
    pub async fn list(&self, path: &str, since: DateTime<Utc>, pages: usize) -> Result<Vec<Value>, Error> {
        let created = |one: &Value| one["created"].as_i64().unwrap_or(i64::MAX);
        let (mut found, mut after) = (Vec::new(), String::new());
        for _ in 0..pages {
            let mut query = vec![("limit", "100")];
            if !after.is_empty() {
                query.push(("starting_after", after.as_str()));
            }
            let page: Page =
                self.get(path, &query).await?.ok_or_else(|| Error::Unreadable(format!("there is no {path}")))?;
            let newest = page.data.iter().map(created).max();
            after = page.data.last().and_then(|last| last["id"].as_str()).unwrap_or_default().to_owned();
            found.extend(page.data.into_iter().filter(|one| created(one) >= since.timestamp()));
            if !page.has_more || newest.is_none_or(|newest| newest < since.timestamp()) {
                return Ok(found);
            }
        }
        // Half a list would move the cursor past what was not seen.
        Err(Error::Unreadable(format!("{path} has more than {pages} pages")))
    }

    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), Error> {
        let unreachable = |error: reqwest::Error| Error::Unreachable(error.without_url().to_string());
        let request = request.bearer_auth(&self.secret).header("stripe-version", VERSION);
        let answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        Ok((status, answer.bytes().await.map_err(unreachable)?.to_vec()))
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|error| Error::Unreadable(error.to_string()))
}

fn told(body: &[u8]) -> Told {
    serde_json::from_slice::<Envelope>(body).map(|envelope| envelope.error).unwrap_or_default()
}

fn failed(status: StatusCode, told: Told) -> Error {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Error::Unauthorized,
        status => Error::Failed { status: status.as_u16(), message: told.message },
    }
}
