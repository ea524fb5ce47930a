//! A class of the right rates for every line, on both ports.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::htb::Request;
use super::tc::{Link, Speed};
use super::{Counted, Linux, Refusal, Refused, Side};
use crate::plan::check::SoundLine;
use crate::plan::shape;
use crate::southbound::{Error, Total};

/// A line's or a node's class as it should be on both ports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shaped {
    /// On both.
    pub minor: u16,
    /// The class of the node it hangs under; none = the port's.
    pub under: Option<u16>,
    /// Toward the subscriber.
    pub lan: Speed,
    /// From the subscriber.
    pub wan: Speed,
}

/// What came of shaping.
#[derive(Default)]
pub(super) struct Shaping {
    /// Lines without a class as it should be.
    pub refused: Refused,
    /// Whether anything was asked of the kernel.
    pub changed: bool,
}

impl Linux {
    /// Gives every line a class of the right rates. Lines without one are named in the answer.
    pub(super) async fn shape(
        &mut self,
        lines: &BTreeMap<Uuid, SoundLine>,
        counted: &Counted,
    ) -> Result<Shaping, Error> {
        let mut refused = Refused::new();
        let wanted = lines.values().map(|line| line.handle).collect();
        self.classes.release_lost(&wanted, |minor| counted.held(minor));
        for line in lines.values() {
            let read = self.last_read(line.handle);
            let held = |minor| Ok(counted.held(minor));
            let spot = self.spot(line);
            if self.classes.assign(line.handle, spot, &mut self.new_generation, held, read)?.is_some() {
                continue;
            }
            refused.insert(line.handle, Refusal::classes_exhausted());
            if spot.under.is_some() && self.classes.get(line.handle).is_none() {
                // Rather without its node than without its rates.
                self.classes.assign(line.handle, self.layout.spot(None), &mut self.new_generation, held, None)?;
            }
        }
        self.save_classes();
        self.shaped = lines
            .values()
            .filter_map(|line| Some((line.handle, self.should_be(line, counted.lan.0, counted.wan.0)?)))
            .collect();
        let mut shaping = Shaping { refused, changed: false };
        self.shape_port(&counted.lan, |shaped| shaped.lan, &mut shaping).await?;
        self.shape_port(&counted.wan, |shaped| shaped.wan, &mut shaping).await?;
        Ok(shaping)
    }

    /// Asks for what differs on one port. One line the kernel refuses never stops its siblings.
    async fn shape_port(
        &mut self,
        (link, held): &Side,
        speed: fn(&Shaped) -> Speed,
        shaping: &mut Shaping,
    ) -> Result<(), Error> {
        let (mut classes, mut queues) = (Vec::new(), Vec::new());
        for (handle, shaped) in &self.shaped {
            let (minor, speed) = (shaped.minor, speed(shaped));
            let (id, parent) = (self.layout.line(minor), self.layout.parent(minor, shaped.under));
            let before = held.get(id);
            let same = before.is_some_and(|state| state.speed == speed);
            if !same {
                classes.push((*handle, Request::Class { id, parent, speed }));
            }
            // A plain queue is as long as its rate allows; it changes with it, and in place.
            if before.is_none_or(|state| !state.leaf) || (!same && self.leaf.follows_rate()) {
                queues.push((*handle, Request::Queue { class: id, leaf: self.leaf, rate: speed.ceiling }));
            }
        }
        // The kernel looks for a class's qdisc among all queues: while there are none it finds it at once.
        let (of, requests): (Vec<u32>, Vec<Request>) = classes.into_iter().chain(queues).unzip();
        shaping.changed |= !requests.is_empty();
        let outcomes = self.tc.ask(*link, &requests).await?;
        for (handle, outcome) in of.into_iter().zip(outcomes) {
            if let Err(error) = outcome {
                self.shaped.remove(&handle);
                let refusal = Refusal { code: "class-refused", detail: error.to_string() };
                shaping.refused.entry(handle).or_insert(refusal);
            }
        }
        Ok(())
    }

    /// How the class of a line should be, if it has one.
    pub(super) fn should_be(&self, line: &SoundLine, lan: Link, wan: Link) -> Option<Shaped> {
        let class = self.classes.get(line.handle)?;
        let speed = |link: Link, rate_bps, burst_bytes| {
            Speed::of_line(shape::htb_bytes_per_second(rate_bps, link.header), burst_bytes)
        };
        Some(Shaped {
            minor: class.minor,
            under: class.under,
            lan: speed(lan, line.rate_down_bps, line.burst_down_bytes),
            wan: speed(wan, line.rate_up_bps, line.burst_up_bytes),
        })
    }

    /// What was last read of a line's class under its generation, toward and from the subscriber.
    pub(super) fn last_read(&self, handle: u32) -> Option<(Total, Total)> {
        let generation = self.classes.get(handle)?.generation;
        let at = self.read.binary_search_by_key(&handle, |(handle, ..)| *handle).ok()?;
        self.read.get(at).filter(|(_, of, ..)| *of == generation).map(|(_, _, down, up)| (*down, *up))
    }

    /// On disk before in the kernel: a kill in between finds the same classes again. Without a disk they are held all
    /// the same, for enforcement goes before durability: after a kill the line begins anew, and nothing is counted twice.
    pub(super) fn save_classes(&mut self) {
        if let Err(error) = self.classes.save() {
            tracing::error!(%error, "which class is whose could not be stored");
        }
    }
}

impl Refusal {
    pub(super) fn classes_exhausted() -> Self {
        Self {
            code: "classes-exhausted",
            detail: "all classes of the port, or of the node's part of it, are taken".into(),
        }
    }
}
