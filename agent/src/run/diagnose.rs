//! Diagnoses: questions of people about this router, each a task beside the loop, passed on while there is room for them.

use super::talk::Uplink;
use super::{Agent, probe};
use crate::clock::Clock;
use crate::diagnosis::capture::Socket;
use crate::diagnosis::journal::Commands;
use crate::diagnosis::{self, Limits, Teller, Told, Tool, log};
use crate::echo::Echo;
use crate::plan::{Wanted, check};
use crate::southbound::{Counter, Southbound};
use crate::store::disk::Folder;
use crate::usage::live::Live;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use uuid::Uuid;
use weir_protocol::control::{CommandResult, Refused, command_result, up};
use weir_protocol::desired::Line;
use weir_protocol::diagnosis::{Capture, Diagnose, UnknownOutcome, diagnose};
use weir_protocol::live::Sample;

/// Since this revision the cloud knows what diagnoses are.
const SINCE_REV: u32 = 9;
/// Diagnoses at once.
const AT_ONCE: usize = 2;
/// What they say that waits for the loop.
const WAITING: usize = 4;
/// Commands known by their ids, so that none is answered twice.
const SEEN: usize = 64;
/// Talkers are those of so long, milliseconds.
const TALKING_MS: u32 = 3_000;
/// Lines of the log, and lines that talk, that are told.
const LINES_MAX: u32 = 300;

/// Why a diagnosis is not begun: a stable name, and one plain sentence.
type Why = (&'static str, String);

/// The diagnoses of an agent.
pub(super) struct Diagnoses {
    running: Vec<Running>,
    commands: Commands<Folder>,
    seen: VecDeque<Vec<u8>>,
    talkers: Vec<Talkers>,
    told: (mpsc::Sender<Told>, mpsc::Receiver<Told>),
}

struct Running {
    id: Vec<u8>,
    task: AbortHandle,
}

/// Somebody waits for who moves most.
struct Talkers {
    live: Live,
    lines: usize,
    known: oneshot::Sender<String>,
}

impl Diagnoses {
    /// None yet; what was begun before is in the folder.
    pub(super) fn open(state: Folder) -> Self {
        Self {
            running: Vec::new(),
            commands: Commands::open(state),
            seen: VecDeque::new(),
            talkers: Vec::new(),
            told: mpsc::channel(WAITING),
        }
    }

    /// The next thing one of them says.
    pub(super) async fn heard(&mut self) -> Option<Told> {
        self.told.1.recv().await
    }

    /// Ends all of them: nobody listens any more.
    pub(super) fn stop(&mut self) {
        self.running.drain(..).for_each(|running| running.task.abort());
        self.talkers.clear();
    }

    /// Ends one; whoever asked knows already.
    pub(super) fn cancel(&mut self, id: &[u8]) {
        if let Some(at) = self.running.iter().position(|running| running.id == id) {
            self.running.swap_remove(at).task.abort();
            self.commands.end(id);
        }
    }

    /// Looks at a sweep for whoever waits for who moves most.
    pub(super) fn observe(&mut self, mono_ms: u64, counters: &[Counter], wanted: &Wanted) {
        let waiting = std::mem::take(&mut self.talkers);
        for mut talkers in waiting {
            match talkers.live.observe(mono_ms, 0, counters) {
                // Whoever waited may be gone.
                Some(sample) => drop(talkers.known.send(told(&sample, talkers.lines, wanted))),
                None => self.talkers.push(talkers),
            }
        }
    }

    fn is_new(&mut self, id: &[u8]) -> bool {
        if self.commands.knows(id) || self.seen.iter().any(|seen| seen == id) {
            return false;
        }
        if self.seen.len() == SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(id.to_vec());
        true
    }
}

impl<S: Southbound, C: Clock> Agent<S, C> {
    /// Begins a diagnosis; answers why it cannot. One that came before is not begun again, and not answered.
    pub(super) async fn begin_diagnosis(&mut self, id: &[u8], asked: Diagnose) -> Option<Why> {
        if !self.diagnoses.is_new(id) {
            return None;
        }
        let now_ms = self.clock.now().wall_ms;
        if now_ms > asked.not_after_ms {
            return Some(("too-late", "the command came too late to be begun".to_owned()));
        }
        if self.diagnoses.running.len() >= AT_ONCE {
            return Some(("busy", format!("{AT_ONCE} diagnoses are running already")));
        }
        let limits = Limits::of(&asked);
        let costs = matches!(asked.tool, Some(diagnose::Tool::Capture(_)));
        if costs && let Err(error) = self.diagnoses.commands.begin(id, now_ms) {
            return Some(("journal-unwritable", format!("that it begins could not be written down: {error}")));
        }
        let tool = match self.tool(asked.tool).await {
            Ok(tool) => tool,
            Err(why) => {
                self.diagnoses.commands.end(id);
                return Some(why);
            }
        };
        let teller = Teller::new(id.to_vec(), limits.bytes, self.diagnoses.told.0.clone());
        let task = tokio::spawn(diagnosis::run(tool, limits, teller)).abort_handle();
        self.diagnoses.running.push(Running { id: id.to_vec(), task });
        None
    }

    /// A tool with all it needs of the loop.
    async fn tool(&mut self, asked: Option<diagnose::Tool>) -> Result<Tool, Why> {
        use diagnose::Tool as Asked;
        let failed = |what: &str, error: &dyn std::fmt::Display| ("failed", format!("{what}: {error}"));
        match asked {
            Some(Asked::Ping(ping)) => {
                let known = self.asking.as_ref().map(|asking| Arc::clone(&asking.echo));
                let echo = known.map_or_else(|| Echo::open().map(Arc::new), Ok);
                let echo = echo.map_err(|error| failed("no host can be asked for echoes", &error))?;
                Ok(Tool::Ping { host: ping.host, echo })
            }
            Some(Asked::Traceroute(way)) => Ok(Tool::Traceroute { host: way.host }),
            Some(Asked::LookUp(asked)) => Ok(Tool::LookUp { name: asked.name, server: asked.server }),
            Some(Asked::Shaper(shaper)) => {
                let names = match shaper.line.is_empty() {
                    true => self.enforced.lines.values().map(|line| (line.handle, name(line))).collect(),
                    false => {
                        let line = self.line(&shaper.line)?;
                        BTreeMap::from([(line.handle, name(&line))])
                    }
                };
                let text = self.southbound.shaper(&names).await;
                Ok(Tool::Known(text.map_err(|error| failed("the classes cannot be read", &error))?))
            }
            Some(Asked::Log(asked)) => Ok(Tool::Known(log::last(most(asked.lines)))),
            Some(Asked::Talkers(asked)) => {
                let (known, later) = oneshot::channel();
                let mut live = Live::default();
                live.interest(self.clock.now().mono_ms, TALKING_MS * 10, TALKING_MS);
                self.diagnoses.talkers.push(Talkers { live, lines: most(asked.lines), known });
                Ok(Tool::Later(later))
            }
            Some(Asked::Capture(capture)) => self.capture(&capture),
            None => Err(("command-unknown", "this agent does not know the tool".to_owned())),
        }
    }

    fn capture(&self, Capture { line, snap_bytes }: &Capture) -> Result<Tool, Why> {
        let line = self.line(line)?;
        let Some(router) = &self.enforced.router else {
            return Err(("router-unknown", "the router's ports are not known yet".to_owned()));
        };
        let prefixes: Vec<_> = line.prefixes.iter().filter_map(|prefix| check::network(prefix).ok()).collect();
        if prefixes.is_empty() {
            return Err(("line-unaddressed", "the line has no address now".to_owned()));
        }
        let socket = Socket::open(&router.lan_interface, &prefixes, *snap_bytes, self.clock.now().wall_ms);
        let failed = |error| ("failed", format!("no packets can be heard on {}: {error}", router.lan_interface));
        Ok(Tool::Capture(socket.map_err(failed)?))
    }

    fn line(&self, id: &[u8]) -> Result<Arc<Line>, Why> {
        let line = Uuid::from_slice(id).ok().and_then(|id| self.enforced.lines.get(&id));
        line.cloned().ok_or_else(|| probe::unknown_line())
    }

    /// Passes on what a diagnosis says, if it is still wanted.
    pub(super) fn pass_on(&mut self, told: Option<Told>) {
        let is_running = |diagnoses: &Diagnoses, id: &[u8]| diagnoses.running.iter().any(|one| one.id == id);
        match told {
            Some(Told::Part(part)) if is_running(&self.diagnoses, &part.id) => {
                if let Uplink::Open(session) = &self.uplink {
                    session.say_lossily(up::Message::DiagnosisPart(part));
                }
            }
            Some(Told::Over(id, how)) if is_running(&self.diagnoses, &id) => {
                self.diagnoses.running.retain(|one| one.id != id);
                self.diagnoses.commands.end(&id);
                let outcome = match how {
                    Ok(diagnosed) => command_result::Outcome::Diagnosed(diagnosed),
                    Err((code, text)) => command_result::Outcome::Refused(Refused { code: code.to_owned(), text }),
                };
                self.answer(id, outcome);
            }
            Some(Told::Part(_) | Told::Over(..)) | None => {}
        }
    }

    /// Tells which commands were begun in a life or a session before this one, and are not known to have ended.
    pub(super) fn tell_unfinished(&mut self) {
        let Uplink::Open(session) = &self.uplink else { return };
        if session.rev < SINCE_REV {
            return;
        }
        for (id, began_ms) in self.diagnoses.commands.unfinished() {
            let outcome = Some(command_result::Outcome::Unknown(UnknownOutcome { began_ms }));
            session.say_lossily(up::Message::CommandResult(CommandResult { id: id.clone(), outcome }));
            self.diagnoses.commands.end(&id);
        }
    }
}

fn most(asked: u32) -> usize {
    let lines = if asked == 0 { LINES_MAX } else { asked.min(LINES_MAX) };
    usize::try_from(lines).unwrap_or(usize::MAX)
}

/// What people know a line by: its first address.
fn name(line: &Line) -> String {
    let first = line.prefixes.iter().find_map(|prefix| check::network(prefix).ok());
    let host = |address: IpAddr| address.to_string();
    match first {
        Some(net) if net.prefix_len() == net.max_prefix_len() => host(net.addr()),
        Some(net) => net.to_string(),
        None => format!("line {}", line.handle),
    }
}

/// The lines that move most, in words.
fn told(sample: &Sample, lines: usize, wanted: &Wanted) -> String {
    let names: BTreeMap<u32, String> = wanted.lines.values().map(|line| (line.handle, name(line))).collect();
    let mut moving = sample.lines.clone();
    moving.sort_by_key(|line| std::cmp::Reverse(line.down_bps.saturating_add(line.up_bps)));
    let mut text = format!("{} down  {} up  all lines\n", bits(sample.down_bps), bits(sample.up_bps));
    for line in moving.iter().take(lines) {
        let name = names.get(&line.handle).cloned().unwrap_or_else(|| format!("line {}", line.handle));
        text += &format!("{} down  {} up  {name}\n", bits(line.down_bps), bits(line.up_bps));
    }
    if moving.is_empty() {
        text += "no line moves anything\n";
    }
    text
}

fn bits(bps: u64) -> String {
    format!("{:>9} kbit/s", bps / 1_000)
}
