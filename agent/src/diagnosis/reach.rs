//! Whether a host answers echoes, and how fast.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{Limits, Stop, Teller};
use crate::echo::{Echo, Tries};

/// Between two echoes.
const EVERY: Duration = Duration::from_millis(500);
/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(1);
/// Most echoes.
const ECHOES_MAX: u32 = 50;

/// The address of a host named by a person.
pub async fn find(host: &str, until: Instant) -> Result<IpAddr, Stop> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(address.to_canonical());
    }
    let nobody = |why: String| Stop::Failed("name-unknown", format!("{host} has no address: {why}"));
    let found = timeout_at(until, tokio::net::lookup_host((host, 0))).await;
    let mut found = found.map_err(|_| Stop::Limit)?.map_err(|error| nobody(error.to_string()))?;
    found.next().map(|one| one.ip().to_canonical()).ok_or_else(|| nobody("no answer".to_owned()))
}

/// Asks for echoes one after the other and tells each, then the sum.
pub async fn ping(host: &str, echo: &Echo, limits: Limits, until: Instant, teller: &mut Teller) -> Result<(), Stop> {
    let address = find(host, until).await?;
    teller.say(&format!("echoes of {host} ({address})\n")).await?;
    let mut tries = Tries::default();
    let echoes = limits.packets.min(ECHOES_MAX);
    let mut cut_short = false;
    for n in 1..=echoes {
        let next = Instant::now() + EVERY;
        if next >= until {
            cut_short = true;
            break;
        }
        let answer = echo.ask(address, PATIENCE).await;
        tries.take(answer);
        let text = match answer {
            Some(time) => format!("{n}: {}\n", milliseconds(time)),
            None => format!("{n}: no answer\n"),
        };
        teller.say(&text).await?;
        sleep_until(next).await;
    }
    let mut sum = format!("{} of {} answered", tries.answered(), tries.asked);
    if tries.answered() > 0 {
        let within = |percent| milliseconds(Duration::from_micros(tries.within_us(percent).into()));
        sum += &format!(", half within {}, 95 % within {}", within(50), within(95));
    }
    teller.say(&(sum + "\n")).await?;
    if cut_short { Err(Stop::Limit) } else { Ok(()) }
}

/// A time as people read it.
pub fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
