//! Changes between plans of several periods: stories, and what holds for any of them.

use chrono::Days;
use proptest::prelude::*;

use super::*;
use crate::charges::Terms;
use crate::money::Currency;
use crate::proration::ProrationPolicy;

type Billed = BilledLine<u32, u32>;

const RHYTHMS: [(Every, Timing); 6] = [
    (Every::Months(1), Timing::InAdvance),
    (Every::Months(3), Timing::InAdvance),
    (Every::Months(12), Timing::InAdvance),
    (Every::Days(7), Timing::InAdvance),
    (Every::Days(30), Timing::InAdvance),
    (Every::Months(1), Timing::InArrears),
];
const PRICES: [&str; 6] = ["31.00", "90.00", "365.00", "7.00", "29.99", "30.01"];

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn rhythm(version: u32) -> Rhythm {
    let (every, timing) = RHYTHMS[version as usize];
    Rhythm { every, timing }
}

/// Each version from a day on up to the next.
fn sold(changes: &[(u32, NaiveDate)], ends: Option<NaiveDate>) -> Vec<Terms<u32>> {
    let next = changes.iter().skip(1).map(|(_, from)| Some(*from)).chain([ends]);
    let one = |((version, from), to): (&(u32, NaiveDate), _)| Terms {
        version: *version,
        price: Money::parse(PRICES[*version as usize], Currency::EUR).unwrap(),
        quantity: Decimal::ONE,
        from: *from,
        to,
    };
    changes.iter().zip(next).map(one).collect()
}

/// Bills a line up to a day; what is new is said and kept.
fn run(
    terms: &[Terms<u32>],
    billing_day: u32,
    billed: &mut Vec<Billed>,
    as_of: NaiveDate,
) -> Vec<(u32, String, String)> {
    let (start, day) = (terms[0].from, BillingDay::new(billing_day).unwrap());
    let subscription = Subscription {
        cycle: Cycle::monthly(start, day, 1).unwrap(),
        timing: Timing::InAdvance,
        policy: ProrationPolicy::ByDay,
        currency: Currency::EUR,
        terms: terms.to_vec(),
    };
    let stretches = stretches(start, day, terms.iter().map(|terms| (terms.from, rhythm(terms.version)))).unwrap();
    let lines = derive_stretches(&subscription, &stretches, billed, as_of).unwrap();
    let mut shown = Vec::new();
    for line in lines {
        let (from, to) = (line.period.start(), line.period.end());
        shown.push((line.version, format!("{from} {to}"), line.amount.amount().to_string()));
        billed.push(BilledLine {
            id: u32::try_from(billed.len()).unwrap(),
            version: line.version,
            price: line.price,
            quantity: line.quantity,
            period: line.period,
            amount: line.amount,
            credits: line.credits,
        });
    }
    shown
}

fn total(billed: &[Billed]) -> Money {
    Money::sum(Currency::EUR, billed.iter().map(|line| line.amount)).unwrap()
}

/// How often each day is charged and not given back.
fn charged(billed: &[Billed], on: NaiveDate) -> usize {
    let holds = |line: &&Billed| line.period.contains(on);
    let taken = |charge: &Billed| billed.iter().filter(holds).any(|line| line.credits == Some(charge.id));
    billed.iter().filter(holds).filter(|line| line.credits.is_none() && !taken(line)).count()
}

fn expect(found: &[(u32, String, String)], expected: &[(u32, &str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(v, days, sum)| (*v, days.to_string(), sum.to_string())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_year_from_the_29th_of_february_ends_on_the_28th() {
    let terms = sold(&[(2, day("2024-02-29"))], None);
    let mut billed = Vec::new();
    expect(&run(&terms, 29, &mut billed, day("2024-02-29")), &[(2, "2024-02-29 2025-02-28", "365.00")]);
    expect(&run(&terms, 29, &mut billed, day("2025-02-27")), &[]);
    expect(&run(&terms, 29, &mut billed, day("2025-02-28")), &[(2, "2025-02-28 2026-02-28", "365.00")]);
}

#[test]
fn a_quarter_left_for_months_is_given_back_and_the_months_follow_the_billing_day() {
    let mut billed = Vec::new();
    run(&sold(&[(1, day("2026-01-01"))], None), 1, &mut billed, day("2026-01-01"));
    let changed = sold(&[(1, day("2026-01-01")), (0, day("2026-02-15"))], None);
    let lines = run(&changed, 1, &mut billed, day("2026-02-15"));
    expect(&lines, &[(1, "2026-02-15 2026-04-01", "-45.00"), (0, "2026-02-15 2026-03-01", "15.50")]);
    expect(&run(&changed, 1, &mut billed, day("2026-03-01")), &[(0, "2026-03-01 2026-04-01", "31.00")]);
}

#[test]
fn what_is_paid_afterwards_is_asked_for_on_the_billing_day_and_when_it_ends() {
    let mut billed = Vec::new();
    let open = sold(&[(5, day("2026-01-01"))], None);
    expect(&run(&open, 1, &mut billed, day("2026-01-31")), &[]);
    expect(&run(&open, 1, &mut billed, day("2026-02-01")), &[(5, "2026-01-01 2026-02-01", "30.01")]);
    let changed = sold(&[(5, day("2026-01-01")), (3, day("2026-02-15"))], None);
    let lines = run(&changed, 1, &mut billed, day("2026-02-15"));
    expect(&lines, &[(5, "2026-02-01 2026-02-15", "15.01"), (3, "2026-02-15 2026-02-22", "7.00")]);
}

#[test]
fn a_price_for_other_periods_comes_to_so_much_a_month() {
    let a_month = |every: Every, price| every.price_a_month(Money::parse(price, Currency::EUR).unwrap()).unwrap();
    assert_eq!(a_month(Every::Months(12), "365.00"), Money::parse("30.42", Currency::EUR).unwrap());
    assert_eq!(a_month(Every::Months(1), "30.01"), Money::parse("30.01", Currency::EUR).unwrap());
    assert_eq!(a_month(Every::Days(10), "10.00"), Money::parse("30.42", Currency::EUR).unwrap());
}

fn changes() -> impl Strategy<Value = Vec<(u32, NaiveDate)>> {
    prop::collection::vec((0..6_u32, 1..150_u64), 1..5).prop_map(|steps| {
        let mut on = day("2023-12-31");
        steps
            .iter()
            .map(|(version, days)| {
                on = on + Days::new(*days);
                (*version, on)
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn no_day_is_billed_twice_none_is_left_out_and_a_second_run_bills_nothing(
        histories in prop::collection::vec(changes(), 1..4), billing_day in 1..32_u32, looks in prop::collection::vec(0..400_u64, 1..5)
    ) {
        let mut billed = Vec::new();
        let mut looks: Vec<_> = looks.into_iter().map(|days| day("2024-01-01") + Days::new(days)).collect();
        looks.sort();
        // The line is found to have been sold otherwise each time, then as the last says for good, and it ends.
        let last = looks[looks.len() - 1];
        for (changes, as_of) in histories.iter().zip(&looks) {
            run(&sold(changes, None), billing_day, &mut billed, *as_of);
        }
        let changes = &histories[histories.len() - 1];
        let ends = last.max(changes[changes.len() - 1].1) + Days::new(1);
        let terms = sold(changes, Some(ends));
        run(&terms, billing_day, &mut billed, ends);
        prop_assert_eq!(run(&terms, billing_day, &mut billed, ends), []);
        for on in changes[0].1.iter_days().take_while(|on| *on < ends) {
            prop_assert_eq!(charged(&billed, on), 1, "{}", on);
        }
        prop_assert_eq!(charged(&billed, ends), 0);
        // It comes to what one run over the whole of it asks for.
        let mut once = Vec::new();
        run(&terms, billing_day, &mut once, ends);
        prop_assert_eq!(total(&billed), total(&once));
    }

    #[test]
    fn there_and_back_on_one_day_nets_nothing(from in 0..6_u32, to in 0..6_u32, days in 1..300_u64, billing_day in 1..32_u32) {
        let start = day("2024-01-31");
        let on = start + Days::new(days);
        let before = sold(&[(from, start)], None);
        let mut billed = Vec::new();
        run(&before, billing_day, &mut billed, on);
        let paid = total(&billed);
        run(&sold(&[(from, start), (to, on)], None), billing_day, &mut billed, on);
        run(&before, billing_day, &mut billed, on);
        if rhythm(from).timing == Timing::InAdvance {
            prop_assert_eq!(total(&billed), paid);
        }
        // What is paid afterwards may be asked for earlier by it, but comes to the same.
        let (later, mut unmoved) = (on + Days::new(400), Vec::new());
        run(&before, billing_day, &mut billed, later);
        run(&before, billing_day, &mut unmoved, later);
        prop_assert_eq!(total(&billed), total(&unmoved));
    }
}
