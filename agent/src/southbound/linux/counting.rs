//! What nftables counted, as netlink tells it. Pure.

use std::net::IpAddr;

use super::imprint::is_ours;
use super::netfilter::{NFTA_DATA_VALUE, NFTA_SET_ELEM_KEY, NFTA_SET_ELEM_LIST_ELEMENTS, address};
use super::netlink::attributes;
use crate::southbound::Total;

const NFTA_SET_ELEM_EXPR: u16 = 7;
const NFTA_RULE_CHAIN: u16 = 2;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_EXPR_NAME: u16 = 1;
const NFTA_EXPR_DATA: u16 = 2;
const NFTA_COUNTER_BYTES: u16 = 1;
const NFTA_COUNTER_PACKETS: u16 = 2;

/// The elements of a message of a dump, with the bytes each counted.
pub fn of_elements(told: &[u8]) -> Vec<(IpAddr, u64)> {
    let mut found = Vec::new();
    for list in attributes(told).filter(|list| list.kind() == NFTA_SET_ELEM_LIST_ELEMENTS) {
        for element in attributes(list.value()) {
            let (mut key, mut bytes) = (None, None);
            for part in attributes(element.value()) {
                match part.kind() {
                    NFTA_SET_ELEM_KEY => {
                        let value = attributes(part.value()).find(|inner| inner.kind() == NFTA_DATA_VALUE);
                        key = value.and_then(|value| address(value.value()));
                    }
                    NFTA_SET_ELEM_EXPR => bytes = counter(part.value()).map(|total| total.bytes),
                    _ => {}
                }
            }
            found.extend(key.zip(bytes));
        }
    }
    found
}

/// The chain of a rule of ours that counts, and what it counted.
pub fn of_rule(told: &[u8]) -> Option<(String, Total)> {
    if !is_ours(told) {
        return None;
    }
    let (mut chain, mut total) = (None, None);
    for attribute in attributes(told) {
        match attribute.kind() {
            NFTA_RULE_CHAIN => {
                chain = Some(String::from_utf8_lossy(attribute.value()).trim_end_matches('\0').to_owned());
            }
            NFTA_RULE_EXPRESSIONS => {
                total = attributes(attribute.value()).find_map(|expression| counter(expression.value()));
            }
            _ => {}
        }
    }
    chain.zip(total)
}

/// What an expression counted, if it is a counter.
fn counter(expression: &[u8]) -> Option<Total> {
    let named = attributes(expression).any(|part| part.kind() == NFTA_EXPR_NAME && part.value() == b"counter\0");
    let data = attributes(expression).find(|part| part.kind() == NFTA_EXPR_DATA).filter(|_| named)?;
    let count = |kind: u16| {
        let value = attributes(data.value()).find(|part| part.kind() == kind)?;
        Some(u64::from_be_bytes(value.value().try_into().ok()?))
    };
    Some(Total { bytes: count(NFTA_COUNTER_BYTES)?, packets: count(NFTA_COUNTER_PACKETS)? })
}
