//! A change of few lines: what everything else holds is known, so only what changes is asked, written and read back.
//!
//! Whatever is not as simple as that is left to a comparison of everything, which comes anyway after the verify interval.

use std::collections::{BTreeMap, BTreeSet};

use ipnet::IpNet;
use uuid::Uuid;
use weir_protocol::desired::{Node, Router};

use super::htb::Request;
use super::netfilter::Change;
use super::nft::{self, ELEMENTS_A_STEP, Place, Places};
use super::shaping::Shaped;
use super::tc::{Link, Speed};
use super::translate;
use super::{Counted, Linux, Refused, Side, held_router, translates};
use crate::plan::Wanted;
use crate::plan::check::{self as sound, Claims, SoundLine, family_length};
use crate::southbound::{Applied, Error};

/// Lines that are changed one by one; from here on comparing everything is as quick.
const FEW: usize = 100;

/// What was held when everything was compared last, and nothing stood in the way.
pub(super) struct Settled {
    pub router: Router,
    pub nodes: BTreeMap<Uuid, Node>,
    pub lan: Link,
    pub wan: Link,
    /// What the lines held take up.
    pub claims: Claims,
    /// Families and lengths of prefixes the table has sets for.
    pub lengths: BTreeSet<(bool, u8)>,
}

/// Changed lines as they were and as they will be.
struct Turnover {
    before: BTreeMap<Uuid, SoundLine>,
    after: BTreeMap<Uuid, SoundLine>,
}

impl Linux {
    /// Changes few lines; `None` if that needs a look at everything.
    pub(super) async fn change_few(
        &mut self,
        wanted: &Wanted,
        changed: &BTreeSet<Uuid>,
    ) -> Result<Option<Applied>, Error> {
        // Taken out: should anything fail from here on, everything is compared next.
        let Some(mut settled) = self.settled.take() else { return Ok(None) };
        if changed.len() > FEW || wanted.router.as_ref() != Some(&settled.router) || wanted.nodes != settled.nodes {
            return Ok(None);
        }
        let Some(lines) = self.turnover(wanted, changed, &mut settled) else { return Ok(None) };
        let translates = translates(&settled.router);
        let before = self.places(&lines.before, translates);
        if !self.shape_few(&lines.after, &settled).await? {
            return Ok(None);
        }
        let after = self.places(&lines.after, translates);
        let changes: Vec<Change> = nft::changes(&before, &after).into_iter().flatten().collect();
        if changes.len() > ELEMENTS_A_STEP {
            return Ok(None);
        }
        self.netfilter.change(&changes)?;
        self.take_places(&changes);
        if !self.netfilter.holds(&changes)? {
            return Ok(None);
        }
        let counted = self.counted_few(&lines.after, settled.lan, settled.wan)?;
        if !lines.after.values().all(|line| self.is_shaped(line, &counted)) {
            return Ok(None);
        }
        let outcomes = self.read_back(&lines.after, &Refused::new(), &counted, &after, translates);
        self.forget_flows(translate::moved((&lines.before, translates), (&lines.after, translates)));
        self.take_lines(lines);
        let router = held_router(&settled.router);
        self.settled = Some(settled);
        let nodes = self.noded_outcomes();
        Ok(Some(Applied { router: Some(router), nodes, lines: outcomes, drift: Vec::new(), whole: false }))
    }

    /// The lines that change, if each of them can be held beside all others.
    fn turnover(&self, wanted: &Wanted, changed: &BTreeSet<Uuid>, settled: &mut Settled) -> Option<Turnover> {
        let held = self.held.as_ref()?;
        let before: BTreeMap<_, _> = changed.iter().filter_map(|id| Some((*id, held.get(id)?.clone()))).collect();
        before.values().for_each(|line| settled.claims.release(line));
        let mut after = BTreeMap::new();
        for id in changed {
            let Some(line) = wanted.lines.get(id) else { continue };
            let line = sound::alone(line).ok()?;
            settled.claims.claim(*id, &line).ok()?;
            if !line.prefixes.iter().all(|prefix| settled.lengths.contains(&family_length(prefix))) {
                return None;
            }
            after.insert(*id, line);
        }
        Some(Turnover { before, after })
    }

    /// Gives these lines classes of the right rates; whether all have one.
    async fn shape_few(&mut self, lines: &BTreeMap<Uuid, SoundLine>, settled: &Settled) -> Result<bool, Error> {
        let (lan, wan) = (settled.lan, settled.wan);
        for line in lines.values() {
            let spot = self.spot(line);
            if self.shaped.get(&line.handle).is_some_and(|shaped| shaped.under == spot.under) {
                continue;
            }
            let read = self.last_read(line.handle);
            let Self { classes, tc, new_generation, layout, .. } = self;
            let held = |minor| {
                let mut of = |link| tc.class(link, layout.line(minor));
                let (down, up) = (of(lan)?, of(wan)?);
                Ok((down.map(|state| state.total(lan)), up.map(|state| state.total(wan))))
            };
            if classes.assign(line.handle, spot, new_generation, held, read)?.is_none() {
                return Ok(false);
            }
        }
        self.save_classes();
        let should: Vec<(u32, Shaped)> =
            lines.values().filter_map(|line| Some((line.handle, self.should_be(line, lan, wan)?))).collect();
        // Known again once all of it is done: what was done halfway is nobody else's doing.
        let before: BTreeMap<u32, Shaped> =
            should.iter().filter_map(|(handle, _)| Some((*handle, self.shaped.remove(handle)?))).collect();
        for (link, speed) in [(lan, (|shaped| shaped.lan) as fn(&Shaped) -> Speed), (wan, |shaped| shaped.wan)] {
            let mut requests = Vec::new();
            for (handle, shaped) in &should {
                let new = speed(shaped);
                let (id, parent) = (self.layout.line(shaped.minor), self.layout.parent(shaped.minor, shaped.under));
                let same = before.get(handle).filter(|before| before.minor == shaped.minor);
                let queued = match same.map(speed) {
                    Some(old) if old == new => continue,
                    // Only if it is there: one that was lost begins to count anew, and its line a new generation.
                    Some(_) => {
                        requests.push(Request::Speed { id, parent, speed: new });
                        true
                    }
                    None => {
                        requests.push(Request::Class { id, parent, speed: new });
                        self.tc.class(link, id)?.is_some_and(|state| state.leaf)
                    }
                };
                if !queued || self.leaf.follows_rate() {
                    requests.push(Request::Queue { class: id, leaf: self.leaf, rate: new.ceiling });
                }
            }
            if self.tc.ask(link, &requests).await?.iter().any(Result::is_err) {
                return Ok(false);
            }
        }
        self.shaped.extend(should);
        Ok(true)
    }

    /// Whether the kernel holds a line's class on both ports as it should be.
    fn is_shaped(&self, line: &SoundLine, counted: &Counted) -> bool {
        let Some(Shaped { minor, lan, wan, .. }) = self.shaped.get(&line.handle) else { return false };
        [(&counted.lan, lan), (&counted.wan, wan)].iter().all(|((_, held), speed)| {
            held.get(counted.layout.line(*minor)).is_some_and(|state| state.speed == **speed && state.leaf)
        })
    }

    fn counted_few(&mut self, lines: &BTreeMap<Uuid, SoundLine>, lan: Link, wan: Link) -> Result<Counted, Error> {
        let classes: Vec<u32> = lines
            .values()
            .filter_map(|line| self.classes.get(line.handle))
            .map(|class| self.layout.line(class.minor))
            .collect();
        let mut side = |link| -> Result<Side, Error> {
            let states = classes.iter().filter_map(|class| {
                let state = self.tc.class(link, *class).transpose()?;
                Some(state.map(|state| (*class, state)))
            });
            Ok((link, states.collect::<Result<_, _>>()?))
        };
        Ok(Counted { layout: self.layout, lan: side(lan)?, wan: side(wan)? })
    }

    /// Where the prefixes of these lines stand, on a router that translates lines to port blocks or does not.
    pub(super) fn places(&self, lines: &BTreeMap<Uuid, SoundLine>, translates: bool) -> Places {
        lines.values().flat_map(|line| self.places_of(line, translates)).collect()
    }

    /// Where a line's prefixes should stand.
    pub(super) fn places_of(&self, line: &SoundLine, translates: bool) -> impl Iterator<Item = (IpNet, Place)> {
        let place = self.place(line);
        let block = line.public_ports.filter(|_| translates && place.is_some());
        line.prefixes.iter().flat_map(move |prefix| {
            let block = block.filter(|_| matches!(prefix, IpNet::V4(_)));
            [place, block.map(Place::Translated)].into_iter().flatten().map(|place| (*prefix, place))
        })
    }

    fn take_places(&mut self, changes: &[Change]) {
        let Some(table) = &mut self.table else { return };
        for Change { prefix, place, enters } in changes {
            if *enters {
                table.places.insert((*prefix, *place));
            } else {
                table.places.remove(&(*prefix, *place));
            }
        }
    }

    fn take_lines(&mut self, Turnover { before, after }: Turnover) {
        let held = self.held.get_or_insert_default();
        for (id, line) in before {
            held.remove(&id);
            if !after.values().any(|kept| kept.handle == line.handle) {
                self.shaped.remove(&line.handle);
            }
        }
        held.extend(after);
    }
}
