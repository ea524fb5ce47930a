//! What an enrolled agent has on its disk.

use std::path::Path;

use prost::Message;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256};
use uuid::Uuid;
use weir_agent::plan::Wanted;
use weir_agent::store::desired::{Accepted, Store};
use weir_agent::store::disk::Folder;
use weir_agent::store::guard::Guard;
use weir_agent::store::identity::{Der, Identity};
use weir_protocol::desired::{Kind, Line};
use weir_protocol::state::{Down, Object};

use crate::net::router;

/// An identity whose cloud nobody reaches.
pub fn enrolled() -> Identity {
    let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let (root_key, own_key) = (key(), key());
    let mut root = CertificateParams::new(Vec::new()).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_der = root.self_signed(&root_key).unwrap().der().to_vec();
    let own = CertificateParams::new(Vec::new()).unwrap().signed_by(&own_key, &Issuer::new(root, root_key)).unwrap();
    Identity {
        tenant_id: Uuid::from_u128(1),
        agent_id: Uuid::from_u128(2),
        key: Der(own_key.serialize_der()),
        chain: vec![Der(own.der().to_vec())],
        trust_bundle: vec![Der(root_der)],
        // Nobody has this address, and there is no way to it either.
        gateways: vec!["192.0.2.1:4433".into()],
    }
}

/// Puts a state with one line on disk.
pub fn hold(state: &Path, line: Line) {
    let lines = [(Uuid::from_u128(7), line.into())].into();
    hold_all(state, &Wanted { router: Some(router(true)), lines, ..Wanted::default() });
}

/// Puts a state on disk.
pub fn hold_all(state: &Path, wanted: &Wanted) {
    let object = |kind: Kind, id: Uuid, body| Object {
        kind: kind as u32,
        id: id.into(),
        revision: 1,
        body,
        ..Object::default()
    };
    let router = wanted.router.iter().map(|router| object(Kind::Router, Uuid::from_u128(2), router.encode_to_vec()));
    let lines = wanted.lines.iter().map(|(id, line)| object(Kind::Line, *id, line.encode_to_vec()));
    let upserts = router.chain(lines).collect();
    let change = Down { lineage: vec![5; 16], to_gen: 4, snapshot: true, upserts, ..Down::default() };
    let mut store = Store::open(Folder::open(&state.join("desired")).unwrap()).unwrap();
    assert_eq!(store.accept(&change, Guard::default()), Accepted::Stored);
}
