//! Carries out what a plan says, in one transaction: all of a file or nothing.

use super::plan::{Decided, Decision, decide, name_of, written};
use super::{BankFile, plan, store};
use crate::audit;
use crate::billing;
use crate::db::TenantTx;
use crate::ids::{BankFileId, BankStatementId};
use crate::payments::service::{self, Came, Receipt};
use crate::payments::store::suspense::SuspenseRow;
use crate::payments::{Error, Method, suspense};

const REFERENCE_MAX: usize = 200;

/// Imports a file: every entry a row, matches paid, the rest in suspense. Imported again it changes nothing.
pub async fn import(tx: &mut TenantTx, id: BankFileId) -> Result<BankFile, Error> {
    store::lock_file(tx, id).await?;
    let row = store::file(tx, id).await?.ok_or(Error::FileNotFound(id))?;
    if row.imported_at.is_some() {
        return plan(tx, id).await;
    }
    let decided = decide(tx, &row).await?;
    // Accounts are locked in the order of their ids, as billing does.
    let mut paid: Vec<_> = decided
        .iter()
        .flat_map(|one| &one.fates)
        .filter_map(|fate| if let Decision::Pays(account) = fate { Some(*account) } else { None })
        .collect();
    paid.sort_unstable();
    paid.dedup();
    for account in paid {
        billing::lock_account(tx, account).await?;
    }
    let told = plan(tx, id).await?;
    for one in decided {
        import_statement(tx, id, one).await?;
    }
    store::imported(tx, id).await?;
    audit::record(tx, "import bank file", id, serde_json::json!({ "name": row.name })).await?;
    let at = tx.at();
    Ok(BankFile { imported_at: Some(at), ..told })
}

async fn import_statement(tx: &mut TenantTx, file_id: BankFileId, decided: Decided) -> Result<(), Error> {
    let statement = &decided.statement;
    let id: BankStatementId = tx.new_id();
    let row = store::StatementRow {
        id,
        file_id,
        iban: decided.iban.clone(),
        reference: statement.reference.clone(),
        currency: decided.currency.code().to_owned(),
        from_on: statement.from_on,
        to_on: statement.to_on,
        opening: statement.balances.map(|(opening, _)| opening.amount()),
        closing: statement.balances.map(|(_, closing)| closing.amount()),
        imported_at: tx.at(),
    };
    store::insert_statement(tx, &row).await?;
    let today = billing::today(tx).await?;
    for (index, (entry, fate)) in statement.entries.iter().zip(&decided.fates).enumerate() {
        if *fate == Decision::Known {
            continue;
        }
        let row = store::EntryRow {
            id: tx.new_id(),
            statement_id: id,
            iban: decided.iban.clone(),
            position: i32::try_from(index + 1).unwrap_or(i32::MAX),
            reference: name_of(statement, entry),
            booked_on: entry.booked_on,
            currency: entry.amount.currency().code().to_owned(),
            amount: entry.amount.amount(),
            payer_name: entry.payer_name.clone(),
            payer_iban: entry.payer_iban.clone(),
            remittance: written(entry),
        };
        store::insert_entry(tx, &row).await?;
        match fate {
            Decision::Pays(account) => {
                let receipt = Receipt {
                    account: *account,
                    method: Method::BankTransfer,
                    amount: entry.amount,
                    received_on: entry.booked_on.min(today),
                    reference: row.remittance.chars().take(REFERENCE_MAX).collect(),
                    came: Came::ToTheBank(row.id),
                };
                service::receive(tx, receipt).await?;
            }
            Decision::Waits(why) => {
                suspense::hold(tx, &waiting(tx, row, why, today)).await?;
            }
            Decision::WentOut | Decision::Known => {}
        }
    }
    Ok(())
}

fn waiting(tx: &TenantTx, row: store::EntryRow, why: &str, today: chrono::NaiveDate) -> SuspenseRow {
    SuspenseRow {
        id: tx.new_id(),
        place: "bank".into(),
        bank_entry_id: Some(row.id),
        reference: None,
        intent: None,
        account_id: None,
        currency: row.currency,
        amount: row.amount,
        received_on: row.booked_on.min(today),
        payer: row.payer_name,
        about: row.remittance,
        why: why.to_owned(),
    }
}
