//! Bills accounts together, in the caller's transaction: facts of a kind in one query, lines by the rules, rows of a kind in
//! one statement. One account is a batch of one.

use super::account::{self, Records};
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
    let Asked { mut prices, mut failed } = asked;
    let mut ids = ids.to_vec();
    ids.retain(|id| failed.iter().all(|(failed, _)| failed != id));
    tx.look_up_by_keys().await?;
    let records = Records::of(tx, &ids).await?;
    let mut drafts = Vec::new();
    for (account, lines) in account::draft(tx, run.as_of, &records, &mut prices).await? {
        match lines {
            Ok(lines) if lines.iter().all(|line| line.asks().is_zero() && line.priced_by.is_none()) => {}
            Ok(lines) => drafts.push((account, lines)),
            Err(error) if error.is_of_the_account() => failed.push((account.id, error)),
            Err(error) => return Err(error),
        }
    }
    if !drafts.is_empty() {
        failed.extend(issue::issue(tx, run.id, &drafts).await?);
    }
    ids.retain(|id| failed.iter().all(|(failed, _)| failed != id));
    store::faults::forget(tx, &ids).await?;
    note(tx, run, &failed).await
}

/// Notes that accounts cannot be billed. It stops them, not the run.
pub(super) async fn note(tx: &mut TenantTx, run: &RunRow, failed: &[(AccountId, Error)]) -> Result<(), Error> {
    for (account, refused) in failed {
        tracing::error!(%account, error = %refused, "an account cannot be billed");
        store::runs::fault(tx, run.id, &format!("{account}: {refused}")).await?;
        store::faults::note(tx, *account, run.id, &refused.to_string()).await?;
    }
    Ok(())
}
