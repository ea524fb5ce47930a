//! What the router should be.
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Wanted {
    pub router: Option<weir_protocol::desired::Router>,
    pub lines: BTreeMap<Uuid, weir_protocol::desired::Line>,
}
