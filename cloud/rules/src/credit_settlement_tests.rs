//! Where the money of credit notes goes, by table and by chance.

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
