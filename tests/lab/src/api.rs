//! A client of the REST API, as a partner would write one.

use anyhow::{Context, Result};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use std::time::Duration;

/// Calls the API as one member of staff, or as nobody. Cheap to clone.
#[derive(Clone)]
pub struct Api {
    client: Client,
    base: String,
    token: Option<String>,
}

/// An answer that is not a success: the problem document (RFC 9457).
#[derive(Debug)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// The document, or the text when there is none.
    pub body: Value,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {}: {}", self.status, self.body)
    }
}

impl std::error::Error for Problem {}

/// The slug of the problem an error is about, if it is one of the API's.
#[must_use]
pub fn slug(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Problem>()?.body["type"].as_str()?.strip_prefix("/errors/")
}

impl Api {
    /// A client without credentials; `url` has no path.
    pub fn new(url: String) -> Result<Self> {
        // One of the ciphers has to be chosen, although nothing here is encrypted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?;
        Ok(Self { client, base: url, token: None })
    }

    /// Signs in and returns a client that acts as that person.
    pub async fn sign_in(&self, email: &str, password: &str) -> Result<Self> {
        let session = self.post("/sessions", &serde_json::json!({"email": email, "password": password})).await?;
        let token = session["token"].as_str().context("a session without a token")?.to_owned();
        Ok(Self { token: Some(token), ..self.clone() })
    }

    /// What it signs its requests with.
    pub fn token(&self) -> Result<&str> {
        self.token.as_deref().context("nobody is signed in")
    }

    /// The same client without credentials.
    #[must_use]
    pub fn nobody(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// The status and the body of a file or a page at `path`, which is not of the API.
    pub async fn fetch(&self, path: &str) -> Result<(u16, Vec<u8>)> {
        let request = self.signed(self.client.get(format!("{}{path}", self.base)));
        let response = request.send().await.with_context(|| format!("fetching {path}"))?;
        Ok((response.status().as_u16(), response.bytes().await?.to_vec()))
    }

    /// `GET /api/v1<path>`.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::GET, path), path).await
    }

    /// `POST /api/v1<path>`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::POST, path).json(body), path).await
    }

    /// `POST` with an `Idempotency-Key`.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::POST, path).header("idempotency-key", key).json(body), path).await
    }

    /// `PATCH /api/v1<path>`.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::PATCH, path).json(body), path).await
    }

    /// `PUT /api/v1<path>`.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.send(self.request(Method::PUT, path).json(body), path).await
    }

    /// `DELETE /api/v1<path>`.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        self.send(self.request(Method::DELETE, path), path).await
    }

    /// All items of a list, over its pages.
    pub async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let mut items = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let joint = if path.contains('?') { '&' } else { '?' };
            let page = match &after {
                Some(cursor) => self.get(&format!("{path}{joint}after={cursor}")).await?,
                None => self.get(path).await?,
            };
            items.extend(page["items"].as_array().with_context(|| format!("{path} is not a list"))?.iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let place = if path.starts_with("/dev/") { "" } else { "/api/v1" };
        self.signed(self.client.request(method, format!("{}{place}{path}", self.base)))
    }

    fn signed(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn send(&self, request: RequestBuilder, path: &str) -> Result<Value> {
        let response = request.send().await.with_context(|| format!("calling {path}"))?;
        let status = response.status();
        let text = response.text().await.with_context(|| format!("reading the answer of {path}"))?;
        let body =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap_or(Value::String(text)) };
        if status.is_success() {
            return Ok(body);
        }
        Err(anyhow::Error::new(Problem { status: status.as_u16(), body }).context(format!("{path} refused")))
    }
}
