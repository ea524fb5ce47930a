//! Holds: placed and released one by one; releasing one never releases another.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use weir_rules::access::{HoldEffect, HoldKind};

use super::{Error, Hold, store};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::events::{self, EventKind};
use crate::ids::{HoldId, LinePauseId, SubscriptionId};
use crate::{audit, fleet};

/// Longest reason, in characters.
const REASON_MAX: usize = 500;

/// A hold to be placed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldWish {
    /// `unpaid`, `quota`, `fraud`, `abuse`, `seasonal` or `manual`.
    #[schema(example = "manual")]
    pub kind: String,
    /// `throttled`, `walled_garden` or `closed`.
    #[schema(example = "walled_garden")]
    pub effect: String,
    /// In plain words, for colleagues.
    pub reason: String,
    /// When it ends by itself; absent = when released.
    pub until: Option<DateTime<Utc>>,
}

/// The holds of a line, newest first, released ones too.
pub async fn holds(tx: &mut TenantTx, id: SubscriptionId) -> Result<Vec<Hold>, Error> {
    super::subscription(tx, id).await?;
    Ok(store::holds(tx, id).await?)
}

/// Places a hold. The router learns of it with the commit.
pub async fn place_hold(tx: &mut TenantTx, id: SubscriptionId, wish: HoldWish) -> Result<Hold, Error> {
    let mut errors = Vec::new();
    if HoldKind::from_name(&wish.kind).is_none() {
        errors.push(FieldError::new(
            "kind",
            format!("must be unpaid, quota, fraud, abuse, seasonal or manual, found {:?}", wish.kind),
        ));
    }
    if HoldEffect::from_name(&wish.effect).is_none() {
        errors.push(FieldError::new(
            "effect",
            format!("must be throttled, walled_garden or closed, found {:?}", wish.effect),
        ));
    }
    if wish.reason.trim().is_empty() {
        errors.push(FieldError::new("reason", "must not be empty"));
    }
    if wish.until.is_some_and(|until| until <= tx.at()) {
        errors.push(FieldError::new("until", "must be in the future"));
    }
    if wish.kind == HoldKind::Unpaid.name() && wish.until.is_some() {
        errors.push(FieldError::new("until", "an unpaid hold ends when the account has paid, not at a time"));
    }
    if wish.reason.chars().count() > REASON_MAX {
        errors.push(FieldError::new("reason", format!("must have at most {REASON_MAX} characters")));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let hold = Hold {
        id: tx.new_id(),
        subscription_id: id,
        kind: wish.kind,
        effect: wish.effect,
        pause_id: None,
        debtor_id: None,
        reason: wish.reason.trim().to_owned(),
        placed_by: tx.actor().to_string(),
        placed_at: tx.at(),
        until: wish.until,
        released_by: None,
        released_at: None,
    };
    place(tx, hold).await
}

async fn place(tx: &mut TenantTx, hold: Hold) -> Result<Hold, Error> {
    let id = hold.subscription_id;
    let line = super::service::not_over(tx, id).await?;
    store::insert_hold(tx, &hold).await?;
    fleet::desired::refresh_line(tx, id).await?;
    audit::record(tx, "place hold", id, json!(hold)).await?;
    let data = json!({ "hold": hold.id, "kind": hold.kind, "effect": hold.effect, "reason": hold.reason });
    events::publish(tx, EventKind::HoldPlaced, id, Some(line.account_id), data).await?;
    Ok(hold)
}

/// Closes a line for a pause, until [`end_pause`]; says whether it was not closed for it before.
pub async fn begin_pause(
    tx: &mut TenantTx,
    id: SubscriptionId,
    pause: LinePauseId,
    reason: String,
) -> Result<bool, Error> {
    if store::hold_of_pause(tx, pause).await?.is_some() {
        return Ok(false);
    }
    let hold = Hold {
        id: tx.new_id(),
        subscription_id: id,
        kind: HoldKind::Seasonal.name().to_owned(),
        effect: HoldEffect::Closed.name().to_owned(),
        pause_id: Some(pause),
        debtor_id: None,
        reason,
        placed_by: tx.actor().to_string(),
        placed_at: tx.at(),
        until: None,
        released_by: None,
        released_at: None,
    };
    place(tx, hold).await?;
    Ok(true)
}

/// Opens a line that was closed for a pause, as far as nothing else holds it; says whether it was.
pub async fn end_pause(tx: &mut TenantTx, pause: LinePauseId) -> Result<bool, Error> {
    let Some(hold) = store::hold_of_pause(tx, pause).await? else { return Ok(false) };
    release(tx, hold).await?;
    Ok(true)
}

/// Releases a hold, unless it is a pause's. The router learns of it with the commit.
pub async fn release_hold(tx: &mut TenantTx, id: HoldId) -> Result<Hold, Error> {
    let hold = store::hold(tx, id).await?.ok_or(Error::HoldNotFound(id))?;
    match hold.pause_id.filter(|_| hold.released_at.is_none()) {
        Some(pause) => Err(Error::HoldOfPause { hold: id, pause }),
        None => release(tx, id).await,
    }
}

async fn release(tx: &mut TenantTx, id: HoldId) -> Result<Hold, Error> {
    let hold = store::hold(tx, id).await?.ok_or(Error::HoldNotFound(id))?;
    if !store::release(tx, id).await? {
        return Err(Error::HoldReleased(id));
    }
    fleet::desired::refresh_line(tx, hold.subscription_id).await?;
    audit::record(tx, "release hold", hold.subscription_id, json!({ "hold": id })).await?;
    tell_released(tx, &hold).await?;
    store::hold(tx, id).await?.ok_or(Error::HoldNotFound(id))
}

async fn tell_released(tx: &mut TenantTx, hold: &Hold) -> Result<(), Error> {
    let account = super::subscription(tx, hold.subscription_id).await?.account_id;
    let data = json!({ "hold": hold.id, "kind": hold.kind });
    events::publish(tx, EventKind::HoldReleased, hold.subscription_id, Some(account), data).await?;
    Ok(())
}

/// Releases the holds whose time has passed, so that they show it.
pub async fn release_over(tx: &mut TenantTx) -> Result<(), Error> {
    for (id, line) in store::release_over(tx).await? {
        fleet::desired::refresh_line(tx, line).await?;
        audit::record(tx, "release hold", line, json!({ "hold": id, "over": true })).await?;
        if let Some(hold) = store::hold(tx, id).await? {
            tell_released(tx, &hold).await?;
        }
    }
    Ok(())
}
