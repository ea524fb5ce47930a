//! What should be, and what that means for the kernel. Pure: no tokio, no clock, no kernel.
//!
//! Start at [`Wanted`]; [`check`] and [`nodes`] say what of it can be held at all, [`policy`] which rates it has
//! now, [`steps`] what is beyond an allowance, [`blocks`] what the internet sees of a line, [`shape`] what rates mean to
//! HTB.

pub mod blocks;
pub mod check;
pub mod nodes;
pub mod policy;
#[cfg(test)]
mod policy_tests;
pub mod shape;
pub mod steps;

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;
use weir_protocol::desired::{Line, Node, Router};

/// Everything this router should be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    /// How it is wired; nothing is done before this is known.
    pub router: Option<Router>,
    /// The lines, by subscription; shared, for there may be tens of thousands.
    pub lines: BTreeMap<Uuid, Arc<Line>>,
    /// What lines hang on between themselves and the ports.
    pub nodes: BTreeMap<Uuid, Node>,
}
