//! Goes round all lines, the gateway and the anchors, for ever and slowly.

use std::net::IpAddr;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;
use weir_protocol::desired::{Line, Prefix};
use weir_protocol::quality::Role;

use super::{Echo, Tries, gateway};
use crate::plan::Wanted;

/// No line is asked more often.
const ROUND_MIN: Duration = Duration::from_secs(10);
/// How often the gateway and the anchors are asked.
const UPLINK_EVERY: Duration = Duration::from_secs(5);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(2);
/// Questions under way at once; while there are more, lines are passed over.
const ASKING_MAX: usize = 4_096;
/// Answers of lines kept until somebody takes them: at 20 a second, those of almost an hour.
const KEPT_MAX: usize = 1 << 16;

/// What asking around came to since it was last asked for.
#[derive(Debug, Default)]
pub struct Patrol(Mutex<Seen>);

/// What asking around came to.
#[derive(Debug, Default)]
pub struct Seen {
    /// By line, what each question came to, in the order of the answers.
    pub lines: Vec<(u32, Option<Duration>)>,
    /// By role and address of the uplink.
    pub uplinks: Vec<((Role, IpAddr), Tries)>,
}

impl Patrol {
    /// What was seen since the last time.
    pub fn take(&self) -> Seen {
        std::mem::take(&mut *self.lock())
    }

    fn line(&self, handle: u32, answer: Option<Duration>) {
        let mut seen = self.lock();
        if seen.lines.len() < KEPT_MAX {
            seen.lines.push((handle, answer));
        }
    }

    fn uplink(&self, who: (Role, IpAddr), answer: Option<Duration>) {
        let mut seen = self.lock();
        match seen.uplinks.iter_mut().find(|(known, _)| *known == who) {
            Some((_, tries)) => tries.take(answer),
            None => {
                let mut tries = Tries::default();
                tries.take(answer);
                seen.uplinks.push((who, tries));
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks around, at most `a_second` lines a second. Over an uplink that is metered nobody is asked unless somebody wants to
/// know.
pub async fn patrol(
    echo: Arc<Echo>,
    wanted: watch::Receiver<Wanted>,
    a_second: u32,
    (anchors, metered): (Vec<IpAddr>, bool),
    patrol: Arc<Patrol>,
) {
    let mut asking = JoinSet::new();
    let (mut next, mut uplinks_at) = (Instant::now(), Instant::now());
    let (mut step, mut last, mut began) = (ROUND_MIN, None, next);
    let pace = Duration::from_secs(1) / a_second.max(1);
    loop {
        sleep_until(next.min(uplinks_at)).await;
        let now = Instant::now();
        while asking.try_join_next().is_some() {}
        if now >= uplinks_at {
            uplinks_at = now + UPLINK_EVERY;
            let hosts = uplinks(&wanted.borrow(), &anchors);
            let metered = metered || wanted.borrow().router.as_ref().is_some_and(|router| router.metered);
            for (role, host) in hosts.into_iter().filter(|_| !metered) {
                let (echo, patrol) = (Arc::clone(&echo), Arc::clone(&patrol));
                asking.spawn(async move { patrol.uplink((role, host), echo.ask(host, PATIENCE).await) });
            }
        }
        if now < next {
            continue;
        }
        let found = {
            let wanted = wanted.borrow();
            let found = after(&wanted, last);
            if last.is_none() {
                let lines = u32::try_from(wanted.lines.len()).unwrap_or(u32::MAX).max(1);
                (step, began) = (pace.max(ROUND_MIN / lines), now);
            }
            found
        };
        // A round of few hosts among many lines is over early, and the next begins no sooner.
        next = if found.is_some() { now + step } else { (now + step).max(began + ROUND_MIN) };
        last = found.map(|(id, ..)| id);
        if let Some((_, handle, host)) = found.filter(|_| asking.len() < ASKING_MAX) {
            let (echo, patrol) = (Arc::clone(&echo), Arc::clone(&patrol));
            asking.spawn(async move { patrol.line(handle, echo.ask(host, PATIENCE).await) });
        }
    }
}

/// The gateway and the anchors.
pub fn uplinks(wanted: &Wanted, anchors: &[IpAddr]) -> Vec<(Role, IpAddr)> {
    let first = wanted.router.as_ref().and_then(|router| gateway(&router.wan_interface));
    let first = first.map(|host| (Role::Gateway, host));
    first.into_iter().chain(anchors.iter().map(|host| (Role::Anchor, *host))).collect()
}

/// The line after that one, and its host; lines without one are passed over.
fn after(wanted: &Wanted, last: Option<Uuid>) -> Option<(Uuid, u32, IpAddr)> {
    let from = last.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = wanted.lines.range((from, Bound::Unbounded));
    rest.find_map(|(id, line)| Some((*id, line.handle, host(line)?)))
}

/// The first single address of a line; whom to ask in a prefix nobody knows.
pub fn host(line: &Line) -> Option<IpAddr> {
    line.prefixes.iter().find_map(|Prefix { address, length }| match (address.len(), length) {
        (4, 32) => <[u8; 4]>::try_from(address.as_slice()).ok().map(IpAddr::from),
        (16, 128) => <[u8; 16]>::try_from(address.as_slice()).ok().map(IpAddr::from),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(handle: u32, address: &[u8], length: u32) -> (Uuid, Arc<Line>) {
        let prefixes = vec![Prefix { address: address.to_vec(), length }];
        (Uuid::from_u128(handle.into()), Arc::new(Line { handle, prefixes, ..Line::default() }))
    }

    #[test]
    fn a_round_takes_every_line_with_a_host_once() {
        let lines = [line(1, &[10, 0, 0, 1], 32), line(2, &[10, 1, 0, 0], 24), line(3, &[0x20; 16], 128)];
        let wanted = Wanted { lines: lines.into(), ..Wanted::default() };
        let (mut last, mut round) = (None, Vec::new());
        while let Some((id, handle, _)) = after(&wanted, last) {
            last = Some(id);
            round.push(handle);
        }
        assert_eq!(round, [1, 3]);
    }

    #[test]
    fn what_came_is_taken_once() {
        let patrol = Patrol::default();
        let gateway = (Role::Gateway, IpAddr::from([10, 0, 0, 1]));
        patrol.line(7, None);
        patrol.uplink(gateway, Some(Duration::from_millis(2)));
        patrol.uplink(gateway, None);
        let seen = patrol.take();
        assert_eq!((seen.lines.as_slice(), seen.uplinks.len()), ([(7, None)].as_slice(), 1));
        assert_eq!((seen.uplinks[0].1.asked, seen.uplinks[0].1.answered()), (2, 1));
        assert!(patrol.take().lines.is_empty());
    }
}
