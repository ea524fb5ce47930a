//! `/line-probes/{id}`: what a line was like when somebody asked, and where it is.

use axum::Router;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Section, Show};

use super::access_tone;
use super::quality::{milliseconds, per_cent};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::{Screen, html, see};
use crate::http::paging::Page;
use crate::http::permission::{Needs, ProbeLines, ViewSubscribers};
use crate::ids::{LineProbeId, SubscriptionId};
use crate::quality::{self, EchoesNow, LineProbe, Measured, ProbeState, Verdict, WayNow};
use crate::subscriptions;

/// How often the page of a probe that is not over is asked for again, seconds.
const AGAIN: HeaderValue = HeaderValue::from_static("1");
/// Probes a line's page lists.
const LISTED: Page = Page { after: None, limit: 5 };

pub(super) fn routes() -> Router<App> {
    Router::new().route("/subscriptions/{id}/probes", post(ask)).route("/line-probes/{id}", get(show))
}

/// The button that has a line probed.
pub(super) fn action<P: Needs>(screen: &Screen<P>, id: SubscriptionId) -> Option<Action> {
    let go = || Action::post(format!("/subscriptions/{id}/probes"), screen.t("probe-line"));
    screen.may::<ProbeLines>().then(go)
}

/// A line's last probes; nothing where there were none.
pub(super) async fn of_line<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: SubscriptionId,
) -> Result<Option<Section>, Problem> {
    let mut probes = quality::probes(tx, id, LISTED).await?;
    probes.truncate(LISTED.limit as usize);
    if probes.is_empty() {
        return Ok(None);
    }
    let rows = probes.iter().map(|probe| {
        let asked = format::instant(screen.frame.lang, probe.asked_at, screen.zone);
        vec![Cell::link(format!("/line-probes/{}", probe.id), asked), word(screen, probe)]
    });
    let names = ["probe-asked-at", "probe-verdict"].map(|key| screen.t(key)).to_vec();
    let table = Table::new(names, rows.collect());
    Ok(Some(Section { title: screen.t("probes"), action: None, table, empty: String::new() }))
}

async fn ask(screen: Screen<ProbeLines>, ApiPath(id): ApiPath<SubscriptionId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let probe = quality::ask(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see(&format!("/line-probes/{}", probe.id)))
}

async fn show(screen: Screen<ViewSubscribers>, ApiPath(id): ApiPath<LineProbeId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let probe = quality::probe(&mut tx, id).await?;
    let line = probe.subscription_id;
    let whose = subscriptions::names(&mut tx, &[line]).await?.remove(&line).unwrap_or_else(|| "—".into());
    let at = |at| Cell::Text(format::instant(screen.frame.lang, at, screen.zone));
    let mut facts =
        vec![(screen.t("probe-verdict"), word(&screen, &probe)), (screen.t("probe-asked-at"), at(probe.asked_at))];
    if !probe.detail.is_empty() {
        facts.push((screen.t("reason"), Cell::Text(probe.detail.clone())));
    }
    let mut sections = Vec::new();
    if let Some(measured) = &probe.measured {
        facts.extend(line_facts(&screen, measured));
        sections.push(ways(&screen, measured));
        sections.push(hosts(&screen, measured));
    }
    let page = Show {
        frame: &screen.frame,
        up: (format!("/subscriptions/{line}"), whose.clone()),
        title: screen.frame.t1("probe-title", "name", &whose),
        lede: screen.t(&format!("probe-{}-lede", key(&probe))),
        actions: action(&screen, line).filter(|_| probe.state != ProbeState::Asked).into_iter().collect(),
        command: None,
        facts,
        sections,
        form: None,
    };
    let mut answer = html(StatusCode::OK, &page)?;
    if probe.state == ProbeState::Asked {
        answer.headers_mut().insert("refresh", AGAIN);
    }
    Ok(answer)
}

/// What it comes to, or how far it is.
fn key(probe: &LineProbe) -> &'static str {
    probe.verdict.map_or(probe.state.name(), Verdict::name)
}

fn word<P: Needs>(screen: &Screen<P>, probe: &LineProbe) -> Cell {
    let tone = match (probe.verdict, probe.state) {
        (Some(Verdict::Well), _) => Tone::Ok,
        (Some(Verdict::RouterAway | Verdict::Network | Verdict::Shared), _) => Tone::Bad,
        (Some(Verdict::Unasked | Verdict::Unmeasured), _) | (None, ProbeState::Asked) => Tone::Mute,
        (Some(_), _) | (None, _) => Tone::Warn,
    };
    Cell::status(tone, screen.t(&format!("probe-{}", key(probe))))
}

fn line_facts<P: Needs>(screen: &Screen<P>, measured: &Measured) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    let rates = |down, up| format!("{} / {}", format::bit_rate(lang, down), format::bit_rate(lang, up));
    let access = &measured.access;
    vec![
        (screen.t("access"), Cell::status(access_tone(access), screen.t(&format!("access-{access}")))),
        (screen.t("probe-rates"), Cell::Text(rates(measured.rate_down_bps, measured.rate_up_bps))),
        (screen.t("rates"), Cell::Text(rates(measured.sold_down_bps, measured.sold_up_bps))),
    ]
}

fn ways<P: Needs>(screen: &Screen<P>, measured: &Measured) -> Section {
    let lang = screen.frame.lang;
    let row = |name: &str, way: &WayNow| {
        vec![
            Cell::Text(screen.t(name)),
            Cell::Number(per_cent(lang, way.used_permille.into())),
            Cell::Number(per_cent(lang, way.full_permille.into())),
            Cell::Number(milliseconds(lang, way.delay_us.into())),
            Cell::Number(milliseconds(lang, way.delay_max_us.into())),
            Cell::Number(way.dropped_packets.to_string()),
        ]
    };
    let rows = match measured.span_ms {
        0 => Vec::new(),
        _ => vec![row("down", &measured.down), row("up", &measured.up)],
    };
    let names = ["probe-way", "probe-used", "probe-full", "probe-wait", "probe-wait-max", "probe-dropped"];
    Section {
        title: screen.t("probe-queue"),
        action: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows),
        empty: screen.t("probe-queue-empty"),
    }
}

fn hosts<P: Needs>(screen: &Screen<P>, measured: &Measured) -> Section {
    let lang = screen.frame.lang;
    let time = |host: &EchoesNow, us: u32| match host.answered {
        0 => "—".to_owned(),
        _ => milliseconds(lang, us.into()),
    };
    let rows = measured.echoes.iter().map(|host| {
        vec![
            Cell::Text(screen.t(&format!("quality-{}", host.role.name()))),
            Cell::Code(host.address.clone()),
            Cell::Number(format!("{} / {}", host.answered, host.asked)),
            Cell::Number(time(host, host.rtt_p50_us)),
            Cell::Number(time(host, host.rtt_p95_us)),
        ]
    });
    let names = ["quality-role", "quality-address", "probe-replies", "probe-half", "probe-most"];
    Section {
        title: screen.t("probe-echoes"),
        action: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t("probe-echoes-empty"),
    }
}
