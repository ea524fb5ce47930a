//! The parts of a line's and a router's page that tell how well they serve.

use chrono::{DateTime, DurationRound, TimeDelta, Timelike, Utc};
use rust_decimal::Decimal;
use weir_ui::blocks::{Bars, Cell, Table};
use weir_ui::format;
use weir_ui::pages::Section;

use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::Screen;
use crate::http::permission::Needs;
use crate::ids::{RouterId, SubscriptionId};
use crate::quality::{self, LineHour, Range};
use crate::usage;

/// How far back measurements are summed up.
const SPAN: TimeDelta = TimeDelta::days(30);

/// How much of a line's traffic was IPv6 and how much the shaper dropped lately; nothing where nobody measured.
pub(super) async fn facts<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: SubscriptionId,
) -> Result<Vec<(String, Cell)>, Problem> {
    let since = tx.at() - SPAN;
    let measured = usage::measured(tx, id, since).await?;
    let shares = [("quality-v6", measured.v6_share), ("quality-dropped", measured.dropped_share)];
    let fact = |(key, share): (&str, Option<i64>)| {
        let percent = Decimal::new(share?, 2).normalize();
        Some((screen.t(key), Cell::Text(format!("{} %", format::number(screen.frame.lang, percent)))))
    };
    Ok(shares.into_iter().filter_map(fact).collect())
}

/// Hours that are listed.
const HOURS: i32 = 24;
/// Every so many hours one has its name under the drawing.
const NAMED: u32 = 6;

/// The hours that are listed, up to the one that is not over.
fn last_hours(now: DateTime<Utc>) -> Range {
    let hour = TimeDelta::hours(1);
    let to = now.duration_trunc(hour).map_or(now, |begun| begun + hour);
    to - hour * HOURS..to
}

/// How a line was served in the hours of the last day; nothing where its router told nothing.
pub(super) async fn of_line<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: SubscriptionId,
) -> Result<Option<Section>, Problem> {
    let within = last_hours(tx.at());
    let hours = quality::of_line(tx, id, within.clone()).await?;
    if hours.is_empty() {
        return Ok(None);
    }
    let lang = screen.frame.lang;
    let both = |down: String, up: String| Cell::Number(format!("{down} / {up}"));
    // Only queues of some kinds mark, and only packets of whoever speaks ECN.
    let marks = hours.iter().any(|hour| hour.down_marked_packets + hour.up_marked_packets > 0);
    let rows = hours.iter().rev().map(|hour| {
        let mut cells = vec![
            Cell::Text(format::instant(lang, hour.hour_at, screen.zone)),
            both(per_cent(lang, hour.down_used_permille), per_cent(lang, hour.up_used_permille)),
            both(per_cent(lang, hour.down_full_permille), per_cent(lang, hour.up_full_permille)),
            both(milliseconds(lang, hour.down_delay_us), milliseconds(lang, hour.up_delay_us)),
            both(hour.down_dropped_packets.to_string(), hour.up_dropped_packets.to_string()),
        ];
        if marks {
            cells.push(both(hour.down_marked_packets.to_string(), hour.up_marked_packets.to_string()));
        }
        cells.push(answers(lang, hour.asked, hour.answered, hour.rtt_p50_us));
        cells
    });
    let names = ["quality-hour", "quality-used", "quality-full", "quality-delay", "quality-drops"];
    let names = names.into_iter().chain(marks.then_some("quality-marks")).chain(["quality-echoes"]);
    let table = Table::new(names.map(|key| screen.t(key)).collect(), rows.collect());
    Ok(Some(Section {
        title: screen.t("quality-line"),
        action: None,
        table: table.under(bars(screen, &hours, &within)),
        empty: String::new(),
    }))
}

/// How much of its rate a line used in each hour, in the direction that used more.
fn bars<P: Needs>(screen: &Screen<P>, hours: &[LineHour], within: &Range) -> Bars {
    let value = |n: i32| {
        let at = within.start + TimeDelta::hours(1) * n;
        let hour = hours.iter().find(|hour| hour.hour_at == at);
        let used = hour.map_or(0, |hour| hour.down_used_permille.max(hour.up_used_permille));
        let local = at.with_timezone(&screen.zone);
        let name = if local.hour().is_multiple_of(NAMED) { local.format("%H:%M").to_string() } else { String::new() };
        let words = format!("{}: {}", local.format("%H:%M"), per_cent(screen.frame.lang, used));
        (name, words, u32::try_from(used).unwrap_or(0))
    };
    Bars::of(screen.t("quality-bars"), (0..HOURS).map(value).collect())
}

/// How a router reached the internet in the hours of the last day; nothing where it told nothing.
pub(super) async fn of_router<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: RouterId,
) -> Result<Option<Section>, Problem> {
    let within = last_hours(tx.at());
    let hours = quality::of_router(tx, id, within).await?;
    if hours.is_empty() {
        return Ok(None);
    }
    let lang = screen.frame.lang;
    let rows = hours.iter().rev().map(|hour| {
        vec![
            Cell::Text(format::instant(lang, hour.hour_at, screen.zone)),
            Cell::Text(screen.t(&format!("quality-{}", hour.role))),
            Cell::Code(hour.address.clone()),
            answers(lang, hour.asked, hour.answered, hour.rtt_p50_us),
        ]
    });
    let names = ["quality-hour", "quality-role", "quality-address", "quality-echoes"].map(|key| screen.t(key));
    Ok(Some(Section {
        title: screen.t("quality-uplink"),
        action: None,
        table: Table::new(names.to_vec(), rows.collect()),
        empty: String::new(),
    }))
}

/// Within which time half of the answers came, and the share that did not come.
fn answers(lang: &str, asked: i64, answered: i64, p50_us: i64) -> Cell {
    if asked == 0 {
        return Cell::Number("—".into());
    }
    let lost = per_cent(lang, (asked - answered) * 1000 / asked);
    let within = if answered == 0 { "—".into() } else { milliseconds(lang, p50_us) };
    Cell::Number(format!("{within} / {lost}"))
}

/// Microseconds, as readers take times in.
pub(super) fn milliseconds(lang: &str, microseconds: i64) -> String {
    let value = Decimal::new((microseconds + 50) / 100, 1).normalize();
    format!("{} ms", format::number(lang, value))
}

/// Thousandths, as readers take shares in.
pub(super) fn per_cent(lang: &str, permille: i64) -> String {
    format!("{} %", format::number(lang, Decimal::new(permille, 1).normalize()))
}
