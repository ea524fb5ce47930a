//! On whose invoice a line stands: its account's own, or that of the account that pays for it.
//!
//! What is charged goes to whoever pays now. What is given back goes to whoever was charged, also when another pays by now.

use std::collections::{BTreeMap, HashMap, HashSet};

use uuid::Uuid;
use weir_rules::tax_profile::TaxScope;

use super::account::{Draft, Drafted, Records};
use super::error::RulesError;
use super::store::facts::{self, AccountRow};
use super::store::payers as store;
use super::{Error, PaidFor, taxing};
use crate::db::TenantTx;
use crate::ids::{AccountId, InvoiceLineId};
use crate::tenants;

/// What is to be put on the next invoice of an account.
pub(super) type Bill<'a> = (&'a AccountRow, Vec<Draft>);

/// Accounts there can be no bill for, and why.
pub(super) type Unbilled = Vec<(AccountId, Error)>;

/// These accounts and those they pay for, locked; without those that somebody else pays for, who has to be asked for them.
pub(super) async fn lock(tx: &mut TenantTx, ids: &[AccountId]) -> Result<Vec<AccountRow>, Error> {
    let mut all: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
    all.extend(store::paid_by(tx, &all).await?);
    let mut rows = facts::lock_accounts(tx, &all).await?;
    let ids: HashSet<_> = ids.iter().copied().collect();
    // Only now: a payer may have come or gone before they were locked.
    rows.retain(|row| ids.contains(&row.payer()));
    Ok(rows)
}

/// Who is billed for the lines of some accounts.
pub(super) struct Payers {
    /// Those of the lines that are given back.
    charged: HashMap<InvoiceLineId, AccountId>,
    /// Accounts that were charged and do not pay any more.
    former: Vec<AccountRow>,
    /// What invoices call the accounts that others pay for.
    paid_for: HashMap<AccountId, PaidFor>,
    /// Where tax is rounded.
    scope: TaxScope,
}

impl Payers {
    /// Reads them; those who get something back are locked, too.
    pub(super) async fn of(tx: &mut TenantTx, records: &Records, drafted: &[Drafted<'_>]) -> Result<Self, Error> {
        let lines = drafted.iter().filter_map(|(_, lines)| lines.as_ref().ok()).flatten();
        let credited: Vec<_> = lines.filter_map(|line| line.credits).map(InvoiceLineId::uuid).collect();
        let charged = if credited.is_empty() { HashMap::new() } else { store::billed_to(tx, &credited).await? };
        let known: HashSet<_> = records.accounts.iter().map(|account| account.id).collect();
        let others: Vec<_> = charged.values().filter(|account| !known.contains(account)).map(|id| id.uuid()).collect();
        let former = if others.is_empty() { Vec::new() } else { facts::lock_accounts(tx, &others).await? };
        let by_another = |(account, lines): &&Drafted<'_>| {
            lines.iter().flatten().any(|line| billed_to(&charged, account, line) != account.id)
        };
        let accounts: Vec<_> = drafted.iter().filter(by_another).map(|(account, _)| *account).collect();
        let paid_for = names(tx, &accounts).await?;
        let scope = taxing::scope_of(tenants::tenant(tx).await?.tax_rounding);
        Ok(Self { charged, former, paid_for, scope })
    }

    /// The bills of what was drafted, own lines first; and the accounts of which there can be none, with why.
    pub(super) fn bills<'a>(
        &'a self,
        records: &'a Records,
        drafted: Vec<Drafted<'_>>,
    ) -> Result<(Vec<Bill<'a>>, Unbilled), Error> {
        let (mut bills, mut failed): (BTreeMap<AccountId, Vec<Draft>>, _) = (BTreeMap::new(), Vec::new());
        for (account, lines) in drafted {
            match lines {
                Ok(lines) => {
                    for mut line in lines {
                        let billed = billed_to(&self.charged, account, &line);
                        line.paid_for = self.paid_for.get(&account.id).filter(|_| billed != account.id).cloned();
                        bills.entry(billed).or_default().push(line);
                    }
                }
                Err(error) if error.is_of_the_account() => failed.push((account.id, error)),
                Err(error) => return Err(error),
            }
        }
        let rows: HashMap<_, _> = records.accounts.iter().chain(&self.former).map(|row| (row.id, row)).collect();
        let bills = bills.into_iter().map(|(account, mut lines)| {
            lines.sort_by(|a, b| number(a).cmp(&number(b)));
            // The nets inside were found account by account; on one document they add up together.
            if lines.iter().any(|line| line.paid_for.is_some()) {
                taxing::take_tax_out_of_charges(&mut lines, self.scope)?;
            }
            let row = rows.get(&account).copied().ok_or(RulesError::Range("account that pays"))?;
            Ok((row, lines))
        });
        Ok((bills.collect::<Result<_, Error>>()?, failed))
    }
}

fn billed_to(charged: &HashMap<InvoiceLineId, AccountId>, account: &AccountRow, line: &Draft) -> AccountId {
    line.credits.and_then(|credited| charged.get(&credited).copied()).unwrap_or(account.payer())
}

/// What invoices call these accounts.
pub(super) async fn names(tx: &mut TenantTx, accounts: &[&AccountRow]) -> Result<HashMap<AccountId, PaidFor>, Error> {
    if accounts.is_empty() {
        return Ok(HashMap::new());
    }
    let ids: Vec<Uuid> = accounts.iter().map(|account| account.id.uuid()).collect();
    let mut places = store::places(tx, &ids).await?;
    let name = |account: &&AccountRow| PaidFor {
        account_id: account.id,
        number: account.number.clone(),
        name: account.subscriber.clone(),
        place: places.remove(&account.id).unwrap_or_default(),
    };
    Ok(accounts.iter().map(name).map(|paid| (paid.account_id, paid)).collect())
}

/// The number of the account a line is for, if that is another than is billed.
fn number(line: &Draft) -> Option<&str> {
    line.paid_for.as_ref().map(|paid| paid.number.as_str())
}

/// The other accounts that lines are for.
pub(super) fn paid_for<'a>(lines: impl IntoIterator<Item = &'a Draft>) -> Vec<PaidFor> {
    let mut found: Vec<PaidFor> = Vec::new();
    for paid in lines.into_iter().filter_map(|line| line.paid_for.as_ref()) {
        if !found.iter().any(|known| known.account_id == paid.account_id) {
            found.push(paid.clone());
        }
    }
    found
}
