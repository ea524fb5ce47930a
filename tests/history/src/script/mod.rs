//! The year as it will have been: who comes and goes, who asks for what. Pure, and the same for the same seed.
//!
//! What people do about bills follows from their bills, and is decided as the year is lived ([`crate::life`]).

pub mod people;
pub mod plans;
pub mod traffic;

use crate::dice::Dice;
use chrono::{Datelike, Days, Months, NaiveDate};
use people::{Census, Payer, Person};
use std::collections::BTreeMap;

/// How large a year is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Subscribers at its end.
    pub subscribers: usize,
    /// Months it lasts.
    pub months: u32,
    /// Lines of the first site that are the lab's.
    pub lab_lines: u8,
}

/// Something that happens on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A person becomes a subscriber: at the counter, or by an order in the portal.
    Joins {
        /// Who.
        person: usize,
        /// Whether they ordered in the portal.
        ordered: bool,
    },
    /// A person moves to another plan.
    Changes {
        /// Who.
        person: usize,
        /// To which.
        plan: usize,
    },
    /// A person leaves.
    Leaves {
        /// Who.
        person: usize,
    },
    /// The plan's second version goes on sale.
    Reprices,
    /// Who has the first version moves to the second.
    Raises,
    /// Somebody who is not a subscriber yet orders, and waits.
    Orders,
    /// A person asks for help.
    Asks {
        /// Who.
        person: usize,
        /// About what, an index.
        about: usize,
        /// Working days until somebody answers, and until it is solved.
        days: (u64, u64),
    },
}

/// A year.
#[derive(Debug)]
pub struct Year {
    /// What everything was rolled with.
    pub seed: u64,
    /// Its first day.
    pub from: NaiveDate,
    /// The day after its last whole one: today.
    pub to: NaiveDate,
    /// Who is a subscriber at some time of it.
    pub people: Vec<Person>,
    /// How many of them the ISP brings along from its old system.
    pub brought: usize,
    /// What happens, by day.
    pub acts: BTreeMap<NaiveDate, Vec<Act>>,
}

/// Kinds of questions people ask.
pub const QUESTIONS: usize = 8;
/// Orders that wait at the end.
const WAITING: u64 = 3;
/// Of a hundred subscribers, how many leave in a month.
const LEAVING_PERMILLE: u64 = 13;

impl Year {
    /// Writes the year that ends on a day.
    #[must_use]
    pub fn write(seed: u64, size: Size, to: NaiveDate) -> Self {
        let from = to.checked_sub_months(Months::new(size.months)).unwrap_or(to);
        let brought = (size.subscribers * 2 / 5).max(usize::from(size.lab_lines)).max(1);
        let mut year = Self { seed, from, to, people: Vec::new(), brought, acts: BTreeMap::new() };
        year.fill(size);
        year.reprice(size);
        year.change_plans();
        year.ask();
        for day in (1..=WAITING).filter(|day| *day < u64::from(size.months) * 28) {
            year.act(to - Days::new(day), Act::Orders);
        }
        year
    }

    /// Days of the year but the last, in order.
    pub fn days(&self) -> impl Iterator<Item = NaiveDate> + use<> {
        let to = self.to;
        self.from.iter_days().take_while(move |day| *day < to)
    }

    fn act(&mut self, on: NaiveDate, act: Act) {
        if on >= self.from && on < self.to {
            self.acts.entry(on).or_default().push(act);
        }
    }

    /// Brings people in so that their number grows to what is wanted while some leave: more come in autumn than in summer.
    fn fill(&mut self, size: Size) {
        let mut census = Census::new(self.seed, self.to);
        for _ in 0..self.brought {
            self.people.push(census.next(self.from, size.lab_lines));
        }
        let days: Vec<_> = self.days().skip(1).collect();
        let pull = |day: NaiveDate| [8, 9, 9, 8, 8, 7, 5, 4, 11, 12, 10, 9][day.month0() as usize];
        let all: u64 = days.iter().map(|day| pull(*day)).sum::<u64>().max(1);
        let (mut passed, mut present) = (0, self.people.len());
        for day in days {
            passed += pull(day);
            present -= self.let_go(day);
            let grown = size.subscribers.saturating_sub(self.brought) as u64 * passed / all;
            while present < self.brought + usize::try_from(grown).unwrap_or(0) {
                let person = census.next(day, size.lab_lines);
                let ordered = person.number.is_multiple_of(4);
                self.act(day, Act::Joins { person: person.number, ordered });
                self.people.push(person);
                present += 1;
            }
        }
    }

    /// Says who leaves on a day; says how many.
    fn let_go(&mut self, on: NaiveDate) -> usize {
        let (seed, mut gone) = (self.seed, 0);
        for index in 0..self.people.len() {
            let person = &self.people[index];
            let stays =
                person.leaves_on.is_some() || person.lab_line.is_some() || on < person.joined_on + Days::new(40);
            let mut dice = Dice::of(seed ^ u64::from(on.num_days_from_ce().unsigned_abs()), "leaving", index);
            let unpaid = matches!(person.payer, Payer::Stops(day) if on > day + Days::new(75));
            if !stays && (unpaid || dice.below(30_000) < LEAVING_PERMILLE) {
                self.people[index].leaves_on = Some(on);
                self.act(on, Act::Leaves { person: index });
                gone += 1;
            }
        }
        gone
    }

    /// The new price is for new subscribers at first, and for all of them two months later.
    fn reprice(&mut self, size: Size) {
        let after = |months: u32| self.from.checked_add_months(Months::new(months)).and_then(|day| day.with_day(1));
        let (first, second) = (after(size.months / 2), after(size.months * 2 / 3));
        if let (Some(first), Some(second)) = (first, second.filter(|second| Some(*second) > first)) {
            self.act(first, Act::Reprices);
            self.act(second, Act::Raises);
        }
    }

    /// Some want more after a while, fewer want less.
    fn change_plans(&mut self) {
        for index in 0..self.people.len() {
            let person = &self.people[index];
            let mut dice = Dice::of(self.seed, "changing", index);
            if person.lab_line.is_some() || !dice.percent(22) {
                continue;
            }
            let on = person.joined_on + Days::new(dice.between(35, 320));
            let up = dice.percent(70);
            let plan = match (person.plan, up) {
                (3, true) | (1, false) => 0,
                (0, true) | (2, false) => 1,
                (1, true) => 2,
                (_, true) => continue,
                (_, false) => 3,
            };
            if plan != person.plan && person.leaves_on.is_none_or(|end| on < end) {
                self.act(on, Act::Changes { person: index, plan });
            }
        }
    }

    /// Questions: most are answered the same day, some wait too long.
    fn ask(&mut self) {
        for index in 0..self.people.len() {
            let mut dice = Dice::of(self.seed, "asking", index);
            let mut on = self.people[index].joined_on + Days::new(dice.between(1, 200));
            let last = self.people[index].leaves_on.unwrap_or(self.to).min(self.to);
            while on < last {
                let answer = dice.weighted(&[(0, 78), (1, 16), (4, 6)]);
                let solve = answer + dice.weighted(&[(0, 50), (1, 25), (3, 15), (9, 10)]);
                let about = usize::try_from(dice.below(QUESTIONS as u64)).unwrap_or(0);
                self.act(on, Act::Asks { person: index, about, days: (answer, solve) });
                on = on + Days::new(dice.between(60, 400));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn year(seed: u64) -> Year {
        let to = NaiveDate::from_ymd_opt(2026, 11, 27).expect("a day");
        Year::write(seed, Size { subscribers: 300, months: 12, lab_lines: 8 }, to)
    }

    #[test]
    fn a_year_is_the_same_for_the_same_seed() {
        let (one, other) = (year(7), year(7));
        assert_eq!(one.acts, other.acts);
        assert_ne!(one.acts, year(8).acts);
    }

    #[test]
    fn it_ends_with_as_many_subscribers_as_asked_for() {
        let year = year(7);
        let present = year.people.iter().filter(|person| person.leaves_on.is_none()).count();
        assert!((298..=301).contains(&present), "{present}");
        let gone = year.people.len() - present;
        assert!((15..80).contains(&gone), "{gone} left");
        assert!(year.people[..8].iter().all(|person| person.leaves_on.is_none()), "the lab's stay");
    }

    #[test]
    fn nobody_does_anything_before_they_came_or_after_they_left() {
        let year = year(7);
        for (on, act) in year.acts.iter().flat_map(|(on, acts)| acts.iter().map(move |act| (on, act))) {
            if let Act::Changes { person, .. } | Act::Asks { person, .. } = act {
                let person = &year.people[*person];
                assert!(*on >= person.joined_on && person.leaves_on.is_none_or(|end| *on < end), "{act:?} {person:?}");
            }
        }
    }
}
