//! Turns events into messages. Hearing of an event again changes nothing: a message is written once a cause.

use std::str::FromStr;

use chrono::NaiveDate;
use serde_json::Value;
use uuid::Uuid;
use weir_rules::money::Money;

use super::service::{Desk, cause_of};
use super::{Error, Fact, Facts, Notice, Recipient, Template};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::events::{Event, EventKind};
use crate::ids::{CreditNoteId, InvoiceId, PaymentId};
use crate::{access, billing, payments, subscribers, subscriptions};

/// Writes what events give reason to write.
pub async fn listen(app: &App, scope: &Scope, events: &[Event]) -> Result<(), Error> {
    let mut tx = app.db.begin(scope).await?;
    let desk = Desk::of(&mut tx).await?;
    for event in events.iter().filter(|_| desk.has_channels()) {
        let notices = match event.kind {
            EventKind::BooksDiffer => to_staff(&mut tx, event).await?,
            _ => notice(&mut tx, event).await?.into_iter().collect(),
        };
        for notice in notices {
            desk.send(app, &mut tx, &notice).await?;
        }
    }
    Ok(tx.commit().await?)
}

async fn notice(tx: &mut TenantTx, event: &Event) -> Result<Option<Notice>, Error> {
    let to = match (event.account_id, word(&event.data, "subscriber_id").and_then(|id| id.parse().ok())) {
        (Some(account), _) => Recipient::Account(account),
        (None, Some(subscriber)) => Recipient::Subscriber(subscriber),
        (None, None) => return Ok(None),
    };
    let Some((template, mut facts)) = told(tx, event).await? else { return Ok(None) };
    if let Some(account) = event.account_id.filter(|_| template.facts().contains(&"account")) {
        facts = facts.and("account", Some(Fact::Text(subscribers::account(tx, account).await?.number)));
    }
    let cause = match template {
        Template::LineWalled | Template::LineRestored => once_for_account(event),
        _ => event.id.uuid(),
    };
    let invoice = match template {
        Template::InvoiceIssued => Some(subject(event)?),
        Template::CreditNoteIssued => Some(subject::<CreditNoteId>(event)?.into()),
        _ => None,
    };
    Ok(Some(Notice { template, cause, to, facts, reply_to: word(&event.data, "reply_to"), invoice, link: None }))
}

/// What whoever answers for the money is told.
async fn to_staff(tx: &mut TenantTx, event: &Event) -> Result<Vec<Notice>, Error> {
    let differ = event.data["differ"].as_i64().map(|count| Fact::Text(count.to_string()));
    let facts = Facts::default().and("checked_on", day(&event.data, "checked_on")).and("differences", differ);
    let people = access::answering_for_money(tx).await.map_err(unreadable)?;
    let notice = |person: access::Correspondent| Notice {
        template: Template::BooksDiffer,
        cause: event.id.uuid(),
        to: Recipient::Person { name: person.name, email: person.email, language: person.language },
        facts: facts.clone(),
        reply_to: None,
        invoice: None,
        link: None,
    };
    Ok(people.into_iter().map(notice).collect())
}

/// Which message an event gives reason for, and what it tells.
async fn told(tx: &mut TenantTx, event: &Event) -> Result<Option<(Template, Facts)>, Error> {
    let due =
        || Facts::default().and("balance", amount(&event.data, "balance")).and("due_on", day(&event.data, "due_on"));
    Ok(Some(match event.kind {
        EventKind::InvoiceIssued => {
            let invoice = billing::invoice_summary(tx, subject::<InvoiceId>(event)?).await?;
            let (number, total) = (Fact::Text(invoice.number), Fact::Money(invoice.gross));
            let facts = Facts::of([("number", number), ("total", total), ("due_on", Fact::Day(invoice.due_on))]);
            (Template::InvoiceIssued, facts)
        }
        EventKind::CreditNoteIssued => {
            let note = billing::credit_note(tx, subject(event)?).await?.summary;
            let facts = Facts::of([
                ("number", Fact::Text(note.number)),
                ("invoice", Fact::Text(note.invoice_number)),
                ("total", Fact::Money(note.gross)),
                ("reason", Fact::Text(note.reason)),
            ]);
            (Template::CreditNoteIssued, facts)
        }
        EventKind::PaymentReceived => {
            let payment = payments::payment(tx, subject::<PaymentId>(event)?).await.map_err(unreadable)?;
            let (number, amount) = (Fact::Text(payment.number), Fact::Money(payment.amount));
            let received_on = Fact::Day(payment.received_on);
            (
                Template::PaymentReceived,
                Facts::of([("number", number), ("amount", amount), ("received_on", received_on)]),
            )
        }
        EventKind::PaymentFailed => {
            let facts = Facts::default()
                .and("amount", amount(&event.data, "amount"))
                .and("retry_on", day(&event.data, "retry_on"));
            (Template::PaymentFailed, facts)
        }
        // Who was a subscriber before, elsewhere, is greeted only where somebody wants it.
        EventKind::SubscriptionSold if event.data["welcome"] != false => {
            let sold = subscriptions::subscription(tx, subject(event)?).await.map_err(unreadable)?;
            let facts = Facts::of([("plan", Fact::Text(sold.plan_name)), ("starts_on", Fact::Day(sold.starts_on))]);
            (Template::LineActivated, facts)
        }
        EventKind::HoldPlaced if event.data["kind"] == "unpaid" && event.data["effect"] == "walled_garden" => {
            let balance = match event.account_id {
                Some(account) => Some(Fact::Money(billing::standing(tx, account).await?.open)),
                None => None,
            };
            (Template::LineWalled, Facts::default().and("balance", balance))
        }
        EventKind::HoldReleased if event.data["kind"] == "unpaid" => (Template::LineRestored, Facts::default()),
        EventKind::DunningReminded => (Template::DunningReminder, due()),
        EventKind::DunningFeeCharged => (Template::DunningLateFee, due().and("fee", amount(&event.data, "fee"))),
        EventKind::DunningFinalNotice => (Template::DunningFinalNotice, due()),
        EventKind::TicketReplied if event.data["by_staff"] != false && event.data["public"] != false => {
            let facts = Facts::default()
                .and("ticket", word(&event.data, "ticket_number").map(Fact::Text))
                .and("title", word(&event.data, "title").map(Fact::Text))
                .quoting(&word(&event.data, "excerpt").unwrap_or_default());
            (Template::TicketReplied, facts)
        }
        EventKind::UsageThreshold => return Ok(used(&event.data)),
        EventKind::TopUpSold => topped_up(&event.data["top_up"]),
        EventKind::BoostSold => boosted(&event.data["boost"]),
        _ => return Ok(None),
    }))
}

/// A text among an event's facts.
fn word(data: &Value, name: &str) -> Option<String> {
    data[name].as_str().map(str::to_owned)
}

/// An amount among an event's facts.
fn amount(data: &Value, name: &str) -> Option<Fact> {
    serde_json::from_value::<Money>(data[name].clone()).ok().map(Fact::Money)
}

/// A day among an event's facts.
fn day(data: &Value, name: &str) -> Option<Fact> {
    serde_json::from_value(data[name].clone()).ok().map(Fact::Day)
}

/// A volume among an event's facts.
fn bytes(data: &Value, name: &str) -> Option<Fact> {
    data[name].as_i64().map(Fact::Bytes)
}

/// How much of its allowance a line has used; nothing while a later message says more.
fn used(data: &Value) -> Option<(Template, Facts)> {
    let percent = data["percent"].as_i64()?;
    if percent < 100 && data["used_bytes"].as_i64() >= data["limit_bytes"].as_i64() {
        return None;
    }
    let facts = Facts::of([("percent", Fact::Percent(percent))]);
    let facts = facts.and("used", bytes(data, "used_bytes")).and("allowance", bytes(data, "limit_bytes"));
    Some((Template::UsageThreshold, facts))
}

/// What was bought on top, at which price, and the last day on which it counts.
fn topped_up(sold: &Value) -> (Template, Facts) {
    let until_on = serde_json::from_value::<NaiveDate>(sold["until_on"].clone()).ok();
    let last_on = until_on.and_then(|day| day.pred_opt()).map(Fact::Day);
    let facts = Facts::default().and("top_up", word(sold, "name").map(Fact::Text)).and("volume", bytes(sold, "bytes"));
    (Template::TopUpSold, facts.and("price", amount(sold, "price")).and("last_on", last_on))
}

/// Which faster time was bought, when it runs, and at which price.
fn boosted(sold: &Value) -> (Template, Facts) {
    let at = |name: &str| serde_json::from_value(sold[name].clone()).ok().map(Fact::Instant);
    let facts = Facts::default().and("boost", word(sold, "name").map(Fact::Text)).and("from", at("from_at"));
    (Template::BoostSold, facts.and("until", at("until_at")).and("price", amount(sold, "price")))
}

/// The id of what an event happened to.
fn subject<I: FromStr<Err: std::fmt::Display>>(event: &Event) -> Result<I, Error> {
    event.subject.parse().map_err(unreadable)
}

fn unreadable(error: impl std::fmt::Display) -> Error {
    Error::Event(error.to_string())
}

/// All lines of an account are held or let out at once: one message tells of them.
fn once_for_account(event: &Event) -> Uuid {
    let account = event.account_id.map(|id| id.to_string()).unwrap_or_default();
    cause_of(&format!("{account} {}", event.at.to_rfc3339()))
}
