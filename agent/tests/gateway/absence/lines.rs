//! A router's subscribers: of every kind a few, in zones whose clocks are changed and in others.

use prost::Message;
use weir_protocol::desired::{Access, Allowance, Boost, FairUse, Kind, Line, Prefix, Router, Step, TopUp, Window};
use weir_protocol::state::{Down, Object};

use super::chance::Chance;
use super::policy::{MINUTE_MS, midnight};

const MBIT: u64 = 1_000_000;
const GB: u64 = 1_000_000_000;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;
/// Lines of a router.
const LINES: u32 = 14;
const ZONES: [&str; 5] =
    ["Europe/Berlin", "America/Sao_Paulo", "Asia/Kolkata", "Australia/Lord_Howe", "America/New_York"];

/// Lines with handles from 1 on.
pub fn some(chance: &mut Chance, now_ms: u64) -> Vec<Line> {
    (1..=LINES).map(|handle| line(chance, handle, now_ms)).collect()
}

fn line(chance: &mut Chance, handle: u32, now_ms: u64) -> Line {
    let access = match handle {
        2 | 11 => Access::Throttled,
        3 | 12 => Access::WalledGarden,
        4 => Access::Closed,
        _ => Access::Open,
    };
    Line {
        handle,
        prefixes: vec![Prefix { address: vec![10, 0, 0, handle as u8], length: 32 }],
        rate_down_bps: chance.between(4, 40) * MBIT,
        rate_up_bps: chance.between(1, 10) * MBIT,
        access: access.into(),
        throttled_down_bps: MBIT / 2,
        throttled_up_bps: MBIT / 4,
        fair_use: (handle > 4).then(|| fair_use(chance, handle, now_ms).into()),
        ..Line::default()
    }
}

fn fair_use(chance: &mut Chance, handle: u32, now_ms: u64) -> FairUse {
    let time_zone = chance.pick(&ZONES);
    let mut periods = Vec::new();
    let mut start_ms = now_ms - 20 * DAY_MS;
    // Windows alone, or up to three periods, the last of which may end with none known after it.
    let known = if handle == 5 { 0 } else { chance.between(1, 4) };
    for n in 0..known {
        let end_ms = midnight(time_zone.parse().unwrap(), now_ms, n + 1);
        if start_ms < end_ms {
            periods.push(allowance(chance, start_ms, end_ms));
            start_ms = end_ms;
        }
    }
    if chance.between(0, 2) == 0
        && let Some(last) = periods.last_mut()
    {
        last.end_ms += 30 * DAY_MS;
    }
    let slows = chance.between(0, 6) > 0;
    let windows = if handle == 6 { 0 } else { chance.between(1, 4) };
    FairUse {
        time_zone: time_zone.to_owned(),
        allowances: periods,
        exhausted_down_bps: if slows { MBIT / 2 } else { 0 },
        exhausted_up_bps: if slows && chance.between(0, 3) > 0 { MBIT / 8 } else { 0 },
        windows: (0..windows).map(|_| window(chance)).collect(),
        steps: steps(chance),
        boosts: (0..chance.between(0, 3)).map(|_| boost(chance, now_ms)).collect(),
        ..FairUse::default()
    }
}

/// None, or up to three of them, the last of which may be the garden.
fn steps(chance: &mut Chance) -> Vec<Step> {
    let count = chance.between(0, 4);
    let mut over_bytes = chance.between(0, 2) * GB;
    let step = |n| {
        let (rate_down_bps, rate_up_bps) = (chance.between(0, 4) * MBIT / 8, chance.between(1, 4) * MBIT / 16);
        let step = Step { over_bytes, rate_down_bps, rate_up_bps, garden: n + 1 == count && chance.between(0, 2) == 0 };
        over_bytes += chance.between(1, 2_000) * MBIT;
        step
    };
    (0..count).map(step).collect()
}

/// Sometime in the next four days, by the minute.
fn boost(chance: &mut Chance, now_ms: u64) -> Boost {
    let from_ms = now_ms - now_ms % MINUTE_MS + chance.between(0, 4 * 24 * 60) * MINUTE_MS;
    let until_ms = from_ms + chance.between(1, 12 * 60) * MINUTE_MS;
    Boost {
        from_ms,
        until_ms,
        rate_down_bps: chance.between(0, 3) * 20 * MBIT,
        rate_up_bps: chance.between(1, 20) * MBIT,
    }
}

fn allowance(chance: &mut Chance, start_ms: u64, end_ms: u64) -> Allowance {
    let bytes = chance.between(1, 60) * GB;
    let until_ms = end_ms - chance.between(0, 24 * 60) * MINUTE_MS;
    let top_ups = (0..chance.between(0, 2)).map(|_| TopUp { bytes: chance.between(1, 20) * GB, until_ms }).collect();
    let carry_max_bytes = chance.between(0, 2) * chance.between(1, 40) * GB;
    Allowance { start_ms, end_ms, bytes, elsewhere_bytes: chance.between(0, bytes / 4), top_ups, carry_max_bytes }
}

/// At night over midnight, about when clocks are changed, or at any other time.
fn window(chance: &mut Chance) -> Window {
    let (from_minute, to_minute) = match chance.between(0, 3) {
        0 => (chance.between(21 * 60, 24 * 60), chance.between(0, 8 * 60)),
        1 => (chance.between(0, 12) * 15, chance.between(1, 16) * 15),
        _ => (chance.between(0, 24 * 60), chance.between(0, 24 * 60 + 1)),
    };
    Window {
        weekdays: if chance.between(0, 2) == 0 { 0b111_1111 } else { chance.between(1, 128) as u32 },
        from_minute: from_minute as u32,
        to_minute: to_minute as u32,
        rate_down_bps: chance.between(0, 3) * 20 * MBIT,
        rate_up_bps: chance.between(0, 3) * 5 * MBIT,
        free: chance.between(0, 3) == 0,
    }
}

/// The state a cloud once told the router.
pub fn told(lines: &[Line]) -> Down {
    let object = |kind: Kind, id: u32, body| {
        let id = [[0; 12].as_slice(), &id.to_be_bytes()].concat();
        Object { kind: kind as u32, id, revision: 1, body, ..Object::default() }
    };
    let router = Router { lan_interface: "lan0".into(), wan_interface: "wan0".into(), ..Router::default() };
    let mut upserts = vec![object(Kind::Router, 0, router.encode_to_vec())];
    upserts.extend(lines.iter().map(|line| object(Kind::Line, line.handle, line.encode_to_vec())));
    Down { lineage: vec![5; 16], to_gen: 4, snapshot: true, upserts, ..Down::default() }
}
