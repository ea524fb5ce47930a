//! Closing the books: nothing is posted to a day that is closed. What comes late is posted on the first day that is open.
//!
//! Start with [`close`], which also reopens.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use weir_rules::calendar::local_date;

use super::recognition::recognise;
use super::{Error, store};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::http::paging::Page;
use crate::ids::LedgerClosingId;
use crate::{audit, tenants};

const REASON_MAX: usize = 500;

/// Through which day the books are closed from now on: a later one closes, an earlier one reopens.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClosingWish {
    /// The last day of a month that is over; null so that nothing is closed.
    #[schema(example = "2026-10-31")]
    pub through: Option<NaiveDate>,
    /// Why.
    #[schema(example = "Handed to the accountant")]
    pub reason: String,
}

/// A decision about which days are closed; the newest is in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = LedgerClosing)]
pub struct Closing {
    /// Which.
    pub id: LedgerClosingId,
    /// The last day that is closed; null when none is.
    pub through: Option<NaiveDate>,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub decided_by: String,
    /// When.
    pub decided_at: DateTime<Utc>,
}

/// Decisions about which days are closed, newest first.
pub async fn closings(tx: &mut TenantTx, page: Page) -> Result<Vec<Closing>, Error> {
    Ok(store::closing::page(tx, page).await?)
}

/// The last day that is closed.
pub async fn closed_through(tx: &mut TenantTx) -> Result<Option<NaiveDate>, Error> {
    Ok(store::closing::through(tx).await?)
}

/// Closes the books through a day, or reopens those after it. Waits for whoever posts at this moment; what was earned on the
/// days that are closed is posted before.
pub async fn close(tx: &mut TenantTx, wish: &ClosingWish) -> Result<Closing, Error> {
    store::closing::wait_for_postings(tx).await?;
    let before = closed_through(tx).await?;
    let zone: Tz = tenants::tenant(tx).await?.time_zone.parse().unwrap_or(Tz::UTC);
    check(wish, before, local_date(tx.at(), zone))?;
    if let Some(day) = wish.through.filter(|_| wish.through > before) {
        recognise(tx, day).await?;
    }
    let closing = Closing {
        id: tx.new_id(),
        through: wish.through,
        reason: wish.reason.trim().to_owned(),
        decided_by: tx.actor().to_string(),
        decided_at: tx.at(),
    };
    store::closing::insert(tx, &closing).await?;
    let action = if wish.through > before { "close books" } else { "reopen books" };
    let detail =
        json!({ "before": { "through": before }, "after": { "through": wish.through }, "reason": closing.reason });
    audit::record(tx, action, closing.id, detail).await?;
    Ok(closing)
}

fn check(wish: &ClosingWish, before: Option<NaiveDate>, today: NaiveDate) -> Result<(), Error> {
    let mut errors = Vec::new();
    match wish.through {
        through if through == before => errors.push(FieldError::new("through", "must not be what it is already")),
        Some(day) if day.succ_opt().is_none_or(|next| next.month() == day.month()) => {
            errors.push(FieldError::new("through", "must be the last day of a month"));
        }
        Some(day) if day >= today => errors.push(FieldError::new("through", "must be the end of a month that is over")),
        _ => {}
    }
    match wish.reason.trim().chars().count() {
        0 => errors.push(FieldError::new("reason", "must not be empty")),
        length if length > REASON_MAX => {
            errors.push(FieldError::new("reason", format!("must have at most {REASON_MAX} characters")));
        }
        _ => {}
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}
