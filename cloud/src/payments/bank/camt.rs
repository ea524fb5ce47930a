//! camt.053 of ISO 20022, versions 2 to 13: the parts that say what came in and from whom.

use chrono::NaiveDate;
use quick_xml::de;
use rust_decimal::Decimal;
use serde::Deserialize;
use weir_rules::money::{Currency, Money};

use super::statement::{Entry, Statement};

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "BkToCstmrStmt")]
    message: Message,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Stmt", default)]
    statements: Vec<Stmt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Stmt {
    id: String,
    acct: Acct,
    #[serde(default)]
    bal: Vec<Bal>,
    #[serde(default)]
    ntry: Vec<Ntry>,
    cre_dt_tm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Acct {
    id: Option<AcctId>,
    ccy: Option<String>,
}

#[derive(Deserialize)]
struct AcctId {
    #[serde(rename = "IBAN")]
    iban: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Bal {
    tp: BalTp,
    amt: Amt,
    cdt_dbt_ind: String,
    dt: When,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BalTp {
    cd_or_prtry: Cd,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase")]
struct Cd {
    cd: Option<String>,
}

#[derive(Deserialize)]
struct Amt {
    #[serde(rename = "@Ccy")]
    currency: String,
    #[serde(rename = "$text")]
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct When {
    dt: Option<String>,
    dt_tm: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ntry {
    amt: Amt,
    cdt_dbt_ind: String,
    #[serde(default)]
    rvsl_ind: Option<String>,
    sts: Option<Sts>,
    bookg_dt: Option<When>,
    acct_svcr_ref: Option<String>,
    #[serde(default)]
    ntry_dtls: Vec<NtryDtls>,
    addtl_ntry_inf: Option<String>,
}

/// A code until version 7, then an element with one.
#[derive(Deserialize)]
struct Sts {
    #[serde(rename = "Cd")]
    code: Option<String>,
    #[serde(rename = "$text")]
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NtryDtls {
    #[serde(default)]
    tx_dtls: Vec<TxDtls>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct TxDtls {
    refs: Option<Refs>,
    amt: Option<Amt>,
    amt_dtls: Option<AmtDtls>,
    rltd_pties: Option<RltdPties>,
    rmt_inf: Option<RmtInf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AmtDtls {
    tx_amt: Option<TxAmt>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TxAmt {
    amt: Amt,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Refs {
    acct_svcr_ref: Option<String>,
    end_to_end_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RltdPties {
    dbtr: Option<Party>,
    dbtr_acct: Option<Acct>,
}

/// A name until version 7, then a party with one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Party {
    nm: Option<String>,
    pty: Option<Pty>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Pty {
    nm: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct RmtInf {
    ustrd: Vec<String>,
    strd: Vec<Strd>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Strd {
    cdtr_ref_inf: Option<CdtrRefInf>,
    addtl_rmt_inf: Vec<String>,
}

#[derive(Deserialize)]
struct CdtrRefInf {
    #[serde(rename = "Ref")]
    reference: Option<String>,
}

/// Reads a file; the error says where it is not a camt.053.
pub(super) fn read(text: &str) -> Result<Vec<Statement>, String> {
    let document: Document =
        de::from_str(text).map_err(|error| format!("this is not a camt.053 statement: {error}"))?;
    if document.message.statements.is_empty() {
        return Err("the file has no statement".into());
    }
    document.message.statements.into_iter().map(statement).collect()
}

fn statement(found: Stmt) -> Result<Statement, String> {
    let name = found.id.trim().to_owned();
    let told = |error: String| format!("statement {name}: {error}");
    let balance = |codes: &[&str]| {
        let of = |bal: &&Bal| bal.tp.cd_or_prtry.cd.as_deref().is_some_and(|code| codes.contains(&code));
        found.bal.iter().find(of)
    };
    let opening = balance(&["OPBD", "PRCD"]).ok_or_else(|| told("it has no opening balance".into()))?;
    let closing = balance(&["CLBD"]).ok_or_else(|| told("it has no closing balance".into()))?;
    let sums = (signed(&opening.amt, &opening.cdt_dbt_ind), signed(&closing.amt, &closing.cdt_dbt_ind));
    let balances = (sums.0.map_err(told)?, sums.1.map_err(told)?);
    let iban = found.acct.id.and_then(|id| id.iban).ok_or_else(|| told("it names no IBAN".into()))?;
    if found.acct.ccy.as_deref().is_some_and(|code| code != balances.1.currency().code()) {
        return Err(told("its account and its balances are in two currencies".into()));
    }
    let to_on = day(&closing.dt).or_else(|| found.cre_dt_tm.as_deref().and_then(date));
    let to_on = to_on.ok_or_else(|| told("its closing balance has no day".into()))?;
    let mut entries = Vec::new();
    for (position, entry) in found.ntry.into_iter().enumerate() {
        read_entry(entry, position, to_on, &mut entries)
            .map_err(|error| told(format!("entry {}: {error}", position + 1)))?;
    }
    let from_on = entries.iter().map(|entry| entry.booked_on).min().or_else(|| day(&opening.dt)).unwrap_or(to_on);
    Ok(Statement {
        reference: name,
        iban: Some(iban),
        balances: Some(balances),
        from_on: from_on.min(to_on),
        to_on,
        entries,
    })
}

fn read_entry(entry: Ntry, position: usize, to_on: NaiveDate, into: &mut Vec<Entry>) -> Result<(), String> {
    let status = entry.sts.and_then(|status| status.code.or(status.text)).unwrap_or_else(|| "BOOK".into());
    // What is only announced will be booked on another statement.
    if status.trim() != "BOOK" {
        return Ok(());
    }
    let reversed = matches!(entry.rvsl_ind.as_deref().map(str::trim), Some("true" | "1"));
    let whole = signed(&entry.amt, &entry.cdt_dbt_ind)?;
    let booked_on = entry.bookg_dt.as_ref().and_then(day).unwrap_or(to_on);
    let name = entry.acct_svcr_ref.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let name = name.unwrap_or_else(|| format!("entry {}", position + 1));
    let details: Vec<TxDtls> = entry.ntry_dtls.into_iter().flat_map(|details| details.tx_dtls).collect();
    // A batch is its payments, if they add up to it; else it is one sum.
    let parts: Option<Vec<Money>> = details
        .iter()
        .map(|detail| part(detail, &entry.cdt_dbt_ind).filter(|part| part.currency() == whole.currency()))
        .collect();
    let adds_up =
        |parts: &Vec<Money>| Money::sum(whole.currency(), parts.iter().copied()).is_ok_and(|sum| sum == whole);
    let split = parts.filter(|parts| parts.len() > 1 && adds_up(parts));
    let about = entry.addtl_ntry_inf.unwrap_or_default();
    let make = |detail: &TxDtls, amount: Money, index: usize| {
        let own = detail
            .refs
            .as_ref()
            .and_then(|refs| refs.acct_svcr_ref.as_deref())
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let reference = match (split.is_some(), own) {
            (true, Some(own)) => format!("{name}/{own}/{index}"),
            (true, None) => format!("{name}/{index}"),
            (false, _) => name.clone(),
        };
        Entry { reversed, ..entry_of(detail, reference, booked_on, amount, &about) }
    };
    match &split {
        Some(parts) => {
            into.extend(details.iter().zip(parts).enumerate().map(|(i, (detail, part))| make(detail, *part, i)))
        }
        None => into.push(make(details.first().unwrap_or(&TxDtls::default()), whole, 0)),
    }
    Ok(())
}

fn entry_of(detail: &TxDtls, reference: String, booked_on: NaiveDate, amount: Money, about: &str) -> Entry {
    let parties = detail.rltd_pties.as_ref();
    let name = parties.and_then(|parties| parties.dbtr.as_ref());
    let name = name.and_then(|party| party.nm.clone().or_else(|| party.pty.as_ref()?.nm.clone()));
    let iban = parties.and_then(|parties| parties.dbtr_acct.as_ref()?.id.as_ref()?.iban.clone());
    let written = detail.rmt_inf.as_ref();
    let structured =
        written.and_then(|written| written.strd.iter().find_map(|strd| strd.cdtr_ref_inf.as_ref()?.reference.clone()));
    let mut remittance: Vec<String> = written.map(|written| written.ustrd.clone()).unwrap_or_default();
    remittance
        .extend(written.into_iter().flat_map(|written| &written.strd).flat_map(|strd| strd.addtl_rmt_inf.clone()));
    let end_to_end = detail.refs.as_ref().and_then(|refs| refs.end_to_end_id.clone());
    remittance.extend(end_to_end.filter(|text| text != "NOTPROVIDED"));
    if remittance.is_empty() && !about.is_empty() {
        remittance.push(about.to_owned());
    }
    Entry {
        reference,
        booked_on,
        amount,
        payer_name: name.unwrap_or_default(),
        payer_iban: iban.unwrap_or_default(),
        structured: structured.unwrap_or_default(),
        remittance: remittance.join(" "),
        reversed: false,
    }
}

fn part(detail: &TxDtls, sign: &str) -> Option<Money> {
    let amount = detail.amt.as_ref().or_else(|| Some(&detail.amt_dtls.as_ref()?.tx_amt.as_ref()?.amt))?;
    signed(amount, sign).ok()
}

/// A credit is above zero, a debit below. A reversal is signed as what it is, not as what it takes back.
fn signed(amount: &Amt, indicator: &str) -> Result<Money, String> {
    let currency = Currency::from_code(amount.currency.trim()).map_err(|error| error.to_string())?;
    let value: Decimal = amount.value.trim().parse().map_err(|_| format!("{:?} is not an amount", amount.value))?;
    let money = Money::new(value, currency).map_err(|error| error.to_string())?;
    match indicator.trim() {
        "CRDT" => Ok(money),
        "DBIT" => Ok(-money),
        other => Err(format!("{other:?} is neither credit nor debit")),
    }
}

fn day(when: &When) -> Option<NaiveDate> {
    when.dt.as_deref().or(when.dt_tm.as_deref()).and_then(date)
}

fn date(text: &str) -> Option<NaiveDate> {
    text.trim().get(..10)?.parse().ok()
}
