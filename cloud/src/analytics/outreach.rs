//! Writes to who holds the lines that have used their allowance: what more they could have.

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Error, Exhausted};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::notifications::{self, Fact, Facts, Notice, Recipient, Template};
use crate::{audit, subscribers, subscriptions};

/// Longest note, in characters.
const NOTE_MAX: usize = 1_000;

/// To whom to write, and what beside the message's own words.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferWish {
    /// Only lines that end in this city.
    #[serde(default)]
    pub area: Option<String>,
    /// Words of your own that stand in the message; at most 1,000 characters.
    #[serde(default)]
    pub note: String,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Offered {
    /// Lines that have used their allowance.
    pub lines: u32,
    /// Messages written. Whoever was written to about a line this month, or has no address, gets none.
    pub messages: u32,
}

/// Writes to the holder of each line that has used its allowance, at most once a line and calendar month.
pub async fn offer_more(app: &App, tx: &mut TenantTx, wish: &OfferWish) -> Result<Offered, Error> {
    check(&wish.note)?;
    let kept = notifications::settings(tx).await?;
    if kept.email.host.is_empty() && kept.sms.url.is_empty() {
        return Err(notifications::Error::NotSetUp.into());
    }
    let (today, _) = super::service::here(tx, None).await?;
    let month = today.format("%Y-%m").to_string();
    let lines = super::exhausted(tx, wish.area.as_deref()).await?;
    let mut messages = 0;
    for line in &lines {
        let notice = notice(tx, line, &month, &wish.note).await?;
        messages += notifications::send(app, tx, &notice).await?.len();
    }
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let offered = Offered { lines: count(lines.len()), messages: count(messages) };
    let subject = tx.tenant();
    audit::record(tx, "offer more than allowances", subject, json!({ "wish": wish, "written": offered })).await?;
    Ok(offered)
}

async fn notice(tx: &mut TenantTx, line: &Exhausted, month: &str, note: &str) -> Result<Notice, Error> {
    let account = subscriptions::subscription(tx, line.subscription_id).await?.account_id;
    let number = subscribers::account(tx, account).await?.number;
    let facts = Facts::of([
        ("plan", Fact::Text(line.plan.clone())),
        ("allowance", Fact::Bytes(line.allowance_bytes)),
        ("account", Fact::Text(number)),
    ]);
    Ok(Notice {
        template: Template::AllowanceOffer,
        cause: notifications::cause_of(&format!("{} {month}", line.subscription_id)),
        to: Recipient::Account(account),
        facts: facts.quoting(note),
        reply_to: None,
        invoice: None,
        link: None,
    })
}

fn check(note: &str) -> Result<(), Error> {
    let mut errors = Vec::new();
    if note.chars().count() > NOTE_MAX {
        errors.push(FieldError::new("note", format!("must have at most {NOTE_MAX} characters")));
    }
    if note.chars().any(|letter| letter.is_control() && !matches!(letter, '\r' | '\n' | '\t')) {
        errors.push(FieldError::new("note", "must not contain control characters"));
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
