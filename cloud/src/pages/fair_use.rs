//! The part of a subscription's page that tells of fair use: what was used, what the rule did, what was bought on top.

use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::Section;

use super::catalog::price_of;
use super::days;
use crate::fair_use::{Rule, Standing};
use crate::http::page::Screen;
use crate::http::permission::{ManageSubscriptions, Needs};
use crate::ids::SubscriptionId;

/// The facts of a line with an allowance or windows; none for others.
pub(super) fn facts<P: Needs>(screen: &Screen<P>, standing: &Standing) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    let mut facts = Vec::new();
    if let (Some(from), Some(to), Some(allowance)) = (standing.from, standing.to, standing.allowance_bytes) {
        let limit = allowance.saturating_add(standing.carried_bytes).saturating_add(standing.top_up_bytes);
        let used = format!("{} / {}", format::bytes(lang, standing.used_bytes), format::bytes(lang, limit));
        facts.push((screen.t("fair-use-period"), Cell::Text(days(lang, from, to))));
        facts.push((screen.t("fair-use-used"), Cell::Text(used)));
        if let (Some(lines), Some(own)) = (standing.sharing_lines, standing.own_used_bytes) {
            let lines = screen.frame.t1("fair-use-shared-lines", "lines", &lines.to_string());
            facts.push((screen.t("fair-use-shared-by"), Cell::Text(lines)));
            facts.push((screen.t("fair-use-own"), Cell::Text(format::bytes(lang, own))));
        }
        if standing.carried_bytes > 0 {
            facts.push((screen.t("fair-use-carried"), Cell::Text(format::bytes(lang, standing.carried_bytes))));
        }
        let left = standing.remaining_bytes.unwrap_or(0);
        facts.push((screen.t("fair-use-left"), Cell::Text(format::bytes(lang, left))));
    }
    let at = |at| Cell::Text(format::instant(lang, at, screen.zone));
    if let Some(rule) = standing.rule {
        facts.push((screen.t("fair-use-rule"), word(screen, rule, standing.step)));
        facts.extend(standing.since_at.map(|since| (screen.t("fair-use-since"), at(since))));
        facts.extend(standing.next_at.map(|next| (screen.t("fair-use-next"), at(next))));
    }
    facts
}

/// What the router did, and what was bought; nothing for a line that has neither allowance nor history.
pub(super) fn sections<P: Needs>(screen: &Screen<P>, id: SubscriptionId, standing: &Standing) -> Vec<Section> {
    let metered = standing.allowance_bytes.is_some();
    let mut sections = Vec::new();
    if metered || !standing.turns.is_empty() {
        sections.push(turns(screen, standing));
    }
    if metered || !standing.top_ups.is_empty() {
        let sell = || Action::go(format!("/subscriptions/{id}/top-ups"), screen.t("top-ups-sell"));
        let action = (metered && screen.may::<ManageSubscriptions>()).then(sell);
        sections.push(Section { action, ..top_ups(screen, standing) });
    }
    sections
}

fn word<P: Needs>(screen: &Screen<P>, rule: Rule, step: i32) -> Cell {
    let tone = match rule {
        Rule::Sold | Rule::Boost => Tone::Ok,
        Rule::Window => Tone::Mute,
        Rule::Exhausted => Tone::Warn,
        Rule::Capped => Tone::Bad,
    };
    let words = screen.t(&format!("fair-use-rule-{}", rule.name()));
    let words = match step {
        0 => words,
        step => format!("{words} · {}", screen.frame.t1("fair-use-step", "step", &step.to_string())),
    };
    Cell::status(tone, words)
}

fn turns<P: Needs>(screen: &Screen<P>, standing: &Standing) -> Section {
    let lang = screen.frame.lang;
    let rows = standing.turns.iter().map(|turn| {
        vec![
            Cell::Text(format::instant(lang, turn.at, screen.zone)),
            word(screen, turn.rule, turn.step),
            Cell::Number(format::bytes(lang, turn.used_bytes)),
        ]
    });
    let names = ["fair-use-at", "fair-use-rule", "fair-use-used"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("fair-use-turns"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("fair-use-turns-empty"),
    }
}

fn top_ups<P: Needs>(screen: &Screen<P>, standing: &Standing) -> Section {
    let lang = screen.frame.lang;
    let rows = standing.top_ups.iter().map(|top_up| {
        let charged = match top_up.invoice_line_id {
            Some(_) => Cell::status(Tone::Ok, screen.t("top-up-charged")),
            None => Cell::status(Tone::Mute, screen.t("top-up-next-invoice")),
        };
        vec![
            Cell::Text(top_up.name.clone()),
            Cell::Text(days(lang, top_up.sold_on, top_up.until_on)),
            charged,
            Cell::Number(format::bytes(lang, top_up.bytes)),
            Cell::Number(price_of(lang, &top_up.price)),
        ]
    });
    let names = ["top-up", "top-up-counts", "status", "top-up-volume", "price"].map(|key| screen.t(key)).to_vec();
    Section {
        title: screen.t("nav-top-ups"),
        action: None,
        table: Table::new(names, rows.collect()),
        empty: screen.t("top-ups-none"),
    }
}
