//! Is it me or the network? What a probe measured becomes one plain answer. Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// From this share of echoes on, thousandths, something loses them; one of eight may be chance.
const LOST_PERMILLE: u32 = 200;
/// The next router is slow from this time on, microseconds.
const GATEWAY_SLOW_US: u32 = 50_000;
/// A host of the internet is slow from this time on: it may be on another continent.
const ANCHOR_SLOW_US: u32 = 300_000;
/// A subscriber's own host is slow from this time on.
const SUBSCRIBER_SLOW_US: u32 = 100_000;
/// A line is full that used so much of its rate, thousandths, or half of it with a queue that makes wait so long.
const USED_PERMILLE: u32 = 900;
const HALF_PERMILLE: u32 = 500;
const WAIT_US: u32 = 50_000;

/// What a line was like while it was probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Measured {
    /// How long its queue was watched, milliseconds; 0 = the router could not read it.
    pub span_ms: u32,
    /// What the router lets it do: `open`, `throttled`, `walled_garden` or `closed`.
    pub access: String,
    /// Its rate on the router now, toward the subscriber, bits per second.
    pub rate_down_bps: i64,
    /// The same from the subscriber.
    pub rate_up_bps: i64,
    /// What was sold, toward the subscriber, bits per second.
    pub sold_down_bps: i64,
    /// The same from the subscriber.
    pub sold_up_bps: i64,
    /// Toward the subscriber.
    pub down: WayNow,
    /// From the subscriber.
    pub up: WayNow,
    /// Who was asked for echoes.
    pub echoes: Vec<EchoesNow>,
}

/// One direction of a line while it was probed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WayNow {
    /// Mean time a byte waited in the line's queue, microseconds.
    pub delay_us: u32,
    /// Longest such time, microseconds.
    pub delay_max_us: u32,
    /// Share of the time at the line's rate, thousandths.
    pub full_permille: u32,
    /// Share of the line's rate that was used, thousandths.
    pub used_permille: u32,
    /// Packets the line's queue dropped in the minutes before.
    pub dropped_packets: u64,
    /// Packets it marked instead (ECN).
    #[serde(default)]
    pub marked_packets: u64,
}

/// A host that was asked for echoes while a line was probed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EchoesNow {
    /// What it is to the router.
    pub role: Role,
    /// Its address.
    pub address: String,
    /// Echoes it was asked for.
    pub asked: u32,
    /// Echoes that came.
    pub answered: u32,
    /// Half of them came within this time, microseconds; 0 if none came.
    pub rtt_p50_us: u32,
    /// 95 of a hundred came within this time, microseconds; 0 if none came.
    pub rtt_p95_us: u32,
}

/// What a host is to the router that asks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EchoRole)]
pub enum Role {
    /// The line's own host.
    Subscriber,
    /// The next router on the way to the internet.
    Gateway,
    /// A host of the internet the agent was told to ask.
    Anchor,
}

impl Role {
    /// The name it is shown under.
    pub fn name(self) -> &'static str {
        match self {
            Self::Subscriber => "subscriber",
            Self::Gateway => "gateway",
            Self::Anchor => "anchor",
        }
    }
}

/// Where it is, as far as can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Verdict {
    /// The router is away from the cloud: it, its power or its uplink.
    RouterAway,
    /// A hold restricts the line.
    Held,
    /// The router's own way to the internet is slow, or loses what it carries.
    Network,
    /// The line is full at a rate below what was sold: its allowance is used up, or a window holds.
    Slowed,
    /// The line is full: whoever is behind it uses all that was sold.
    LineFull,
    /// The line's queue makes wait although little of its rate is used: what it shares with others is full, an access
    /// point or a port.
    Shared,
    /// The way from the router to the subscriber's own host is slow or loses packets, and the line is not full.
    Subscriber,
    /// The subscriber's own host answers nothing: it is off, or does not answer echoes.
    Silent,
    /// All is well as far as it goes, but there is nobody to ask behind the line.
    Unasked,
    /// Too little could be measured to say anything.
    Unmeasured,
    /// All is well up to the subscriber's own host: it is behind it, or elsewhere on the internet.
    Well,
}

impl Verdict {
    /// The name it is stored under.
    pub fn name(self) -> &'static str {
        match self {
            Self::RouterAway => "router_away",
            Self::Held => "held",
            Self::Network => "network",
            Self::Slowed => "slowed",
            Self::LineFull => "line_full",
            Self::Shared => "shared",
            Self::Subscriber => "subscriber",
            Self::Silent => "silent",
            Self::Unasked => "unasked",
            Self::Unmeasured => "unmeasured",
            Self::Well => "well",
        }
    }
}

/// What it comes to. A restriction explains all that follows from it, a bad uplink all that is behind it, and a line that
/// is full slow echoes on the way behind it: in that order.
pub fn verdict(measured: &Measured) -> Verdict {
    if measured.access != "open" {
        return Verdict::Held;
    }
    if is_uplink_bad(&measured.echoes) {
        return Verdict::Network;
    }
    if measured.span_ms == 0 || measured.echoes.iter().all(|host| host.asked == 0) {
        return Verdict::Unmeasured;
    }
    let slowed = |rate: i64, sold: i64| rate < sold;
    if is_full(&measured.down) || is_full(&measured.up) {
        let down = is_full(&measured.down) && slowed(measured.rate_down_bps, measured.sold_down_bps);
        let up = is_full(&measured.up) && slowed(measured.rate_up_bps, measured.sold_up_bps);
        return if down || up { Verdict::Slowed } else { Verdict::LineFull };
    }
    if is_waiting(&measured.down) || is_waiting(&measured.up) {
        return Verdict::Shared;
    }
    let own = measured.echoes.iter().find(|host| host.role == Role::Subscriber && host.asked > 0);
    match own {
        None => Verdict::Unasked,
        Some(host) if host.answered == 0 => Verdict::Silent,
        Some(host) if is_bad(host, SUBSCRIBER_SLOW_US) => Verdict::Subscriber,
        Some(_) => Verdict::Well,
    }
}

fn is_full(way: &WayNow) -> bool {
    way.used_permille >= USED_PERMILLE || way.used_permille >= HALF_PERMILLE && is_waiting(way)
}

fn is_waiting(way: &WayNow) -> bool {
    way.delay_us >= WAIT_US
}

/// A host that is silent altogether may answer nobody; one that answers and loses or delays is worth believing. That no
/// anchor answers at all is too much silence: those were chosen because they do.
fn is_uplink_bad(echoes: &[EchoesNow]) -> bool {
    let asked = |role: Role| echoes.iter().filter(move |host| host.role == role && host.asked > 0);
    let silent = asked(Role::Anchor).count() > 0 && asked(Role::Anchor).all(|host| host.answered == 0);
    silent
        || asked(Role::Gateway).any(|host| is_bad(host, GATEWAY_SLOW_US))
        || asked(Role::Anchor).count() > 0 && asked(Role::Anchor).all(|host| is_bad(host, ANCHOR_SLOW_US))
}

fn is_bad(host: &EchoesNow, slow_us: u32) -> bool {
    let lost = u64::from(host.asked.saturating_sub(host.answered));
    let is_lossy = lost * 1000 >= u64::from(LOST_PERMILLE) * u64::from(host.asked);
    host.answered > 0 && (is_lossy || host.rtt_p50_us >= slow_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(role: Role, answered: u32, rtt_ms: u32) -> EchoesNow {
        let (rtt_p50_us, rtt_p95_us) = (rtt_ms * 1000, rtt_ms * 1000);
        EchoesNow { role, address: "192.0.2.1".into(), asked: 8, answered, rtt_p50_us, rtt_p95_us }
    }

    /// A line on which all is well, with one thing changed.
    fn with(change: impl FnOnce(&mut Measured)) -> Verdict {
        let echoes = vec![host(Role::Gateway, 8, 2), host(Role::Anchor, 8, 20), host(Role::Subscriber, 8, 5)];
        let mut measured = Measured {
            span_ms: 3_000,
            access: "open".into(),
            rate_down_bps: 20_000_000,
            rate_up_bps: 5_000_000,
            sold_down_bps: 20_000_000,
            sold_up_bps: 5_000_000,
            down: WayNow { used_permille: 300, ..WayNow::default() },
            up: WayNow::default(),
            echoes,
        };
        change(&mut measured);
        verdict(&measured)
    }

    #[test]
    fn what_was_measured_comes_to_one_answer() {
        assert_eq!(with(|_| {}), Verdict::Well);
        for access in ["throttled", "walled_garden", "closed"] {
            assert_eq!(with(|line| line.access = access.into()), Verdict::Held);
        }
        assert_eq!(with(|line| line.down.used_permille = 950), Verdict::LineFull);
        let busy = |used_permille, delay_us| WayNow { used_permille, delay_us, ..WayNow::default() };
        assert_eq!(with(|line| line.up = busy(600, 80_000)), Verdict::LineFull);
        assert_eq!(with(|line| line.down = busy(100, 80_000)), Verdict::Shared, "others fill what it hangs on");
        assert_eq!(with(|line| line.span_ms = 0), Verdict::Unmeasured);
        assert_eq!(with(|line| line.echoes.clear()), Verdict::Unmeasured);
        assert_eq!(with(|line| line.echoes[2] = host(Role::Subscriber, 0, 0)), Verdict::Silent);
        assert_eq!(with(|line| line.echoes[2] = host(Role::Subscriber, 6, 5)), Verdict::Subscriber);
        assert_eq!(with(|line| line.echoes[2] = host(Role::Subscriber, 7, 5)), Verdict::Well, "one may be chance");
        assert_eq!(with(|line| line.echoes[2] = host(Role::Subscriber, 8, 250)), Verdict::Subscriber);
        assert_eq!(with(|line| line.echoes.truncate(2)), Verdict::Unasked);
    }

    #[test]
    fn the_uplink_is_blamed_for_what_it_does_and_not_for_silence() {
        assert_eq!(with(|line| line.echoes[0] = host(Role::Gateway, 0, 0)), Verdict::Well, "many answer no echo");
        assert_eq!(with(|line| line.echoes[0] = host(Role::Gateway, 5, 2)), Verdict::Network);
        assert_eq!(with(|line| line.echoes[0] = host(Role::Gateway, 8, 90)), Verdict::Network);
        assert_eq!(with(|line| line.echoes[1] = host(Role::Anchor, 0, 0)), Verdict::Network);
        assert_eq!(with(|line| line.echoes[1] = host(Role::Anchor, 8, 400)), Verdict::Network);
        let one_of_two = |line: &mut Measured| {
            line.echoes[1] = host(Role::Anchor, 0, 0);
            line.echoes.push(host(Role::Anchor, 8, 20));
        };
        assert_eq!(with(one_of_two), Verdict::Well, "one anchor is down");
    }

    #[test]
    fn what_explains_the_rest_comes_first() {
        let both = |line: &mut Measured| {
            line.down.used_permille = 1000;
            line.echoes[2] = host(Role::Subscriber, 4, 300);
        };
        assert_eq!(with(both), Verdict::LineFull, "a full line fills the way behind it");
        let network = |line: &mut Measured| {
            both(line);
            line.echoes[0] = host(Role::Gateway, 2, 2);
        };
        assert_eq!(with(network), Verdict::Network);
        let held = |line: &mut Measured| {
            network(line);
            line.access = "throttled".into();
        };
        assert_eq!(with(held), Verdict::Held);
        let slowed = |line: &mut Measured| {
            line.rate_down_bps = 2_000_000;
            line.down.used_permille = 990;
        };
        assert_eq!(with(slowed), Verdict::Slowed);
        assert_eq!(with(|line| line.rate_down_bps = 2_000_000), Verdict::Well, "slowed, and not in its way");
        let other_way = |line: &mut Measured| {
            line.rate_down_bps = 2_000_000;
            line.up.used_permille = 990;
        };
        assert_eq!(with(other_way), Verdict::LineFull);
    }
}
