//! What does not come into force at once: settings of the router prove themselves by a gateway that is reached under them,
//! and people hear of what waits for them.

use super::{Agent, Uplink};
use crate::clock::Clock;
use crate::southbound::Southbound;
use crate::store::desired::{Accepted, Key};
use crate::store::guard::{Guard, Lately, TRIES, Waits};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use weir_protocol::control::Severity;

/// New settings of the router have this long to let a gateway be reached, milliseconds.
const PROVEN_WITHIN_MS: u64 = 120_000;
/// So long what was said last may take to be heard.
const HEARD_WITHIN: Duration = Duration::from_secs(1);
/// Longest wait between two attempts to reach one meanwhile.
const REACH_AGAIN: Duration = Duration::from_secs(5);
/// What waits for a person: why, the event, and what happened to so many of the lines there are.
const HELD: [(Waits, &str, &str); 4] = [
    (Waits::Removal, "removals-held", "lines are taken away"),
    (Waits::Suspension, "suspensions-held", "lines may do less than before"),
    (Waits::Reduction, "reductions-held", "lines are slower, or lost an address"),
    (Waits::Settings, "settings-held", "settings of the router or access points are others in a restored cloud"),
];

/// What does not come into force at once.
#[derive(Debug, Default)]
pub(super) struct Guarding {
    /// What was taken away lately.
    lately: Lately,
    /// When settings that are in force must have proven themselves, by the monotonic clock.
    until_ms: Option<u64>,
    /// Whether the kernel has them.
    in_kernel: bool,
    /// When the session ends so that a gateway has to be reached anew: what is said by then is heard.
    leave_at: Option<Instant>,
    /// How much of each of [`HELD`] people were told of last.
    told: [usize; HELD.len()],
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// What makes a change wait.
    pub(super) fn guard(&mut self) -> Guard {
        let lately = self.guarding.lately.within(self.clock.now().mono_ms);
        let restored = self.uplink.session().is_some_and(|session| session.restored);
        Guard { restored, lately, replayed: false }
    }

    /// Takes in what a change took away; one that confirms what waits ends what made it wait.
    pub(super) fn was_taken(&mut self, confirmed: bool) {
        self.guarding.lately.add(self.clock.now().mono_ms, self.store.taken());
        if confirmed {
            self.guarding.lately.forget();
            if let Some(session) = self.uplink.session() {
                session.restored = false;
            }
        }
    }

    /// Tells people of what waits for them: when something begins to, and when it is twice as much.
    pub(super) fn tell_held(&mut self) {
        let of = self.meaning.wanted.lines.len();
        for (n, (why, kind, what)) in HELD.into_iter().enumerate() {
            let waiting = self.store.waiting(why);
            let told = self.guarding.told[n];
            if waiting > 0 && waiting >= told.saturating_mul(2) {
                self.guarding.told[n] = waiting;
                let some = if why == Waits::Settings { waiting.to_string() } else { format!("{waiting} of {of}") };
                let text = format!("{some} {what}; what was before stays in force until somebody confirms it");
                self.tell(kind, Severity::Critical, text);
            } else if waiting == 0 {
                self.guarding.told[n] = 0;
            }
        }
    }

    /// Brings settings that wait for it into force; they prove themselves once the kernel has them.
    pub(super) fn begin_trial(&mut self) -> Option<Key> {
        let (key, accepted) = self.store.begin_trial()?;
        self.volatile = accepted == Accepted::Volatile;
        tracing::warn!("new settings of the router come into force; they stay if a gateway is reached under them");
        Some(key)
    }

    /// Whatever is on trial has so long to let a gateway be reached anew, once the kernel has it; what the kernel never takes
    /// is taken back as well.
    pub(super) fn put_to_the_proof(&mut self) {
        if self.store.trial().is_none() {
            return;
        }
        let until_ms = self.clock.now().mono_ms.saturating_add(PROVEN_WITHIN_MS);
        self.guarding.until_ms.get_or_insert(until_ms);
        if self.applied_ok && !std::mem::replace(&mut self.guarding.in_kernel, true) {
            self.guarding.leave_at = Some(Instant::now() + HEARD_WITHIN);
        }
    }

    /// A gateway was reached: what is on trial stays; what waited for one to be tried, is. Answers what changed.
    pub(super) fn reached(&mut self) -> Option<Key> {
        if self.guarding.until_ms.is_some() {
            if !std::mem::take(&mut self.guarding.in_kernel) {
                return None;
            }
            (self.guarding.until_ms, self.guarding.leave_at) = (None, None);
            let proven = self.store.trial().map(|(key, _)| key);
            self.volatile = self.store.end_trial(true) == Accepted::Volatile;
            tracing::info!("a gateway was reached under the new settings of the router: they stay");
            return proven;
        }
        self.begin_trial()
    }

    /// When something is to be done about what is on trial.
    pub(super) fn trial_wake(&self) -> Option<Instant> {
        let left = self.guarding.until_ms?.saturating_sub(self.clock.now().mono_ms);
        let until = Instant::now() + Duration::from_millis(left);
        Some(self.guarding.leave_at.map_or(until, |leave| leave.min(until)))
    }

    /// When a gateway is tried again that was to be after a while: soon, as long as what is on trial must prove itself by one.
    pub(super) fn next_try(&self, wait: Duration) -> Instant {
        let wait = if self.guarding.until_ms.is_some() { wait.min(REACH_AGAIN) } else { wait };
        Instant::now() + wait
    }

    /// Has a gateway reached anew; goes back to the settings before, if those on trial let none be reached in time.
    pub(super) async fn tend_trial(&mut self) {
        if self.guarding.leave_at.take_if(|leave| *leave <= Instant::now()).is_some()
            && let Some(session) = self.uplink.session()
        {
            session.leave("settings that must prove themselves", Duration::ZERO);
        }
        let now_ms = self.clock.now().mono_ms;
        if self.guarding.until_ms.take_if(|until| *until <= now_ms).is_none() {
            return;
        }
        (self.guarding.in_kernel, self.guarding.leave_at) = (false, None);
        let Some((key, tries)) = self.store.trial() else { return };
        // Other ports have other counters.
        self.sweep().await;
        self.store.end_trial(false);
        self.meaning.change(self.store.objects(), &BTreeSet::from([key]), self.store.generation());
        self.retry = None;
        self.apply().await;
        let last = tries >= TRIES;
        let (severity, then) = if last {
            (Severity::Critical, "they are not tried again")
        } else {
            (Severity::Warning, "they are tried again")
        };
        let text = format!(
            "new settings of the router let no gateway be reached in {} s; those before are in force again, and {then}",
            PROVEN_WITHIN_MS / 1_000
        );
        tracing::error!(tries, text, "settings reverted");
        self.tell("settings-reverted", severity, text);
        if let Uplink::Waiting(at) = &mut self.uplink {
            *at = Instant::now();
        }
    }
}
