//! The first page: the line now, what is owed, what was used.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use weir_rules::calendar::local_date;
use weir_rules::money::Money;
use weir_ui::blocks::{Action, Cell, Tone};
use weir_ui::format;
use weir_ui::i18n::t;
use weir_ui::pages::Section;
use weir_ui::portal::{Home, LineNow, Owed, Portal, section};

use super::{Own, Visit, bills, payers, usage};
use crate::billing::{self, InvoiceFilter, InvoiceSummary};
use crate::db::TenantTx;
use crate::deals;
use crate::error::Problem;
use crate::http::page::html;
use crate::http::paging::Page;
use crate::pages::{MANY, contracts, discounts, money};
use crate::portal;
use crate::subscribers::{self, Account};
use crate::subscriptions::{self, Hold, Status, Subscription};
use crate::{fair_use, live, payments};

/// Invoices the first page shows.
const NEWEST: Page = Page { after: None, limit: 3 };
/// What lines can be, the worst first.
const STATES: [&str; 5] = ["off", "walled", "slowed", "on", "ordered"];
/// Lines whose rates one page follows.
const LIVE_MAX: usize = 32;

pub(super) async fn home(own: Own) -> Result<Response, Problem> {
    let mut tx = own.read().await?;
    let (mut lines, mut used, mut owed, mut bills) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut states = Vec::new();
    for (line, account) in portal::lines(&mut tx, own.me.id).await? {
        let place = subscribers::location(&mut tx, line.service_location_id).await?.line1;
        let name = format!("{} · {place}", line.plan_name);
        let (state, line_now) = line_now(&own, &mut tx, &line, &name).await?;
        states.push(state);
        lines.push(line_now);
        if line.status != Status::Ordered {
            used.push(usage::summary(&own, &mut tx, &line, &account, name).await?);
        }
    }
    for account in portal::accounts(&mut tx, own.me.id).await? {
        owed.push(owed_by(&own, &mut tx, &account).await?);
        bills.push(newest_bills(&own, &mut tx, &account).await?);
    }
    let portal = own.portal();
    let lede = portal.frame.t1("portal-hello", "name", &own.me.name);
    let page = Home { portal, title: title(portal, &states), lede, lines, owed, used, bills };
    html(StatusCode::OK, &page)
}

/// How the lines are, the worst of them first.
fn title(portal: &Portal, states: &[&'static str]) -> String {
    let worst = STATES.into_iter().find(|state| states.contains(state));
    let which = match states {
        [_] => "one",
        _ if states.iter().all(|state| worst == Some(*state)) => "all",
        _ => "some",
    };
    portal.frame.t1(&format!("portal-title-{}", worst.unwrap_or("none")), "lines", which)
}

/// A line's state, and what is said of it.
async fn line_now(
    own: &Own,
    tx: &mut TenantTx,
    line: &Subscription,
    name: &str,
) -> Result<(&'static str, LineNow), Problem> {
    let (portal, lang) = (own.portal(), own.lang());
    let hold = in_force(subscriptions::holds(tx, line.id).await?, &line.access, tx);
    let fair = fair_use::standing(tx, line.id).await?;
    // A cap says more than a hold that only slows.
    let rule = fair.rule.filter(|rule| match rule {
        fair_use::Rule::Capped => matches!(line.access.as_str(), "open" | "throttled"),
        _ => hold.is_none() && line.access == "open",
    });
    let exhausted = matches!(rule, Some(fair_use::Rule::Exhausted | fair_use::Rule::Capped));
    let hold = hold.filter(|_| rule.is_none());
    let why = match rule {
        Some(fair_use::Rule::Exhausted) => Why::exhausted(),
        Some(fair_use::Rule::Capped) => Why::capped(),
        _ => Why::of(line, hold.as_ref()),
    };
    let until = hold.as_ref().and_then(|hold| hold.until);
    let until = until.map(|until| format::instant(lang, until, own.visit.zone));
    let full_again = fair.to.filter(|_| exhausted).map(|day| format::date(lang, day));
    let until = until.or(full_again).unwrap_or_default();
    let date = if line.status == Status::Ordered { Some(line.starts_on) } else { line.ends_on };
    let date = date.map(|date| format::date(lang, date)).unwrap_or_default();
    let argument = if until.is_empty() { ("date", date.as_str()) } else { ("date", until.as_str()) };
    let advice = match (why.key, why.advice, until.is_empty()) {
        (_, Some("quota"), false) => portal.frame.t1("portal-advice-quota-until", "date", &until),
        (_, Some(advice), _) => portal.t(&format!("portal-advice-{advice}")),
        (_, None, _) => String::new(),
    };
    let served = line.status == Status::Active && matches!(line.access.as_str(), "open" | "throttled");
    let mut facts = Vec::new();
    if served {
        let rates = [line.rate_down_bps, line.rate_up_bps].map(|bps| format::bit_rate(lang, bps)).join(" / ");
        facts.push((portal.t("portal-speed"), Cell::Text(rates)));
        facts.extend(discounts::told(&portal.frame, tx, line.id).await?);
        facts.extend(contracts::binding(&portal.frame, &deals::contracts(tx, line.id, MANY).await?));
    }
    let change = Action::go(portal.at(&format!("/lines/{}/plan", line.id)), portal.t("portal-change-plan"));
    let now = LineNow {
        name: name.to_owned(),
        status: Cell::status(why.tone, portal.t(&format!("portal-state-{}", why.state))),
        what: portal.frame.t1(&format!("portal-line-{}", why.key), argument.0, argument.1),
        advice,
        actions: if served { vec![change] } else { Vec::new() },
        facts,
        topic: if served { format!("line:{}", line.id) } else { String::new() },
    };
    Ok((why.state, now))
}

/// The hold that makes a line what it is, the debt first: that one the subscriber can settle.
fn in_force(holds: Vec<Hold>, access: &str, tx: &TenantTx) -> Option<Hold> {
    let now = tx.at();
    let acts = |hold: &Hold| hold.released_at.is_none() && hold.until.is_none_or(|until| until > now);
    let mut holds: Vec<_> = holds.into_iter().filter(|hold| acts(hold) && hold.effect == access).collect();
    holds.sort_by_key(|hold| (hold.debtor_id.is_some(), hold.kind != "unpaid"));
    holds.into_iter().next()
}

/// Why a line is as it is: how good, in a word, in a sentence, and what to do.
struct Why {
    tone: Tone,
    state: &'static str,
    key: &'static str,
    advice: Option<&'static str>,
}

impl Why {
    /// The router slows the line down by the plan's own rule.
    fn exhausted() -> Self {
        Self { tone: Tone::Warn, state: "slowed", key: "slowed-quota", advice: Some("quota") }
    }

    /// It keeps the line in the walled garden.
    fn capped() -> Self {
        Self { tone: Tone::Bad, state: "walled", key: "walled-quota", advice: Some("quota") }
    }

    fn of(line: &Subscription, hold: Option<&Hold>) -> Self {
        // What somebody else owes is not told, and not theirs to pay.
        let kind = hold.filter(|hold| hold.debtor_id.is_none()).map(|hold| hold.kind.as_str()).unwrap_or_default();
        let why = |tone, state, key, advice| Self { tone, state, key, advice };
        match (line.status, line.access.as_str(), kind) {
            (Status::Ordered, _, _) => why(Tone::Mute, "ordered", "ordered", None),
            (_, "throttled", "quota") => why(Tone::Warn, "slowed", "slowed-quota", Some("quota")),
            (_, "throttled", "unpaid") => why(Tone::Warn, "slowed", "slowed-unpaid", Some("pay")),
            (_, "throttled", _) => why(Tone::Warn, "slowed", "slowed", Some("call")),
            (_, "walled_garden", "unpaid") => why(Tone::Bad, "walled", "walled-unpaid", Some("pay")),
            (_, "walled_garden", _) => why(Tone::Bad, "walled", "walled", Some("call")),
            (_, "closed", "unpaid") => why(Tone::Bad, "off", "off-unpaid", Some("pay")),
            (_, "closed", "seasonal") => why(Tone::Mute, "off", "off-seasonal", None),
            (_, "closed", _) => why(Tone::Bad, "off", "off", Some("call")),
            (Status::Ending, _, _) => why(Tone::Ok, "on", "ending", None),
            _ => why(Tone::Ok, "on", "on", None),
        }
    }
}

async fn owed_by(own: &Own, tx: &mut TenantTx, account: &Account) -> Result<Owed, Problem> {
    let portal = own.portal();
    let standing = billing::standing(tx, account.id).await?;
    let filter = InvoiceFilter { account: Some(account.id), ..InvoiceFilter::default() };
    let open = InvoiceFilter { status: Some("open".into()), ..filter.clone() };
    let open = billing::invoices(tx, MANY, &open).await?;
    let owes = standing.balance.is_positive();
    let by_card = payments::provider_settings(&own.visit.app, tx).await?.enabled;
    let pays_itself = payments::methods(tx, account.id).await?.iter().any(|method| method.autopay);
    let asked = owes || billing::asked_ahead(tx, account.id).await?.is_some();
    let pay = match (asked, by_card && !pays_itself) {
        (true, _) => Some(Action::go(subscribers::pay_address(tx, account.id).await?, portal.t("portal-pay"))),
        (false, true) if account.payer_id.is_some() => None,
        (false, true) => Some(Action::go(tx.links().pay(tx.tenant(), account.id), portal.t("pay-keep-only"))),
        (false, false) => None,
    };
    let how = if owes { own.visit.settings.how_to_pay.clone() } else { String::new() };
    let (tone, what) = match account.payer_id.filter(|_| !owes) {
        Some(payer) => (Tone::Ok, payers::told(portal, tx, account, payer).await?),
        None => sentence(portal, standing.balance, standing.overdue, &open),
    };
    Ok(Owed {
        account: account.number.clone(),
        amount: money(own.lang(), if owes { standing.balance } else { standing.balance.abs() }),
        what,
        tone,
        actions: pay.into_iter().collect(),
        how,
    })
}

async fn newest_bills(own: &Own, tx: &mut TenantTx, account: &Account) -> Result<Section, Problem> {
    let portal = own.portal();
    let filter = InvoiceFilter { account: Some(account.id), ..InvoiceFilter::default() };
    let mut invoices = billing::invoices(tx, NEWEST, &filter).await?;
    invoices.truncate(NEWEST.limit as usize);
    let today = local_date(tx.at(), account.time_zone.parse().unwrap_or(own.visit.zone));
    let table = bills::table(portal, &invoices, today);
    let all = Action::go(portal.at("/bills"), portal.t("portal-bills-all"));
    let newest = section(portal.t("portal-bills"), table, portal.t("portal-bills-none"));
    Ok(Section { action: (!invoices.is_empty()).then_some(all), ..newest })
}

fn sentence(portal: &Portal, balance: Money, overdue: Money, open: &[InvoiceSummary]) -> (Tone, String) {
    let lang = portal.frame.lang;
    let due = |days: Option<NaiveDate>| days.map(|day| format::date(lang, day)).unwrap_or_default();
    let first = due(open.iter().filter(|invoice| invoice.open.is_positive()).map(|invoice| invoice.due_on).min());
    if overdue.is_positive() && balance.is_positive() {
        let partly = balance.checked_sub(overdue).is_ok_and(Money::is_positive);
        let key = if partly { "portal-owed-overdue" } else { "portal-owed-late" };
        let overdue = money(lang, overdue);
        return (Tone::Bad, t(lang, key, &[("amount", overdue.as_str()), ("date", first.as_str())]));
    }
    if balance.is_positive() {
        return (Tone::Warn, portal.frame.t1("portal-owed-due", "date", &first));
    }
    if balance.is_negative() {
        return (Tone::Ok, portal.t("portal-owed-credit"));
    }
    (Tone::Ok, portal.t("portal-owed-nothing"))
}

/// The rates of one's own lines as they come.
pub(super) async fn live(own: Own) -> Result<Response, Problem> {
    let lines = portal::lines(&mut own.read().await?, own.me.id).await?;
    let ids: Vec<_> = lines.iter().take(LIVE_MAX).map(|(line, _)| line.id).collect();
    let over = signed_out(own.visit.clone());
    Ok(live::api::lines(own.visit.app.clone(), &own.scope(), &ids, over).await?.into_response())
}

/// Returns when whoever watches is no longer signed in.
async fn signed_out(visit: Visit) {
    let token = visit.token.unwrap_or_default();
    let mut look = tokio::time::interval(live::api::LOOK_EVERY);
    loop {
        look.tick().await;
        match portal::who_is(&visit.app, visit.door.tenant, &token).await {
            Ok(_) => {}
            Err(portal::Error::NoSession) => return,
            Err(error) => tracing::debug!(%error, "could not look whether somebody may still watch"),
        }
    }
}
