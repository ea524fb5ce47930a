//! The half of the loop that concerns a session: what arrives, what goes out, when to come back.

use super::fair_use::Rules;
use super::{Agent, EVENTS, enforce};
use crate::clock::{self, Clock};
use crate::northbound::backoff::Backoff;
use crate::northbound::link::{self, Link, What};
use crate::northbound::reach::Way;
use crate::northbound::sender::{Effect, Sender};
use crate::southbound::Southbound;
use crate::status;
use crate::store::desired::{Accepted, Key};
use crate::store::limits;
use crate::usage::spool::Epoch;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;
use weir_protocol::brief::Upserts;
use weir_protocol::control::{Event, GoAway, GoAwayReason, Heartbeat, Hello, Severity, Welcome, down, up};
use weir_protocol::desired::Kind;
use weir_protocol::usage::SealReason;
use weir_protocol::{PROTO_REV, live, state, usage};

/// Longest wait for a connection, and then for the Welcome.
pub(super) const LIMIT: Duration = Duration::from_secs(10);
const DEFAULT_SPREAD: Duration = Duration::from_secs(1);
const DEFAULT_HEARTBEAT: Duration = Duration::from_secs(30);
/// However often the cloud wants to hear from us.
const SHORTEST_HEARTBEAT: Duration = Duration::from_millis(500);
/// The first revision in which a report may stand for the acknowledgement of a change.
const REPORTS_ACKNOWLEDGE_SINCE_REV: u32 = 8;
/// Changes that may overtake a welcome.
const EARLY: usize = 16;
/// A change of more objects takes longer to apply than its acknowledgement should wait.
const APPLIED_AT_ONCE: usize = 64;
/// Fill of the usage log from which records are not kept for the cloud's backups; below that at which records are widened.
const KEPT_FOR_BACKUPS: u64 = 500;
/// A clock that the cloud moves by more changes what is open and where it must be cut.
const CLOCK_MOVED_MS: u64 = 120_000;
/// However long the cloud wants us to stay away.
const LONGEST_ABSENCE: Duration = Duration::from_secs(3600);

/// Whether there is a connection.
pub(super) enum Uplink {
    /// Not before this instant.
    Waiting(Instant),
    /// An attempt is on its way.
    Dialing,
    /// There is one.
    Open(Box<Session>),
}

/// An open connection.
pub(super) struct Session {
    link: Link,
    /// Present once welcomed.
    pub(super) sender: Option<Sender>,
    /// The revision it runs at, once welcomed.
    pub(super) rev: u32,
    /// Lineage of the state that is sent in it, once welcomed.
    lineage: Vec<u8>,
    opened: Instant,
    heartbeat: Duration,
    spoke: Instant,
    spread: Duration,
    comeback: Option<Duration>,
    /// It is being closed: what is said now is lost.
    closing: bool,
    /// The cloud was restored, and nobody has said yet that what it wants is right.
    pub(super) restored: bool,
    /// Changes that came before the welcome.
    early: Vec<state::Down>,
}

impl Uplink {
    /// When it needs tending.
    pub(super) fn wake(&self) -> Option<Instant> {
        match self {
            Self::Waiting(at) => Some(*at),
            Self::Dialing => None,
            Self::Open(session) if session.sender.is_none() => Some(session.opened + LIMIT),
            Self::Open(session) => Some(session.spoke + session.heartbeat),
        }
    }

    /// Sends a live sample if there is a session with room for it.
    pub(super) fn show(&self, sample: &live::Sample) {
        if let Self::Open(session) = self {
            session.link.live(sample);
        }
    }

    /// Whether there is room for what can wait: nothing else waits for the control stream.
    pub(super) fn has_room(&self) -> bool {
        matches!(self, Self::Open(session) if session.link.has_room())
    }

    pub(super) fn session(&mut self) -> Option<&mut Session> {
        match self {
            Self::Open(session) => Some(session),
            Self::Waiting(_) | Self::Dialing => None,
        }
    }
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Dials, beats and gives up as time passes.
    pub(super) fn tend(&mut self, now: Instant) {
        self.try_quic(now);
        match &mut self.uplink {
            Uplink::Waiting(at) if now >= *at => self.dial(),
            Uplink::Open(session) if session.sender.is_none() && now >= session.opened + LIMIT => {
                session.link.close("no welcome");
            }
            Uplink::Open(session) if session.sender.is_some() && now >= session.spoke + session.heartbeat => {
                let pending_records = session.sender.as_ref().map_or(0, |sender| sender.pending(self.journal.spool()));
                let clock::Now { mono_ms, wall_ms } = self.clock.uncorrected();
                session.say(up::Message::Heartbeat(Heartbeat { mono_ms, wall_ms, pending_records }), now);
            }
            Uplink::Waiting(_) | Uplink::Dialing | Uplink::Open(_) => {}
        }
    }

    /// Takes in what a connection has to say.
    pub(super) async fn hear(&mut self, event: link::Event) {
        if event.attempt != self.attempt {
            return self.hear_beside(event);
        }
        match event.what {
            What::Connected(link) => self.greet(link),
            What::Failed(error) => {
                self.route.failed();
                self.not_welcomed(Some(&error), false);
                let wait = self.backoff.after_failure(u64::from_le_bytes(clock::random()));
                tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "cannot connect");
                self.uplink = Uplink::Waiting(self.next_try(wait));
            }
            What::Control(message) => match message.message {
                Some(down::Message::Welcome(welcome)) => self.welcome(&welcome).await,
                Some(down::Message::GoAway(away)) => self.go_away(&away),
                Some(down::Message::LiveInterest(interest)) => {
                    let every_ms = self.live_every_ms(interest.interval_ms);
                    self.live.interest(self.clock.now().mono_ms, interest.for_ms, every_ms);
                }
                Some(down::Message::Command(command)) => self.take_command(command).await,
                Some(down::Message::Cancel(cancel)) => self.diagnoses.cancel(&cancel.id),
                Some(down::Message::CertificateRenewed(answer)) => self.renewed(answer),
                Some(down::Message::TrustBundle(bundle)) => self.take_roots(bundle),
                None => tracing::debug!("a control message this revision does not know"),
            },
            What::State(change) => self.take_state(change).await,
            What::Usage(answer) => self.answered(&answer),
            What::Renewed(answer) => self.renewed(answer),
            What::Closed { reason, unreadable, certificate_ended } => {
                self.blame(unreadable);
                let unwelcomed = self.uplink.session().filter(|session| session.sender.is_none());
                if let Some(way) = unwelcomed.map(|session| session.way()) {
                    self.not_welcomed(None, certificate_ended);
                    self.unwelcomed_over(way);
                }
                self.lost(&reason);
            }
        }
    }

    /// Takes a change in, once there is a welcome: the streams are apart, and it may overtake that.
    async fn take_state(&mut self, mut change: state::Down) {
        if let Some(session) = self.uplink.session() {
            if session.sender.is_none() {
                session.early.push(change);
                if session.early.len() > EARLY {
                    session.link.close("changes without a welcome");
                }
                return;
            }
            if change.lineage.is_empty() {
                change.lineage.clone_from(&session.lineage);
            }
        }
        self.change(&change).await;
    }

    pub(super) fn greet(&mut self, link: Link) {
        let clock::Now { mono_ms, wall_ms } = self.clock.uncorrected();
        self.journal.ask_anew();
        self.confirmed.clear();
        let hello = Hello {
            proto_rev: PROTO_REV,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            boot_id: self.clock.boot().as_bytes().to_vec(),
            mono_ms,
            wall_ms,
            state_lineage: self.store.lineage().to_vec(),
            state_gen: self.store.generation(),
            state_digest: self.store.digest().to_vec(),
            epochs: self.journal.spool().epochs(),
            capabilities: self.capabilities.clone(),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            tally: self.tally.id().to_vec(),
            trust_digest: self.renewal.trust_digest().to_vec(),
        };
        let now = Instant::now();
        let mut session = Session {
            link,
            sender: None,
            rev: 0,
            lineage: Vec::new(),
            opened: now,
            heartbeat: DEFAULT_HEARTBEAT,
            spoke: now,
            spread: DEFAULT_SPREAD,
            comeback: None,
            closing: false,
            restored: false,
            early: Vec::new(),
        };
        session.say(up::Message::Hello(hello), now);
        self.uplink = Uplink::Open(Box::new(session));
    }

    async fn welcome(&mut self, welcome: &Welcome) {
        let Some(session) = self.uplink.session() else { return };
        if session.sender.is_some() || welcome.proto_rev == 0 || welcome.proto_rev > PROTO_REV {
            session.link.close("a welcome out of place");
            return;
        }
        // The interval is the longest silence allowed: speak well before it ends.
        let told = Duration::from_millis(u64::from(welcome.heartbeat_interval_ms / 2)).max(SHORTEST_HEARTBEAT);
        let told = if welcome.heartbeat_interval_ms > 0 { told } else { DEFAULT_HEARTBEAT };
        let heartbeat = self.heartbeat(told);
        let Some(session) = self.uplink.session() else { return };
        session.heartbeat = heartbeat;
        let (mut sender, mut effects) = Sender::welcome(self.journal.spool(), &welcome.streams, welcome.proto_rev);
        for (epoch, seq) in self.unread.held() {
            effects.extend(sender.unread(self.journal.spool(), epoch, seq));
        }
        session.sender = Some(sender);
        session.rev = welcome.proto_rev;
        session.restored = welcome.restored;
        session.lineage.clone_from(&welcome.state_lineage);
        self.unacknowledged = None;
        session.spread = Duration::from_millis(u64::from(welcome.reconnect_spread_ms));
        self.route.told(&welcome.gateways, &mut self.state);
        self.told_interval_ms = Some(u64::from(welcome.usage_interval_ms)).filter(|interval| *interval > 0);
        tracing::info!(session_id = welcome.session_id, "session open");
        // What waited to be heard says what time it was.
        if session.opened.elapsed() < LIMIT {
            self.put_clock_right(welcome.cloud_time_ms);
        }
        if let Some(session) = self.uplink.session() {
            let (way, rev, spread) = (session.way(), session.rev, session.spread);
            self.welcomed_over(way);
            self.certificate_welcomed(rev, spread);
        }
        self.reports.restart();
        self.fair_use.restart();
        self.book.restart();
        self.flush_events();
        self.tell_unfinished();
        self.act(effects);
        self.pump();
        if let Some(settings) = self.reached() {
            // Other ports have other counters.
            self.sweep().await;
            self.meaning.change(self.store.objects(), &BTreeSet::from([settings]), self.store.generation());
        }
        // What is reported now is what the kernel holds now, not what it held when the last session ended.
        self.apply().await;
        self.report();
        self.report_fair_use();
        self.report_addresses();
        self.write_status();
        let early = self.uplink.session().map(|session| std::mem::take(&mut session.early));
        for change in early.into_iter().flatten() {
            self.take_state(change).await;
        }
    }

    /// Goes on by the cloud's time where the router's cannot be right.
    fn put_clock_right(&mut self, cloud_ms: u64) {
        let before = self.clock.now().wall_ms;
        let wrong = self.clock.tell(cloud_ms);
        self.keep_time();
        let now = self.clock.now();
        if now.wall_ms.abs_diff(before) > CLOCK_MOVED_MS {
            self.journal.follow_clock(now);
            self.set_cuts();
        }
        if let Some(ahead_ms) = wrong.filter(|_| !self.clock_wrong) {
            let (hours, side) = (ahead_ms.unsigned_abs() / 3_600_000, if ahead_ms > 0 { "ahead" } else { "behind" });
            let (days, minutes) = (hours / 24, ahead_ms.unsigned_abs() / 60_000 % 60);
            let text = format!(
                "the router's clock is {days} d {} h {minutes} min {side}; the cloud's time is used until it is set",
                hours % 24
            );
            self.tell_plainly("clock-wrong", text);
        }
        self.clock_wrong = wrong.is_some();
    }

    /// Keeps the time for a boot in which nobody says what it is.
    pub(super) fn keep_time(&mut self) {
        if let Err(error) = self.clock.keep(&mut self.state) {
            tracing::warn!(%error, "the time could not be kept");
        }
    }

    fn go_away(&mut self, away: &GoAway) {
        let Some(session) = self.uplink.session() else { return };
        let told = |ms: u32| Duration::from_millis(u64::from(ms)).min(LONGEST_ABSENCE);
        let wait = Backoff::told(
            told(away.reconnect_after_min_ms),
            told(away.reconnect_after_max_ms),
            u64::from_le_bytes(clock::random()),
        );
        tracing::warn!(reason = ?away.reason(), "the cloud ends the session");
        self.route.told(&away.gateways, &mut self.state);
        // Neither changes by asking again soon: keep enforcing, ask now and then.
        let patient = matches!(away.reason(), GoAwayReason::Revoked | GoAwayReason::Version);
        session.comeback = Some(if patient { wait.max(self.backoff.cap()) } else { wait });
        session.link.close("going away");
    }

    async fn change(&mut self, change: &state::Down) {
        if let Err(error) = limits::check(change, self.store.size()) {
            // Asking again would bring the same again: keep what is held, tell people, come back later.
            tracing::error!(%error, to_gen = change.to_gen, "the desired state offered is refused");
            let patience = self.backoff.cap();
            if let Some(session) = self.uplink.session() {
                session.comeback = Some(patience);
                session.link.close("the desired state is over the limits");
            }
            self.tell("state-refused", Severity::Critical, format!("the desired state offered is refused: {error}"));
            return;
        }
        if change.snapshot || change.removals_confirmed {
            // What was counted so far was moved as it was: on the ports, at the rates and under the rules of before.
            self.sweep().await;
        }
        let guard = self.guard();
        let accepted = self.store.accept(change, guard);
        self.volatile = match accepted {
            Accepted::Stored => false,
            Accepted::Volatile => true,
            Accepted::Unfit => self.volatile,
        };
        if accepted == Accepted::Unfit {
            tracing::info!(from_gen = change.from_gen, held = self.store.generation(), "a change does not fit");
            return self.acknowledge();
        }
        if self.told_by_its_report(change) {
            self.unacknowledged = Some(Upserts::of(change));
        } else {
            self.acknowledge();
        }
        self.was_taken(change.removals_confirmed);
        self.begin_trial();
        self.tell_held();
        if change.snapshot || change.removals_confirmed {
            self.take_snapshot().await;
        } else {
            self.take_delta(change).await;
        }
        if self.unacknowledged.is_some() {
            self.acknowledge();
        }
    }

    /// Whether what became of a change is known so soon that its acknowledgement can wait for it.
    fn told_by_its_report(&mut self, change: &state::Down) -> bool {
        let rev = self.uplink.session().map_or(0, |session| session.rev);
        let everything = change.snapshot || change.removals_confirmed;
        let few = change.upserts.len() + change.removes.len() <= APPLIED_AT_ONCE;
        // A port or an access point may take all its lines along.
        let kinds = change.upserts.iter().map(|object| object.kind).chain(change.removes.iter().map(|key| key.kind));
        let only_lines = kinds.into_iter().all(|kind| kind == Kind::Line as u32);
        rev >= REPORTS_ACKNOWLEDGE_SINCE_REV && few && only_lines && !everything
    }

    /// Goes on under a whole new state.
    async fn take_snapshot(&mut self) {
        self.meaning = enforce::read(self.store.objects(), self.store.generation());
        let lines = self.meaning.wanted.lines.iter().map(|(id, line)| (*id, Some(line.as_ref())));
        let mut rules = self.fair_use.differing(lines);
        rules.extend(self.fair_use.leaving(&self.meaning.wanted));
        self.take_rules(rules);
        self.book.know_all(self.meaning.wanted.lines.iter().map(|(id, line)| (*id, line.as_ref())));
        self.settle_addresses();
        self.wanted.send_replace(self.shown());
        self.reports.restart();
        self.retry = None;
        self.apply().await;
        self.report_addresses();
    }

    /// Goes on under what a delta names; the rest stays as it was, and is not looked at.
    async fn take_delta(&mut self, change: &state::Down) {
        let upserts = change.upserts.iter().map(|object| (object.kind, &object.id));
        let named = upserts.chain(change.removes.iter().map(|key| (key.kind, &key.id)));
        let mut objects: BTreeSet<Key> = named.filter_map(|(kind, id)| Key::of(kind, id)).collect();
        let mut lines = enforce::lines(self.store.objects(), &objects);
        let rules = self.fair_use.differing(lines.iter().map(|(id, line)| (*id, line.as_ref())));
        let only_lines = objects.iter().all(|key| enforce::line_id(key).is_some());
        let turns = !only_lines || !rules.is_empty();
        if turns {
            // As before a snapshot; what only changes rates or access leaves what was counted where it belongs.
            self.sweep().await;
        }
        let yielding = self.meaning.change(self.store.objects(), &objects, self.store.generation());
        objects.extend(yielding.iter().copied().map(enforce::line_key));
        let wanted = &self.meaning.wanted.lines;
        lines.extend(yielding.into_iter().map(|id| (id, wanted.get(&id).map(|line| line.as_ref().clone()))));
        if turns {
            objects.extend(self.take_rules(rules).into_iter().map(enforce::line_key));
        }
        self.book.know(lines.iter().map(|(id, line)| (*id, line.as_ref())));
        let moved = self.settle_addresses();
        self.show_lines(&lines.into_keys().chain(moved.iter().copied()).collect());
        objects.extend(moved.into_iter().map(enforce::line_key));
        self.retry = None;
        self.apply_some(objects).await;
        self.report_addresses();
    }

    /// Goes on under the fair use of a new state; what was moved before is sealed under the old one, if it would count
    /// otherwise under the new. Answers which lines' rates are others than before.
    fn take_rules(&mut self, rules: Rules) -> BTreeSet<Uuid> {
        if !self.fair_use.counts_alike(&rules) {
            let now = self.clock.now();
            // A refusal is told as a notice, and the counters keep counting.
            let _ = self.journal.seal(now, now.wall_ms, SealReason::Boundary);
            self.follow();
        }
        self.fair_use.succeed(rules);
        self.set_cuts();
        self.look()
    }

    /// Says which generation is held.
    pub(super) fn acknowledge(&mut self) {
        self.unacknowledged = None;
        let ack = state::Ack {
            lineage: self.store.lineage().to_vec(),
            gen_held: self.store.generation(),
            persisted: !self.volatile,
        };
        if let Some(session) = self.uplink.session() {
            session.state(state::up::Message::Ack(ack));
        }
    }

    /// Sends what became of the objects, as far as it is not told yet.
    pub(super) fn report(&mut self) {
        let Some(session) = self.uplink.session().filter(|session| session.sender.is_some()) else { return };
        if let Some(mut report) = self.reports.take_unsaid() {
            let held = self.store.generation();
            if let Some(upserts) = self.unacknowledged.take_if(|_| report.generation == held) {
                report.persisted = Some(!self.volatile);
                upserts.abridge(&mut report);
            }
            session.state(state::up::Message::Applied(report));
        }
    }

    fn answered(&mut self, answer: &usage::Down) {
        let sender = self.uplink.session().and_then(|session| session.sender.as_mut());
        let Some(sender) = sender else { return };
        let effects = sender.answer(self.journal.spool(), answer);
        self.act(effects);
        self.pump();
    }

    /// Sends as many records as the window allows.
    pub(super) fn pump(&mut self) {
        let mut effects = Vec::new();
        let Some(session) = self.uplink.session() else { return };
        let Some(sender) = session.sender.as_mut() else { return };
        let spool = self.journal.spool();
        // Until the first sweep of a new log there is no epoch.
        let epoch = spool.tail().epoch;
        if epoch != Epoch::default() && !sender.knows(&epoch) {
            session.link.close("a new epoch of the usage log");
            return;
        }
        loop {
            let taken = if let Some((epoch, after)) = sender.gap() {
                let Some(fill) = spool.gap_fill(&epoch, after, self.tally.id()) else {
                    effects.extend(sender.untold(spool, &epoch, after));
                    continue;
                };
                sender.told(&epoch, fill.totals.as_ref().map_or(after, |totals| totals.seq));
                session.link.gap_fill(fill)
            } else if let Some((epoch, seq)) = sender.next(spool) {
                match spool.read(&epoch, seq) {
                    Ok(record) => session.link.usage(record),
                    Err(error) => {
                        tracing::error!(%error, "a usage record cannot be sent");
                        effects.extend(sender.unreadable(spool, &epoch, seq));
                        continue;
                    }
                }
            } else if let Some((epoch, seq)) = sender.quarantine(spool) {
                let Ok(record) = spool.read(&epoch, seq) else {
                    sender.pass_over(&epoch, seq);
                    continue;
                };
                session.link.quarantine(record)
            } else {
                break;
            };
            if !taken {
                return session.link.close("the usage stream is blocked");
            }
        }
        self.act(effects);
    }

    fn act(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Trim(epoch, seq) => {
                    if self.journal.spool().frees(&epoch, seq) {
                        self.follow();
                        self.tally.save_or_warn();
                    }
                    if let Err(error) = self.journal.trim(&epoch, seq) {
                        tracing::warn!(%error, "the usage log could not be trimmed");
                    }
                }
                Effect::Hold { epoch, current, text } => {
                    tracing::error!(epoch = hex::encode(epoch), text, "usage is held");
                    if current {
                        self.journal.fork(self.clock.now());
                        self.follow();
                        self.close("a new epoch of the usage log");
                    }
                    if self.told_held.insert(epoch) {
                        self.tell("usage-held", Severity::Critical, text);
                    }
                }
                Effect::Strange(text) => {
                    tracing::error!(text, "the cloud's answer is impossible");
                    self.tell("impossible-answer", Severity::Warning, text);
                }
                Effect::End(reason) => self.close(reason),
            }
        }
        self.collect_notices();
    }

    /// Remembers what the cloud has, beyond the session.
    pub(super) fn remember_confirmed(&mut self) {
        if let Some(sender) = self.uplink.session().and_then(|session| session.sender.as_ref()) {
            self.confirmed = sender.confirmed().collect();
        }
    }

    /// Deletes records the cloud has, and that are only kept until a backup of it has them, once they take much of the room
    /// there is for those it does not have.
    pub(super) fn make_room(&mut self) {
        self.remember_confirmed();
        if self.journal.spool().fill_permille() >= KEPT_FOR_BACKUPS {
            let confirmed = self.confirmed.iter().map(|(epoch, seq)| Effect::Trim(*epoch, *seq)).collect();
            self.act(confirmed);
        }
    }

    /// Ends the session; the next attempt is made after so long.
    pub(super) fn close_for(&mut self, wait: Duration, reason: &str) {
        if let Some(session) = self.uplink.session() {
            session.comeback = Some(wait);
        }
        self.close(reason);
    }

    pub(super) fn close(&mut self, reason: &str) {
        if let Some(session) = self.uplink.session() {
            session.closing = true;
            session.link.close(reason);
        }
    }

    /// Remembers what the cloud closed a connection over, if over a record it cannot read.
    fn blame(&mut self, unreadable: bool) {
        let sender = self.uplink.session().and_then(|session| session.sender.as_ref()).filter(|_| unreadable);
        if let Some((epoch, seq)) = sender.and_then(Sender::unanswered) {
            tracing::error!(epoch = hex::encode(epoch), seq, "the cloud cannot read a usage record");
            self.unread.note(epoch, seq);
        }
    }

    fn lost(&mut self, reason: &str) {
        self.remember_confirmed();
        let Some(session) = self.uplink.session() else { return };
        let roll = u64::from_le_bytes(clock::random());
        let welcomed = session.sender.is_some();
        let wait = match session.comeback {
            Some(wait) => wait,
            None if welcomed => self.backoff.after_loss(session.opened.elapsed(), session.spread, roll),
            None => self.backoff.after_failure(roll),
        };
        tracing::warn!(reason, wait_ms = wait.as_millis() as u64, "session lost");
        self.live.stop();
        self.diagnoses.stop();
        self.uplink = Uplink::Waiting(self.next_try(wait));
        self.write_status();
    }

    /// Waits, for a limited time, until the cloud has everything; then closes.
    pub(super) async fn farewell(&mut self, limit: Duration) {
        let until = Instant::now() + limit;
        while let Uplink::Open(session) = &self.uplink {
            let Some(sender) = &session.sender else { break };
            if sender.pending(self.journal.spool()) == 0 {
                break;
            }
            let Ok(Some(event)) = tokio::time::timeout_at(until, self.inbox.1.recv()).await else { break };
            if let What::Usage(answer) = event.what {
                self.answered(&answer);
            }
        }
        if let Uplink::Open(session) = std::mem::replace(&mut self.uplink, Uplink::Dialing) {
            session.link.finish("agent stops", limit).await;
        }
    }

    /// Queues an event for the cloud.
    pub(super) fn tell(&mut self, kind: &str, severity: Severity, text: String) {
        let wall_ms = self.clock.now().wall_ms;
        let id = clock::event_id(wall_ms).as_bytes().to_vec();
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(Event { id, kind: kind.to_owned(), severity: severity as i32, wall_ms, text });
        self.flush_events();
    }

    /// Logs and queues a warning.
    pub(super) fn tell_plainly(&mut self, kind: &'static str, text: String) {
        tracing::warn!(kind, text, "notice");
        self.tell(kind, Severity::Warning, text);
    }

    fn flush_events(&mut self) {
        let Some(session) = self.uplink.session().filter(|session| session.hears()) else { return };
        while let Some(event) = self.events.pop_front() {
            session.say(up::Message::Event(event), Instant::now());
        }
    }

    /// Where every epoch stands, for people.
    pub(super) fn positions(&self) -> Vec<status::Epoch> {
        let sender = match &self.uplink {
            Uplink::Open(session) => session.sender.as_ref(),
            Uplink::Waiting(_) | Uplink::Dialing => None,
        };
        let epochs = self.journal.spool().epochs().into_iter();
        epochs
            .map(|held| status::Epoch {
                acked_seq: Epoch::try_from(held.epoch.as_slice()).ok().and_then(|epoch| sender?.acked(&epoch)),
                epoch: hex::encode(&held.epoch),
                first_seq: held.first_seq,
                last_seq: held.last_seq,
            })
            .collect()
    }
}

impl Session {
    /// Ends it, to come back after this long.
    pub(super) fn leave(&mut self, why: &str, comeback: Duration) {
        (self.comeback, self.closing) = (Some(comeback), true);
        self.link.close(why);
    }

    /// Whether it will not go on.
    pub(super) fn is_ending(&self) -> bool {
        self.closing || self.comeback.is_some()
    }

    /// It is welcomed, and not closing: what is said to it then is lost.
    pub(super) fn hears(&self) -> bool {
        self.sender.is_some() && !self.is_ending()
    }

    /// What it goes over.
    pub(super) fn way(&self) -> Way {
        self.link.way()
    }

    pub(super) fn say(&mut self, message: up::Message, now: Instant) {
        self.spoke = now;
        if !self.link.control(message) {
            self.link.close("the control stream is blocked");
        }
    }

    /// Says what need not be heard: it is lost where there is no room.
    pub(super) fn say_lossily(&self, message: up::Message) {
        if self.sender.is_some() {
            let _lost = self.link.control(message);
        }
    }

    pub(super) fn state(&self, message: state::up::Message) {
        if !self.link.state(message) {
            self.link.close("the state stream is blocked");
        }
    }
}
