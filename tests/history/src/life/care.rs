//! People ask, staff answer: mostly soon, sometimes too late.

use super::World;
use super::office::{NETWORK, SUPPORT};
use anyhow::Result;
use axum::http::Method;
use chrono::{Datelike, Days, NaiveDate, Weekday};
use serde_json::json;
use std::collections::BTreeMap;
use weir_cloud::tickets::portal::{Question, open_as_subscriber};

/// What is going on with tickets.
#[derive(Default)]
pub(super) struct Care {
    /// What is to be written on a day.
    to_do: BTreeMap<NaiveDate, Vec<(String, Step)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Answer(usize),
    Solve(usize),
}

/// What people ask, what they are answered, and what it was.
const TALKS: [[&str; 4]; crate::script::QUESTIONS] = [
    [
        "The line is slow in the evening",
        "Since last week films stop between nine and eleven. In the morning all is well.",
        "Thank you for writing. We see your line at its full rate; we are looking at the evening load of your sector.",
        "We moved your sector to another channel. Please write again if an evening is still slow.",
    ],
    [
        "No connection since this morning",
        "The little lamp is red and nothing works.",
        "We see your router without a link. Please unplug it for a minute; a colleague looks at the cable meanwhile.",
        "The cable in the stairwell was loose and is fixed.",
    ],
    [
        "Why is my bill higher this month?",
        "I paid less last month. What changed?",
        "Your bill has two parts this month, because your plan changed in the middle of it. Both are on the invoice.",
        "Glad it is clear now.",
    ],
    [
        "I would like a faster plan",
        "My daughter works from home now. What do you have?",
        "Beacon 40 is twice as fast and has no allowance. You can change in the portal, with the exact price shown first.",
        "You are on the plan you chose. Enjoy it.",
    ],
    [
        "Where do I send the transfer?",
        "I lost the paper with the account number.",
        "The number and your own reference stand on every invoice, at the bottom. Here they are once more in the portal.",
        "Your transfer arrived, thank you.",
    ],
    [
        "New router does not connect",
        "I bought a better one. What do I enter?",
        "Nothing: it takes its address from us. Please connect our cable to the port called WAN.",
        "We see your new router. All is well.",
    ],
    [
        "We are moving next month",
        "Can we take the line along? The new flat is in Cangas.",
        "Yes, if our mast sees it. We will look and write.",
        "It does. The move is planned for the first.",
    ],
    [
        "Used up too soon",
        "Half the month is over and everything is slow. I do not use that much!",
        "Your usage by day stands in the portal. The weekend of the 12th alone was a quarter of it.",
        "We added the larger allowance you asked for.",
    ],
];
/// Those a network colleague looks at.
const TECHNICAL: [usize; 3] = [0, 1, 5];

impl World {
    /// A person asks, in the portal.
    pub(super) async fn ask(&mut self, number: usize, about: usize, days: (u64, u64), on: NaiveDate) -> Result<()> {
        let Some(sold) = self.sold.get(&number) else { return Ok(()) };
        let [title, body, ..] = TALKS[about];
        let subscriber = sold.subscriber.parse()?;
        let question =
            Question { title: title.into(), body: body.into(), subscription_id: Some(sold.subscription.parse()?) };
        let scope = self.office.as_subscriber(subscriber);
        let (ticket, _) = open_as_subscriber(&self.office.app, &scope, subscriber, question, Vec::new()).await?;
        for (days, step) in [(days.0, Step::Answer(about)), (days.1, Step::Solve(about))] {
            let on = working_day(on, days);
            self.care.to_do.entry(on).or_default().push((ticket.id.to_string(), step));
        }
        Ok(())
    }

    /// Staff write what they were to write by today.
    pub(super) async fn answer(&mut self, on: NaiveDate) -> Result<()> {
        let later = self.care.to_do.split_off(&(on + Days::new(1)));
        let now = std::mem::replace(&mut self.care.to_do, later);
        for (ticket, step) in now.into_values().flatten() {
            let (Step::Answer(about) | Step::Solve(about)) = step;
            let who = if TECHNICAL.contains(&about) { NETWORK } else { SUPPORT };
            let [_, _, answer, solution] = TALKS[about];
            let entry = match step {
                Step::Answer(_) => json!({"kind": "reply", "body": answer}),
                Step::Solve(_) => json!({"kind": "reply", "body": solution, "status": "solved"}),
            };
            if matches!(step, Step::Answer(_)) {
                let me = self.office.staff_by(Method::GET, who, "/me", None).await?;
                let mine = json!({"assignee_id": me["id"]});
                self.office.staff_by(Method::PATCH, who, &format!("/tickets/{ticket}"), Some(mine)).await?;
            }
            self.office.staff(who, &format!("/tickets/{ticket}/entries"), entry).await?;
        }
        Ok(())
    }
}

/// So many working days after a day; a question of Sunday is Monday's.
fn working_day(mut on: NaiveDate, mut days: u64) -> NaiveDate {
    let rests = |on: NaiveDate| matches!(on.weekday(), Weekday::Sat | Weekday::Sun);
    while rests(on) || days > 0 {
        on = on + Days::new(1);
        days = days.saturating_sub(u64::from(!rests(on)));
    }
    on
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_answers_on_sunday() {
        let day = |day| NaiveDate::from_ymd_opt(2026, 11, day).expect("a day");
        assert_eq!(working_day(day(26), 0), day(26), "a Thursday");
        assert_eq!(working_day(day(27), 1), day(30), "over the weekend");
        assert_eq!(working_day(day(28), 0), day(30), "a Saturday");
    }
}
