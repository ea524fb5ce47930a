//! Stripe over its REST API: Checkout for pages, PaymentIntents off session for charges, Refunds.
//!
//! Every change carries our key as `Idempotency-Key` and in the metadata, so that it is found again when the answer is
//! lost. `client` speaks HTTP, `wire` has the objects, `amounts` the units, `declines` the reasons, `webhook` the signature.

mod amounts;
mod client;
mod declines;
mod webhook;
mod wire;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde_json::Value;
use weir_rules::money::Money;

use super::{
    Capabilities, Charge, Disputed, Doubt, Error, Event, Listing, PageWish, Provider, Refusal, Returned, SetUp,
    Standing, State, Trust,
};
use crate::payments::Decline;
pub use client::http;
use client::{Answered, Client};
use wire::{Contest, Intent, Named, Refund, Session};

/// The metadata that carries our key.
const KEY: &str = "weir_key";
/// Pages of a list that are followed; more than this at once is another hour's work.
const LIST_PAGES: usize = 50;

/// A tenant's account at Stripe.
#[derive(Clone, Debug)]
pub struct Stripe {
    client: Client,
    webhook_secret: Option<String>,
}

impl Stripe {
    /// With the tenant's secrets; `http` is what asks, `base` Stripe's address, or a test's.
    pub fn new(http: reqwest::Client, base: &str, secret_key: &str, webhook_secret: Option<String>) -> Self {
        Self { client: Client::new(http, base, secret_key), webhook_secret }
    }

    async fn session(&self, id: &str) -> Result<Option<Session>, Error> {
        // It may come from whoever has a link: a name, not a path.
        if !id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return Ok(None);
        }
        let expand = [("expand[]", "payment_intent.payment_method"), ("expand[]", "setup_intent.payment_method")];
        self.client.get(&format!("/v1/checkout/sessions/{id}"), &expand).await
    }

    async fn intent(&self, id: &str) -> Result<Option<Intent>, Error> {
        self.client.get(&format!("/v1/payment_intents/{id}"), &[("expand[]", "payment_method")]).await
    }
}

fn unknown(reference: &str) -> Standing {
    Standing {
        reference: Some(reference.to_owned()),
        intent: None,
        page_url: None,
        key: None,
        payer: None,
        began_at: None,
        state: State::Unknown,
    }
}

/// What was refused, by a payment that may have no name yet.
fn refused(key: &str, refusal: &client::Refused) -> Standing {
    let intent = refusal.intent.as_ref().map(|intent| intent.id.clone());
    let told = Refusal { decline: declines::kind(&refusal.code, refusal.status == 402), code: refusal.code.clone() };
    Standing {
        reference: intent.clone(),
        intent,
        key: Some(key.to_owned()),
        state: State::Failed(told),
        ..unknown_named()
    }
}

fn unknown_named() -> Standing {
    Standing { reference: None, ..unknown("") }
}

impl Provider for Stripe {
    fn capabilities(&self) -> Capabilities {
        Capabilities { page: true, saved_methods: true, refunds: true, listing: true, trust: Trust::Signed }
    }

    async fn payer(&self, key: &str, name: &str, email: &str) -> Result<String, Error> {
        let mut form = vec![("name", name.to_owned()), ("metadata[weir_key]", key.to_owned())];
        if !email.is_empty() {
            form.push(("email", email.to_owned()));
        }
        let made: Named = self.client.post(key, "/v1/customers", &form).await?.accepted()?;
        Ok(made.id)
    }

    async fn set_up(&self, key: &str, payer: &str, return_url: &str) -> Result<SetUp, Error> {
        let form = [
            ("mode", "setup".to_owned()),
            ("customer", payer.to_owned()),
            ("payment_method_types[0]", "card".to_owned()),
            ("success_url", with_parameter(return_url, "saved={CHECKOUT_SESSION_ID}")),
            ("cancel_url", return_url.to_owned()),
            ("metadata[weir_key]", key.to_owned()),
        ];
        let session: Session = self.client.post(key, "/v1/checkout/sessions", &form).await?.accepted()?;
        Ok(session.set_up())
    }

    async fn set_up_standing(&self, reference: &str) -> Result<Option<SetUp>, Error> {
        Ok(self.session(reference).await?.filter(|session| session.mode == "setup").map(Session::set_up))
    }

    async fn forget(&self, method: &str) -> Result<(), Error> {
        // A method that is not there is forgotten already.
        self.client
            .post::<Named>(&format!("forget {method}"), &format!("/v1/payment_methods/{method}/detach"), &[])
            .await
            .map(drop)
    }

    async fn request(&self, wish: &PageWish) -> Result<Standing, Error> {
        let (units, code) = amounts::units(wish.amount)?;
        let mut form = vec![
            ("mode", "payment".to_owned()),
            ("customer", wish.payer.clone()),
            ("client_reference_id", wish.key.clone()),
            ("line_items[0][quantity]", "1".to_owned()),
            ("line_items[0][price_data][currency]", code),
            ("line_items[0][price_data][unit_amount]", units.to_string()),
            ("line_items[0][price_data][product_data][name]", wish.about.clone()),
            ("payment_intent_data[description]", wish.about.clone()),
            ("payment_intent_data[metadata][weir_key]", wish.key.clone()),
            ("metadata[weir_key]", wish.key.clone()),
            ("success_url", with_parameter(&wish.return_url, "back=paid")),
            ("cancel_url", with_parameter(&wish.return_url, "back=left")),
            ("locale", page_language(&wish.language).to_owned()),
        ];
        if wish.keep {
            form.push(("payment_intent_data[setup_future_usage]", "off_session".to_owned()));
        }
        match self.client.post::<Session>(&wish.key, "/v1/checkout/sessions", &form).await? {
            Answered::Done(session) => session.standing(),
            Answered::Refused(refusal) => Ok(refused(&wish.key, &refusal)),
        }
    }

    async fn charge(&self, charge: &Charge) -> Result<Standing, Error> {
        let (units, code) = amounts::units(charge.amount)?;
        let form = [
            ("amount", units.to_string()),
            ("currency", code),
            ("customer", charge.payer.clone()),
            ("payment_method", charge.method.clone()),
            ("confirm", "true".to_owned()),
            ("off_session", "true".to_owned()),
            ("metadata[weir_key]", charge.key.clone()),
            ("metadata[about]", charge.about.clone()),
            ("expand[]", "payment_method".to_owned()),
        ];
        match self.client.post::<Intent>(&charge.key, "/v1/payment_intents", &form).await? {
            Answered::Done(intent) if intent.status == "requires_action" => {
                // Nobody is there to act: it is ended, and the payer asked to pay on the page.
                match self.cancel(&intent.id).await? {
                    Standing { state: State::Cancelled, .. } => {
                        let code = "authentication_required".to_owned();
                        let state = State::Failed(Refusal { decline: Decline::NeedsCustomer, code });
                        Ok(Standing { state, ..intent.standing()? })
                    }
                    standing => Ok(standing),
                }
            }
            Answered::Done(intent) => intent.standing(),
            Answered::Refused(refusal) => Ok(refused(&charge.key, &refusal)),
        }
    }

    async fn cancel(&self, reference: &str) -> Result<Standing, Error> {
        let key = format!("cancel {reference}");
        let path = match is_page(reference) {
            true => format!("/v1/checkout/sessions/{reference}/expire"),
            false => format!("/v1/payment_intents/{reference}/cancel"),
        };
        // What cannot be cancelled has moved on, and is fetched like the rest.
        self.client.post::<Named>(&key, &path, &[]).await?;
        self.fetch(reference).await
    }

    async fn refund(&self, key: &str, intent: &str, amount: Money) -> Result<Returned, Error> {
        let (units, _) = amounts::units(amount)?;
        let form = [
            ("payment_intent", intent.to_owned()),
            ("amount", units.to_string()),
            ("metadata[weir_key]", key.to_owned()),
        ];
        match self.client.post::<Refund>(key, "/v1/refunds", &form).await? {
            Answered::Done(refund) => refund.returned(),
            Answered::Refused(refusal) => Ok(Returned {
                reference: None,
                key: Some(key.to_owned()),
                intent: Some(intent.to_owned()),
                amount: None,
                began_at: None,
                done: Some(Err(refusal.code)),
            }),
        }
    }

    async fn fetch(&self, reference: &str) -> Result<Standing, Error> {
        let found = match is_page(reference) {
            true => self.session(reference).await?.map(Session::standing),
            false => self.intent(reference).await?.map(Intent::standing),
        };
        found.unwrap_or_else(|| Ok(unknown(reference)))
    }

    async fn fetch_refund(&self, reference: &str) -> Result<Option<Returned>, Error> {
        let found: Option<Refund> = self.client.get(&format!("/v1/refunds/{reference}"), &[]).await?;
        found.map(Refund::returned).transpose()
    }

    async fn fetch_dispute(&self, reference: &str) -> Result<Option<Disputed>, Error> {
        let found: Option<Contest> = self.client.get(&format!("/v1/disputes/{reference}"), &[]).await?;
        found.map(Contest::disputed).transpose()
    }

    async fn list_since(&self, since: DateTime<Utc>) -> Result<Listing, Error> {
        let payments = self.client.list("/v1/payment_intents", since, LIST_PAGES).await?;
        let refunds = self.client.list("/v1/refunds", since, LIST_PAGES).await?;
        // A restricted key may not list disputes; their messages come all the same.
        let disputes = match self.client.list("/v1/disputes", since, LIST_PAGES).await {
            Err(Error::Unauthorized | Error::Unreadable(_)) => Vec::new(),
            other => other?,
        };
        Ok(Listing {
            payments: readable(payments, Intent::standing),
            refunds: readable(refunds, Refund::returned),
            disputes: readable(disputes, Contest::disputed),
        })
    }

    fn verify(&self, signature: Option<&str>, raw: &[u8], now: DateTime<Utc>) -> Result<Trust, Doubt> {
        let secret = self.webhook_secret.as_deref().ok_or(Doubt::Forged)?;
        webhook::verify(secret, signature.ok_or(Doubt::Unsigned)?, raw, now.timestamp())?;
        Ok(Trust::Signed)
    }

    fn event(&self, raw: &[u8]) -> Result<Event, Doubt> {
        webhook::event(raw)
    }
}

/// What of a list can be read. The account may be used for more than us, and what others put there keeps nobody from ours.
fn readable<T: DeserializeOwned, R>(list: Vec<Value>, read: impl Fn(T) -> Result<R, Error>) -> Vec<R> {
    let one = |value: Value| {
        let id = value["id"].as_str().unwrap_or_default().to_owned();
        let thing = serde_json::from_value(value).map_err(|error| Error::Unreadable(error.to_string())).and_then(&read);
        thing.inspect_err(|error| tracing::warn!(id, %error, "something at the payment provider cannot be read")).ok()
    };
    list.into_iter().filter_map(one).collect()
}

fn is_page(reference: &str) -> bool {
    reference.starts_with("cs_")
}

fn with_parameter(address: &str, parameter: &str) -> String {
    let joint = if address.contains('?') { '&' } else { '?' };
    format!("{address}{joint}{parameter}")
}

/// The page's language, among those it speaks.
fn page_language(language: &str) -> &str {
    match language {
        "en" | "es" | "fr" | "pt-BR" => language,
        // It does not speak Arabic, and falls back to the browser's own.
        _ => "auto",
    }
}
