//! Bills accounts together, in the caller's transaction: facts of a kind in one query, lines by the rules, rows of a kind in
//! one statement. One account is a batch of one.

use super::account::{self, Records};
use super::payers::{self, Payers};
use super::pricing::Asked;
use super::store::runs::RunRow;
use super::{Error, issue, store};
use crate::db::TenantTx;
use crate::ids::AccountId;

/// Bills everything due of these accounts. Doing it again issues nothing. Whoever cannot be billed is noted and left out; an
/// error is about all of them: whoever asked must not commit then.
///
/// No invoice is issued of which every line is nothing: its traffic waits for the account's next one. What a rule priced is
/// settled all the same, whatever it came to.
pub(super) async fn bill(tx: &mut TenantTx, run: &RunRow, ids: &[AccountId], asked: Asked) -> Result<(), Error> {
    asked.check(tx).await?;
    let Asked { mut prices, failed: unpriced } = asked;
    let mut failed: Vec<_> = unpriced.into_iter().map(|(account, error)| (account, error.to_string())).collect();
    tx.look_up_by_keys().await?;
    let records = Records::of(tx, ids).await?;
    let mut drafted = account::draft(tx, run.as_of, &records, &mut prices).await?;
    drafted.retain(|(account, _)| failed.iter().all(|(failed, _)| *failed != account.id));
    let payers = Payers::of(tx, &records, &drafted).await?;
    let (mut bills, cannot) = payers.bills(&records, drafted)?;
    failed.extend(cannot.into_iter().map(|(account, error)| (account, error.to_string())));
    bills.retain(|(_, lines)| lines.iter().any(|line| !line.asks().is_zero() || line.priced_by.is_some()));
    if !bills.is_empty() {
        for (billed, error) in issue::issue(tx, run.id, &bills).await? {
            let lines = bills.iter().filter(|(account, _)| account.id == billed).flat_map(|(_, lines)| lines);
            failed.extend(payers::paid_for(lines).into_iter().map(|paid| (paid.account_id, error.to_string())));
            failed.push((billed, error.to_string()));
        }
    }
    let mut ids: Vec<_> = records.accounts.iter().map(|account| account.id).collect();
    ids.retain(|id| failed.iter().all(|(failed, _)| failed != id));
    store::faults::forget(tx, &ids).await?;
    note(tx, run, &failed).await
}

/// Notes that accounts cannot be billed. It stops them, not the run.
pub(super) async fn note(tx: &mut TenantTx, run: &RunRow, failed: &[(AccountId, String)]) -> Result<(), Error> {
    for (account, refused) in failed {
        tracing::error!(%account, error = %refused, "an account cannot be billed");
        store::runs::fault(tx, run.id, &format!("{account}: {refused}")).await?;
        store::faults::note(tx, *account, run.id, refused).await?;
    }
    Ok(())
}
