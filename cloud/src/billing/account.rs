//! Bills one account in the caller's transaction: facts in, lines out, issued if there is anything to say.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use weir_rules::calendar::{BillingDay, Cycle, Period, local_date};
use weir_rules::money::{Currency, Money};
use weir_rules::tax::TaxRate;

use super::error::RulesError;
use super::store::facts::{self, AccountRow, BilledRow, TermRow};
use super::{Error, LineKind, issue, recurring, usage};
use crate::db::TenantTx;
use crate::ids::{AccountId, BillingRunId, InvoiceLineId, PlanVersionId, SubscriptionId};

/// A line to be put on the account's next invoice.
pub(super) struct Draft {
    pub id: InvoiceLineId,
    pub kind: LineKind,
    pub subscription: SubscriptionId,
    pub version: PlanVersionId,
    pub description: String,
    pub period: Period,
    pub full: Period,
    pub quantity: Decimal,
    pub unit_price: Money,
    pub net: Money,
    pub traffic: Option<Traffic>,
    pub credits: Option<InvoiceLineId>,
    /// The tax of the line it gives back; none = today's.
    pub rate: Option<TaxRate>,
}

/// What a usage line counted.
pub(super) struct Traffic {
    pub down_bytes: i64,
    pub up_bytes: i64,
    pub included_bytes: Option<i64>,
    pub segments: i64,
    pub late: bool,
}

/// One subscription with all that decides what it is billed.
pub(super) struct Facts<'a> {
    pub subscription: SubscriptionId,
    pub currency: Currency,
    pub zone: Tz,
    pub cycle: Cycle,
    pub terms: &'a [TermRow],
    pub billed: Vec<&'a BilledRow>,
}

/// Bills everything due by `as_of`; says whether an invoice was issued. Doing it again issues nothing.
pub(super) async fn bill(tx: &mut TenantTx, run: BillingRunId, as_of: NaiveDate, id: AccountId) -> Result<bool, Error> {
    let account = facts::lock_account(tx, id).await?.ok_or(Error::AccountNotFound(id))?;
    let currency = Currency::from_code(&account.currency)?;
    let terms = facts::terms(tx, id).await?;
    let billed = facts::billed(tx, id).await?;
    let counted_until = as_of.min(local_date(tx.at(), zone(&account)?));
    let mut lines = Vec::new();
    for facts in by_subscription(&account, &terms, &billed)? {
        usage::count(tx, &facts, counted_until, &mut lines).await?;
        recurring::charge(tx, &facts, as_of, &mut lines)?;
    }
    let says_something =
        |line: &Draft| !line.net.is_zero() || line.traffic.as_ref().is_some_and(|traffic| traffic.segments > 0);
    if !lines.iter().any(says_something) {
        return Ok(false);
    }
    issue::issue(tx, run, &account, currency, &lines).await?;
    Ok(true)
}

/// The facts of each subscription of an account.
pub(super) fn by_subscription<'a>(
    account: &AccountRow,
    terms: &'a [TermRow],
    billed: &'a [BilledRow],
) -> Result<Vec<Facts<'a>>, Error> {
    let (currency, zone) = (Currency::from_code(&account.currency)?, zone(account)?);
    let billing_day =
        BillingDay::new(u32::try_from(account.billing_day).map_err(|_| RulesError::Range("billing day"))?)?;
    let of_one = |terms: &'a [TermRow]| {
        Ok(Facts {
            subscription: terms[0].subscription,
            currency,
            zone,
            cycle: Cycle::monthly(terms[0].starts_on, billing_day, 1)?,
            terms,
            billed: billed.iter().filter(|line| line.subscription == terms[0].subscription).collect(),
        })
    };
    terms.chunk_by(|a, b| a.subscription == b.subscription).map(of_one).collect()
}

pub(super) fn zone(account: &AccountRow) -> Result<Tz, Error> {
    Ok(account.time_zone.parse().map_err(|_| RulesError::TimeZone(account.time_zone.clone()))?)
}
