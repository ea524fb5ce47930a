//! A subscriber's host: makes real traffic and counts it without Weir's help.

use crate::clock::{Limit, until};
use crate::outside::Inside;
use crate::topology::{INTERNET_V4, INTERNET_V6, Place};
use crate::traffic::{Amount, Carried, Direction, Family, Flow, Load};
use crate::wire::{Answer, Ask, Counters, Probe};
use anyhow::Result;
use nix::sys::signal::Signal;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// Small, so that a slow line's figures are not rounded to a few large blocks.
const BLOCK: &str = "16K";

/// A subscriber of the lab, from 1. Cheap to clone.
#[derive(Clone)]
pub struct Subscriber {
    pub(crate) inside: Inside,
    pub(crate) number: u8,
    pub(crate) logs: PathBuf,
    pub(crate) next_port: Arc<AtomicU16>,
}

impl Subscriber {
    /// Its number, from 1.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// Receives from the internet.
    pub async fn download(&self, load: Load, family: Family) -> Result<Flow> {
        self.flow(Direction::Down, load, family).await
    }

    /// Sends to the internet.
    pub async fn upload(&self, load: Load, family: Family) -> Result<Flow> {
        self.flow(Direction::Up, load, family).await
    }

    /// One TCP flow by iperf3, with a server of its own.
    pub async fn flow(&self, direction: Direction, load: Load, family: Family) -> Result<Flow> {
        let port = self.free_port().to_string();
        let log = self.logs.join(format!("iperf3-{port}.log"));
        let serve = ["iperf3", "--server", "--one-off", "--forceflush", "--port", &port];
        let mut server = self.inside.launch(&Place::Internet.name(), &serve, &log).await?;
        server.line_with("Server listening", Limit::seconds(10)).await?;
        let (amount, value) = match load.amount {
            Amount::Seconds(seconds) => ("--time", seconds.to_string()),
            Amount::Bytes(bytes) => ("--bytes", bytes.to_string()),
        };
        let rate = load.rate_bps.map(|rate| rate.to_string());
        let to = internet(family).to_string();
        let mut argv = vec!["iperf3", "--client", &to, "--port", &port, "--json", amount, &value];
        argv.extend(["--connect-timeout", "3000", "--length", BLOCK]);
        if direction == Direction::Down {
            argv.push("--reverse");
        }
        if let Some(rate) = &rate {
            argv.extend(["--bitrate", rate]);
        }
        let done = self.inside.run(&self.node(), &argv).await;
        if server.is_running() {
            let _ended_by_itself = server.signal(Signal::SIGKILL).await;
        }
        Flow::from_iperf3(&done?.stdout, direction)
    }

    /// Fetches a page from the internet's HTTP server, without following redirects.
    pub async fn http_get(&self, path: &str, family: Family) -> Result<Answer> {
        let to = SocketAddr::new(internet(family), crate::origin::HTTP_PORT);
        self.inside.ask(Ask::Get { node: self.node(), to, path: path.into(), limit_ms: 3_000 }).await
    }

    /// Waits until the web answers it, or the walled garden's page does in its place; returns that answer.
    pub async fn web_becomes(&self, open: bool, family: Family) -> Result<Answer> {
        let (what, path, wanted) = match open {
            true => ("access to the web", "/generate_204", 204),
            false => ("the walled garden's page", "/", 511),
        };
        until(what, Limit::seconds(10), || async {
            let answer = self.http_get(path, family).await.ok();
            Ok(answer.filter(|answer| answer.status == wanted))
        })
        .await
    }

    /// The kernel's counters of its interface.
    pub async fn counters(&self) -> Result<Counters> {
        self.inside.ask(Ask::Counters { node: self.node(), interface: "eth0".into() }).await
    }

    /// Layer-3 bytes that crossed its port so far.
    pub async fn carried(&self) -> Result<Carried> {
        Ok(Carried::from_counters(&self.counters().await?))
    }

    /// Begins to send a datagram every `every_ms` to the internet's echo.
    pub async fn probe(&self, family: Family, every_ms: u64) -> Result<RunningProbe> {
        let ask = Ask::Probe { node: self.node(), to: internet(family), every_ms };
        Ok(RunningProbe { number: self.inside.ask(ask).await?, inside: self.inside.clone() })
    }

    /// Runs a program on its host.
    pub async fn run(&self, argv: &[&str]) -> Result<crate::Output> {
        self.inside.run(&self.node(), argv).await
    }

    fn node(&self) -> String {
        Place::Subscriber(self.number).name()
    }

    /// Ports are never used twice in a row, so that a server that is still ending can't be met.
    fn free_port(&self) -> u16 {
        const FIRST: u16 = 10_000;
        const COUNT: u16 = 20_000;
        FIRST + self.next_port.fetch_add(1, Ordering::Relaxed) % COUNT
    }
}

/// A probe that runs until its end is asked for.
pub struct RunningProbe {
    number: u64,
    inside: Inside,
}

impl RunningProbe {
    /// Stops it and returns what it saw, in the order of sending.
    pub async fn end(self) -> Result<Vec<Probe>> {
        self.inside.ask(Ask::ProbeEnd { probe: self.number }).await
    }
}

fn internet(family: Family) -> IpAddr {
    match family {
        Family::V4 => INTERNET_V4.into(),
        Family::V6 => INTERNET_V6.into(),
    }
}
