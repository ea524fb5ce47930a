//! `/routers`: what is wired, what runs, and what each line should hold beside what it holds.

use std::collections::HashMap;

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use weir_ui::blocks::{Action, Cell, Confirm, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, List, Section, Show};

use super::access_points;
use super::diagnostics;
use super::held_changes;
use super::overview::{agent_status, last_seen, with_agents};
use super::port_blocks;
use super::quality;
use super::router_told;
use super::subscriptions::named;
use super::tickets;
use super::{Asking, MANY, access_tone, form_status, next_page, page_of, traffic, unknown_hosts, usage_quarantine};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::fleet::{self, EnforcedLine, Enforcement, enrollment, held, refusals};
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::paging::PageQuery;
use crate::http::permission::{ManageNetwork, Needs, ViewNetwork};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{RouterId, SubscriptionId};
use crate::network::{self, RouterWish, UnknownHosts};
use crate::subscriptions;
use crate::tickets::TicketFilter;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/routers", get(list).post(add))
        .route("/routers/new", get(new))
        .route("/routers/{id}", get(show))
        .route("/routers/{id}/enroll", post(enroll))
}

async fn list(screen: Screen<ViewNetwork>, ApiQuery(query): ApiQuery<PageQuery>) -> Result<Response, Problem> {
    let page = page_of(query.after)?;
    let mut tx = screen.read().await?;
    let mut routers = network::routers(&mut tx, page).await?;
    let agents = with_agents(&mut tx).await?;
    let refused = refusals::counts(&mut tx).await?;
    let held: HashMap<_, _> =
        held::by_router(&mut tx, MANY).await?.into_iter().map(|one| (one.router_id, one.all())).collect();
    let next = next_page(&mut routers, page, "/routers", |router| router.id.uuid());
    let rows = routers.into_iter().map(|router| {
        let agent = agents.iter().find(|(other, _)| other.id == router.id).and_then(|(_, agent)| agent.as_ref());
        vec![
            Cell::link(format!("/routers/{}", router.id), router.name),
            agent_status(&screen.frame, agent),
            Cell::Code(agent.map(|agent| agent.version.clone()).unwrap_or_default()),
            Cell::Text(last_seen(screen.frame.lang, screen.zone, agent)),
            router_told::count(&screen, &refused, router.id),
            held_changes::count(&screen, held.get(&router.id).copied()),
        ]
    });
    let names =
        ["router", "status", "version", "last-seen", "refusals-count", "held-count"].map(|key| screen.t(key)).to_vec();
    let table = Table::new(names, rows.collect());
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-routers"),
        lede: screen.t("routers-lede"),
        action: screen.may::<ManageNetwork>().then(|| Action::go("/routers/new", screen.t("routers-new"))),
        search: None,
        table,
        empty: screen.t("routers-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

async fn show(screen: Screen<ViewNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    shown(&screen, &mut screen.read().await?, id, None).await
}

/// Shows the router with the line to run on it. The token is shown this once, so no address can show it again:
/// that is why this change answers with a page and not with a way to one.
async fn enroll(screen: Screen<ManageNetwork>, ApiPath(id): ApiPath<RouterId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let token = enrollment::make_token(&screen.app, &mut tx, id).await?;
    tx.commit().await?;
    let until = format::instant(screen.frame.lang, token.expires_at, screen.zone);
    let about = screen.frame.t1("routers-enroll-lede", "until", &until);
    let command = token.command();
    shown(&screen, &mut screen.read().await?, id, Some((command, about))).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    id: RouterId,
    command: Option<(String, String)>,
) -> Result<Response, Problem> {
    let router = network::router(tx, id).await?;
    let site = network::site(tx, router.site_id).await?;
    let enforcement = match fleet::enforcement(tx, id).await {
        Ok(enforcement) => Some(enforcement),
        Err(fleet::Error::WithoutAgent(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let mut facts = facts(screen, &router, site, enforcement.as_ref());
    facts.extend(port_blocks::of_router(screen, tx, &router).await?);
    let enrolled = enforcement.is_some();
    let told = match &enforcement {
        Some(held) => Some(router_told::of_router(screen, tx, id, held).await?),
        None => None,
    };
    let holds_back = enforcement.as_ref().is_some_and(|held| held_back(held).iter().any(|(_, count)| *count > 0));
    let lede = state_of(screen, enforcement.as_ref());
    let lines = enforcement.map(|held| held.lines).unwrap_or_default();
    let ids: Vec<_> = lines.iter().map(|line| line.subscription_id).collect();
    let whose = subscriptions::names(tx, &ids).await?;
    let names = ["subscription", "desired", "observed", "access", "status"].map(|key| screen.t(key)).to_vec();
    let section = Section {
        title: screen.t("enforcement"),
        action: None,
        table: Table::new(names, lines.iter().map(|line| line_row(screen, &whose, line)).collect()),
        empty: screen.t("enforcement-empty"),
    };
    let filter = TicketFilter { router: Some(id), ..TicketFilter::default() };
    let asked = tickets::about(screen, tx, filter, format!("/tickets/new?router_id={id}")).await?;
    let below = access_points::below(screen, tx, id).await?;
    let (moved, unknown) = unknown_hosts::of_router(screen, tx, id).await?;
    facts.extend(moved);
    facts.extend(usage_quarantine::of_router(screen, tx, id).await?);
    let mut sections = vec![traffic(&screen.frame, format!("router:{id}"))];
    let (refused, events) = told.map(|[refused, events]| (refused, events)).unzip();
    sections.extend(refused);
    sections.extend([section, below]);
    sections.extend(enrolled.then_some(unknown));
    sections.extend(events);
    sections.extend(quality::of_router(screen, tx, id).await?);
    sections.extend(asked);
    let mut actions = match screen.may::<ManageNetwork>() {
        true => actions(screen, id, &router.name, enrolled, holds_back),
        false => Vec::new(),
    };
    actions.push(diagnostics::action(screen, id));
    let page = Show {
        frame: &screen.frame,
        up: ("/routers".into(), screen.t("nav-routers")),
        title: router.name,
        lede,
        actions,
        command,
        facts,
        sections,
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn facts<P: Needs>(
    screen: &Screen<P>,
    router: &network::Router,
    site: network::Site,
    enforcement: Option<&Enforcement>,
) -> Vec<(String, Cell)> {
    let lang = screen.frame.lang;
    let rate = |capacity: Option<i64>| capacity.map_or(screen.t("unlimited"), |bps| format::bit_rate(lang, bps));
    let mut facts = vec![
        (screen.t("status"), connection(screen, enforcement)),
        (screen.t("site"), Cell::link(format!("/sites/{}", site.id), site.name)),
        (screen.t("lan-interface"), Cell::Code(router.lan_interface.clone())),
        (screen.t("wan-interface"), Cell::Code(router.wan_interface.clone())),
        (screen.t("capacity-down"), Cell::Text(rate(router.capacity_down_bps))),
        (screen.t("capacity-up"), Cell::Text(rate(router.capacity_up_bps))),
        (screen.t("unknown-hosts"), Cell::Text(screen.t(unknown_hosts_key(router.unknown_hosts)))),
        (screen.t("id"), Cell::Code(router.id.to_string())),
    ];
    if router.metered {
        facts.insert(facts.len() - 1, (screen.t("uplink-kind"), Cell::Text(screen.t("uplink-metered"))));
    }
    if !router.own_networks.is_empty() {
        facts.insert(facts.len() - 1, (screen.t("own-networks"), Cell::Code(router.own_networks.join("  "))));
    }
    if let Some(held) = enforcement {
        let seen = held.last_seen_at.map_or("—".to_owned(), |at| format::instant(lang, at, screen.zone));
        facts.insert(1, (screen.t("last-seen"), Cell::Text(seen)));
        let generations = format!("{} / {} / {}", held.desired_gen, held.persisted_gen, held.applied_gen);
        facts.insert(2, (screen.t("generations"), Cell::Code(generations)));
        let unclaimed = held.unclaimed_leases.map(|count| Cell::Text(format::number(lang, count.into())));
        facts.extend(unclaimed.map(|count| (screen.t("leases-unclaimed"), count)));
        let instant = |at| Cell::Text(format::instant(lang, at, screen.zone));
        facts.push((screen.t("certificate-until"), instant(held.certificate_until)));
        facts.extend(held.certificate_renewed_at.map(|at| (screen.t("certificate-renewed"), instant(at))));
    }
    facts
}

/// What a router holds back until somebody confirms it: the sentence about each, and how much.
fn held_back(held: &Enforcement) -> [(&'static str, i64); 4] {
    [
        ("routers-removals-held", held.removals_held),
        ("routers-suspensions-held", held.suspensions_held),
        ("routers-reductions-held", held.reductions_held),
        ("routers-settings-held", held.settings_held),
    ]
}

/// The most important thing to know of a router's lines.
fn state_of<P: Needs>(screen: &Screen<P>, held: Option<&Enforcement>) -> String {
    let lines = held.map_or(&[][..], |held| &held.lines);
    let drifting = lines.iter().filter(|line| line.drift).count();
    let counted = |key, count: i64| screen.frame.t1(key, "count", &format::number(screen.frame.lang, count.into()));
    let waiting = held.map(held_back).into_iter().flatten().filter(|(_, count)| *count > 0);
    let mut first: Vec<_> = waiting.map(|(key, count)| counted(key, count)).collect();
    if held.is_some_and(|held| held.clone_suspected_at.is_some()) {
        first.insert(0, screen.t("routers-clone-suspected"));
    }
    match (lines.is_empty(), drifting) {
        _ if !first.is_empty() => first.join(" "),
        (true, _) => screen.t("routers-no-lines"),
        (false, 0) => screen.t("routers-no-drift"),
        (false, some) => screen.frame.t1("routers-drift", "count", &format::count(screen.frame.lang, some)),
    }
}

/// Asks before a router that has an agent gets another one.
fn again<P: Needs>(screen: &Screen<P>, router: &str) -> Confirm {
    Confirm {
        title: screen.frame.t1("routers-again", "name", router),
        consequence: screen.t("routers-again-lede"),
        yes: screen.t("routers-enroll"),
        no: screen.t("cancel"),
    }
}

/// What can be done to a router. One that never had an agent may still go.
fn actions<P: Needs>(screen: &Screen<P>, id: RouterId, name: &str, enrolled: bool, held: bool) -> Vec<Action> {
    let enroll = Action::post(format!("/routers/{id}/enroll"), screen.t("routers-enroll"));
    let (path, key) = if enrolled { ("revoke", "routers-revoke") } else { ("remove", "routers-remove") };
    let confirm = || Action::go(format!("/routers/{id}/confirm-removals"), screen.t("routers-confirm-removals"));
    let mut actions: Vec<Action> = held.then(confirm).into_iter().collect();
    actions.extend([
        if enrolled { enroll.asking(again(screen, name)) } else { enroll },
        Action::go(format!("/routers/{id}/edit"), screen.t("edit")),
        Action::go(format!("/routers/{id}/{path}"), screen.t(key)),
    ]);
    actions
}

fn connection<P: Needs>(screen: &Screen<P>, held: Option<&Enforcement>) -> Cell {
    match held {
        None => Cell::status(Tone::Mute, screen.t("agent-none")),
        Some(held) if held.connected => {
            let over_tcp = held.transport.as_deref() == Some("tcp");
            Cell::status(Tone::Ok, screen.t(if over_tcp { "agent-connected-tcp" } else { "agent-connected-quic" }))
        }
        Some(_) => Cell::status(Tone::Bad, screen.t("agent-unreachable")),
    }
}

fn line_row<P: Needs>(screen: &Screen<P>, whose: &HashMap<SubscriptionId, String>, line: &EnforcedLine) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let rates = |state: Option<(i64, i64)>| match state {
        Some((down, up)) => Cell::Number(format!("{} / {}", format::bit_rate(lang, down), format::bit_rate(lang, up))),
        None => Cell::Number("—".into()),
    };
    let desired = line.desired.as_ref();
    let access = match desired {
        Some(state) => Cell::status(access_tone(&state.access), screen.t(&format!("access-{}", state.access))),
        None => Cell::Text("—".into()),
    };
    let status = match (line.drift, line.status.as_deref()) {
        (_, Some(failed @ ("failed" | "rejected" | "unsupported"))) => {
            let word = screen.t(&format!("enforced-{failed}"));
            Cell::status(Tone::Bad, if line.detail.is_empty() { word } else { format!("{word}: {}", line.detail) })
        }
        (true, _) => Cell::status(Tone::Warn, screen.t("enforced-drift")),
        (false, _) => Cell::status(Tone::Ok, screen.t("enforced-applied")),
    };
    vec![
        named(whose, line.subscription_id),
        rates(desired.map(|state| (state.rate_down_bps, state.rate_up_bps))),
        rates(line.observed.as_ref().map(|state| (state.rate_down_bps, state.rate_up_bps))),
        access,
        status,
    ]
}

async fn new(screen: Screen<ManageNetwork>) -> Result<Response, Problem> {
    let fields = Fields::of([
        ("lan_interface", "lan0".into()),
        ("wan_interface", "wan0".into()),
        ("ports_per_line", "1024".into()),
    ]);
    form(&screen, None, &fields, None).await
}

async fn add(screen: Screen<ManageNetwork>, mut fields: Fields) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let added = match wish(&mut fields) {
        Ok(wish) => network::add_router(&mut tx, wish).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match added {
        Ok(router) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/routers/{}", router.id), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, None, &fields, Some(&problem)).await,
        Err(problem) => Err(problem),
    }
}

pub(super) fn wish(fields: &mut Fields) -> Result<RouterWish, Problem> {
    let site_id = fields.read("site_id", "error-choose");
    let capacity_down_bps = fields.read_option("capacity_down_bps", "error-number");
    let capacity_up_bps = fields.read_option("capacity_up_bps", "error-number");
    let unknown_hosts = fields.read("unknown_hosts", "error-choose");
    let ports_per_line = fields.read_option("ports_per_line", "error-number");
    let problem = fields.problem();
    match (site_id, unknown_hosts) {
        (Some(site_id), Some(unknown_hosts)) if problem.errors.is_empty() => Ok(RouterWish {
            name: fields.text("name"),
            site_id,
            lan_interface: fields.text("lan_interface"),
            wan_interface: fields.text("wan_interface"),
            nat: fields.get("nat") == "yes",
            capacity_down_bps,
            capacity_up_bps,
            unknown_hosts: Some(unknown_hosts),
            own_networks: Some(fields.list("own_networks")),
            untracked: Some(fields.get("untracked") == "yes"),
            public_networks: Some(fields.list("public_networks")),
            ports_per_line,
            metered: Some(fields.get("metered") == "yes"),
        }),
        _ => Err(problem),
    }
}

fn unknown_hosts_key(unknown_hosts: UnknownHosts) -> &'static str {
    match unknown_hosts {
        UnknownHosts::LetThrough => "unknown-hosts-let-through",
        UnknownHosts::Garden => "unknown-hosts-garden",
        UnknownHosts::Closed => "unknown-hosts-closed",
    }
}

/// The form of a new router, or of one there is, with its name.
pub(super) async fn form(
    screen: &Screen<ManageNetwork>,
    of: Option<(RouterId, String)>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let sites = network::sites(&mut screen.read().await?, MANY).await?;
    let sites = sites.into_iter().map(|site| (site.id.to_string(), site.name)).collect();
    let unknown_hosts = UnknownHosts::ALL.map(|one| (one.name().to_owned(), screen.t(unknown_hosts_key(one)))).to_vec();
    let asked = Asking::new(&screen.frame, fields, problem)
        .ask("name", "name", Input::Line("text"))
        .ask("site_id", "site", Input::Choice(sites))
        .ask("lan_interface", "lan-interface", Input::Line("text"))
        .ask("wan_interface", "wan-interface", Input::Line("text"))
        .ask("nat", "nat", Input::Tick)
        .ask("untracked", "untracked", Input::Tick)
        .ask("metered", "metered", Input::Tick)
        .ask("capacity_down_bps", "capacity-down", Input::Line("number"))
        .ask("capacity_up_bps", "capacity-up", Input::Line("number"))
        .ask("unknown_hosts", "unknown-hosts", Input::Choice(unknown_hosts))
        .ask("own_networks", "own-networks", Input::Lines)
        .ask("public_networks", "public-networks", Input::Lines)
        .ask("ports_per_line", "ports-per-line", Input::Line("number"));
    let (up, title, lede, action) = match of {
        None => {
            let up = ("/routers".into(), screen.t("nav-routers"));
            (up, screen.t("routers-new"), screen.t("routers-new-lede"), "/routers".to_owned())
        }
        Some((id, name)) => {
            let up = (format!("/routers/{id}"), name);
            (up, screen.t("routers-edit"), screen.t("routers-edit-lede"), format!("/routers/{id}/edit"))
        }
    };
    let page = Form { frame: &screen.frame, up, title, lede, form: asked.inset(String::new(), action, "save") };
    html(form_status(problem), &page)
}
