//! What a plan does beyond its included volume, and what it has done, in a subscriber's words.

use weir_ui::format;
use weir_ui::portal::Portal;

use super::Own;
use crate::billing::Metered;
use crate::catalog::{self, PlanVersion};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fair_use::{self, Rule, Standing};
use crate::subscriptions::Subscription;

/// How a line is slowed down beyond the included volume, and since when it is.
pub(super) struct Beyond {
    /// What it still gets at the end of the volume.
    rates: Option<String>,
    /// Sentences on what comes after.
    steps: Vec<String>,
    /// A sentence on what is carried over.
    carries: Option<String>,
    /// Since when it is slowed or capped.
    since: Option<String>,
    /// It is at a step after the end of the volume.
    further: bool,
    /// How the line stands with its volume.
    standing: Standing,
}

/// Reads what a line's plan says, and what its router did.
pub(super) async fn beyond(own: &Own, tx: &mut TenantTx, line: &Subscription) -> Result<Beyond, Problem> {
    let lang = own.lang();
    let version = catalog::version(tx, line.plan_version_id).await?;
    let standing = fair_use::standing(tx, line.id).await?;
    let capped = standing.rule == Some(Rule::Capped);
    let since = standing.since_at.filter(|_| capped || standing.rule == Some(Rule::Exhausted));
    Ok(Beyond {
        rates: version.throttle.map(|throttle| rates(lang, throttle.rate_down_bps, throttle.rate_up_bps)),
        steps: steps(own.portal(), &version),
        carries: carries(own.portal(), &version),
        since: since.map(|at| format::instant(lang, at, own.visit.zone)),
        further: capped || standing.step > 0,
        standing,
    })
}

impl Beyond {
    /// A period with what was carried over into it; of a volume that lines share, with what all of them used.
    pub(super) fn included(&self, period: Metered) -> Metered {
        let standing = &self.standing;
        let carried = |bytes: i64| bytes.saturating_add(standing.carried_bytes);
        match (standing.sharing_lines, standing.from, standing.to) {
            (Some(_), Some(from), Some(to)) => Metered {
                from,
                to,
                used_bytes: standing.used_bytes,
                allowance_bytes: standing
                    .allowance_bytes
                    .map(|bytes| carried(bytes).saturating_add(standing.top_up_bytes)),
                ..period
            },
            _ => Metered { allowance_bytes: period.allowance_bytes.map(carried), ..period },
        }
    }

    /// By how many lines the volume is shared, and what this one used of it; nothing while it is alone.
    pub(super) fn shared(&self, portal: &Portal) -> Option<String> {
        let lang = portal.frame.lang;
        let lines = self.standing.sharing_lines.filter(|lines| *lines > 1)?.to_string();
        let own = format::bytes(lang, self.standing.own_used_bytes.unwrap_or(0));
        Some(weir_ui::i18n::t(lang, "portal-used-shared", &[("lines", lines.as_str()), ("own", own.as_str())]))
    }

    /// What happens beyond the included volume, and has; nothing for a plan that slows no line.
    pub(super) fn slows(&self, portal: &Portal) -> Option<String> {
        let lang = portal.frame.lang;
        let mut said = Vec::new();
        let since = self.since.as_deref().unwrap_or_default();
        if let Some(rates) = &self.rates {
            let key = if self.since.is_some() && !self.further { "portal-rule-slowed" } else { "portal-rule-slows" };
            said.push(weir_ui::i18n::t(lang, key, &[("rates", rates.as_str()), ("date", since)]));
        }
        said.extend(self.steps.iter().cloned());
        // It is of the steps that this is since when.
        if self.further && self.since.is_some() {
            said.push(portal.frame.t1("portal-beyond-since", "date", since));
        }
        said.extend(self.carries.clone());
        (!said.is_empty()).then(|| said.join(" "))
    }
}

/// Whether a version's volume is shared, what it does after its end, and what it carries over, a sentence each.
pub(super) fn words(portal: &Portal, version: &PlanVersion) -> Vec<String> {
    let mut words: Vec<_> = version.allowance_shared.then(|| portal.t("portal-volume-shared")).into_iter().collect();
    words.extend(steps(portal, version));
    words.extend(carries(portal, version));
    words
}

fn steps(portal: &Portal, version: &PlanVersion) -> Vec<String> {
    let lang = portal.frame.lang;
    let mut now = version.throttle.map_or((version.rate_down_bps, version.rate_up_bps), |throttle| {
        (throttle.rate_down_bps, throttle.rate_up_bps)
    });
    let mut words = Vec::new();
    for step in &version.steps {
        now = (step.rate_down_bps.unwrap_or(now.0), step.rate_up_bps.unwrap_or(now.1));
        let (over, rates) = (format::bytes(lang, step.over_bytes), rates(lang, now.0, now.1));
        let key = if step.cap { "portal-step-cap" } else { "portal-step-slows" };
        words.push(weir_ui::i18n::t(lang, key, &[("over", over.as_str()), ("rates", rates.as_str())]));
    }
    words
}

fn carries(portal: &Portal, version: &PlanVersion) -> Option<String> {
    let most = version.carry_over_bytes?;
    Some(portal.frame.t1("portal-rule-carries", "most", &format::bytes(portal.frame.lang, most)))
}

fn rates(lang: &str, down_bps: i64, up_bps: i64) -> String {
    [down_bps, up_bps].map(|bps| format::bit_rate(lang, bps)).join(" / ")
}
