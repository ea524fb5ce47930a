//! Prices of usage lines: the plan's, or those a tenant's rule set before the transaction.
//!
//! An account is drafted once to learn which lines there are, in a transaction that is rolled back; then the rule is asked
//! while no transaction is open; then the account is billed, and a price is taken only for a line that is still the same.

use weir_plugin_host::call::UsageLine;

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

    /// An error if the rule is not the one that was asked.
    pub(super) async fn check(&self, tx: &mut TenantTx) -> Result<(), Error> {
        match self {
            Self::Quoted(quote) if !plugins::still_holds(tx, quote).await? => Err(Error::UsageMoved),
            _ => Ok(()),
        }
    }
}

/// Asks the tenant's rule, if there is one, for the prices of what a run would bill an account.
pub(super) async fn prices(app: &App, scope: &Scope, run: &RunRow, id: AccountId) -> Result<Prices, Error> {
    let Some(rule) = plugins::pricing_rule(&mut app.db.read(scope).await?).await? else { return Ok(Prices::Plan) };
    let mut tx = app.db.begin(scope).await?;
    let mut wanted = Prices::Wanted(Vec::new());
    let (account, _) = account::draft(&mut tx, run.as_of, id, &mut wanted).await?;
    drop(tx);
    let (Prices::Wanted(lines), currency) = (wanted, account::currency(&account)?) else { return Ok(Prices::Plan) };
    Ok(Prices::Quoted(plugins::quote(app, scope, rule, id, currency, lines).await?))
}
