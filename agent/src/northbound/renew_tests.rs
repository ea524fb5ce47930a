//! Renewal on a disk that fails at every step, against a cloud that is a signing key.

use super::*;
use crate::store::sim::Sim;
use rcgen::{
    BasicConstraints, CertificateSigningRequestParams, ExtendedKeyUsagePurpose, IsCa, Issuer, PublicKeyData,
    date_time_ymd,
};
use std::collections::BTreeSet;
use uuid::Uuid;

const NOW_MS: u64 = 1_790_000_000_000;

/// A cloud: its root, and the keys it gave a certificate to.
struct Cloud {
    issuer: Issuer<'static, KeyPair>,
    root: Vec<u8>,
    keys: BTreeSet<Vec<u8>>,
}

impl Cloud {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let root = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), root, keys: BTreeSet::new() }
    }

    /// A certificate that holds from and until so many days from now.
    fn leaf(&mut self, key: &impl PublicKeyData, (from, until): (i64, i64)) -> Vec<u8> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let at = |days: i64| {
            let at_s = (NOW_MS / 1000).saturating_add_signed(days * 86_400);
            date_time_ymd(1970, 1, 1) + Duration::from_secs(at_s)
        };
        (params.not_before, params.not_after) = (at(from), at(until));
        self.keys.insert(key.der_bytes().to_vec());
        params.signed_by(key, &self.issuer).unwrap().der().to_vec()
    }

    fn enroll(&mut self, holds: (i64, i64)) -> Identity {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        Identity {
            tenant_id: Uuid::from_u128(1),
            agent_id: Uuid::from_u128(2),
            chain: vec![Der(self.leaf(&key, holds))],
            key: Der(key.serialize_der()),
            trust_bundle: vec![Der(self.root.clone())],
            gateways: vec!["192.0.2.1:4433".to_owned()],
        }
    }

    fn renew(&mut self, request: &RenewCertificate) -> Renewed {
        let csr = CertificateSigningRequestParams::from_der(&request.csr.clone().into()).unwrap();
        let leaf = self.leaf(&csr.public_key, (-1, 89));
        Renewed {
            chain: vec![leaf],
            trust_bundle: vec![self.root.clone()],
            gateways: vec!["192.0.2.2:4433".to_owned()],
        }
    }

    /// Whether the key of an identity is of a certificate of ours.
    fn welcomes(&self, identity: &Identity) -> bool {
        let key = PrivatePkcs8KeyDer::from(identity.key.0.as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ECDSA_P256_SHA256).unwrap();
        tls::session(identity, ANY).is_ok() && self.keys.contains(key.der_bytes())
    }
}

/// Everything from the question to the welcome of what came of it; stops where the disk does.
fn renew(cloud: &mut Cloud, disk: &mut Sim, identity: Identity) -> Result<Identity, Error> {
    let mut renewal = Renewal::open(disk, identity);
    assert_eq!(renewal.choose(NOW_MS), Wants::Session);
    if renewal.welcomed(disk, NOW_MS)? == Welcomed::AsBefore {
        let request = renewal.request(disk)?;
        renewal.take(disk, cloud.renew(&request))?;
        assert_eq!(renewal.choose(NOW_MS), Wants::Session);
        assert_eq!(renewal.welcomed(disk, NOW_MS)?, Welcomed::Renewed);
    }
    Ok(renewal.shown().clone())
}

#[test]
fn a_crash_at_any_point_of_a_renewal_leaves_a_certificate_that_is_good() {
    let mut cloud = Cloud::new();
    let old = cloud.enroll((-70, 20));
    let mut whole = Sim::default();
    identity::save(&mut whole, &old).unwrap();
    let before = whole.operations();
    renew(&mut cloud, &mut whole, old.clone()).unwrap();
    let steps = whole.operations() - before;
    assert!(steps >= 4, "{steps} steps");
    for n in 0..steps {
        for seed in 0..4 {
            let mut disk = Sim::default();
            identity::save(&mut disk, &old).unwrap();
            disk.die_after(n);
            let _died = renew(&mut cloud, &mut disk, old.clone());
            disk.cut_power(seed);
            let found = identity::load(&disk).unwrap().unwrap();
            let next = identity::load_next(&disk, &found);
            assert!([Some(&found), next.as_ref()].into_iter().flatten().all(|held| cloud.welcomes(held)), "step {n}");
            // What was begun is brought to its end, and the old key is gone.
            let renewed = renew(&mut cloud, &mut disk, found).unwrap();
            assert!(cloud.welcomes(&renewed) && renewed.key != old.key, "step {n}");
            assert_eq!(identity::load(&disk).unwrap(), Some(renewed.clone()), "step {n}");
            assert_eq!(identity::load_next(&disk, &renewed), None, "step {n}");
        }
    }
}

#[test]
fn the_key_asked_with_is_kept_until_it_is_answered_and_never_asked_with_again() {
    let mut cloud = Cloud::new();
    let old = cloud.enroll((-70, 20));
    let (mut disk, key) = (Sim::default(), |request: &RenewCertificate| {
        let csr = CertificateSigningRequestParams::from_der(&request.csr.clone().into()).unwrap();
        csr.public_key.der_bytes().to_vec()
    });
    let first = Renewal::open(&disk, old.clone()).request(&mut disk).unwrap();
    let mut renewal = Renewal::open(&disk, old.clone());
    let again = renewal.request(&mut disk).unwrap();
    assert_eq!(key(&first), key(&again), "the answer may be on its way");
    renewal.take(&mut disk, cloud.renew(&again)).unwrap();
    let kept = disk.read("renewing.json");
    assert!(kept.is_err(), "{kept:?}");
    renewal.choose(NOW_MS);
    renewal.welcomed(&mut disk, NOW_MS).unwrap();
    assert_ne!(key(&renewal.request(&mut disk).unwrap()), key(&again));
    // A disk that keeps no key keeps the router from asking.
    let full = Sim::default();
    full.die_after(0);
    assert!(matches!(Renewal::open(&full, old).request(&mut full.clone()), Err(Error::Identity(_))));
}

#[test]
fn a_certificate_that_is_refused_is_tried_in_turns_and_dropped_and_the_one_before_stays() {
    let (mut cloud, mut disk) = (Cloud::new(), Sim::default());
    let old = cloud.enroll((-70, 20));
    identity::save(&mut disk, &old).unwrap();
    let mut renewal = Renewal::open(&disk, old.clone());
    let request = renewal.request(&mut disk).unwrap();
    renewal.take(&mut disk, cloud.renew(&request)).unwrap();
    let mut shown = Vec::new();
    for _ in 0..6 {
        renewal.choose(NOW_MS);
        shown.push(*renewal.shown() == old);
        renewal.failed(false);
    }
    assert_eq!(shown, [false, true, false, true, false, true]);
    assert_eq!(renewal.welcomed(&mut disk, NOW_MS).unwrap(), Welcomed::Refused);
    assert_eq!(renewal.due_ms(), Some(NOW_MS + DAY_MS), "it is asked again tomorrow");
    assert_eq!(Renewal::open(&disk, old.clone()).shown(), &old);
    assert_eq!(identity::load_next(&disk, &old), None);
}

#[test]
fn certificates_are_renewed_after_two_thirds_of_their_life_and_those_of_ten_years_soon() {
    let mut cloud = Cloud::new();
    let mut due_in_days = |holds| {
        let mut renewal = Renewal::open(&Sim::default(), cloud.enroll(holds));
        renewal.welcomed(&mut Sim::default(), 0).unwrap();
        (renewal.due_ms().unwrap() as f64 - NOW_MS as f64) / DAY_MS as f64
    };
    let all: Vec<f64> = (0..20).map(|_| due_in_days((-1, 89))).collect();
    assert!(all.iter().all(|days| (50.0..=68.0).contains(days)), "{all:?}");
    let spread = all.iter().fold(0.0, |most: f64, days| most.max((days - all[0]).abs()));
    assert!(spread > 2.0, "not all at once: {all:?}");
    assert!((50.0..=68.0).contains(&due_in_days((-1, 3_650))), "ten years count as 90 days");
    assert!(due_in_days((-100, 3_550)) < 0.0);
    // Not before the session says so, not in one that cannot, and not twice.
    let mut renewal = Renewal::open(&Sim::default(), cloud.enroll((-80, 10)));
    renewal.welcomed(&mut Sim::default(), NOW_MS + 5).unwrap();
    let due: Vec<_> = [4, 5, 6].map(|ms| renewal.take_due(NOW_MS + ms)).into();
    assert_eq!(due, [None, Some(Due::Ask), None]);
}

#[test]
fn what_has_ended_by_a_time_that_is_certain_or_by_what_the_gateway_says_is_renewed_alone() {
    let mut cloud = Cloud::new();
    let mut ended = Renewal::open(&Sim::default(), cloud.enroll((-100, -10)));
    assert_eq!(ended.choose(NOW_MS - 20 * DAY_MS), Wants::Session, "it may be earlier");
    assert_eq!(ended.choose(NOW_MS), Wants::Renewal);
    let mut told = Renewal::open(&Sim::default(), cloud.enroll((-80, 10)));
    assert_eq!(told.choose(NOW_MS), Wants::Session);
    told.failed(true);
    assert_eq!(told.choose(NOW_MS), Wants::Renewal);
    let request = told.request(&mut Sim::default()).unwrap();
    told.take(&mut Sim::default(), cloud.renew(&request)).unwrap();
    for _ in 0..TRIES {
        assert_eq!(told.choose(NOW_MS), Wants::Session, "what came of it is good, whatever else fails");
        told.failed(false);
    }
    assert_eq!(told.choose(NOW_MS), Wants::Renewal, "unless the cloud does not take it");
}

#[test]
fn other_roots_are_trusted_if_one_of_those_held_is_among_them_and_kept() {
    let (mut cloud, other, mut disk) = (Cloud::new(), Cloud::new(), Sim::default());
    let old = cloud.enroll((-1, 89));
    identity::save(&mut disk, &old).unwrap();
    let mut renewal = Renewal::open(&disk, old);
    for refused in [vec![], vec![b"none".to_vec()], vec![other.root.clone()]] {
        assert!(matches!(renewal.trust(&mut disk, refused), Err(Error::BadAnswer(_))));
    }
    let before = renewal.trust_digest();
    renewal.trust(&mut disk, vec![cloud.root.clone(), other.root.clone()]).unwrap();
    assert_ne!(renewal.trust_digest(), before);
    let kept = identity::load(&disk).unwrap().unwrap();
    assert_eq!(kept.trust_bundle.len(), 2);
    // The new one stays when the old one goes.
    Renewal::open(&disk, kept).trust(&mut disk, vec![other.root]).unwrap();
    assert_eq!(identity::load(&disk).unwrap().unwrap().trust_bundle.len(), 1);
}

#[test]
fn an_answer_that_would_lock_the_router_out_is_not_taken() {
    let (mut cloud, mut disk) = (Cloud::new(), Sim::default());
    let old = cloud.enroll((-70, 20));
    let mut renewal = Renewal::open(&disk, old);
    let nothing_asked = Renewed { chain: vec![vec![1]], ..Renewed::default() };
    assert!(renewal.take(&mut disk, nothing_asked).is_err());
    let others = cloud.enroll((-1, 89)).chain;
    for spoil in [
        |renewed: &mut Renewed, _: &[Der]| renewed.chain.clear(),
        |renewed: &mut Renewed, others: &[Der]| renewed.chain = others.iter().map(|der| der.0.clone()).collect(),
        |renewed: &mut Renewed, _: &[Der]| renewed.trust_bundle.clear(),
        |renewed: &mut Renewed, _: &[Der]| renewed.gateways.clear(),
    ] {
        let request = renewal.request(&mut disk).unwrap();
        let mut renewed = cloud.renew(&request);
        spoil(&mut renewed, &others);
        assert!(matches!(renewal.take(&mut disk, renewed), Err(Error::BadAnswer(_))));
        renewal.choose(NOW_MS);
        assert!(disk.read("next.json").is_err());
    }
}
