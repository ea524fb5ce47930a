//! What lines move, as their routers seal it.

use super::edge::Ability;
use super::office::{ZONE, midnight};
use super::{HOUR, World};
use crate::script::traffic;
use anyhow::Result;
use chrono::{DateTime, Days, NaiveDate, Timelike, Utc};
use weir_protocol::usage::{LineUsage, SealReason};

/// Days before the end whose hours are told apart.
const HOURLY_DAYS: u64 = 9;
/// Days before the end whose nights are.
const NIGHTLY_DAYS: u64 = 100;
/// The hour a night ends.
const MORNING: u32 = 6;
/// What a walled-off line still moves in a day: the page that says why.
const GARDEN_BYTES: u64 = 3_000_000;
/// Seconds of a day somebody is busy at most.
const BUSY_SECONDS: u64 = 11 * 3600;
/// Bytes of an ordinary packet.
const PACKET: u64 = 980;

impl World {
    /// Routers learn what changed.
    pub(super) async fn follow(&mut self) -> Result<()> {
        for edge in &mut self.edges {
            edge.follow().await?;
        }
        Ok(())
    }

    /// Seals all days before one that are not sealed yet.
    pub(super) async fn meter_until(&mut self, on: NaiveDate) -> Result<()> {
        for site in 0..self.edges.len() {
            loop {
                let day = self.edges[site].sealed_at().with_timezone(&ZONE).date_naive();
                if day >= on {
                    break;
                }
                self.meter_day(site, day).await?;
            }
            self.edges[site].tell_fair_use(false).await?;
        }
        Ok(())
    }

    async fn meter_day(&mut self, site: usize, day: NaiveDate) -> Result<()> {
        let end = midnight(day + Days::new(1))?;
        if day + Days::new(HOURLY_DAYS) >= self.year.to {
            return self.meter_hours(site, day, end).await;
        }
        let morning = midnight(day)? + HOUR * i32::try_from(MORNING)?;
        if day + Days::new(NIGHTLY_DAYS) >= self.year.to && morning > self.edges[site].sealed_at() {
            let lines = self.lines_of(site, day, |bytes| traffic::in_hours(bytes, 0..MORNING));
            self.seal(site, morning, SealReason::Interval, lines).await?;
            let lines = self.lines_of(site, day, |bytes| traffic::in_hours(bytes, MORNING..24));
            return self.seal(site, end, SealReason::Boundary, lines).await;
        }
        let lines = self.lines_of(site, day, |bytes| bytes);
        self.seal(site, end, SealReason::Boundary, lines).await
    }

    async fn meter_hours(&mut self, site: usize, day: NaiveDate, until: DateTime<Utc>) -> Result<()> {
        loop {
            let end = (self.edges[site].sealed_at() + HOUR).min(until);
            let hour = self.edges[site].sealed_at().with_timezone(&ZONE).hour();
            if end <= self.edges[site].sealed_at() {
                return Ok(());
            }
            let lines = self.lines_of(site, day, |bytes| traffic::in_hours(bytes, hour..hour + 1));
            let reason = if end == until { SealReason::Boundary } else { SealReason::Interval };
            self.seal(site, end, reason, lines).await?;
        }
    }

    /// Seals the whole hours of today that are over.
    pub(super) async fn meter_hours_of_today(&mut self) -> Result<()> {
        let now = self.office.app.clock.now();
        let today = now.with_timezone(&ZONE).date_naive();
        let begun = midnight(today)?;
        let until = begun + HOUR * i32::try_from((now - begun).num_hours()).unwrap_or(0);
        self.meter_until(today).await?;
        for site in 0..self.edges.len() {
            self.meter_hours(site, today, until).await?;
        }
        Ok(())
    }

    async fn seal(
        &mut self,
        site: usize,
        until: DateTime<Utc>,
        reason: SealReason,
        lines: Vec<LineUsage>,
    ) -> Result<()> {
        self.moved_bytes += lines.iter().map(|line| line.down_bytes + line.up_bytes).sum::<u64>();
        self.edges[site].seal(until, reason, &lines).await
    }

    /// What the lines of a site move on a day, or in the part of it that `share` takes.
    fn lines_of(&self, site: usize, day: NaiveDate, share: impl Fn(u64) -> u64) -> Vec<LineUsage> {
        let mut lines = Vec::new();
        for (number, sold) in &self.sold {
            let person = &self.year.people[*number];
            if person.site != site || day < person.joined_on {
                continue;
            }
            let rate = |bps: u64| bps / 8 * BUSY_SECONDS;
            let wanted = traffic::wanted(self.year.seed, person, day).min(rate(sold_rate(sold.plan)));
            let moved = share(match self.edges[site].ability(sold.handle) {
                Ability::Whole => wanted,
                Ability::Slowed(bps) => wanted.min(rate(bps)),
                Ability::Garden => GARDEN_BYTES,
                Ability::Nothing => 0,
            });
            if moved == 0 {
                continue;
            }
            let up_bytes = traffic::upward(person, moved);
            let down_bytes = moved - up_bytes;
            lines.push(LineUsage {
                handle: sold.handle,
                down_bytes,
                up_bytes,
                down_packets: down_bytes / PACKET,
                up_packets: up_bytes / (PACKET / 4),
                ..LineUsage::default()
            });
        }
        lines.sort_by_key(|line| line.handle);
        lines
    }
}

fn sold_rate(plan: usize) -> u64 {
    crate::script::plans::PLANS[plan].rate_mbps.0 * 1_000_000
}
