//! How accounts stand, as the rules want to know it.

use std::collections::HashMap;

use chrono::NaiveDate;
use weir_rules::access::HoldEffect;
use weir_rules::calendar::local_date;
use weir_rules::dunning::{Case, Charged, Item, Standing};
use weir_rules::money::{Currency, Money};

use super::Error;
use super::store::standing::{self as store, AccountRow};
use crate::db::TenantTx;
use crate::ids::{AccountId, DunningCaseId, InvoiceId};

/// An account with what the rules and those who carry out their plans have to know.
pub(super) struct Known {
    pub account: AccountId,
    pub number: String,
    pub subscriber: String,
    pub case: Option<DunningCaseId>,
    pub facts: Standing<InvoiceId>,
    pub numbers: HashMap<InvoiceId, String>,
    pub today: NaiveDate,
}

impl Known {
    /// What is past its due date, and since when.
    pub fn overdue(&self) -> Result<(Money, Option<NaiveDate>), Error> {
        let late = self.facts.items.iter().filter(|item| item.due_on < self.today);
        let currency = self.facts.pending.currency();
        let since = late.clone().map(|item| item.due_on).min();
        Ok((Money::sum(currency, late.map(|item| item.open))?, since))
    }

    /// Numbers of the invoices that have one.
    pub fn numbers_of(&self, invoices: &[InvoiceId]) -> Vec<String> {
        invoices.iter().filter_map(|invoice| self.numbers.get(invoice).cloned()).collect()
    }
}

/// Accounts with something open that is due within `ahead` days, at work on, or held; only of these if given.
pub(super) async fn standings(tx: &mut TenantTx, only: Option<&[AccountId]>, ahead: u32) -> Result<Vec<Known>, Error> {
    let rows = store::accounts(tx, only, i32::try_from(ahead).unwrap_or(i32::MAX)).await?;
    let accounts: Vec<_> = rows.iter().map(|row| row.account.uuid()).collect();
    let cases: Vec<_> = rows.iter().filter_map(|row| row.case).map(DunningCaseId::uuid).collect();
    let (mut known, mut place) = (Vec::new(), HashMap::new());
    for row in rows {
        place.insert(row.account, known.len());
        known.push(begin(tx, row)?);
    }
    for row in store::items(tx, &accounts).await? {
        let Some(one) = place.get(&row.account).and_then(|place| known.get_mut(*place)) else { continue };
        let open = Money::new(row.open, one.facts.pending.currency())?;
        one.numbers.insert(row.invoice, row.number);
        one.facts.items.push(Item { invoice: row.invoice, due_on: row.due_on, open, is_fee: row.is_fee });
    }
    for (account, currency, amount) in store::pending(tx, &accounts).await? {
        let Some(one) = place.get(&account).and_then(|place| known.get_mut(*place)) else { continue };
        let amount = Money::new(amount, Currency::from_code(&currency)?)?;
        one.facts.pending = one.facts.pending.checked_add(amount)?;
    }
    for row in store::charged(tx, &accounts).await? {
        let Some(one) = place.get(&row.account).and_then(|place| known.get_mut(*place)) else { continue };
        let amount = Money::new(row.amount, Currency::from_code(&row.currency)?)?;
        let step = number(row.step)?;
        one.facts.charged.push(Charged { invoice: row.invoice, step, amount, on: row.charged_on });
    }
    let mut done: HashMap<DunningCaseId, Vec<i32>> = HashMap::new();
    for (case, step) in store::steps(tx, &cases).await? {
        done.entry(case).or_default().push(step);
    }
    for one in &mut known {
        let steps = one.case.and_then(|case| done.remove(&case)).unwrap_or_default();
        if let Some(case) = &mut one.facts.case {
            case.done = steps.into_iter().map(number).collect::<Result<_, _>>()?;
        }
    }
    Ok(known)
}

fn begin(tx: &TenantTx, row: AccountRow) -> Result<Known, Error> {
    let zone = row.time_zone.parse().map_err(|_| Error::Setting("the account's time zone"))?;
    let (promised_on, paused_until) = (row.promised_on, row.paused_until);
    let case = row.due_on.map(|due_on| Case { due_on, done: Default::default(), promised_on, paused_until });
    let held = row.held.map(|held| match held {
        1 => HoldEffect::Throttled,
        2 => HoldEffect::WalledGarden,
        _ => HoldEffect::Closed,
    });
    let pending = Money::zero(Currency::from_code(&row.currency)?);
    Ok(Known {
        account: row.account,
        number: row.number,
        subscriber: row.subscriber,
        case: row.case,
        facts: Standing { zone, items: Vec::new(), pending, held, case, charged: Vec::new() },
        numbers: HashMap::new(),
        today: local_date(tx.at(), zone),
    })
}

fn number(step: i32) -> Result<u16, Error> {
    u16::try_from(step).map_err(|_| Error::Setting("the number of a step"))
}
