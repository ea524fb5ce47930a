//! What a gateway does for all its sessions at once, in a statement each: finds who missed a wake, and notes who spoke. It ends
//! those whose certificate holds no more. And it says that it is there, and hears which others are.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;

use super::Gateway;
use crate::fleet;

/// How often it is looked for changes no wake told of.
const SWEEP: Duration = Duration::from_secs(15);
/// How often a gateway says that it is there, ends sessions whose certificate holds no more, and looks whether it is time to
/// note who spoke; and how often that is.
const LOOK: Duration = Duration::from_secs(5);
const SEEN_EVERY: TimeDelta = TimeDelta::seconds(30);
/// An agent silent for longer is not awaited.
const AWAITED: TimeDelta = TimeDelta::days(1);
/// Sessions a gateway opens in a second without strain, on two cores that have the database, too.
const SESSIONS_A_SECOND: u64 = 120;
/// Time between two agents that are told to go to another gateway.
pub(super) const PAUSE: Duration = Duration::from_micros(1_000_000 / SESSIONS_A_SECOND);
/// Least time agents that lost their gateway come back within.
pub(super) const SPREAD_MIN_MS: u32 = 500;
const SPREAD_MAX_MS: u32 = 600_000;

/// Sweeps until it is aborted. What fails is tried again the next time.
pub(super) async fn sweep(gateway: Arc<Gateway>) {
    let (mut sweep, mut look) = (tokio::time::interval(SWEEP), tokio::time::interval(LOOK));
    let mut noted = gateway.app.clock.now();
    loop {
        let done = tokio::select! {
            _ = sweep.tick() => rouse_behind(&gateway).await,
            _ = look.tick() => {
                end_lapsed(&gateway);
                if let Err(error) = appear(&gateway).await {
                    tracing::warn!(%error, "other gateways could not be told of this one");
                }
                let now = gateway.app.clock.now();
                if now - noted < SEEN_EVERY {
                    continue;
                }
                noted = now;
                fleet::gateways::seen(&gateway.app, gateway.sessions(|bell| bell.spoke.swap(false, Ordering::Relaxed))).await
            }
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a sweep of all sessions failed");
        }
    }
}

/// Ends sessions whose certificate has ended, or is of a root that is trusted no more.
fn end_lapsed(gateway: &Gateway) {
    let (authority, now) = (gateway.authority(), gateway.app.clock.system_now());
    for bell in gateway.lock().values() {
        if bell.shown.until <= now || !authority.trusts(bell.shown.root) {
            metrics::counter!("weir_sessions_lapsed_total").increment(1);
            bell.lapsed.notify_one();
        }
    }
}

async fn appear(gateway: &Gateway) -> Result<(), fleet::Error> {
    let Some(public) = &gateway.public else { return Ok(()) };
    let others = fleet::gateways::appear(&gateway.app, gateway.id, public).await?;
    *gateway.others() = others;
    Ok(())
}

/// Says that this gateway stops, and hears once more which others there are.
pub(super) async fn leave(gateway: &Gateway) -> Result<(), fleet::Error> {
    let Some(public) = &gateway.public else { return Ok(()) };
    let others = fleet::gateways::leave(&gateway.app, gateway.id, public).await?;
    *gateway.others() = others;
    Ok(())
}

async fn rouse_behind(gateway: &Gateway) -> Result<(), fleet::Error> {
    for agent in fleet::gateways::behind(&gateway.app, gateway.sessions(|_| true)).await? {
        if let Some(bell) = gateway.lock().get(&agent) {
            bell.state.notify_one();
        }
    }
    let awaited = fleet::gateways::seen_within(&gateway.app, AWAITED).await?;
    gateway.spread_ms.store(spread_ms(awaited), Ordering::Relaxed);
    Ok(())
}

/// Within how long so many agents come back.
fn spread_ms(agents: u64) -> u32 {
    u32::try_from(agents * 1_000 / SESSIONS_A_SECOND).unwrap_or(SPREAD_MAX_MS).clamp(SPREAD_MIN_MS, SPREAD_MAX_MS)
}

#[cfg(test)]
mod tests {
    use super::spread_ms;

    #[test]
    fn the_more_agents_the_longer_they_take_to_come_back() {
        assert_eq!([0, 60, 120, 6_000, 1_000_000].map(spread_ms), [500, 500, 1_000, 50_000, 600_000]);
    }
}
