//! What stands for records that a router deleted and a restored cloud does not have: what lines moved in the epoch up to there,
//! less what is here of it, as one record.
//!
//! The volume is exact; when it was moved is only known as closely as the records on either side are.

use prost::Message;
use weir_protocol::hash::Hash;
use weir_protocol::usage::{GapFill, LineUsage, Outcome, Record};

use super::ingest::{Applied, EPOCH_BYTES, Intake, Sound, TALLY_BYTES, date, keep};
use super::plausible;
use super::{Error, store};
use crate::app::App;
use crate::db::TenantTx;
use crate::fleet::positions::{self, Epoch, Gap, Trim};

impl Intake {
    /// Goes on after records that are gone, with what they came to where that is told and can be; answers like
    /// [`Intake::apply`].
    pub async fn fill(&mut self, app: &App, fill: &GapFill) -> Result<Applied, Error> {
        let Some((totals, last_hash)) = read(fill) else {
            return Ok(Applied { epoch: Vec::new(), applied_seq: 0, trim_seq: 0, outcome: Outcome::Malformed });
        };
        let (agent, epoch, last) = (self.session.agent, totals.epoch.clone(), totals.seq);
        let here = self.here(app, &totals).await?;
        let mut tx = self.session.begin(app).await?;
        let Some(known) = positions::lock(&mut tx, agent, &epoch).await? else {
            return Ok(Applied { epoch, applied_seq: 0, trim_seq: 0, outcome: Outcome::Gap });
        };
        let (applied, trim) = (known.applied_seq.unsigned_abs(), known.trim.seq.unsigned_abs());
        if last <= applied || known.superseded {
            let outcome = if known.superseded { Outcome::Fork } else { Outcome::Duplicate };
            return Ok(Applied { epoch, applied_seq: applied, trim_seq: trim, outcome });
        }
        let gap = Gap { epoch: &epoch, first_seq: known.applied_seq + 1, last_seq: last.cast_signed() };
        match self.missing(&mut tx, &known, here, (totals, last_hash)).await? {
            Some(mut sound) => {
                date(app, &mut tx, agent, &mut sound).await?;
                let body = sound.record.encode_to_vec();
                let trim = Trim { seq: gap.last_seq, ..known.trim };
                keep(&mut tx, self.session, &sound, &body, trim).await?;
                positions::gap_filled(&mut tx, agent, gap, sound.lines.len()).await?;
            }
            None => positions::gap_passed(&mut tx, agent, gap, &last_hash).await?,
        }
        tx.commit().await.map_err(Error::Db)?;
        metrics::counter!("weir_usage_gaps_total").increment(1);
        Ok(Applied { epoch, applied_seq: last, trim_seq: last, outcome: Outcome::Applied })
    }

    /// Adds up what is here of an epoch before anything is locked: that takes as long as the epoch is, and nothing of it changes.
    async fn here(&self, app: &App, totals: &Record) -> Result<Here, Error> {
        if totals.end_ms == 0 {
            return Ok(Here::default());
        }
        let mut tx = app.db.read(&self.session.scope()).await?;
        let up_to = positions::applied(&mut tx, self.session.agent, &totals.epoch).await?.unwrap_or(0);
        let lines = store::sums(&mut tx, self.session.agent, &totals.epoch, up_to).await?;
        Ok(Here { up_to, lines })
    }

    /// What lines moved in the records that are missing, if the totals say so and can be true.
    async fn missing(
        &mut self,
        tx: &mut TenantTx,
        known: &Epoch,
        here: Here,
        (totals, hash): (Record, Hash),
    ) -> Result<Option<Sound>, Error> {
        let agent = self.session.agent;
        let end_at = i64::try_from(totals.end_ms).ok().and_then(chrono::DateTime::from_timestamp_millis);
        let (Some(end_at), Ok(lines)) = (end_at.filter(|_| totals.end_ms > 0), totals.lines()) else { return Ok(None) };
        if lines.len() > plausible::LINES_MAX {
            return Ok(None);
        }
        let here = match here.up_to == known.applied_seq {
            true => here.lines,
            // Another session added to it meanwhile.
            false => store::sums(tx, agent, &totals.epoch, known.applied_seq).await?,
        };
        let Some(lines) = less(lines, &here) else { return Ok(None) };
        let before = store::record(tx, agent, &totals.epoch, known.applied_seq.unsigned_abs()).await?;
        let before = before.map(|before| before.end_at);
        let start_at = before.unwrap_or(end_at).min(end_at);
        if self.foreign(tx, &lines).await?.is_some()
            || plausible::check_form(&lines).is_err()
            || plausible::check_volume_since(&lines, (start_at, end_at), before).is_err()
        {
            return Ok(None);
        }
        Ok(Some(Sound { record: totals, hash, start_at, end_at, reason: "gap_filled", lines }))
    }
}

/// What lines moved in the records of an epoch that are here, up to one.
#[derive(Default)]
struct Here {
    up_to: i64,
    lines: Vec<LineUsage>,
}

/// The totals and the hash, if the message names what it is about.
fn read(fill: &GapFill) -> Option<(Record, Hash)> {
    let totals = fill.totals.clone()?;
    let named = totals.epoch.len() == EPOCH_BYTES
        && (totals.tally.is_empty() || totals.tally.len() == TALLY_BYTES)
        && totals.seq > 0
        && i64::try_from(totals.seq).is_ok();
    named.then_some((totals, fill.last_hash.as_slice().try_into().ok()?))
}

/// What of the totals is not here; `None` if more is. Both are ascending by handle. Packets are no money: an agent leaves
/// them out where they would not fit.
fn less(mut totals: Vec<LineUsage>, here: &[LineUsage]) -> Option<Vec<LineUsage>> {
    for part in here {
        let at = totals.binary_search_by_key(&part.handle, |total| total.handle).ok()?;
        let total = &mut totals[at];
        total.down_bytes = total.down_bytes.checked_sub(part.down_bytes)?;
        total.up_bytes = total.up_bytes.checked_sub(part.up_bytes)?;
        total.down_packets = total.down_packets.saturating_sub(part.down_packets);
        total.up_packets = total.up_packets.saturating_sub(part.up_packets);
    }
    totals.retain(|left| left.down_bytes | left.up_bytes | left.down_packets | left.up_packets > 0);
    Some(totals)
}
