//! Learned addresses as the loop acts on them: what was heard becomes prefixes of lines, and what the cloud is told.
//!
//! Whose a lease is is decided in [`crate::subscribers::book`].

use super::{Agent, enforce};
use crate::clock::Clock;
use crate::plan::Wanted;
use crate::southbound::Southbound;
use crate::subscribers::kept;
use crate::subscribers::sources::{Heard, interface_is_there};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;
use weir_protocol::desired::Line;
use weir_protocol::state;

/// The revision from which on the cloud knows what an address report is.
const TOLD_FROM_REV: u32 = 4;

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Takes in news of leases and acts on what it changes.
    pub(super) async fn learn(&mut self, heard: Vec<Heard>) {
        let before = self.book.counts();
        let changed = self.take_heard(heard);
        if !changed.is_empty() {
            self.show_lines(&changed);
            self.apply_some(changed.into_iter().map(enforce::line_key).collect()).await;
        }
        if self.book.counts() != before {
            self.write_status();
        }
        self.report_addresses();
    }

    /// Takes in news of leases; answers which lines have other prefixes than before.
    pub(super) fn take_heard(&mut self, heard: Vec<Heard>) -> BTreeSet<Uuid> {
        for one in heard {
            match one {
                Heard::File { source, path, leases, as_of_ms } => self.book.read(source, &path, leases, as_of_ms),
                Heard::Event(event) => self.book.hear(event),
            }
        }
        self.book.end_sessions(interface_is_there);
        let changed = self.settle_addresses();
        if self.book.take_unsaved() {
            self.save_addresses();
        }
        self.sources.safe();
        changed
    }

    /// Says anew whose each lease is; answers which lines have other prefixes than before.
    pub(super) fn settle_addresses(&mut self) -> BTreeSet<Uuid> {
        // Who leases goes by the router's clock, right or wrong: so does when that ends.
        let now_ms = self.clock.uncorrected().wall_ms;
        self.book.expire(now_ms);
        let changed = self.book.settle(now_ms);
        for text in self.book.take_news() {
            self.tell_plainly("address-conflict", text);
        }
        changed
    }

    /// Makes what is known of leases safe against a restart.
    pub(super) fn save_addresses(&mut self) {
        if let Err(error) = kept::save(&mut self.state, &self.book, self.clock.boot()) {
            tracing::warn!(%error, "what was learned of leases could not be stored");
        }
    }

    /// A line as it is enforced: with its learned prefixes, at the rates now in force.
    pub(super) fn enforced_line(&self, id: Uuid, line: &Arc<Line>) -> Arc<Line> {
        self.book.joined(id, self.fair_use.enforced_line(id, line))
    }

    /// All lines as they are shown to the garden: with their learned prefixes, and held if their use holds them.
    pub(super) fn shown(&self) -> Wanted {
        let wanted = &self.meaning.wanted;
        let lines = wanted.lines.iter().map(|(id, line)| (*id, self.shown_line(*id, line))).collect();
        Wanted { router: wanted.router.clone(), lines, nodes: wanted.nodes.clone() }
    }

    fn shown_line(&self, id: Uuid, line: &Arc<Line>) -> Arc<Line> {
        if self.fair_use.caps(id) { self.enforced_line(id, line) } else { self.book.joined(id, Arc::clone(line)) }
    }

    /// Shows the garden these lines as they are now.
    pub(super) fn show_lines(&self, lines: &BTreeSet<Uuid>) {
        self.wanted.send_modify(|wanted| {
            wanted.router.clone_from(&self.meaning.wanted.router);
            wanted.nodes.clone_from(&self.meaning.wanted.nodes);
            for id in lines {
                match self.meaning.wanted.lines.get(id) {
                    Some(line) => drop(wanted.lines.insert(*id, self.shown_line(*id, line))),
                    None => drop(wanted.lines.remove(id)),
                }
            }
        });
    }

    /// Sends which addresses were learned, as far as it is not told yet.
    pub(super) fn report_addresses(&mut self) {
        let speaks = |session: &&mut super::talk::Session| session.sender.is_some() && session.rev >= TOLD_FROM_REV;
        let Some(session) = self.uplink.session().filter(speaks) else { return };
        for report in self.book.take_unsaid() {
            session.state(state::up::Message::Addresses(report));
        }
    }
}
