//! A ticket's two promises, kept in its row: started, paused while we wait, kept, missed.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use weir_rules::support::clock::Clock;
use weir_rules::support::hours::WorkingHours;
use weir_rules::support::status::TicketStatus;

use super::policy::{self, Target};
use super::{Error, Promise, Ticket, events, store};
use crate::app::App;
use crate::db::{Scope, TenantTx};

/// Tickets whose promises are looked at in one transaction.
const AT_ONCE: i64 = 100;

impl Promise {
    /// A promise of so many minutes, given now.
    pub(super) fn start(hours: &WorkingHours, target_minutes: i32, now: DateTime<Utc>) -> Self {
        let clock = Clock::start(hours, policy::minutes(target_minutes), now);
        let none = Self { target_minutes, due_at: None, left_seconds: None, kept_at: None, missed_at: None };
        none.with(clock)
    }

    fn clock(&self) -> Option<Clock> {
        let left = self.left_seconds.map(|left| Clock::Paused(TimeDelta::seconds(left)));
        self.due_at.map(Clock::Running).or(left)
    }

    fn with(self, clock: Option<Clock>) -> Self {
        let (due_at, left_seconds) = match clock {
            Some(Clock::Running(due)) => (Some(due), None),
            Some(Clock::Paused(left)) => (None, Some(left.num_seconds())),
            None => (None, None),
        };
        Self { due_at, left_seconds, ..self }
    }

    fn paused(self, hours: &WorkingHours, now: DateTime<Utc>) -> Self {
        let clock = self.clock().map(|clock| clock.pause(hours, now));
        self.with(clock)
    }

    fn resumed(self, hours: &WorkingHours, now: DateTime<Utc>) -> Self {
        let clock = self.clock().and_then(|clock| clock.resume(hours, now));
        self.with(clock)
    }

    fn retargeted(self, hours: &WorkingHours, target_minutes: i32, now: DateTime<Utc>) -> Self {
        let by = policy::minutes(target_minutes) - policy::minutes(self.target_minutes);
        let clock = self.clock().and_then(|clock| clock.retarget(hours, by, now));
        Self { target_minutes, ..self }.with(clock)
    }

    fn kept(self, now: DateTime<Utc>) -> Self {
        Self { kept_at: Some(now), ..self }.with(None)
    }

    /// Notes the miss of what ended before now; tells whether it is new.
    fn miss(&mut self, now: DateTime<Utc>) -> bool {
        let missed = self.due_at.filter(|due| *due <= now && self.missed_at.is_none());
        if missed.is_some() {
            self.missed_at = missed;
        }
        missed.is_some()
    }
}

/// Puts the promises where a ticket's status wants them.
pub(super) fn follow(ticket: &mut Ticket, hours: &WorkingHours, now: DateTime<Utc>) {
    let runs = matches!(ticket.status, TicketStatus::New | TicketStatus::Open);
    let over = !ticket.status.is_active();
    for promise in [&mut ticket.response, &mut ticket.resolution] {
        let moved = promise.clone();
        *promise = if runs { moved.resumed(hours, now) } else { moved.paused(hours, now) };
    }
    if over && ticket.response.kept_at.is_none() {
        ticket.response = ticket.response.clone().kept(now);
    }
    ticket.resolution.kept_at = ticket.solved_at.filter(|_| over);
}

/// The first answer was given.
pub(super) fn answered(ticket: &mut Ticket, now: DateTime<Utc>) {
    if ticket.response.kept_at.is_none() {
        ticket.response = ticket.response.clone().kept(now);
    }
}

/// Measures the promises anew: what was worked so far counts.
pub(super) fn retarget(ticket: &mut Ticket, target: Target, hours: &WorkingHours, now: DateTime<Utc>) {
    ticket.response = ticket.response.clone().retargeted(hours, target.first_response_minutes, now);
    ticket.resolution = ticket.resolution.clone().retargeted(hours, target.resolution_minutes, now);
}

/// Notes what was missed by now and tells of it; to be called before anything else changes the promises.
pub(super) async fn note_missed(tx: &mut TenantTx, ticket: &mut Ticket) -> Result<bool, Error> {
    let now = tx.at();
    let missed = [("first_response", ticket.response.miss(now)), ("resolution", ticket.resolution.miss(now))];
    let mut any = false;
    for (promise, _) in missed.into_iter().filter(|(_, missed)| *missed) {
        any = true;
        let due = if promise == "resolution" { ticket.resolution.missed_at } else { ticket.response.missed_at };
        events::sla_missed(tx, ticket, json!({ "promise": promise, "due_at": due })).await?;
    }
    Ok(any)
}

/// Notes every promise that was missed by now, and closes what was solved long enough ago.
pub(super) async fn watch(app: &App, scope: &Scope) -> Result<(), Error> {
    loop {
        let mut tx = app.db.begin(scope).await?;
        let late = store::lock_missed(&mut tx, AT_ONCE).await?;
        let count = late.len();
        for id in late {
            let mut ticket = super::service::locked(&mut tx, id).await?;
            note_missed(&mut tx, &mut ticket).await?;
            store::update(&mut tx, &ticket).await?;
        }
        tx.commit().await?;
        if (count as i64) < AT_ONCE {
            break;
        }
    }
    let mut tx = app.db.begin(scope).await?;
    let reopen_days = policy::policy(&mut tx).await?.reopen_days;
    let before = tx.at() - TimeDelta::days(i64::from(reopen_days));
    for id in store::solved_before(&mut tx, before, AT_ONCE).await? {
        super::conversation::close_by_itself(&mut tx, id).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Gives every running promise the working time it has left in other hours.
pub(super) async fn move_all(tx: &mut TenantTx, old: &WorkingHours, new: &WorkingHours) -> Result<(), Error> {
    let now = tx.at();
    for id in store::running(tx).await? {
        let mut ticket = super::service::locked(tx, id).await?;
        note_missed(tx, &mut ticket).await?;
        for promise in [&mut ticket.response, &mut ticket.resolution] {
            // What is missed stays as it was missed.
            if promise.missed_at.is_none() && promise.due_at.is_some() {
                *promise = promise.clone().paused(old, now).resumed(new, now);
            }
        }
        store::update(tx, &ticket).await?;
    }
    Ok(())
}
