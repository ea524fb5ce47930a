//! What routers tell of their lines: how they stand, what rules did, and which shares of an allowance were reached.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;
use weir_protocol::state::{self, FairUseReport, LineFairUse};

use super::{Error, Rule, Turn, metered, store};
use crate::app::App;
use crate::db::TenantTx;
use crate::events::{self, EventKind};
use crate::fleet::sessions::{Session, instant};
use crate::ids::SubscriptionId;

/// Shares of an allowance whose reaching is told, percent.
const THRESHOLDS: [i32; 2] = [80, 100];

/// Lines one transaction keeps: the agent's usage waits meanwhile.
const LINES_A_TRANSACTION: usize = 100;

/// How a line stands, as it was told.
pub(super) struct Told {
    pub period: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub used_bytes: i64,
    pub limit_bytes: i64,
    pub carried_bytes: i64,
    pub rule: Rule,
    /// None where the turn that brought it was told before.
    pub step: Option<i32>,
    pub since_at: Option<DateTime<Utc>>,
    pub next_at: Option<DateTime<Utc>>,
    pub turns: Vec<Turn>,
}

/// Keeps what an agent told of its own router's lines; the rest is nobody's.
pub async fn report(app: &App, session: Session, report: &FairUseReport) -> Result<(), Error> {
    for lines in report.lines.chunks(LINES_A_TRANSACTION) {
        let mut tx = session.begin(app).await?;
        for line in lines {
            let Some(id) = Uuid::from_slice(&line.id).ok() else { continue };
            if let Some(id) = store::line_of_agent(&mut tx, session.agent, id).await? {
                keep(&mut tx, id, &read(line)).await?;
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

async fn keep(tx: &mut TenantTx, id: SubscriptionId, told: &Told) -> Result<(), Error> {
    store::put_standing(tx, id, told).await?;
    if !told.turns.is_empty() {
        store::put_turns(tx, id, &told.turns).await?;
    }
    let Some((start_at, _)) = told.period.filter(|_| told.limit_bytes > 0) else { return Ok(()) };
    let mut reached = Reached { used_bytes: told.used_bytes, limit_bytes: told.limit_bytes, sharing_lines: None };
    if !reached.is(THRESHOLDS[0]) {
        return Ok(());
    }
    let metered = metered::of_line(tx, id).await?;
    let pool = metered.as_ref().and_then(|metered| metered.pool());
    if let (Some(metered), Some(pool)) = (&metered, pool) {
        // What it counted under the plan before is not of this allowance.
        let Some(foreign) = metered.foreign_bytes(tx, start_at).await? else { return Ok(()) };
        reached.used_bytes = reached.used_bytes.saturating_sub(foreign);
        reached.limit_bytes = reached.limit_bytes.saturating_sub(foreign);
        reached.sharing_lines = Some(pool.lines(tx).await?);
        if reached.limit_bytes <= 0 {
            return Ok(());
        }
    }
    for percent in THRESHOLDS.into_iter().filter(|percent| reached.is(*percent)) {
        let first = match pool {
            Some(pool) => store::pass_shared_threshold(tx, pool, start_at, percent).await?,
            None => store::pass_threshold(tx, id, start_at, percent).await?,
        };
        if first {
            tell(tx, id, told, &reached, percent).await?;
        }
    }
    Ok(())
}

/// What was used of what, and by how many lines, where they share it.
struct Reached {
    used_bytes: i64,
    limit_bytes: i64,
    sharing_lines: Option<i64>,
}

impl Reached {
    fn is(&self, percent: i32) -> bool {
        i128::from(self.used_bytes) * 100 >= i128::from(self.limit_bytes) * i128::from(percent)
    }
}

async fn tell(
    tx: &mut TenantTx,
    id: SubscriptionId,
    told: &Told,
    reached: &Reached,
    percent: i32,
) -> Result<(), Error> {
    let account = store::account_of(tx, id).await?;
    let facts = json!({
        "percent": percent,
        "used_bytes": reached.used_bytes,
        "limit_bytes": reached.limit_bytes,
        "sharing_lines": reached.sharing_lines,
        "rule": told.rule,
        "period_start_at": told.period.map(|period| period.0),
        "period_end_at": told.period.map(|period| period.1),
    });
    events::publish(tx, EventKind::UsageThreshold, id, Some(account), facts).await?;
    Ok(())
}

fn read(line: &LineFairUse) -> Told {
    let bytes = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let turn = |turn: &state::Turn| {
        let (rule, used_bytes) = (rule(turn.rule()), bytes(turn.used_bytes));
        Some(Turn { rule, at: instant(turn.at_ms)?, used_bytes, step: step(turn.step) })
    };
    let newest = line.turns.last().filter(|turn| turn.rule == line.rule);
    Told {
        period: instant(line.start_ms).zip(instant(line.end_ms)).filter(|(start, end)| start < end),
        used_bytes: bytes(line.used_bytes),
        limit_bytes: bytes(line.limit_bytes),
        carried_bytes: bytes(line.carried_bytes),
        rule: rule(line.rule()),
        step: newest.map(|turn| step(turn.step)),
        since_at: instant(line.since_ms),
        next_at: instant(line.next_ms),
        turns: line.turns.iter().filter_map(turn).collect(),
    }
}

fn rule(rule: state::Rule) -> Rule {
    match rule {
        state::Rule::Sold => Rule::Sold,
        state::Rule::Window => Rule::Window,
        state::Rule::Exhausted => Rule::Exhausted,
        state::Rule::Boost => Rule::Boost,
        state::Rule::Capped => Rule::Capped,
    }
}

fn step(step: u32) -> i32 {
    i32::try_from(step).unwrap_or(i32::MAX)
}
