//! Issues a proforma: what a run up to its day would bill, drafted by the very same rules, numbered and kept.

use std::collections::HashMap;

use chrono::Days;
use serde_json::{Value, json};
use weir_rules::money::Money;

use super::model::Content;
use super::store::{self, New};
use super::{Proforma, ProformaStatus, ProformaWish, asked_ahead, proforma};
use crate::audit;
use crate::billing::account::{self, Draft, Records};
use crate::billing::issue::{Issuing, number};
use crate::billing::payers::Payers;
use crate::billing::store::facts;
use crate::billing::{Error, InvoiceLine, InvoiceTax};
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::idempotency::Once;
use crate::ids::{AccountId, ProformaId};

/// What the series' numbers begin with.
const PREFIX: &str = "PRO";
/// How far ahead one may ask.
const AHEAD_MAX: u64 = 400;

/// Issues a proforma once for its key and returns the reply, the same however often it is asked.
///
/// It is about what would be billed as things stand now: an account with nothing due by the day is not asked, and one that is
/// asked already is not asked twice.
pub async fn issue_proforma_once(
    tx: &mut TenantTx,
    key: Option<&str>,
    id: AccountId,
    wish: &ProformaWish,
) -> Result<Value, Error> {
    let once = Once::new(key, "issue proforma", &(id, wish))?;
    if let Some(reply) = once.reply(tx).await? {
        return Ok(reply);
    }
    let issued = issue_proforma(tx, id, wish).await?;
    Ok(once.keep(tx, &issued).await?)
}

/// Issues a proforma.
pub async fn issue_proforma(tx: &mut TenantTx, id: AccountId, wish: &ProformaWish) -> Result<Proforma, Error> {
    facts::lock_account(tx, id).await?.ok_or(Error::AccountNotFound(id))?;
    let issuing = Issuing::now(tx).await?;
    let (today, most) = (issuing.on(), issuing.on() + Days::new(AHEAD_MAX));
    if !(today..=most).contains(&wish.as_of) {
        let message = format!("must be from today, {today}, to {AHEAD_MAX} days ahead, found {}", wish.as_of);
        return Err(Error::Invalid(vec![FieldError::new("as_of", message)]));
    }
    if let Some(other) = asked_ahead(tx, id).await? {
        return Err(Error::ProformaOpen(other.number));
    }
    let records = Records::of(tx, &[id]).await?;
    let drafted = account::draft(tx, wish.as_of, &records, &mut HashMap::new()).await?;
    let payers = Payers::of(tx, &records, &drafted).await?;
    let (bills, mut cannot) = payers.bills(&records, drafted)?;
    if let Some((_, error)) = cannot.pop() {
        return Err(error);
    }
    let bill = bills.into_iter().find(|(billed, _)| billed.id == id);
    let Some((row, lines)) = bill else { return Err(Error::NothingToAskFor(wish.as_of)) };
    let document = issuing.document(row, account::currency(row)?, &lines)?;
    if !document.totals.gross.is_positive() {
        return Err(Error::NothingToAskFor(wish.as_of));
    }
    let (parties, groups) = (issuing.parties(&document), issuing.groups(&document)?);
    let lines = lines.iter().enumerate().map(|(index, line)| shown(&issuing, index, line));
    let taxes = groups.into_iter().zip(&document.totals.taxes).map(|(group, tax)| InvoiceTax {
        category: tax.rate.category().code().to_owned(),
        name: group.name,
        rate: tax.rate.percent().normalize(),
        base: tax.base,
        tax: tax.tax,
        reason: group.reason,
        parts: group.parts,
    });
    let new = New {
        id: tx.new_id(),
        account: id,
        number: number(tx, "proforma", PREFIX, today).await?,
        as_of: wish.as_of,
        issued_on: today,
        content: Content { parties, lines: lines.collect(), taxes: taxes.collect() },
        totals: document.totals.clone(),
    };
    store::insert(tx, &new).await?;
    let detail = json!({ "number": new.number, "account": id, "as_of": new.as_of, "gross": new.totals.gross });
    audit::record(tx, "issue proforma", new.id, detail).await?;
    proforma(tx, new.id).await
}

/// A line as an invoice would have it.
fn shown(issuing: &Issuing, index: usize, line: &Draft) -> InvoiceLine {
    let (traffic, rate) = (line.traffic.as_ref(), issuing.rate_of(line));
    InvoiceLine {
        id: line.id,
        position: i32::try_from(index + 1).unwrap_or(i32::MAX),
        kind: line.kind,
        account_id: line.paid_for.as_ref().map(|paid| paid.account_id),
        subscription_id: line.subscription,
        plan_version_id: line.version,
        description: line.description.clone(),
        from: line.period.start(),
        to: line.period.end(),
        full_from: line.full.start(),
        full_to: line.full.end(),
        quantity: line.quantity.normalize(),
        unit_price: line.unit_price,
        discount: line.reduction.as_ref().map_or(Money::zero(line.net.currency()), |reduction| reduction.total),
        discounts: line.reduction.as_ref().map(|reduction| reduction.parts.clone()).unwrap_or_default(),
        net: line.net,
        gross: line.gross,
        tax_category: rate.category().code().to_owned(),
        tax_rate: rate.percent().normalize(),
        taxed_by: line.taxed_by.clone(),
        down_bytes: traffic.map(|traffic| traffic.down_bytes),
        up_bytes: traffic.map(|traffic| traffic.up_bytes),
        free_bytes: traffic.map(|traffic| traffic.free_bytes),
        included_bytes: traffic.and_then(|traffic| traffic.included_bytes),
        late: traffic.is_some_and(|traffic| traffic.late),
        segments: traffic.map_or(0, |traffic| traffic.segments),
        priced_by: line.priced_by.clone(),
        tiers: traffic.and_then(|traffic| traffic.tiers.clone()),
        credits_line_id: line.credits,
    }
}

/// Takes a proforma back; what was paid stays the account's. Withdrawing twice is no error.
pub async fn withdraw_proforma(tx: &mut TenantTx, id: ProformaId) -> Result<Proforma, Error> {
    let known = proforma(tx, id).await?;
    match known.summary.status {
        ProformaStatus::Withdrawn => return Ok(known),
        ProformaStatus::Past => return Err(Error::ProformaPast(known.summary.number)),
        ProformaStatus::Open | ProformaStatus::Covered => {}
    }
    store::withdraw(tx, id).await?;
    audit::record(tx, "withdraw proforma", id, json!({ "number": known.summary.number })).await?;
    proforma(tx, id).await
}
