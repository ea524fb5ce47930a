//! Our table's chains, rules and sets as the kernel tells them: comparable, not readable. Pure.
//!
//! Taken right after they were written, and again later: whatever differs was changed by somebody else. What changes by
//! itself, such as what a counter counted, is left out.

use std::collections::BTreeSet;

use super::netlink::attributes;
use super::nft::TABLE;

/// Of a set, a chain or a rule alike.
const NFTA_TABLE: u16 = 1;
const NFTA_TABLE_FLAGS: u16 = 2;
const NFTA_SET_NAME: u16 = 2;
/// Flags, types and lengths of key and data lie between the name and this.
const NFTA_SET_DATA_LEN: u16 = 7;
const NFTA_RULE_EXPRESSIONS: u16 = 4;
const NFTA_EXPR_NAME: u16 = 1;
const COUNTER: &[u8] = b"counter\0";

/// What makes up the table besides elements.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imprint {
    /// Names of its sets and maps.
    pub sets: BTreeSet<String>,
    parts: Vec<Vec<u8>>,
}

impl Imprint {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds what else must stay the same.
    pub fn add(&mut self, part: Vec<u8>) {
        self.parts.push(part);
    }

    /// Takes in the table itself: a flag can put all of it to sleep.
    pub fn take_table(&mut self, told: &[u8]) {
        if is_ours(told) {
            let flags = attributes(told).find(|attribute| attribute.kind() == NFTA_TABLE_FLAGS);
            self.parts.push(flags.map_or(Vec::new(), |flags| flags.value().to_vec()));
        }
    }

    /// Takes in a set or map.
    pub fn take_set(&mut self, told: &[u8]) {
        if !is_ours(told) {
            return;
        }
        let mut part = Vec::new();
        for attribute in attributes(told) {
            if attribute.kind() == NFTA_SET_NAME {
                self.sets.insert(String::from_utf8_lossy(attribute.value()).trim_end_matches('\0').to_owned());
            }
            if attribute.kind() <= NFTA_SET_DATA_LEN {
                part.extend_from_slice(attribute.value());
            }
        }
        self.parts.push(part);
    }

    /// Takes in a chain. The kernel tells of all chains of the family.
    pub fn take_chain(&mut self, told: &[u8]) {
        if is_ours(told) {
            self.parts.push(told.to_vec());
        }
    }

    /// Takes in a rule.
    pub fn take_rule(&mut self, told: &[u8]) {
        if !is_ours(told) {
            return;
        }
        let mut part = Vec::new();
        for attribute in attributes(told) {
            if attribute.kind() != NFTA_RULE_EXPRESSIONS {
                part.extend_from_slice(attribute.value());
                continue;
            }
            for expression in attributes(attribute.value()) {
                let name = attributes(expression.value()).find(|inner| inner.kind() == NFTA_EXPR_NAME);
                let counts = name.is_some_and(|name| name.value() == COUNTER);
                part.extend_from_slice(if counts { COUNTER } else { expression.value() });
            }
        }
        self.parts.push(part);
    }
}

/// Whether it is of our table.
pub fn is_ours(told: &[u8]) -> bool {
    let table = attributes(told).find(|attribute| attribute.kind() == NFTA_TABLE);
    table.is_some_and(|table| table.value().strip_suffix(b"\0") == Some(TABLE.as_bytes()))
}
