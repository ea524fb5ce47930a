//! Tables and properties of credit notes.

use proptest::prelude::*;

use super::*;
use crate::money::Currency;

fn eur(text: &str) -> Money {
    Money::parse(text, Currency::EUR).unwrap()
}

fn units(units: i64) -> Money {
    Money::from_minor_units(units, Currency::EUR).unwrap()
}

#[test]
fn tax_is_on_the_rounded_net_and_the_last_takes_the_rest() {
    let net = unused_net(eur("200.00"), 29, 30).unwrap();
    let mut invoice = Creditable::whole(eur("200.00"), 25.into()).unwrap();
    assert_eq!(invoice.credit(net), Ok(Taxed { net: eur("193.33"), tax: eur("48.33") }));
    assert_eq!(invoice.credit(eur("6.67")), Ok(Taxed { net: eur("6.67"), tax: eur("1.67") }));
    assert_eq!(invoice.left().total(), Ok(eur("0")));
    assert!(matches!(invoice.credit(eur("0.01")), Err(SettlementError::MoreThanLeft { .. })));
    assert!(matches!(invoice.credit(eur("-0.01")), Err(SettlementError::Negative(_))));
    assert!(unused_net(eur("1"), 31, 30).is_err() && unused_net(eur("1"), 0, 0).is_err());
}

#[test]
fn money_goes_back_the_way_it_came() {
    let paid = |credit: &str, provider: &str| PaidFrom {
        invoice: eur("100"),
        account_credit: eur(credit),
        provider: eur(provider),
    };
    for (note, paid, settlement, off_invoice, to_credit, to_provider) in [
        ("100", paid("20", "80"), Settlement::Refund, "0", "20", "80"),
        ("50", paid("20", "80"), Settlement::Refund, "0", "10", "40"),
        ("100", paid("0", "100"), Settlement::Refund, "0", "0", "100"),
        ("100", paid("20", "50"), Settlement::Refund, "30", "20", "50"),
        ("100", paid("20", "80"), Settlement::AccountCredit, "0", "100", "0"),
        ("60", paid("0", "50"), Settlement::AccountCredit, "50", "10", "0"),
        ("60", paid("0", "0"), Settlement::Invoice, "60", "0", "0"),
        ("60", paid("0", "70"), Settlement::Invoice, "30", "30", "0"),
        ("0", paid("0", "0"), Settlement::Refund, "0", "0", "0"),
    ] {
        let expected =
            Settled { off_invoice: eur(off_invoice), to_account_credit: eur(to_credit), to_provider: eur(to_provider) };
        assert_eq!(settle(eur(note), paid, settlement), Ok(expected), "{note} {settlement:?}");
    }
    let parts = |refund, account_credit, invoice| Settlement::Parts {
        refund: eur(refund),
        account_credit: eur(account_credit),
        invoice: eur(invoice),
    };
    let settled = settle(eur("60"), paid("0", "80"), parts("30", "20", "10")).unwrap();
    assert_eq!(settled.to_provider, eur("30"));
    assert!(matches!(settle(eur("60"), paid("0", "80"), parts("30", "20", "5")), Err(SettlementError::Parts { .. })));
    let too_much = settle(eur("90"), paid("0", "80"), parts("90", "0", "0"));
    assert!(matches!(too_much, Err(SettlementError::MoreThanLeft { .. })));
    assert!(settle(eur("101"), paid("0", "100"), Settlement::Refund).is_err());
}

proptest! {
    #[test]
    fn notes_in_any_grouping_add_up_to_the_invoice(nets in prop::collection::vec(0_i64..50_000, 1..8), percent in 0_i64..3000) {
        let whole = units(nets.iter().sum());
        let mut invoice = Creditable::whole(whole, Decimal::new(percent, 2)).unwrap();
        let total = invoice.left().total().unwrap();
        let notes: Vec<_> = nets.iter().map(|net| invoice.credit(units(*net)).unwrap().total().unwrap()).collect();
        prop_assert!(notes.iter().all(|note| !note.is_negative()));
        prop_assert_eq!(Money::sum(Currency::EUR, notes).unwrap(), total);
    }

    #[test]
    fn a_settlement_gives_what_the_note_says(invoice in 1_i64..100_000, credit in 0_i64..50_000, provider in 0_i64..50_000, note in 0_i64..100_000, mode in 0_usize..3) {
        prop_assume!(credit + provider <= invoice && note <= invoice);
        let paid = PaidFrom { invoice: units(invoice), account_credit: units(credit), provider: units(provider) };
        let mode = [Settlement::Refund, Settlement::AccountCredit, Settlement::Invoice][mode];
        let settled = settle(units(note), paid, mode).unwrap();
        let sum = [settled.off_invoice, settled.to_account_credit, settled.to_provider];
        prop_assert!(sum.iter().all(|part| !part.is_negative()));
        prop_assert_eq!(Money::sum(Currency::EUR, sum).unwrap(), units(note));
        prop_assert!(settled.to_provider.minor_units() <= provider);
        prop_assert!(settled.off_invoice.minor_units() <= invoice - credit - provider);
    }
}
