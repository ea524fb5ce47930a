//! A statement as a document.

use serde_json::{Value, json};
use weir_rules::money::Money;

use super::{AgedSum, Error, Movement, StatementItem, StatementOfAccount, StatementSpan, read};
use crate::billing::pdf::{Template, text, typeset};
use crate::db::TenantTx;
use crate::ids::AccountId;
use crate::tenants::{self, Tenant};

/// Draws an account's statement over some days; returns its name and the document.
pub async fn draw(mut tx: TenantTx, id: AccountId, span: StatementSpan) -> Result<(String, Vec<u8>), Error> {
    let statement = read::statement(&mut tx, id, span).await?;
    let seller = tenants::tenant(&mut tx).await?;
    // Drawing takes a while, and needs no connection.
    drop(tx);
    let name = format!("{}-{}-{}", statement.account_number, statement.from, statement.to);
    let data = data(&statement, &seller);
    Ok((name.clone(), typeset(Template::Statement, data, name, None).await?))
}

/// What the template shows, every figure and date already written for the reader.
fn data(statement: &StatementOfAccount, seller: &Tenant) -> Value {
    let language = statement.language.as_str();
    let money = |amount: Money| text::money(amount, language);
    let closing = statement.closing;
    json!({
        "language": language,
        "hue": seller.hue,
        "seller": { "name": seller.name, "legal_name": seller.legal_name, "address": seller.address, "tax_id": seller.tax_id, "contact": seller.contact },
        "subscriber": statement.subscriber,
        "account": statement.account_number,
        "from": text::date(statement.from, language),
        "to": text::date(statement.to, language),
        "opening": money(statement.opening),
        "movements": statement.movements.iter().map(|one| movement(one, language)).collect::<Vec<_>>(),
        "debits": money(statement.debits),
        "credits": money(statement.credits),
        "closing": money(if closing.is_negative() { -closing } else { closing }),
        "has_credit": closing.is_negative(),
        "items": statement.open_items.iter().map(|one| item(one, language)).collect::<Vec<_>>(),
        "ages": statement.ages.iter().map(|one| age(one, language)).collect::<Vec<_>>(),
        "unused": (!statement.unused.is_zero()).then(|| money(statement.unused)),
    })
}

fn movement(movement: &Movement, language: &str) -> Value {
    let money = |amount: Option<Money>| amount.map(|amount| text::money(amount, language));
    json!({
        "on": text::date(movement.on, language),
        "kind": movement.kind,
        "number": movement.number,
        "description": movement.description,
        "debit": money(movement.debit),
        "credit": money(movement.credit),
        "used": money(movement.used),
        "balance": text::money(movement.balance, language),
    })
}

fn item(item: &StatementItem, language: &str) -> Value {
    json!({
        "number": item.number,
        "issued_on": text::date(item.issued_on, language),
        "due_on": text::date(item.due_on, language),
        "gross": text::money(item.gross, language),
        "open": text::money(item.open, language),
    })
}

fn age(sum: &AgedSum, language: &str) -> Value {
    json!({ "age": sum.age, "open": text::money(sum.open, language) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_language_is_drawn() {
        for language in tenants::LANGUAGES {
            let kinds = ["invoice", "late_fee", "credit_note", "payment", "refund", "dispute", "credit_used", "other"];
            let movement = |kind: &str| {
                json!({
                    "on": "1 Dec 2026", "kind": kind, "number": (kind != "other").then_some("INV-2026-000001"), "description": "Moved by hand",
                    "debit": (kind == "invoice").then_some("30.00 EUR"), "credit": (kind == "payment").then_some("30.00 EUR"),
                    "used": (kind == "credit_used").then_some("5.00 EUR"), "balance": "30.00 EUR",
                })
            };
            let age = |age: super::super::Ageing| json!({ "age": age, "open": "30.00 EUR" });
            let data = json!({
                "language": language, "hue": 200, "subscriber": "محمد علي", "account": "ACC-000001", "from": "1 Oct 2026", "to": "31 Dec 2026",
                "seller": { "name": "Río Net", "legal_name": "Río Net S.L.", "address": "Calle Mayor 1\n16001 Cuenca", "tax_id": "B1234", "contact": "+34 600 000 000" },
                "opening": "0.00 EUR", "movements": kinds.map(movement), "debits": "30.00 EUR", "credits": "30.00 EUR",
                "closing": "30.00 EUR", "has_credit": false,
                "items": [{ "number": "INV-2026-000001", "issued_on": "1 Dec 2026", "due_on": "15 Dec 2026", "gross": "30.00 EUR", "open": "30.00 EUR" }],
                "ages": weir_rules::statement::Age::ALL.map(|one| age(one.into())), "unused": "5.00 EUR",
            });
            let drawn = typeset(Template::Statement, data, "ACC-000001".into(), None).await;
            let pdf = drawn.unwrap_or_else(|error| panic!("{language}: {error}"));
            assert!(pdf.starts_with(b"%PDF-"), "{language}");
        }
    }
}
