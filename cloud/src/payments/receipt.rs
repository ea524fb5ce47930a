//! A receipt as a document: what was received, how, and what it settled.

use serde_json::{Value, json};
use weir_rules::money::Money;

use super::{Error, Payment, service};
use crate::billing::pdf::{Template, text, typeset};
use crate::db::TenantTx;
use crate::ids::PaymentId;
use crate::{subscribers, tenants};

/// Draws a payment's receipt; returns its number and the document.
pub async fn draw(mut tx: TenantTx, id: PaymentId) -> Result<(String, Vec<u8>), Error> {
    let payment = service::payment(&mut tx, id).await?;
    let account = subscribers::account(&mut tx, payment.account_id).await?;
    let payer = subscribers::subscriber(&mut tx, account.subscriber_id).await?;
    let seller = tenants::tenant(&mut tx).await?;
    // Drawing takes a while, and needs no connection.
    drop(tx);
    let language = payer.language.as_str();
    let data = json!({
        "seller": { "name": seller.name, "legal_name": seller.legal_name, "address": seller.address, "tax_id": seller.tax_id, "contact": seller.contact },
        "hue": seller.hue,
        "language": language,
        "payer": payer.name,
        "account": account.number,
        "number": payment.number,
        "received_on": text::date(payment.received_on, language),
        "method": payment.method,
        "reference": payment.reference,
        "amount": text::money(payment.amount, language),
        "parts": parts(&payment, language),
        "credit": told(payment.surplus, language),
        "refunded": told(payment.refunded, language),
    });
    let number = payment.number;
    Ok((number.clone(), typeset(Template::Receipt, data, number, None).await?))
}

fn parts(payment: &Payment, language: &str) -> Vec<Value> {
    let part =
        |part: &super::AllocatedPart| json!({ "number": part.number, "amount": text::money(part.amount, language) });
    payment.allocations.iter().map(part).collect()
}

fn told(amount: Money, language: &str) -> Option<String> {
    amount.is_positive().then(|| text::money(amount, language))
}
