//! Prices of usage lines: the plan's, or those a tenant's rule set before the transaction.
//!
//! Accounts are drafted once to learn which lines there are, in a transaction that is rolled back; then the rule is asked
//! about each while no transaction is open; then they are billed, and a price is taken only for a line that is still the same.

use std::collections::HashMap;

use weir_plugin_host::call::UsageLine;

use super::account::Records;
use super::store::runs::RunRow;
use super::{Error, account};
use crate::app::App;
use crate::db::{Scope, TenantTx};
use crate::ids::AccountId;
use crate::plugins::{self, Quote, Quoted};

/// Who sets the prices of usage lines.
pub(super) enum Prices {
    /// The plan.
    Plan,
    /// Nobody yet: lines are collected to be priced.
    Wanted(Vec<UsageLine>),
    /// A tenant's rule.
    Quoted(Quote),
}

impl Prices {
    /// Whether anybody but the plan has a say.
    pub(super) fn are_asked(&self) -> bool {
        !matches!(self, Self::Plan)
    }

    /// What the rule says about a line with something to pay; an error if it is not the line that was priced.
    pub(super) fn of(&mut self, line: UsageLine) -> Result<Option<Quoted>, Error> {
        match self {
            Self::Plan => Ok(None),
            Self::Wanted(lines) => {
                lines.push(line);
                Ok(None)
            }
            Self::Quoted(quote) => quote.of(&line).cloned().map(Some).ok_or(Error::UsageMoved),
        }
    }

    /// Whether the rule is the one that was asked, or none was.
    async fn hold(&self, tx: &mut TenantTx) -> Result<bool, Error> {
        match self {
            Self::Quoted(quote) => Ok(plugins::still_holds(tx, quote).await?),
            Self::Plan | Self::Wanted(_) => Ok(true),
        }
    }
}

/// What came of asking for the prices of some accounts.
#[derive(Default)]
pub(super) struct Asked {
    /// Who sets an account's prices: the plan where nobody is named.
    pub prices: HashMap<AccountId, Prices>,
    /// The accounts that cannot be priced, and why.
    pub failed: Vec<(AccountId, Error)>,
}

impl Asked {
    /// An error if the rule is not the one that was asked: a tenant has one, so any of its quotes will tell.
    pub(super) async fn check(&self, tx: &mut TenantTx) -> Result<(), Error> {
        let quoted = self.prices.values().find(|prices| matches!(prices, Prices::Quoted(_)));
        match quoted {
            Some(prices) if !prices.hold(tx).await? => Err(Error::UsageMoved),
            _ => Ok(()),
        }
    }
}

/// Whether the tenant has a rule that sets prices.
pub(super) async fn is_asked(app: &App, scope: &Scope) -> Result<bool, Error> {
    Ok(plugins::pricing_rule(&mut app.db.read(scope).await?).await?.is_some())
}

/// Asks the tenant's rule, if there is one, for the prices of what a run would bill these accounts.
pub(super) async fn prices(app: &App, scope: &Scope, run: &RunRow, ids: &[AccountId]) -> Result<Asked, Error> {
    let mut asked = Asked::default();
    let Some(rule) = plugins::pricing_rule(&mut app.db.read(scope).await?).await? else { return Ok(asked) };
    let mut tx = app.db.begin(scope).await?;
    let records = Records::of(&mut tx, ids).await?;
    let mut wanted = records.accounts.iter().map(|row| (row.id, Prices::Wanted(Vec::new()))).collect();
    account::draft(&mut tx, run.as_of, &records, &mut wanted).await?;
    drop(tx);
    for row in &records.accounts {
        let Some(Prices::Wanted(lines)) = wanted.remove(&row.id) else { continue };
        let quoted = match account::currency(row) {
            Ok(currency) => {
                plugins::quote(app, scope, rule.clone(), row.id, currency, lines).await.map_err(Error::from)
            }
            Err(error) => Err(error),
        };
        match quoted {
            Ok(quote) => drop(asked.prices.insert(row.id, Prices::Quoted(quote))),
            Err(error) if error.is_passing() => return Err(error),
            Err(error) => asked.failed.push((row.id, error)),
        }
    }
    Ok(asked)
}
