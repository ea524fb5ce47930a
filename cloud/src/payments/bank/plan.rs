//! What a file would do, decided entry by entry; the same decision is carried out by an import.

use std::collections::{HashMap, HashSet};

use weir_rules::money::{Currency, Money};
use weir_rules::reference;

use super::statement::{Entry, Statement};
use super::{BankFile, Columns, Fate, PlannedEntry, PlannedStatement, camt, csv, store};
use crate::db::TenantTx;
use crate::ids::{AccountId, BankFileId};
use crate::payments::Error;
use crate::tenants;

/// A statement with what becomes of each entry.
pub(super) struct Decided {
    pub statement: Statement,
    pub iban: String,
    pub currency: Currency,
    pub fates: Vec<Decision>,
}

/// What becomes of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Pays(AccountId),
    Waits(&'static str),
    WentOut,
    Known,
}

/// What a file holds and would do, or why it cannot be imported.
pub async fn plan(tx: &mut TenantTx, id: BankFileId) -> Result<BankFile, Error> {
    let row = store::file(tx, id).await?.ok_or(Error::FileNotFound(id))?;
    let (statements, refused) = match decide(tx, &row).await {
        Ok(decided) => (decided.iter().map(planned).collect(), None),
        Err(Error::FileRefused(why)) => (Vec::new(), Some(why)),
        Err(error) => return Err(error),
    };
    // Imported, every entry would be known, and the statement refused as one that is there.
    let refused = refused.filter(|_| row.imported_at.is_none());
    Ok(BankFile {
        id,
        name: row.name,
        given_by: row.given_by,
        given_at: row.given_at,
        imported_at: row.imported_at,
        refused,
        statements,
    })
}

fn planned(decided: &Decided) -> PlannedStatement {
    let statement = &decided.statement;
    let entries = statement.entries.iter().zip(&decided.fates).map(|(entry, fate)| PlannedEntry {
        booked_on: entry.booked_on,
        amount: entry.amount,
        payer: entry.payer_name.clone(),
        remittance: written(entry),
        fate: match fate {
            Decision::Pays(_) => Fate::Pays,
            Decision::Waits(_) => Fate::Waits,
            Decision::WentOut => Fate::WentOut,
            Decision::Known => Fate::Known,
        },
        account_id: if let Decision::Pays(account) = fate { Some(*account) } else { None },
        why: if let Decision::Waits(why) = fate { Some((*why).to_owned()) } else { None },
    });
    PlannedStatement {
        reference: statement.reference.clone(),
        iban: decided.iban.clone(),
        from_on: statement.from_on,
        to_on: statement.to_on,
        opening: statement.balances.map(|(opening, _)| opening),
        closing: statement.balances.map(|(_, closing)| closing),
        entries: entries.collect(),
    }
}

/// Everything the payer wrote.
pub(super) fn written(entry: &Entry) -> String {
    [entry.structured.as_str(), entry.remittance.as_str()].join(" ").trim().to_owned()
}

/// Reads a file and decides, or refuses it whole.
pub(super) async fn decide(tx: &mut TenantTx, file: &store::FileRow) -> Result<Vec<Decided>, Error> {
    let refused = |why: String| Error::FileRefused(why);
    let tenant = tenants::tenant(tx).await?;
    let own = reference::iban(&tenant.bank_iban)
        .ok_or_else(|| refused("enter the IBAN of the bank account under Settings first".into()))?;
    let text = std::str::from_utf8(&file.content).map_err(|_| refused("the file is not UTF-8 text".into()))?;
    let statements = match &file.columns {
        None => camt::read(text).map_err(refused)?,
        Some(columns) => {
            let columns: Columns =
                serde_json::from_value(columns.clone()).map_err(|error| refused(error.to_string()))?;
            vec![csv::read(text, &columns, Currency::from_code(&tenant.currency)?).map_err(refused)?]
        }
    };
    let accounts = accounts(tx).await?;
    let mut last = store::last_closing(tx, &own).await?;
    let (mut decided, mut in_file) = (Vec::new(), HashSet::new());
    for statement in statements {
        let currency = check(&statement, &own, &tenant.currency, last.as_ref()).map_err(refused)?;
        if store::has_statement(tx, &own, &statement.reference).await? {
            return Err(refused(format!("statement {} was imported before", statement.reference)));
        }
        let days = (statement.from_on, statement.to_on);
        if let Some(other) = store::other_kind(tx, &own, days, statement.balances.is_some()).await? {
            return Err(refused(format!(
                "statement {other} has entries of days between {} and {} already, from a file of another kind: its entries have other names there, and would be counted twice",
                days.0, days.1
            )));
        }
        if let Some((_, closing)) = statement.balances {
            last = Some((statement.reference.clone(), closing.amount()));
        }
        let names: Vec<_> = statement.entries.iter().map(|entry| name_of(&statement, entry)).collect();
        let known: HashSet<_> = store::known_entries(tx, &own, &names).await?.into_iter().collect();
        let mut fates = Vec::new();
        for (entry, name) in statement.entries.iter().zip(&names) {
            if !in_file.insert(name.clone()) {
                return Err(refused(format!(
                    "statement {}: entry {:?} is there twice",
                    statement.reference, entry.reference
                )));
            }
            fates.push(if known.contains(name) { Decision::Known } else { fate(entry, &accounts) });
        }
        decided.push(Decided { statement, iban: own.clone(), currency, fates });
    }
    Ok(decided)
}

/// The name an entry is kept under: banks number them within a statement, a CSV file has no statements.
pub(super) fn name_of(statement: &Statement, entry: &Entry) -> String {
    match statement.balances {
        Some(_) => format!("{}/{}", statement.reference, entry.reference),
        None => entry.reference.clone(),
    }
}

/// Whether a statement is of our account, adds up, and follows the one before.
fn check(
    statement: &Statement,
    own: &str,
    currency: &str,
    last: Option<&(String, rust_decimal::Decimal)>,
) -> Result<Currency, String> {
    let name = &statement.reference;
    if let Some(iban) = &statement.iban
        && reference::body_of(iban) != own
    {
        return Err(format!("statement {name} is of the account {iban}, not of {own}"));
    }
    let known = Currency::from_code(currency).map_err(|error| error.to_string())?;
    let amounts = statement.entries.iter().map(|entry| entry.amount);
    let balances = statement.balances.into_iter().flat_map(|(opening, closing)| [opening, closing]);
    if let Some(foreign) = amounts.clone().chain(balances).find(|amount| amount.currency() != known) {
        return Err(format!("statement {name} is in {}, the bank account in {known}", foreign.currency()));
    }
    let Some((opening, closing)) = statement.balances else { return Ok(known) };
    let sum = Money::sum(known, amounts.chain([opening])).map_err(|error| error.to_string())?;
    if sum != closing {
        return Err(format!("statement {name} does not add up: {opening} and its entries are {sum}, not {closing}"));
    }
    match last {
        Some((before, closed)) if *closed != opening.amount() => Err(format!(
            "statement {name} begins with {opening}, but statement {before} ended with {closed} {known}: one between them is missing"
        )),
        _ => Ok(known),
    }
}

/// Accounts by the body of their reference.
async fn accounts(tx: &mut TenantTx) -> Result<HashMap<String, (AccountId, String)>, Error> {
    let rows = store::accounts(tx).await?;
    Ok(rows.into_iter().map(|(id, number, currency)| (reference::body_of(&number), (id, currency))).collect())
}

fn fate(entry: &Entry, accounts: &HashMap<String, (AccountId, String)>) -> Decision {
    if entry.amount.is_negative() {
        return Decision::WentOut;
    }
    let named = reference::creditor_body(&entry.structured).or_else(|| reference::creditor_body_in(&entry.remittance));
    match named.as_ref().map(|body| accounts.get(body)) {
        _ if entry.reversed => Decision::Waits("no_reference"),
        None => Decision::Waits("no_reference"),
        Some(None) => Decision::Waits("unknown_reference"),
        Some(Some((_, currency))) if currency != entry.amount.currency().code() => Decision::Waits("currency_differs"),
        Some(Some((account, _))) => Decision::Pays(*account),
    }
}
