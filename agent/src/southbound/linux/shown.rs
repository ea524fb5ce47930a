//! The shaping classes as tables for people, and the rules that bring packets there.

use std::collections::BTreeMap;

use super::tc::{ClassState, Link, QueueCounts};
use super::{Counted, Linux, nft};
use crate::plan::shape;
use crate::southbound::Error;

impl Linux {
    /// The classes of these lines, named by handle, on both ports, and the rules of all.
    pub(super) async fn show(&mut self, names: &BTreeMap<u32, String>) -> Result<String, Error> {
        let Some(ports) = self.ports.clone() else { return Ok("the router's ports are not known yet\n".to_owned()) };
        let (Some(lan), Some(wan)) = (self.tc.link(&ports.lan.name).await?, self.tc.link(&ports.wan.name).await?)
        else {
            return Err(Error::Incomplete(ports.to_string()));
        };
        let (counted, queues) = (self.counted(lan, wan)?, self.tc.queues()?);
        let Counted { layout, lan, wan } = counted;
        let mut text = String::new();
        for (port, way, (link, held)) in [(&ports.lan, "down", lan), (&ports.wan, "up", wan)] {
            text += &format!("{} ({way}), capacity {}\n", port.name, kbits(port.capacity_bps));
            for (handle, name) in names {
                let class = self.classes.get(*handle).map(|class| layout.line(class.minor));
                let state = class.and_then(|class| Some((class, held.get(class)?)));
                text += &match state {
                    Some((class, state)) => {
                        let counts = queues.get(&(link.index, class)).copied().unwrap_or_default();
                        line(name, class, state, link, counts)
                    }
                    None => format!("  {name}: no class\n"),
                };
            }
        }
        text += &nft::shown()?;
        Ok(text)
    }
}

fn line(name: &str, class: u32, state: &ClassState, link: Link, counts: QueueCounts) -> String {
    let (major, minor, total) = (class >> 16, class & 0xffff, state.total(link));
    format!(
        "  {name}: class {major:x}:{minor:x} rate {} sent {} bytes {} packets, waiting {} bytes {} packets, \
         dropped {} marked {}{}\n",
        kbits(shape::layer3_bps(state.speed.ceiling, link.header)),
        total.bytes,
        total.packets,
        state.waiting_bytes,
        state.waiting,
        counts.dropped,
        counts.marked,
        if state.leaf { "" } else { ", queue missing" },
    )
}

fn kbits(bps: u64) -> String {
    if bps == 0 { "unlimited".to_owned() } else { format!("{} kbit/s", bps / 1_000) }
}
