//! Stripe's objects, as far as we read them.

use std::collections::HashMap;

use chrono::DateTime;
use serde::Deserialize;

use super::{KEY, amounts, declines};
use crate::payments::provider::{Dispute, Disputed, Error, Refusal, Returned, Saved, SetUp, Standing, State, Waiting};

/// Anything with a name.
#[derive(Deserialize)]
pub(super) struct Named {
    pub id: String,
}

/// A thing, or only its name.
#[derive(Deserialize)]
#[serde(untagged)]
enum Expandable<T> {
    Whole(T),
    Name(String),
}

impl<T> Expandable<T> {
    fn whole(self) -> Option<T> {
        match self {
            Self::Whole(whole) => Some(whole),
            Self::Name(_) => None,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Intent {
    pub id: String,
    pub status: String,
    amount: i64,
    amount_received: Option<i64>,
    currency: String,
    #[serde(default)]
    created: i64,
    customer: Option<Expandable<Named>>,
    payment_method: Option<Expandable<Method>>,
    last_payment_error: Option<Failure>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default, rename = "type")]
    kind: String,
    code: Option<String>,
    decline_code: Option<String>,
}

#[derive(Deserialize)]
struct Method {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    card: Option<Card>,
    sepa_debit: Option<Debit>,
}

#[derive(Deserialize)]
struct Card {
    brand: String,
    last4: String,
    exp_month: i16,
    exp_year: i16,
}

#[derive(Deserialize)]
struct Debit {
    last4: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Session {
    id: String,
    pub mode: String,
    status: Option<String>,
    url: Option<String>,
    #[serde(default)]
    created: i64,
    customer: Option<Expandable<Named>>,
    payment_intent: Option<Expandable<Intent>>,
    setup_intent: Option<Expandable<SetupIntent>>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

#[derive(Deserialize)]
struct SetupIntent {
    status: String,
    payment_method: Option<Expandable<Method>>,
}

#[derive(Deserialize)]
pub(super) struct Refund {
    id: String,
    amount: i64,
    currency: String,
    status: Option<String>,
    #[serde(default)]
    created: i64,
    payment_intent: Option<Expandable<Named>>,
    failure_reason: Option<String>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

/// A dispute, as it is there.
#[derive(Deserialize)]
pub(super) struct Contest {
    id: String,
    amount: i64,
    currency: String,
    status: String,
    #[serde(default)]
    reason: String,
    payment_intent: Option<Expandable<Named>>,
}

impl Contest {
    pub fn disputed(self) -> Result<Disputed, Error> {
        Ok(Disputed {
            reference: self.id,
            intent: name_of(self.payment_intent, |intent| &intent.id),
            amount: amounts::money(self.amount, &self.currency)?,
            reason: self.reason,
            stands: match self.status.as_str() {
                "needs_response" | "under_review" | "lost" => Dispute::Taken,
                "won" => Dispute::Won,
                _ => Dispute::Asked,
            },
        })
    }
}

impl Method {
    fn saved(self) -> Saved {
        let expires = self.card.as_ref().map(|card| (card.exp_month, card.exp_year));
        let (brand, last4) = match (self.card, self.sepa_debit) {
            (Some(card), _) => (card.brand, card.last4),
            (None, debit) => (self.kind, debit.and_then(|debit| debit.last4).unwrap_or_default()),
        };
        Saved { reference: self.id, brand, last4, expires }
    }
}

fn name_of<T>(thing: Option<Expandable<T>>, id: impl Fn(&T) -> &str) -> Option<String> {
    thing.map(|thing| match thing {
        Expandable::Whole(whole) => id(&whole).to_owned(),
        Expandable::Name(name) => name,
    })
}

impl Intent {
    fn state(&self, method: Option<Saved>) -> Result<State, Error> {
        Ok(match self.status.as_str() {
            "succeeded" => State::Succeeded {
                amount: amounts::money(self.amount_received.unwrap_or(self.amount), &self.currency)?,
                method,
            },
            "processing" | "requires_capture" => State::Pending(Waiting::Provider),
            "canceled" => State::Cancelled,
            "requires_payment_method" => match &self.last_payment_error {
                Some(failure) => State::Failed(failure.refusal()),
                None => State::Pending(Waiting::Customer),
            },
            "requires_action" | "requires_confirmation" => State::Pending(Waiting::Customer),
            other => return Err(Error::Unreadable(format!("a payment that is {other}"))),
        })
    }

    pub fn standing(mut self) -> Result<Standing, Error> {
        let method = self.payment_method.take().and_then(Expandable::whole).map(Method::saved);
        let state = self.state(method)?;
        Ok(Standing {
            reference: Some(self.id.clone()),
            intent: Some(self.id),
            page_url: None,
            key: self.metadata.remove(KEY),
            payer: name_of(self.customer, |customer| &customer.id),
            began_at: DateTime::from_timestamp(self.created, 0),
            state,
        })
    }
}

impl Failure {
    fn refusal(&self) -> Refusal {
        let code = self.decline_code.clone().or_else(|| self.code.clone()).unwrap_or_else(|| "declined".into());
        Refusal { decline: declines::kind(&code, self.kind != "invalid_request_error"), code }
    }
}

impl Session {
    pub fn standing(mut self) -> Result<Standing, Error> {
        let (intent, paid) = match self.payment_intent {
            Some(Expandable::Whole(intent)) => (Some(intent.id.clone()), Some(intent.standing()?.state)),
            Some(Expandable::Name(name)) => (Some(name), None),
            None => (None, None),
        };
        let state = match (self.status.as_deref(), paid) {
            (_, Some(done @ (State::Succeeded { .. } | State::Pending(Waiting::Provider)))) => done,
            // Declined on the page: the payer may try another card.
            (Some("open") | None, _) => State::Pending(Waiting::Customer),
            (Some("expired"), _) => State::Cancelled,
            (Some("complete"), Some(state)) => state,
            (Some("complete"), None) => State::Pending(Waiting::Provider),
            (Some(other), _) => return Err(Error::Unreadable(format!("a page that is {other}"))),
        };
        Ok(Standing {
            reference: Some(self.id),
            intent,
            page_url: self.url,
            key: self.metadata.remove(KEY),
            payer: name_of(self.customer, |customer| &customer.id),
            began_at: DateTime::from_timestamp(self.created, 0),
            state,
        })
    }

    pub fn set_up(self) -> SetUp {
        let left = self.setup_intent.and_then(Expandable::whole).filter(|intent| intent.status == "succeeded");
        SetUp {
            reference: self.id,
            page_url: self.url,
            payer: name_of(self.customer, |customer| &customer.id),
            saved: left.and_then(|intent| intent.payment_method?.whole()).map(Method::saved),
        }
    }
}

impl Refund {
    pub fn returned(mut self) -> Result<Returned, Error> {
        let done = match self.status.as_deref() {
            Some("succeeded") => Some(Ok(())),
            Some("failed" | "canceled") => Some(Err(self.failure_reason.unwrap_or_else(|| "failed".into()))),
            _ => None,
        };
        Ok(Returned {
            reference: Some(self.id),
            key: self.metadata.remove(KEY),
            intent: name_of(self.payment_intent, |intent| &intent.id),
            amount: Some(amounts::money(self.amount, &self.currency)?),
            began_at: DateTime::from_timestamp(self.created, 0),
            done,
        })
    }
}
