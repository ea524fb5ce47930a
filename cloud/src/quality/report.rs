//! What agents tell. Lossy by design: what makes no sense is left out, and nobody asks for it again.

use std::net::IpAddr;

use chrono::{DateTime, Timelike, Utc};
use weir_protocol::quality::{Echoes, LineQuality, Report, Role};

use super::Error;
use super::store::hours as store;
use crate::app::App;
use crate::fleet::sessions::Session;

/// No report speaks of more.
const SPAN_MAX_MS: u64 = 3_600_000;
/// Lines of one report: agents send more in several.
const LINES_MAX: usize = 4_096;
/// Hosts of the uplink one report may name.
const UPLINKS_MAX: usize = 8;

/// One report, as far as it makes sense.
pub(super) struct Told {
    pub hour_at: DateTime<Utc>,
    /// When it ends, by the router's clock, Unix milliseconds.
    pub told_ms: i64,
    pub span_ms: i64,
    pub lines: Vec<LineQuality>,
    pub uplinks: Vec<Uplink>,
}

/// What a host of the uplink answered.
pub(super) struct Uplink {
    pub role: &'static str,
    pub address: String,
    pub echoes: Echoes,
}

/// Keeps what an agent told of its own router and its lines; the rest is nobody's.
pub async fn report(app: &App, session: Session, report: &Report) -> Result<(), Error> {
    let told = read(app.clock.now(), report);
    let outcome = if told.is_some() { "kept" } else { "refused" };
    metrics::counter!("weir_quality_reports_total", "outcome" => outcome).increment(1);
    let Some(told) = told else {
        tracing::debug!(agent = %session.agent, "a report of quality makes no sense");
        return Ok(());
    };
    let mut tx = session.begin(app).await?;
    store::add_span(&mut tx, session.agent, &told).await?;
    if !told.lines.is_empty() {
        store::add_lines(&mut tx, session.agent, &told).await?;
    }
    for uplink in &told.uplinks {
        store::add_uplink(&mut tx, session.agent, &told, uplink).await?;
    }
    tx.commit().await.map_err(Error::from)
}

fn read(now: DateTime<Utc>, report: &Report) -> Option<Told> {
    let span_ms = report.end_ms.checked_sub(report.start_ms).filter(|span| (1..=SPAN_MAX_MS).contains(span))?;
    // Of the hour it came in: a router's clock may be anywhere.
    let hour_at = now.with_minute(0)?.with_second(0)?.with_nanosecond(0)?;
    let mut lines = report.lines().ok().filter(|lines| lines.len() <= LINES_MAX)?;
    lines.retain(|line| line.answered <= line.asked && i32::try_from(line.handle).is_ok());
    let uplinks = report.uplinks.iter().take(UPLINKS_MAX).filter_map(uplink).collect();
    Some(Told {
        hour_at,
        told_ms: i64::try_from(report.end_ms).ok()?,
        span_ms: i64::try_from(span_ms).ok()?,
        lines,
        uplinks,
    })
}

fn uplink(echoes: &Echoes) -> Option<Uplink> {
    let role = match echoes.role() {
        Role::Gateway => "gateway",
        Role::Anchor => "anchor",
        Role::Subscriber => return None,
    };
    let address = address(&echoes.address)?.to_string();
    (echoes.answered <= echoes.asked).then(|| Uplink { role, address, echoes: echoes.clone() })
}

/// An address of 4 or 16 bytes.
pub(super) fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        _ => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(start_ms: u64, end_ms: u64, lines: &[LineQuality]) -> Report {
        let mut report = Report { start_ms, end_ms, ..Report::default() };
        report.set_lines(lines);
        report
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        let now = "2026-10-10T10:59:59.5Z".parse().unwrap();
        let line = LineQuality { handle: 1, asked: 2, answered: 2, ..LineQuality::default() };
        let boasting = LineQuality { handle: 2, answered: 3, ..line };
        let beyond = LineQuality { handle: u32::MAX, ..line };
        let told = read(now, &report(1_000, 301_000, &[line, boasting, beyond])).unwrap();
        assert_eq!((told.lines.as_slice(), told.span_ms, told.told_ms), ([line].as_slice(), 300_000, 301_000));
        assert_eq!(told.hour_at, "2026-10-10T10:00:00Z".parse::<DateTime<Utc>>().unwrap());
        for (start, end) in [(1_000, 1_000), (2_000, 1_000), (0, SPAN_MAX_MS + 1), (u64::MAX - 5, u64::MAX)] {
            assert!(read(now, &report(start, end, &[line])).is_none(), "{start} to {end}");
        }
        let mut uneven = report(1_000, 2_000, &[line]);
        uneven.rtt_p95_us.clear();
        assert!(read(now, &uneven).is_none());

        let host =
            |address: &[u8], role: Role| Echoes { address: address.to_vec(), role: role.into(), ..Echoes::default() };
        assert_eq!(uplink(&host(&[10, 0, 0, 1], Role::Gateway)).unwrap().address, "10.0.0.1");
        assert_eq!(uplink(&host(&[0; 16], Role::Anchor)).unwrap().role, "anchor");
        assert!(uplink(&host(&[0; 5], Role::Anchor)).is_none());
        assert!(uplink(&host(&[10, 0, 0, 1], Role::Subscriber)).is_none());
        assert!(uplink(&Echoes { answered: 1, ..host(&[10, 0, 0, 1], Role::Gateway) }).is_none());
    }
}
