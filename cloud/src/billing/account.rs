//! The lines of an account's next invoice: what is on record in, lines out. Nothing is written.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use weir_rules::calendar::{BillingDay, Cycle, Period, Timing, local_date};
use weir_rules::introductory::Introductory;
use weir_rules::money::{Currency, Money, MoneyError};
use weir_rules::rhythm::{self, Every, Rhythm, Stretch};
use weir_rules::tax::TaxRate;

use super::discounts::Reduction;
use super::error::RulesError;
use super::pricing::Prices;
use super::store::charges::{self as waiting, ChargeRow};
use super::store::contracts::{self, ContractRow};
use super::store::discounts::{self, DiscountRow};
use super::store::facts::{self, AccountRow, BilledRow, CountedRow, TermRow, TopUpRow};
use super::store::pauses::{self, PauseRow};
use super::{Error, LineKind, LineTiers, PaidFor, charges, leaving, payers, recurring, taxing, top_ups, usage};
use crate::catalog::Phase;
use crate::db::TenantTx;
use crate::ids::{AccountId, ChargeId, ContractId, InvoiceLineId, PlanVersionId, SubscriptionId, TopUpId};
use crate::plugins::PricedBy;
use crate::taxes::TaxedBy;

/// A line to be put on the account's next invoice.
#[derive(Clone)]
pub(super) struct Draft {
    pub id: InvoiceLineId,
    pub kind: LineKind,
    /// The account it is for, if that is not the one that is billed.
    pub paid_for: Option<PaidFor>,
    pub subscription: Option<SubscriptionId>,
    pub version: Option<PlanVersionId>,
    pub description: String,
    pub period: Period,
    pub full: Period,
    pub quantity: Decimal,
    pub unit_price: Money,
    /// What it asks for with tax, where its price includes it: unit price and reduction do then, too.
    pub gross: Option<Money>,
    /// Without tax; until it is taxed, what it asks for.
    pub net: Money,
    /// What discounts took off the price, of which [`Draft::asks`] is what is left; none = no recurring line.
    pub reduction: Option<Reduction>,
    pub traffic: Option<Traffic>,
    pub credits: Option<InvoiceLineId>,
    pub top_up: Option<TopUpId>,
    /// What is charged once.
    pub once: Option<Once>,
    /// The tax of the line it gives back; none = today's.
    pub rate: Option<TaxRate>,
    /// What its rate follows from.
    pub taxed_by: Option<TaxedBy>,
    /// The rule that set the price, or was asked to.
    pub priced_by: Option<PricedBy>,
}

/// Something that is charged once.
#[derive(Clone, Copy, Debug)]
pub(super) enum Once {
    /// What staff added.
    Charge(ChargeId),
    /// That a contract was left early.
    Contract(ContractId),
}

impl Draft {
    /// What it asks for: with tax, where its price includes it.
    pub(super) fn asks(&self) -> Money {
        self.gross.unwrap_or(self.net)
    }

    /// The same without what discounts took off.
    pub(super) fn price(&self) -> Result<Money, MoneyError> {
        self.reduction.as_ref().map_or(Ok(self.asks()), |reduction| self.asks().checked_add(reduction.total))
    }
}

/// What a usage line counted.
#[derive(Clone)]
pub(super) struct Traffic {
    pub down_bytes: i64,
    pub up_bytes: i64,
    pub free_bytes: i64,
    pub included_bytes: Option<i64>,
    pub late: bool,
    /// How it was priced, where that is by the gigabyte.
    pub tiers: Option<LineTiers>,
    /// How many segments are behind it, to be taken when it is billed: those that ended in `(after, until]`.
    pub segments: i64,
    pub after: Option<DateTime<Utc>>,
    pub until: DateTime<Utc>,
}

/// One subscription with all that decides what it is billed.
pub(super) struct Facts<'a> {
    pub subscription: SubscriptionId,
    pub currency: Currency,
    pub zone: Tz,
    /// The months from billing day to billing day: what allowances are for.
    pub cycle: Cycle,
    /// What the plan it began with costs at first.
    pub phases: Vec<Introductory>,
    /// Whom its lines are for.
    pub language: &'a str,
    /// Its terms by how their prices are asked for.
    pub stretches: Vec<Stretch>,
    pub terms: &'a [TermRow],
    pub billed: Vec<&'a BilledRow>,
    pub top_ups: Vec<&'a TopUpRow>,
    pub discounts: Vec<&'a DiscountRow>,
    pub contracts: Vec<&'a ContractRow>,
    pub pauses: Vec<&'a PauseRow>,
}

/// What is agreed with an account beside the prices of its plans.
#[derive(Clone, Copy, Default)]
pub(super) struct Deals<'a> {
    pub discounts: &'a [DiscountRow],
    pub contracts: &'a [ContractRow],
    pub pauses: &'a [PauseRow],
}

/// All that is on record about some accounts, each list by account.
pub(super) struct Records {
    pub accounts: Vec<AccountRow>,
    terms: Vec<TermRow>,
    billed: Vec<BilledRow>,
    top_ups: Vec<TopUpRow>,
    discounts: Vec<DiscountRow>,
    charges: Vec<ChargeRow>,
    contracts: Vec<ContractRow>,
    pauses: Vec<PauseRow>,
}

impl Records {
    /// Reads them, with those of the accounts that these pay for; all of these are locked.
    pub(super) async fn of(tx: &mut TenantTx, ids: &[AccountId]) -> Result<Self, Error> {
        let accounts = payers::lock(tx, ids).await?;
        let ids: Vec<_> = accounts.iter().map(|account| account.id.uuid()).collect();
        Ok(Self {
            terms: facts::terms(tx, &ids).await?,
            billed: facts::billed(tx, &ids).await?,
            top_ups: facts::top_ups(tx, &ids).await?,
            discounts: discounts::of(tx, &ids).await?,
            charges: waiting::waiting(tx, &ids, None).await?,
            contracts: contracts::binding(tx, &ids, None).await?,
            pauses: pauses::of(tx, &ids).await?,
            accounts,
        })
    }

    fn facts_of<'a>(&'a self, account: &'a AccountRow) -> Result<Vec<Facts<'a>>, Error> {
        by_subscription(
            account,
            (about(&self.terms, account.id, |row| row.account), about(&self.billed, account.id, |row| row.account)),
            about(&self.top_ups, account.id, |row| row.account),
            Deals {
                discounts: about(&self.discounts, account.id, |row| row.account),
                contracts: about(&self.contracts, account.id, |row| row.account),
                pauses: about(&self.pauses, account.id, |row| row.account),
            },
        )
    }
}

/// The rows about one account, of rows by account.
fn about<T>(rows: &[T], account: AccountId, of: impl Fn(&T) -> AccountId) -> &[T] {
    let from = rows.partition_point(|row| of(row) < account);
    let len = rows[from..].partition_point(|row| of(row) == account);
    &rows[from..from + len]
}

/// An account with what is to be billed for it, or why nothing can be.
pub(super) type Drafted<'a> = (&'a AccountRow, Result<Vec<Draft>, Error>);

/// What one subscription is billed from: its facts, and its pieces that are closed.
type Known<'a> = (Facts<'a>, Vec<usage::Closed<'a>>);

/// The lines of everything due by `as_of`, of every account or why there can be none.
pub(super) async fn draft<'a>(
    tx: &mut TenantTx,
    as_of: NaiveDate,
    records: &'a Records,
    prices: &mut HashMap<AccountId, Prices>,
) -> Result<Vec<Drafted<'a>>, Error> {
    let mut known = Vec::with_capacity(records.accounts.len());
    for account in &records.accounts {
        known.push((account, look_at(tx, as_of, records, account)));
    }
    let subscriptions = known.iter().filter_map(|(_, known)| known.as_ref().ok()).flatten();
    let windows: Vec<_> =
        subscriptions.flat_map(|(facts, closed)| closed.iter().map(move |closed| closed.window(facts))).collect();
    let counted = if windows.is_empty() { Vec::new() } else { facts::count_segments(tx, &windows).await? };
    let counted = counted.into_iter().map(|row| (row.line, row)).collect();
    drop(windows);
    let mut drafts = Vec::with_capacity(known.len());
    for (account, known) in known {
        let prices = prices.entry(account.id).or_insert(Prices::Plan);
        let lines = match known {
            Ok(known) => lines(tx, as_of, &known, &counted, prices).await,
            Err(error) => Err(error),
        };
        let waiting = about(&records.charges, account.id, |row| row.account);
        let lines = lines.and_then(|mut lines| {
            charges::add(tx, (account, as_of), waiting, &mut lines)?;
            Ok(lines)
        });
        drafts.push((account, lines));
    }
    taxing::tax(tx, drafts).await
}

fn look_at<'a>(
    tx: &TenantTx,
    as_of: NaiveDate,
    records: &'a Records,
    account: &'a AccountRow,
) -> Result<Vec<Known<'a>>, Error> {
    let counted_until = as_of.min(local_date(tx.at(), zone(account)?));
    let mut known = Vec::new();
    for facts in records.facts_of(account)? {
        let closed = usage::closed(tx, &facts, counted_until)?;
        known.push((facts, closed));
    }
    Ok(known)
}

async fn lines(
    tx: &mut TenantTx,
    as_of: NaiveDate,
    known: &[Known<'_>],
    counted: &HashMap<InvoiceLineId, CountedRow>,
    prices: &mut Prices,
) -> Result<Vec<Draft>, Error> {
    let mut lines = Vec::new();
    for (facts, closed) in known {
        usage::count(tx, facts, closed, counted, prices, &mut lines).await?;
        recurring::charge(tx, facts, as_of, &mut lines)?;
        top_ups::charge(tx, facts, &mut lines)?;
        // Leaving is charged once it has happened.
        leaving::charge(tx, facts, as_of.min(local_date(tx.at(), facts.zone)), &mut lines)?;
    }
    Ok(lines)
}

/// The currency of an account.
pub(super) fn currency(account: &AccountRow) -> Result<Currency, Error> {
    Ok(Currency::from_code(&account.currency)?)
}

/// The facts of each subscription of an account.
pub(super) fn by_subscription<'a>(
    account: &'a AccountRow,
    (terms, billed): (&'a [TermRow], &'a [BilledRow]),
    top_ups: &'a [TopUpRow],
    deals: Deals<'a>,
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
            phases: phases(&terms[0])?,
            language: &account.language,
            stretches: rhythm::stretches(terms[0].starts_on, billing_day, rhythms(terms)?)?,
            terms,
            billed: billed.iter().filter(|line| line.subscription == terms[0].subscription).collect(),
            top_ups: top_ups.iter().filter(|top_up| top_up.subscription == terms[0].subscription).collect(),
            discounts: deals
                .discounts
                .iter()
                .filter(|discount| discount.subscription == terms[0].subscription)
                .collect(),
            contracts: deals
                .contracts
                .iter()
                .filter(|contract| contract.subscription == terms[0].subscription)
                .collect(),
            pauses: deals.pauses.iter().filter(|pause| pause.subscription == terms[0].subscription).collect(),
        })
    };
    terms.chunk_by(|a, b| a.subscription == b.subscription).map(of_one).collect()
}

/// What the plan of a line's first term costs at first.
pub(super) fn phases(first: &TermRow) -> Result<Vec<Introductory>, MoneyError> {
    first.phases.iter().map(Phase::rule).collect()
}

/// How the price of each term is asked for, from its first day on.
fn rhythms(terms: &[TermRow]) -> Result<Vec<(NaiveDate, Rhythm)>, RulesError> {
    terms.iter().map(|term| Ok((term.from, rhythm_of(term)?))).collect()
}

/// How the price of a term is asked for.
pub(super) fn rhythm_of(term: &TermRow) -> Result<Rhythm, RulesError> {
    let every = match (term.period_months, term.period_days) {
        (Some(months), None) => Every::Months(months.unsigned_abs().into()),
        (None, Some(days)) => Every::Days(days.unsigned_abs().into()),
        _ => return Err(RulesError::Range("billing period")),
    };
    let timing = if term.in_arrears { Timing::InArrears } else { Timing::InAdvance };
    Ok(Rhythm { every, timing })
}

pub(super) fn zone(account: &AccountRow) -> Result<Tz, Error> {
    Ok(account.time_zone.parse().map_err(|_| RulesError::TimeZone(account.time_zone.clone()))?)
}
