//! The session and what travels in it.

use super::World;
use crate::account::Fault;
use crate::ledger::Session;
use std::collections::BTreeSet;
use weir_agent::northbound::sender::{Effect, Sender};
use weir_agent::usage::spool::Epoch;
use weir_protocol::PROTO_REV;
use weir_protocol::usage::{Down, GapFill, SealReason, Up};

/// Most that is under way; what is older is lost.
const UNDER_WAY: usize = 64;
/// The last revision whose cloud is told nothing of records that are gone.
const BEFORE_GAP_FILLS: u32 = 8;
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
        let rev = if self.rules.gaps { PROTO_REV } else { BEFORE_GAP_FILLS };
        let (sender, effects) = Sender::welcome(journal.spool(), &positions, rev);
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
            if let Some((epoch, after)) = link.sender.gap() {
                let Some(gap_fill) = spool.gap_fill(&epoch, after, &[]) else { break };
                link.sender.told(&epoch, gap_fill.totals.as_ref().map_or(after, |totals| totals.seq));
                self.up.push((link.session, Up { gap_fill: Some(gap_fill), ..Up::default() }));
            }
            let next = link.sender.next(spool).map(|next| (next, false));
            let Some(((epoch, seq), quarantine)) =
                next.or_else(|| link.sender.quarantine(spool).map(|next| (next, true)))
            else {
                break;
            };
            if let Ok(record) = spool.read(&epoch, seq) {
                self.up.push((link.session, Up { record, quarantine, ..Up::default() }));
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
        let (session, up) = self.up[n].clone();
        if self.dice.percent(70) {
            self.up.remove(n);
        }
        if self.dice.percent(10) { Ok(()) } else { self.arrive(session, &up) }
    }

    fn arrive(&mut self, session: Session, up: &Up) -> Result<(), Fault> {
        let answer = match &up.gap_fill {
            Some(fill) => self.fill(session, fill)?,
            None if up.quarantine => self.cloud.quarantine(session, &up.record)?,
            None => self.cloud.apply(session, &up.record, &mut self.dice)?,
        };
        match answer {
            Some(answer) => self.down.push((session, answer)),
            None => self.link = self.link.take().filter(|link| link.session != session),
        }
        Ok(())
    }

    fn fill(&mut self, session: Session, fill: &GapFill) -> Result<Option<Down>, Fault> {
        let Some((down, filled)) = self.cloud.fill(session, fill)? else { return Ok(None) };
        let last = fill.last_hash.as_slice().try_into().map_err(|_| Fault::Strange("a hash of no size".into()))?;
        filled.map_or(Ok(()), |filled| self.account.learn_filled(&filled, last))?;
        Ok(Some(down))
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

    fn hear(&mut self, (session, answer): (Session, Down)) -> Result<(), Fault> {
        let (Some(link), Some(journal)) = (&mut self.link, &self.journal) else { return Ok(()) };
        if link.session != session {
            return Ok(());
        }
        let effects = link.sender.answer(journal.spool(), &answer);
        self.act(effects)
    }

    fn act(&mut self, effects: Vec<Effect>) -> Result<(), Fault> {
        for effect in effects {
            if self.journal.is_none() {
                return Ok(());
            }
            match effect {
                Effect::Trim(epoch, seq) => {
                    self.forgive_quarantined(&epoch, seq);
                    let _ = self.journal.as_mut().map(|journal| journal.trim(&epoch, seq));
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
            for (session, up) in std::mem::take(&mut self.up) {
                self.arrive(session, &up)?;
            }
            for heard in std::mem::take(&mut self.down) {
                self.hear(heard)?;
            }
        }
        Ok(())
    }

    /// Everything arrives, and nothing breaks.
    pub(super) fn drain(&mut self) -> Result<(), Fault> {
        for (session, up) in std::mem::take(&mut self.up) {
            self.arrive(session, &up)?;
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
