//! What is done over the network, or asked of the kernel, in a node: counters, sysctls, HTTP, probes.

use super::nodes::{enter, within};
use crate::clock::now_us;
use crate::origin::ECHO_PORT;
use crate::wire::{Answer, Counters, Probe};
use anyhow::{Context, Result, anyhow};
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const BODY_BYTES_MAX: u64 = 64 * 1024;
/// How long a probe waits for late echoes after its end.
const PROBE_GRACE: Duration = Duration::from_millis(300);

/// Reads `/proc/net/dev` of a node.
pub fn counters(net: &OwnedFd, interface: &str) -> Result<Counters> {
    let table = within(net, || Ok(fs::read_to_string("/proc/thread-self/net/dev")?))?;
    parse_counters(&table, interface).ok_or_else(|| anyhow!("there is no interface {interface}"))
}

fn parse_counters(table: &str, interface: &str) -> Option<Counters> {
    let row = table.lines().find_map(|line| line.trim().strip_prefix(interface)?.strip_prefix(':'))?;
    let figures: Vec<u64> = row.split_whitespace().map_while(|word| word.parse().ok()).collect();
    Some(Counters {
        rx_bytes: *figures.first()?,
        rx_packets: *figures.get(1)?,
        tx_bytes: *figures.get(8)?,
        tx_packets: *figures.get(9)?,
    })
}

/// Writes sysctls of the network; `/proc/sys/net` shows the namespace of the thread that looks.
pub fn write_sysctls(net: &OwnedFd, sysctls: &[(String, String)]) -> Result<()> {
    within(net, || {
        for (name, value) in sysctls {
            fs::write(format!("/proc/sys/{name}"), value).with_context(|| format!("sysctl {name}={value}"))?;
        }
        Ok(())
    })
}

/// Fetches a page over HTTP/1.1, plainly: no redirects, no keep-alive.
pub fn get(net: &OwnedFd, to: SocketAddr, path: &str, limit_ms: u64) -> Result<Answer> {
    let limit = Duration::from_millis(limit_ms);
    let bytes = within(net, || {
        let mut stream = TcpStream::connect_timeout(&to, limit).with_context(|| format!("connecting to {to}"))?;
        stream.set_read_timeout(Some(limit))?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nUser-Agent: weir-lab\r\n\r\n")?;
        let mut bytes = Vec::new();
        stream.take(BODY_BYTES_MAX).read_to_end(&mut bytes).context("reading the answer")?;
        Ok(bytes)
    })?;
    parse_answer(&String::from_utf8_lossy(&bytes)).ok_or_else(|| anyhow!("{to} did not answer in HTTP"))
}

fn parse_answer(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let status = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    let location = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    });
    Some(Answer { status, location, body: body.to_owned() })
}

/// A probe's thread, which ends with what it saw.
pub type Sight = JoinHandle<Result<Vec<Probe>>>;

/// The probes that run.
#[derive(Default)]
pub struct Probes {
    next: u64,
    running: BTreeMap<u64, (Arc<AtomicBool>, Sight)>,
}

impl Probes {
    /// Starts one; returns its number.
    pub fn begin(&mut self, net: Arc<OwnedFd>, to: IpAddr, every_ms: u64) -> Result<u64> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            enter(&*net)?;
            probe(SocketAddr::new(to, ECHO_PORT), Duration::from_millis(every_ms.max(1)), &stopped)
        });
        self.next += 1;
        self.running.insert(self.next, (stop, thread));
        Ok(self.next)
    }

    /// Tells one to end; the thread returns what it saw.
    pub fn end(&mut self, number: u64) -> Result<Sight> {
        let (stop, thread) = self.running.remove(&number).ok_or_else(|| anyhow!("there is no probe {number}"))?;
        stop.store(true, Ordering::Relaxed);
        Ok(thread)
    }
}

fn probe(to: SocketAddr, every: Duration, stop: &AtomicBool) -> Result<Vec<Probe>> {
    let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    let mut seen: Vec<Probe> = Vec::new();
    let mut next = Instant::now();
    let mut ends_at = None;
    loop {
        let now = Instant::now();
        if ends_at.is_none() && stop.load(Ordering::Relaxed) {
            ends_at = Some(now + PROBE_GRACE);
        }
        if ends_at.is_some_and(|end| now >= end) {
            return Ok(seen);
        }
        if ends_at.is_none() && now >= next {
            let number = u32::try_from(seen.len())?;
            seen.push(Probe { sent_us: now_us(), answered_us: None });
            // A refusal of an earlier probe is reported here; it is an answer that never came.
            let _refused = socket.send_to(&number.to_be_bytes(), to);
            next += every;
        }
        let wait = next.saturating_duration_since(Instant::now()).clamp(Duration::from_millis(1), every);
        socket.set_read_timeout(Some(wait))?;
        let mut number = [0; 4];
        if let Ok((4, from)) = socket.recv_from(&mut number)
            && from == to
            && let Some(probe) = seen.get_mut(u32::from_be_bytes(number) as usize)
        {
            probe.answered_us = Some(now_us());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_read_from_the_row_of_the_interface() {
        let table = "Inter-|   Receive  |  Transmit\n face |bytes packets errs\n    lo:  1 2 0 0 0 0 0 0 3 4 0 0 0 0 0 0\n  eth0: 10 20 0 0 0 0 0 0 30 40 0 0 0 0 0 0\n";
        let expected = Counters { rx_bytes: 10, rx_packets: 20, tx_bytes: 30, tx_packets: 40 };
        assert_eq!(parse_counters(table, "eth0"), Some(expected));
        assert_eq!(parse_counters(table, "eth"), None);
    }

    #[test]
    fn an_answer_keeps_status_location_and_body() {
        let answer = parse_answer("HTTP/1.1 302 Found\r\nlocation: http://pay\r\n\r\nhello");
        let expected = Answer { status: 302, location: Some("http://pay".into()), body: "hello".into() };
        assert_eq!(answer, Some(expected));
        assert_eq!(parse_answer("SSH-2.0"), None);
    }
}
