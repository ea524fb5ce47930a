//! Probes: how a line is served right now, measured because somebody asks.
//!
//! Takes [`SPAN`], in which the line's queue is watched with every sweep and echoes are asked for; nothing is changed, and
//! nothing waits for it.

use super::quality::{SINCE_REV, echoes, way};
use super::{Agent, Uplink};
use crate::clock::Clock;
use crate::echo::{Echo, Tries, host, uplinks};
use crate::southbound::Southbound;
use futures_util::FutureExt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep};
use uuid::Uuid;
use weir_protocol::control::{Command, CommandResult, Refused, command, command_result, up};
use weir_protocol::desired::Access;
use weir_protocol::quality::{Echoes, Probe, Probed, Role};

/// How long a line is looked at.
const SPAN: Duration = Duration::from_secs(3);
/// Echoes each host is asked for, this long after each other, and how long one may take: all within the span.
const ECHOES: u32 = 8;
const ECHO_EVERY: Duration = Duration::from_millis(200);
const PATIENCE: Duration = Duration::from_secs(1);
/// Probes at once: each asks a few hosts for a few echoes.
const AT_ONCE: usize = 16;

/// Who can be asked for echoes.
#[derive(Clone)]
pub struct Asking {
    /// Asks hosts.
    pub echo: Arc<Echo>,
    /// Hosts of the internet that are asked.
    pub anchors: Vec<IpAddr>,
}

/// A probe that is not over.
pub(super) struct Running {
    command: Vec<u8>,
    line: Uuid,
    handle: u32,
    until: Instant,
    echoes: JoinHandle<Vec<Echoes>>,
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Probes also by asking for echoes.
    pub fn ask_with(&mut self, asking: Asking) {
        self.asking = Some(asking);
    }

    /// When the first probe is over.
    pub(super) fn probe_until(&self) -> Option<Instant> {
        self.probes.iter().map(|probe| probe.until).min()
    }

    /// Does what the cloud asks for, or says why not.
    pub(super) async fn take_command(&mut self, Command { id, what }: Command) {
        let refused = match what {
            Some(command::What::Probe(probe)) => self.begin(&id, &probe),
            Some(command::What::Diagnose(asked)) => self.begin_diagnosis(&id, asked).await,
            None => Some(("command-unknown", "this agent does not know the command".to_owned())),
        };
        if let Some((code, text)) = refused {
            self.answer(id, command_result::Outcome::Refused(Refused { code: code.to_owned(), text }));
        }
    }

    /// Begins a probe; answers why it cannot.
    fn begin(&mut self, id: &[u8], Probe { line }: &Probe) -> Option<(&'static str, String)> {
        if self.probes.len() >= AT_ONCE {
            return Some(("busy", format!("{AT_ONCE} lines are being probed already")));
        }
        let known = Uuid::from_slice(line).ok().and_then(|id| Some((id, self.enforced.lines.get(&id)?)));
        let Some((line, wanted)) = known else {
            return Some(unknown_line());
        };
        let handle = wanted.handle;
        if self.probes.iter().any(|probe| probe.handle == handle) {
            return Some(("busy", "the line is being probed already".to_owned()));
        }
        let mut hosts = Vec::new();
        if let Some(Asking { anchors, .. }) = &self.asking {
            hosts = uplinks(&self.enforced, anchors);
            hosts.extend(host(wanted).map(|host| (Role::Subscriber, host)));
        }
        let echo = self.asking.as_ref().map(|asking| Arc::clone(&asking.echo));
        self.southbound.watch(handle);
        let echoes = tokio::spawn(ask(echo, hosts));
        self.probes.push(Running { command: id.to_vec(), line, handle, until: Instant::now() + SPAN, echoes });
        None
    }

    /// Answers the probes that are over by now.
    pub(super) fn end_probes(&mut self, now: Instant) {
        while let Some(at) = self.probes.iter().position(|probe| probe.until <= now) {
            let Running { command, line, handle, echoes, .. } = self.probes.swap_remove(at);
            let sampled = self.southbound.watched(handle);
            echoes.abort();
            let echoes = echoes.now_or_never().and_then(Result::ok).unwrap_or_default();
            let Some(wanted) = self.enforced.lines.get(&line) else {
                let text = "the line left this router meanwhile".to_owned();
                let refused = Refused { code: "line-unknown".to_owned(), text };
                self.answer(command, command_result::Outcome::Refused(refused));
                continue;
            };
            let own = sampled.lines.first().map(|(_, line)| *line).unwrap_or_default();
            let (rate_down_bps, rate_up_bps) = match wanted.access() {
                Access::Throttled => (wanted.throttled_down_bps, wanted.throttled_up_bps),
                _ => (wanted.rate_down_bps, wanted.rate_up_bps),
            };
            let mut probed = Probed {
                span_ms: u32::try_from(sampled.span_ms).unwrap_or(u32::MAX),
                access: wanted.access,
                rate_down_bps,
                rate_up_bps,
                echoes,
                ..Probed::default()
            };
            if sampled.span_ms > 0 {
                let (mut down, mut up) = (way(&own.down, &sampled), way(&own.up, &sampled));
                self.gathered.queues(handle).tell(&mut down, &mut up);
                (probed.down, probed.up) = (Some(down), Some(up));
            }
            self.answer(command, command_result::Outcome::Probed(probed));
        }
    }

    /// Says what a command came to.
    pub(super) fn answer(&self, id: Vec<u8>, outcome: command_result::Outcome) {
        if let Uplink::Open(session) = &self.uplink
            && session.rev >= SINCE_REV
        {
            session.say_lossily(up::Message::CommandResult(CommandResult { id, outcome: Some(outcome) }));
        }
    }
}

/// Why nothing is done about a line that is not here.
pub(super) fn unknown_line() -> (&'static str, String) {
    ("line-unknown", "this router has no such line".to_owned())
}

/// Asks all hosts at the same time, each several times.
async fn ask(echo: Option<Arc<Echo>>, hosts: Vec<(Role, IpAddr)>) -> Vec<Echoes> {
    let Some(echo) = echo else { return Vec::new() };
    let mut asking = JoinSet::new();
    for n in 0..ECHOES {
        for (place, (_, host)) in hosts.iter().enumerate() {
            let (echo, host) = (Arc::clone(&echo), *host);
            asking.spawn(async move {
                sleep(ECHO_EVERY * n).await;
                (place, echo.ask(host, PATIENCE).await)
            });
        }
    }
    let mut tries = vec![Tries::default(); hosts.len()];
    while let Some(answer) = asking.join_next().await {
        if let Ok((place, answer)) = answer {
            tries[place].take(answer);
        }
    }
    hosts.iter().zip(&tries).map(|((role, host), tries)| echoes(*role, *host, tries)).collect()
}
