//! What credit notes give back, by example and by chance.

use proptest::prelude::*;

use super::*;
use crate::tax::TaxCategory;

fn eur(units: i64) -> Money {
    Money::from_minor_units(units, Currency::EUR).unwrap()
}

fn rate(percent: u32) -> TaxRate {
    let category = if percent == 0 { TaxCategory::ZeroRated } else { TaxCategory::Standard };
    TaxRate::new(category, percent.into()).unwrap()
}

/// An invoice of lines of these cents and percents, of which nothing was given back.
fn invoice(lines: &[(i64, u32)]) -> Left<usize> {
    let lines: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(id, (units, percent))| LineLeft { id, rate: rate(*percent), left: AmountLeft::OnTop(eur(*units)) })
        .collect();
    Left::whole(Currency::EUR, lines).unwrap()
}

/// The same, but of lines in cents with tax, whose price includes it.
fn gross_invoice(lines: &[(i64, u32)]) -> Vec<LineLeft<usize>> {
    let line = |(id, (units, percent)): (usize, &(i64, u32))| {
        let (gross, rate) = (eur(*units), rate(*percent));
        let net = crate::tax::inclusive(gross, rate).unwrap().0;
        LineLeft { id, rate, left: AmountLeft::Inside(Charge::whole(gross, net)) }
    };
    lines.iter().enumerate().map(line).collect()
}

/// What is left after a note.
fn after(left: &Left<usize>, note: &Note<usize>) -> Left<usize> {
    left.clone().less(note).unwrap()
}

#[test]
fn the_last_note_takes_the_remaining_tax() {
    // 21 % of 10.00 is 2.10; of three times 3.33 it is three times 0.70, and of the last cent nothing.
    let mut left = invoice(&[(1000, 21)]);
    let mut taxes = Vec::new();
    for wish in [Some(eur(333)), Some(eur(333)), Some(eur(333)), None] {
        let note = credit(&left, Wish::Lines(&[(0, wish)])).unwrap();
        taxes.push(note.tax);
        left = after(&left, &note);
    }
    assert_eq!(taxes, [eur(70), eur(70), eur(70), eur(0)]);
    assert_eq!(credit(&left, Wish::Rest), Err(CreditNoteError::NothingLeft));
}

#[test]
fn what_is_not_left_is_refused_and_named() {
    let left = invoice(&[(3000, 21), (-1000, 21), (500, 0)]);
    let refused = |wishes: &[(usize, Option<Money>)]| credit(&left, Wish::Lines(wishes)).unwrap_err();
    assert_eq!(refused(&[(2, Some(eur(501)))]), CreditNoteError::AboveLine { wish: 0, left: eur(500) });
    assert_eq!(refused(&[(1, None)]), CreditNoteError::AboveLine { wish: 0, left: eur(0) });
    let rest = CreditNoteError::AboveInvoice { net: eur(2500), gross: eur(2920) };
    assert_eq!(refused(&[(0, None)]), rest, "a line that was charged and partly given back");
    assert_eq!(refused(&[(7, None)]), CreditNoteError::UnknownLine(0));
    assert_eq!(refused(&[(2, None), (2, None)]), CreditNoteError::Twice(1));
    for amount in [0, -1] {
        assert_eq!(refused(&[(2, Some(eur(amount)))]), CreditNoteError::NotPositive(0));
    }
    assert_eq!(refused(&[]), CreditNoteError::Empty);
    let dollars = Money::parse("1", Currency::USD).unwrap();
    assert!(matches!(refused(&[(2, Some(dollars))]), CreditNoteError::Money(_)));
    let whole = credit(&left, Wish::Rest).unwrap();
    assert_eq!((whole.net, whole.tax, whole.gross), (eur(2500), eur(420), eur(2920)));
    assert_eq!(credit(&invoice(&[(-1000, 21)]), Wish::Rest), Err(CreditNoteError::NothingLeft));
}

#[test]
fn what_is_given_back_of_a_price_with_tax_is_meant_with_tax() {
    // 29.90 at 19 % is 25.13 and 4.77. Of 25.13 a third is 8.38 (8.3767), and two thirds are 16.75 (16.7533).
    let mut lines = gross_invoice(&[(2990, 19)]);
    lines.push(LineLeft { id: 1, rate: rate(19), left: AmountLeft::OnTop(eur(1000)) });
    let mut left = Left::whole(Currency::EUR, lines).unwrap();
    assert_eq!((left.net(), left.tax(), left.gross()), (Ok(eur(3513)), Ok(eur(667)), Ok(eur(4180))));
    let mut notes = Vec::new();
    for wish in [eur(997), eur(996)] {
        let note = credit(&left, Wish::Lines(&[(0, Some(wish))])).unwrap();
        notes.push((note.net, note.tax, note.gross));
        left = after(&left, &note);
    }
    assert_eq!(notes, [(eur(838), eur(159), eur(997)), (eur(837), eur(159), eur(996))]);
    let above = credit(&left, Wish::Lines(&[(0, Some(eur(998)))])).unwrap_err();
    assert_eq!(above, CreditNoteError::AboveLine { wish: 0, left: eur(997) });
    let rest = credit(&left, Wish::Rest).unwrap();
    assert_eq!((rest.net, rest.tax, rest.gross), (eur(1838), eur(349), eur(2187)));
    assert_eq!(credit(&after(&left, &rest), Wish::Rest), Err(CreditNoteError::NothingLeft));
}

proptest! {
    #[test]
    fn notes_in_any_grouping_add_up_to_the_invoice_and_are_never_above(
        lines in prop::collection::vec((-2_000_i64..10_000, prop::sample::select(vec![0_u32, 4, 10, 21])), 1..6),
        inside in prop::collection::vec(any::<bool>(), 6),
        wishes in prop::collection::vec((0_usize..6, 1_i64..4_000), 0..30),
    ) {
        let mixed = invoice(&lines).lines.into_iter().zip(gross_invoice(&lines)).zip(inside);
        let mixed = mixed.map(|((on_top, with_tax), inside)| if inside { with_tax } else { on_top });
        let whole = Left::whole(Currency::EUR, mixed.collect()).unwrap();
        let nothing = eur(0);
        let (mut left, mut net, mut tax) = (whole.clone(), nothing, nothing);
        for (line, units) in wishes {
            let Ok(note) = credit(&left, Wish::Lines(&[(line, Some(eur(units)))])) else { continue };
            prop_assert!(note.gross.is_positive() && !note.tax.is_negative());
            (net, tax) = (net.checked_add(note.net).unwrap(), tax.checked_add(note.tax).unwrap());
            left = after(&left, &note);
            prop_assert!(!left.net().unwrap().is_negative() && !left.gross().unwrap().is_negative());
        }
        prop_assert_eq!(net.checked_add(left.net().unwrap()).unwrap(), whole.net().unwrap());
        prop_assert_eq!(tax.checked_add(left.tax().unwrap()).unwrap(), whole.tax().unwrap());
        match credit(&left, Wish::Rest) {
            Ok(note) => {
                let rest = after(&left, &note);
                prop_assert!(rest.lines.iter().all(|line| line.left().is_zero() && line.net().is_zero()));
                prop_assert!(rest.taxes.iter().all(|(_, tax)| tax.is_zero()));
            }
            Err(error) => {
                prop_assert_eq!(error, CreditNoteError::NothingLeft);
                prop_assert!(!left.gross().unwrap().is_positive());
            }
        }
    }
}
