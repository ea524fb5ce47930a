//! Lines of top-ups and boosts: what was bought since the last invoice, each charged once.

use rust_decimal::Decimal;
use weir_rules::calendar::Period;
use weir_rules::money::Money;

use super::account::{Draft, Facts};
use super::error::RulesError;
use super::{Error, LineKind};
use crate::db::TenantTx;

/// Adds a line for every sale not billed yet: it is paid from the day it was sold on, so it waits for no period to end.
pub(super) fn charge(tx: &TenantTx, facts: &Facts<'_>, lines: &mut Vec<Draft>) -> Result<(), Error> {
    for top_up in facts.top_ups.iter().filter(|top_up| !top_up.billed) {
        let price = Money::new(top_up.price, facts.currency)?;
        let next = top_up.sold_on.succ_opt().ok_or(RulesError::Range("day of sale"))?;
        let day = Period::new(top_up.sold_on, next)?;
        lines.push(Draft {
            id: tx.new_id(),
            kind: if top_up.boost { LineKind::Boost } else { LineKind::TopUp },
            paid_for: None,
            subscription: Some(facts.subscription),
            version: Some(top_up.version),
            description: top_up.name.clone(),
            period: day,
            full: day,
            quantity: Decimal::ONE,
            unit_price: price,
            gross: None,
            net: price,
            reduction: None,
            traffic: None,
            credits: None,
            top_up: Some(top_up.id),
            once: None,
            rate: None,
            taxed_by: None,
            priced_by: None,
        });
    }
    Ok(())
}
