//! What of documents' lines is deferred: charges for service over days, and what is given back of such.

use weir_rules::money::Money;

use super::account::Draft;
use super::{Error, LineKind};
use crate::ids::InvoiceLineId;
use crate::ledger::Deferring;

/// Lines that these give something back of.
pub(super) fn given_back<'a>(lines: impl Iterator<Item = &'a Draft>) -> Vec<InvoiceLineId> {
    lines.filter_map(|line| line.credits).collect()
}

/// What of a document's net is deferred; below zero where it gives back more than it defers.
///
/// What a credit gives back counts less what a line beside it charges again, because a credit note had given it back.
pub(super) fn of(deferring: &mut Deferring, net: Money, lines: &[Draft]) -> Result<Money, Error> {
    let mut deferred = Money::zero(net.currency());
    for line in lines {
        let Some(charge) = line.credits else {
            if matches!(line.kind, LineKind::Recurring | LineKind::Usage) {
                deferred = deferred.checked_add(deferring.charge(line.id, line.net, line.period)?)?;
            }
            continue;
        };
        if line.kind == LineKind::Correction {
            continue;
        }
        let again = lines.iter().filter(|other| {
            other.kind == LineKind::Correction && other.credits == line.credits && other.period == line.period
        });
        let given = -Money::sum(net.currency(), again.map(|other| other.net))?.checked_add(line.net)?;
        deferred = deferred.checked_sub(deferring.give_back(charge, given, Some(line.period))?)?;
    }
    Ok(deferred)
}
