//! What is wrong on this router: what a person asks of it through the cloud, and how that is answered.
//!
//! Each tool is a task of its own that tells what it finds through a [`Teller`], slowly and within [`Limits`]; the loop
//! passes that on while the session has nothing better to say. What costs something is written into [`journal`] first.

pub mod capture;
pub mod filter;
pub mod journal;
pub mod log;
pub mod names;
pub mod reach;
pub mod teller;
pub mod trace;

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};
use weir_protocol::diagnosis::{Diagnose, Diagnosed};

pub use self::teller::{Teller, Told};
use crate::echo::Echo;

/// Longest that is looked.
const SECONDS_MAX: u32 = 60;
/// How long what was found may take to be told after that.
const TELLING: Duration = Duration::from_secs(30);
/// Most packets that are sent or taken.
const PACKETS_MAX: u32 = 10_000;
/// Most bytes that are told.
const BYTES_MAX: u32 = 512 * 1024;

/// How much a diagnosis may take: what the cloud says, within what the agent allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long it may look.
    pub time: Duration,
    /// Most packets.
    pub packets: u32,
    /// Most bytes told.
    pub bytes: usize,
}

impl Limits {
    /// The limits of a question; what it leaves open is the agent's own.
    pub fn of(asked: &Diagnose) -> Self {
        let within = |asked: u32, most: u32| if asked == 0 { most } else { asked.min(most) };
        Self {
            time: Duration::from_secs(within(asked.seconds, SECONDS_MAX).into()),
            packets: within(asked.packets, PACKETS_MAX),
            bytes: usize::try_from(within(asked.bytes, BYTES_MAX)).unwrap_or(usize::MAX),
        }
    }
}

/// Why a tool stopped before it was done.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// A limit was reached.
    Limit,
    /// It cannot be done: a stable name and one plain sentence.
    Failed(&'static str, String),
}

impl Stop {
    /// It failed because a system call did.
    pub fn io(what: &str, error: &std::io::Error) -> Self {
        Self::Failed("failed", format!("{what}: {error}"))
    }
}

/// A tool with all it needs.
pub enum Tool {
    /// Echoes of a host.
    Ping {
        /// A name or an address.
        host: String,
        /// Who asks.
        echo: std::sync::Arc<Echo>,
    },
    /// The way to a host.
    Traceroute {
        /// A name or an address.
        host: String,
    },
    /// What name servers say.
    LookUp {
        /// The name.
        name: String,
        /// The only server that is asked, if one was named.
        server: String,
    },
    /// What is known already.
    Known(String),
    /// What is known in a moment.
    Later(oneshot::Receiver<String>),
    /// Packets of a line.
    Capture(capture::Socket),
}

/// Runs a tool and tells what it finds, then how it ended.
pub async fn run(tool: Tool, limits: Limits, mut teller: Teller) {
    let until = Instant::now() + limits.time;
    let looking = async {
        match tool {
            Tool::Ping { host, echo } => reach::ping(&host, &echo, limits, until, &mut teller).await,
            Tool::Traceroute { host } => trace::trace(&host, limits, until, &mut teller).await,
            Tool::LookUp { name, server } => names::look_up(&name, &server, until, &mut teller).await,
            Tool::Known(text) => teller.say(&text).await,
            Tool::Later(known) => match timeout_at(until, known).await {
                Ok(Ok(text)) => teller.say(&text).await,
                Ok(Err(_)) | Err(_) => Err(Stop::Limit),
            },
            Tool::Capture(socket) => socket.take(limits, until, &mut teller).await,
        }
    };
    let ended = timeout_at(until + TELLING, looking).await.unwrap_or(Err(Stop::Limit));
    let parts = teller.parts();
    let outcome = match ended {
        Ok(()) => Ok(Diagnosed { parts, cut_short: false }),
        Err(Stop::Limit) => Ok(Diagnosed { parts, cut_short: true }),
        Err(Stop::Failed(code, text)) => Err((code, text)),
    };
    teller.end(outcome).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_the_clouds_within_the_agents_own() {
        let asked = Diagnose { seconds: 5, packets: 3, bytes: 100, ..Diagnose::default() };
        assert_eq!(Limits::of(&asked), Limits { time: Duration::from_secs(5), packets: 3, bytes: 100 });
        let most = Limits::of(&Diagnose::default());
        let greedy = Diagnose { seconds: u32::MAX, packets: u32::MAX, bytes: u32::MAX, ..Diagnose::default() };
        assert_eq!((Limits::of(&greedy), most.time), (most, Duration::from_secs(60)));
    }
}
