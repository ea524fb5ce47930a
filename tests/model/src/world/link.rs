//! The session and what travels in it.

use super::World;
use crate::account::Fault;
use crate::ledger::Session;
use std::collections::BTreeSet;
use weir_agent::northbound::sender::{Effect, Sender};
use weir_agent::usage::spool::Epoch;
use weir_protocol::usage::SealReason;

/// Most that is under way; what is older is lost.
const UNDER_WAY: usize = 64;
/// Sessions it may take until everything is delivered.
const SESSIONS: usize = 12;

/// A session as the agent sees it.
pub(super) struct Link {
    session: Session,
    sender: Sender,
    /// Epochs that are held in it.
    pub held: BTreeSet<Epoch>,
}

impl World {
    pub(super) fn connect(&mut self) -> Result<(), Fault> {
        self.sweep();
        let Some(journal) = &mut self.journal else { return Ok(()) };
        journal.ask_anew();
        self.sessions += 1;
        let session = Session { agent: self.agent, number: self.sessions };
        let Some(mut positions) = self.cloud.open(session, &journal.spool().epochs())? else {
            return self.enroll();
        };
        if !self.rules.chain {
            for position in &mut positions {
                let Ok(epoch) = Epoch::try_from(position.epoch.as_slice()) else { continue };
                let last = journal.spool().epochs().into_iter().find(|held| held.epoch == position.epoch);
                position.applied_seq = position.applied_seq.min(last.map_or(0, |held| held.last_seq));
                let ours = journal.spool().hash_of(&epoch, position.applied_seq);
                position.applied_hash = ours.map(|hash| hash.to_vec()).unwrap_or_default();
            }
        }
        let (sender, effects) = Sender::welcome(journal.spool(), &positions);
        self.link = Some(Link { session, sender, held: BTreeSet::new() });
        self.unasked = false;
        self.act(effects)
    }

    pub(super) fn enroll(&mut self) -> Result<(), Fault> {
        (self.agent, self.link) = (self.cloud.enroll()?, None);
        Ok(())
    }

    pub(super) fn send(&mut self) {
        let some = 1 + self.dice.below(5);
        self.send_some(some);
    }

    fn send_some(&mut self, count: usize) {
        let (Some(link), Some(journal)) = (&mut self.link, &self.journal) else { return };
        let spool = journal.spool();
        if !link.sender.knows(&spool.tail().epoch) {
            self.link = None;
            return;
        }
        for _ in 0..count {
            let Some((epoch, seq)) = link.sender.next(spool) else { break };
            if let Ok(record) = spool.read(&epoch, seq) {
                self.up.push((link.session, record));
            }
        }
        let old = self.up.len().saturating_sub(UNDER_WAY);
        self.up.drain(..old);
    }

    pub(super) fn deliver(&mut self) -> Result<(), Fault> {
        if self.up.is_empty() {
            return Ok(());
        }
        let n = if self.dice.percent(60) { 0 } else { self.dice.below(self.up.len()) };
        let (session, record) = self.up[n].clone();
        if self.dice.percent(70) {
            self.up.remove(n);
        }
        if self.dice.percent(10) { Ok(()) } else { self.arrive(session, &record) }
    }

    fn arrive(&mut self, session: Session, record: &[u8]) -> Result<(), Fault> {
        match self.cloud.apply(session, record, &mut self.dice)? {
            Some(answer) => self.down.push((session, answer)),
            None => self.link = self.link.take().filter(|link| link.session != session),
        }
        Ok(())
    }

    pub(super) fn answer(&mut self) -> Result<(), Fault> {
        if self.down.is_empty() {
            return Ok(());
        }
        let n = if self.dice.percent(80) { 0 } else { self.dice.below(self.down.len()) };
        let heard = self.down.remove(n);
        if self.dice.percent(15) {
            return Ok(());
        }
        // The process may die while it deletes.
        let dies = self.dice.percent(10);
        if dies {
            self.disk.die_after(self.dice.below(4));
        }
        self.hear(heard)?;
        if dies { self.restart() } else { Ok(()) }
    }

    fn hear(&mut self, (session, answer): (Session, weir_protocol::usage::Down)) -> Result<(), Fault> {
        let (Some(link), Some(journal)) = (&mut self.link, &self.journal) else { return Ok(()) };
        if link.session != session {
            return Ok(());
        }
        let effects = link.sender.answer(journal.spool(), &answer);
        self.act(effects)
    }

    fn act(&mut self, effects: Vec<Effect>) -> Result<(), Fault> {
        for effect in effects {
            let Some(journal) = &mut self.journal else { return Ok(()) };
            match effect {
                Effect::Trim(epoch, seq) => {
                    let _ = journal.trim(&epoch, seq);
                }
                Effect::Hold { epoch, current, text: _ } => {
                    self.link.as_mut().map(|link| link.held.insert(epoch));
                    if current {
                        self.pass(1);
                        self.sweeps.insert(self.now.wall_ms, self.swept.clone());
                        if let Some(journal) = &mut self.journal {
                            journal.fork(self.now);
                        }
                        self.link = None;
                        self.learn()?;
                    }
                }
                Effect::Strange(_) => {}
                Effect::End(_) => self.link = None,
            }
        }
        Ok(())
    }

    /// What is sealed is sent, and all of it and every answer arrives, in order.
    pub(super) fn calm(&mut self) -> Result<(), Fault> {
        self.connect()?;
        while self.link.is_some() {
            self.send_some(UNDER_WAY);
            if self.up.is_empty() {
                break;
            }
            for (session, record) in std::mem::take(&mut self.up) {
                self.arrive(session, &record)?;
            }
            for heard in std::mem::take(&mut self.down) {
                self.hear(heard)?;
            }
        }
        Ok(())
    }

    /// Everything arrives, and nothing breaks.
    pub(super) fn drain(&mut self) -> Result<(), Fault> {
        for (session, record) in std::mem::take(&mut self.up) {
            self.arrive(session, &record)?;
        }
        for _ in 0..SESSIONS {
            self.seal(SealReason::Shutdown)?;
            self.calm()?;
            let (Some(link), Some(journal)) = (&self.link, &self.journal) else { continue };
            if link.sender.pending(journal.spool()) == 0 {
                return Ok(());
            }
        }
        Err(Fault::Lost("records wait and nobody takes them".to_owned()))
    }
}
