//! What every adapter must do, whoever answers: one suite, run against our scripted provider and against `localstripe`.

use chrono::{DateTime, TimeDelta, Utc};
use weir_cloud::payments::Decline;
use weir_cloud::payments::provider::stripe::{Stripe, http};
use weir_cloud::payments::provider::{Charge, Doubt, Error, PageWish, Provider, State, Subject, Trust, Waiting};
use weir_lab::provider::{self, Card, signature};
use weir_rules::money::{Currency, Money};

use super::shop::WEBHOOK_SECRET;
use crate::harness::cloud;
use crate::money::harness::story;

/// What a peer cannot do, so that nothing is claimed of it.
#[derive(Clone, Copy)]
pub struct Lacks {
    /// It makes a request with a known key again.
    pub keys: bool,
    /// It has no pages.
    pub pages: bool,
    /// It gives back more than was paid.
    pub refund_limits: bool,
    /// It does not name the payment a refused charge made.
    pub refused_payments: bool,
}

pub const NOTHING: Lacks = Lacks { keys: false, pages: false, refund_limits: false, refused_payments: false };

/// Whoever answers, and how a person would leave a card there.
pub trait Peer {
    async fn keep(&self, payer: &str, card: Card) -> String;
}

struct Scripted(provider::Provider);

impl Peer for Scripted {
    async fn keep(&self, payer: &str, card: Card) -> String {
        self.0.keep(payer, card)
    }
}

pub fn now() -> DateTime<Utc> {
    cloud().app.clock.system_now()
}

fn money(text: &str, code: &str) -> Money {
    Money::parse(text, Currency::from_code(code).unwrap()).unwrap()
}

fn charge(key: &str, payer: &str, method: &str, amount: Money) -> Charge {
    Charge { key: key.into(), payer: payer.into(), method: method.into(), amount, about: "Fibre".into() }
}

/// Keys of this run: peers that outlive a test remember them.
fn key(name: &str) -> String {
    format!("{name} {}", now().timestamp_nanos_opt().unwrap_or_default())
}

pub async fn run(stripe: &Stripe, peer: &impl Peer, lacks: Lacks) {
    let began = now() - TimeDelta::seconds(2);
    assert!(stripe.capabilities().saved_methods && stripe.capabilities().trust == Trust::Signed);
    let payer_key = key("payer");
    let payer = stripe.payer(&payer_key, "Ana Pérez", "ana@example.net").await.unwrap();
    if !lacks.keys {
        assert_eq!(stripe.payer(&payer_key, "Ana Pérez", "ana@example.net").await.unwrap(), payer);
    }
    let paid = charges(stripe, peer, &payer, lacks).await;
    refunds(stripe, &paid, lacks).await;
    refusals(stripe, peer, &payer, lacks).await;
    let listing = stripe.list_since(began).await.unwrap();
    assert!(listing.payments.iter().any(|one| one.reference.as_deref() == Some(paid.as_str())));
    assert!(!listing.refunds.is_empty());
    let nothing = stripe.list_since(now() + TimeDelta::hours(1)).await.unwrap();
    assert!(nothing.payments.is_empty() && nothing.refunds.is_empty());
    assert_eq!(stripe.fetch("pi_nobody_knows").await.unwrap().state, State::Unknown);
    assert_eq!(stripe.fetch_refund("re_nobody_knows").await.unwrap(), None);
    if !lacks.pages {
        pages(stripe, &payer).await;
    }
    assert!(matches!(stripe.event(b"garbage"), Err(Doubt::Unreadable)));
}

async fn charges(stripe: &Stripe, peer: &impl Peer, payer: &str, lacks: Lacks) -> String {
    let good = peer.keep(payer, Card::Good).await;
    let wish = charge(&key("good"), payer, &good, money("44.90", "EUR"));
    let done = stripe.charge(&wish).await.unwrap();
    let State::Succeeded { amount, method } = &done.state else { panic!("{done:?}") };
    assert_eq!(*amount, wish.amount);
    assert_eq!(method.as_ref().map(|saved| (saved.reference.as_str(), saved.last4.len())), Some((good.as_str(), 4)));
    assert_eq!((done.key.as_deref(), done.payer.as_deref()), (Some(wish.key.as_str()), Some(payer)));
    let reference = done.reference.clone().unwrap();
    if !lacks.keys {
        assert_eq!(stripe.charge(&wish).await.unwrap(), done, "the same key is the same charge");
        let other = stripe.charge(&Charge { amount: money("1.00", "EUR"), ..wish.clone() }).await;
        assert!(matches!(other, Err(Error::Failed { status: 400, .. })), "{other:?}");
    }
    assert_eq!(stripe.fetch(&reference).await.unwrap().state, done.state);
    let yen = stripe.charge(&charge(&key("yen"), payer, &good, money("500", "JPY"))).await.unwrap();
    assert!(matches!(yen.state, State::Succeeded { amount, .. } if amount == money("500", "JPY")), "{yen:?}");
    let dinar = stripe.charge(&charge(&key("dinar"), payer, &good, money("1.001", "KWD"))).await;
    assert!(matches!(dinar, Err(Error::Amount(_))), "{dinar:?}");
    // What is over cannot be cancelled; whoever tries sees that it is over.
    assert_eq!(stripe.cancel(&reference).await.unwrap().state, done.state);
    reference
}

async fn refunds(stripe: &Stripe, paid: &str, lacks: Lacks) {
    let refund_key = key("refund");
    let done = stripe.refund(&refund_key, paid, money("4.90", "EUR")).await.unwrap();
    assert_eq!((done.done.clone(), done.amount), (Some(Ok(())), Some(money("4.90", "EUR"))));
    assert_eq!((done.intent.as_deref(), done.key.as_deref()), (Some(paid), Some(refund_key.as_str())));
    if !lacks.keys {
        assert_eq!(stripe.refund(&refund_key, paid, money("4.90", "EUR")).await.unwrap(), done);
    }
    assert_eq!(stripe.fetch_refund(done.reference.as_deref().unwrap()).await.unwrap(), Some(done));
    if !lacks.refund_limits {
        let more = stripe.refund(&key("too much"), paid, money("40.01", "EUR")).await.unwrap();
        assert!(matches!(more.done, Some(Err(_))), "{more:?}");
    }
}

async fn refusals(stripe: &Stripe, peer: &impl Peer, payer: &str, lacks: Lacks) {
    let refused = async |card, name: &str| {
        let method = peer.keep(payer, card).await;
        let done = stripe.charge(&charge(&key(name), payer, &method, money("10.00", "EUR"))).await.unwrap();
        let State::Failed(refusal) = done.state else { panic!("{name}: {done:?}") };
        if !lacks.refused_payments {
            let again = stripe.fetch(done.reference.as_deref().expect("a name")).await.unwrap();
            assert!(matches!(again.state, State::Failed(_)), "{again:?}");
        }
        refusal.decline
    };
    assert_eq!(refused(Card::Declined("insufficient_funds"), "poor").await, Decline::Soft);
    assert_eq!(refused(Card::NeedsHolder, "holder").await, Decline::NeedsCustomer);
    let missing =
        stripe.charge(&charge(&key("missing"), payer, "pm_nobody_knows", money("10.00", "EUR"))).await.unwrap();
    assert!(matches!(missing.state, State::Failed(refusal) if refusal.decline == Decline::Hard));
}

async fn pages(stripe: &Stripe, payer: &str) {
    let wish = PageWish {
        key: key("page"),
        payer: payer.to_owned(),
        amount: money("30.00", "EUR"),
        about: "Fibre & more, 100 %".into(),
        keep: true,
        return_url: "https://isp.example/pay/x?y=1".into(),
        language: "ar".into(),
    };
    let open = stripe.request(&wish).await.unwrap();
    assert_eq!(open.state, State::Pending(Waiting::Customer));
    assert!(open.page_url.is_some());
    assert_eq!(stripe.request(&wish).await.unwrap(), open);
    let reference = open.reference.unwrap();
    assert_eq!(stripe.cancel(&reference).await.unwrap().state, State::Cancelled);
    assert_eq!(stripe.fetch(&reference).await.unwrap().state, State::Cancelled);
    let left = stripe.set_up(&key("set up"), payer, "https://isp.example/pay/x").await.unwrap();
    assert!(left.page_url.is_some() && left.saved.is_none());
    assert_eq!(stripe.set_up_standing(&left.reference).await.unwrap().map(|page| page.saved), Some(None));
    assert_eq!(stripe.set_up_standing(&reference).await.unwrap(), None, "a page to pay on leaves no card by itself");
}

#[test]
fn the_scripted_provider_keeps_the_contract() {
    story(async {
        let scripted = Scripted(provider::Provider::start(None).await.unwrap());
        let stripe = Stripe::new(http().unwrap(), &scripted.0.url(), "sk_test_1", Some(WEBHOOK_SECRET.into()));
        run(&stripe, &scripted, NOTHING).await;
        for message in scripted.0.messages() {
            let header = signature(WEBHOOK_SECRET, &message.raw, now().timestamp());
            assert_eq!(stripe.verify(Some(&header), &message.raw, now()), Ok(Trust::Signed));
            assert!(matches!(
                stripe.event(&message.raw).unwrap().subject,
                Subject::Payment(_) | Subject::SetUp(_) | Subject::Refund(_)
            ));
        }
        let wrong = Stripe::new(http().unwrap(), &scripted.0.url(), "sk_wrong", None);
        assert_eq!(wrong.fetch("pi_1").await, Err(Error::Unauthorized));
        assert_eq!(
            wrong.verify(Some("t=1,v1=00"), b"{}", now()),
            Err(Doubt::Forged),
            "without a secret nothing is believed"
        );
        let nobody = Stripe::new(http().unwrap(), "http://127.0.0.1:9", "sk_test", None);
        assert!(matches!(nobody.fetch("pi_1").await, Err(Error::Unreachable(_))));
    });
}
