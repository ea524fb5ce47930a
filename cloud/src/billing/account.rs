//! Bills one account in the caller's transaction: facts in, lines out, issued if there is anything to say.

use chrono::NaiveDate;
use chrono_tz::Tz;
use rust_decimal::Decimal;
use weir_rules::calendar::{BillingDay, Cycle, Period, local_date};
use weir_rules::money::{Currency, Money};
use weir_rules::tax::TaxRate;

use super::error::RulesError;
use super::pricing::Prices;
use super::store::facts::{self, AccountRow, BilledRow, TermRow, TopUpRow};
use super::{Error, LineKind, issue, recurring, top_ups, usage};
use crate::db::TenantTx;
use crate::ids::{AccountId, BillingRunId, InvoiceLineId, PlanVersionId, SubscriptionId, TopUpId};
use crate::plugins::PricedBy;

/// A line to be put on the account's next invoice.
pub(super) struct Draft {
    pub id: InvoiceLineId,
    pub kind: LineKind,
    pub subscription: Option<SubscriptionId>,
    pub version: Option<PlanVersionId>,
    pub description: String,
    pub period: Period,
    pub full: Period,
    pub quantity: Decimal,
    pub unit_price: Money,
    pub net: Money,
    pub traffic: Option<Traffic>,
    pub credits: Option<InvoiceLineId>,
    pub top_up: Option<TopUpId>,
    /// The tax of the line it gives back; none = today's.
    pub rate: Option<TaxRate>,
    /// The rule that set the price, or was asked to.
    pub priced_by: Option<PricedBy>,
}

/// What a usage line counted.
pub(super) struct Traffic {
    pub down_bytes: i64,
    pub up_bytes: i64,
    pub free_bytes: i64,
    pub included_bytes: Option<i64>,
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
    pub top_ups: Vec<&'a TopUpRow>,
}

/// Bills everything due by `as_of`; says whether an invoice was issued. Doing it again issues nothing.
///
/// No invoice is issued of which every line is nothing: whoever asked must not commit then, and the traffic that was taken
/// waits for the account's next invoice. What a rule priced is settled all the same, whatever it came to.
pub(super) async fn bill(
    tx: &mut TenantTx,
    run: BillingRunId,
    as_of: NaiveDate,
    id: AccountId,
    prices: &mut Prices,
) -> Result<bool, Error> {
    prices.check(tx).await?;
    let (account, lines) = draft(tx, as_of, id, prices).await?;
    if lines.iter().all(|line| line.net.is_zero() && line.priced_by.is_none()) {
        return Ok(false);
    }
    issue::issue(tx, run, &account, currency(&account)?, &lines).await?;
    Ok(true)
}

/// The lines of everything due by `as_of`. Their traffic is taken: whoever only wants to know does not commit.
pub(super) async fn draft(
    tx: &mut TenantTx,
    as_of: NaiveDate,
    id: AccountId,
    prices: &mut Prices,
) -> Result<(AccountRow, Vec<Draft>), Error> {
    let account = facts::lock_account(tx, id).await?.ok_or(Error::AccountNotFound(id))?;
    let terms = facts::terms(tx, id).await?;
    let billed = facts::billed(tx, id).await?;
    let bought = facts::top_ups(tx, id).await?;
    let counted_until = as_of.min(local_date(tx.at(), zone(&account)?));
    let mut lines = Vec::new();
    for facts in by_subscription(&account, &terms, &billed, &bought)? {
        usage::count(tx, &facts, counted_until, prices, &mut lines).await?;
        recurring::charge(tx, &facts, as_of, &mut lines)?;
        top_ups::charge(tx, &facts, &mut lines)?;
    }
    Ok((account, lines))
}

/// The currency of an account.
pub(super) fn currency(account: &AccountRow) -> Result<Currency, Error> {
    Ok(Currency::from_code(&account.currency)?)
}

/// The facts of each subscription of an account.
pub(super) fn by_subscription<'a>(
    account: &AccountRow,
    terms: &'a [TermRow],
    billed: &'a [BilledRow],
    top_ups: &'a [TopUpRow],
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
            top_ups: top_ups.iter().filter(|top_up| top_up.subscription == terms[0].subscription).collect(),
        })
    };
    terms.chunk_by(|a, b| a.subscription == b.subscription).map(of_one).collect()
}

pub(super) fn zone(account: &AccountRow) -> Result<Tz, Error> {
    Ok(account.time_zone.parse().map_err(|_| RulesError::TimeZone(account.time_zone.clone()))?)
}
