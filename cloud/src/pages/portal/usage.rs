//! What a line used: against what is included, by day, by period, and what the plan's rule did.

use std::collections::HashMap;

use axum::http::StatusCode;
use axum::response::Response;
use weir_rules::calendar::local_date;
use weir_ui::blocks::{Action, Cell, Table, Tone};
use weir_ui::format;
use weir_ui::portal::{Bars, Meter, Portal, Usage, Used, section};

use super::beyond::{Beyond, beyond};
use super::{Own, boost, top_up};
use crate::billing::{self, Metered};
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::ApiPath;
use crate::http::page::html;
use crate::ids::SubscriptionId;
use crate::pages::catalog::unit_price;
use crate::pages::{days, money, traffic_price};
use crate::portal;
use crate::subscribers::Account;
use crate::subscriptions::Subscription;

/// Of the included volume, from where on somebody should look.
const SOON_PERCENT: i64 = 80;

/// A line's periods up to today, oldest first.
async fn periods(tx: &mut TenantTx, line: &Subscription, account: &Account) -> Result<Vec<Metered>, Problem> {
    let today = local_date(tx.at(), account.time_zone.parse().unwrap_or(chrono_tz::UTC));
    Ok(billing::metered(tx, account.id, line.id, today).await?)
}

/// What the first page says of a line's usage.
pub(super) async fn summary(
    own: &Own,
    tx: &mut TenantTx,
    line: &Subscription,
    account: &Account,
    name: String,
) -> Result<Used, Problem> {
    let portal = own.portal();
    let periods = periods(tx, line, account).await?;
    let beyond = beyond(own, tx, line).await?;
    let now = periods.into_iter().next_back().map(|now| beyond.included(now));
    let (now, boosts) = (now.as_ref(), boost::said(own, tx, line.id).await?);
    Ok(Used {
        name,
        words: now.map_or_else(|| portal.t("portal-usage-none"), |now| words(portal, now, &beyond)),
        meter: now.and_then(|now| meter(portal, now, &beyond)),
        rule: sentences(now.map(|now| rule(portal, now, &beyond)), boosts),
        more: Action::go(portal.at(&format!("/lines/{}/usage", line.id)), portal.t("portal-usage-more")),
    })
}

/// One sentence after the other.
fn sentences(first: Option<String>, more: impl IntoIterator<Item = String>) -> String {
    first.into_iter().chain(more).collect::<Vec<_>>().join(" ")
}

fn words(portal: &Portal, now: &Metered, beyond: &Beyond) -> String {
    let lang = portal.frame.lang;
    let (used, period) = (format::bytes(lang, now.used_bytes), days(lang, now.from, now.to));
    let included = now.allowance_bytes.map(|bytes| format::bytes(lang, bytes)).unwrap_or_default();
    let key = if now.allowance_bytes.is_some() { "portal-used-of" } else { "portal-used" };
    let figures = [("used", used.as_str()), ("included", included.as_str()), ("period", period.as_str())];
    let words = weir_ui::i18n::t(lang, key, &figures);
    sentences(Some(words), beyond.shared(portal))
}

fn meter(portal: &Portal, now: &Metered, beyond: &Beyond) -> Option<Meter> {
    let allowance = i128::from(now.allowance_bytes?.max(1));
    let percent = i64::try_from(i128::from(now.used_bytes) * 100 / allowance).unwrap_or(i64::MAX);
    let tone = match percent {
        100.. => Tone::Bad,
        SOON_PERCENT.. => Tone::Warn,
        _ => Tone::Ok,
    };
    let percent = u8::try_from(percent.clamp(0, 100)).unwrap_or(100);
    Some(Meter { percent, tone, label: words(portal, now, beyond) })
}

/// What happens beyond the included volume, and what has.
fn rule(portal: &Portal, now: &Metered, beyond: &Beyond) -> String {
    let lang = portal.frame.lang;
    if let Some((price, charge)) = now.traffic_price.as_ref().zip(now.charge) {
        let metered = now.allowance_bytes.is_some();
        let key = match (metered, now.tax_included) {
            (false, false) => "portal-rule-traffic",
            (false, true) => "portal-rule-traffic-with-tax",
            (true, false) => "portal-rule-traffic-beyond",
            (true, true) => "portal-rule-traffic-beyond-with-tax",
        };
        let said = traffic_price::words(lang, price, charge.amount.currency().code());
        return weir_ui::i18n::t(lang, key, &[("price", &said), ("amount", &money(lang, charge.amount))]);
    }
    if now.allowance_bytes.is_none() {
        return portal.t("portal-rule-unmetered");
    }
    if let Some(said) = beyond.slows(portal) {
        return said;
    }
    let Some((size, price)) = now.block else { return portal.t("portal-rule-free") };
    let (block, price) = (format::bytes(lang, size), money(lang, price));
    let charged = now.charge.and_then(|charge| Some((charge.blocks?.to_string(), money(lang, charge.amount))));
    let key = match (charged.is_some(), now.tax_included) {
        (true, false) => "portal-rule-charged",
        (true, true) => "portal-rule-charged-with-tax",
        (false, false) => "portal-rule-blocks",
        (false, true) => "portal-rule-blocks-with-tax",
    };
    let (blocks, amount) = charged.unwrap_or_default();
    let figures = [("block", block), ("price", price), ("blocks", blocks), ("amount", amount)];
    let figures: Vec<_> = figures.iter().map(|(name, value)| (*name, value.as_str())).collect();
    weir_ui::i18n::t(lang, key, &figures)
}

pub(super) async fn show(own: Own, ApiPath((_, id)): ApiPath<(String, SubscriptionId)>) -> Result<Response, Problem> {
    let mut tx = own.read().await?;
    let (line, account) = portal::line(&mut tx, own.me.id, id).await?;
    let mut periods = periods(&mut tx, &line, &account).await?;
    let today = local_date(tx.at(), account.time_zone.parse().unwrap_or(chrono_tz::UTC));
    let portal = own.portal();
    let beyond = beyond(&own, &mut tx, &line).await?;
    let now = periods.pop().map(|now| beyond.included(now));
    let mut offers = top_up::offers(&own, &mut tx, id).await?;
    offers.extend(boost::offers(&own, &mut tx, id).await?);
    let boosts = boost::said(&own, &mut tx, id).await?;
    let (bars, table) = now.as_ref().map(|now| by_day(portal, now, today)).unwrap_or_else(|| nothing(portal));
    let page = Usage {
        portal,
        up: (portal.home().to_owned(), portal.t("portal-nav-home")),
        title: portal.frame.t1("portal-usage-title", "plan", &line.plan_name),
        lede: now.as_ref().map_or_else(|| portal.t("portal-usage-none"), |now| words(portal, now, &beyond)),
        meter: now.as_ref().and_then(|now| meter(portal, now, &beyond)),
        rule: sentences(now.as_ref().map(|now| rule(portal, now, &beyond)), boosts),
        offers,
        bars,
        days: section(portal.t("portal-usage-days"), table, portal.t("portal-usage-none")),
        earlier: section(portal.t("portal-usage-earlier"), earlier(portal, &periods), portal.t("portal-usage-first")),
    };
    html(StatusCode::OK, &page)
}

fn nothing(portal: &Portal) -> (Bars, Table) {
    (Bars::of(&[], portal.t("portal-usage-days"), (String::new(), String::new())), Table::default())
}

/// Every day of a period up to today: a picture, and the days that carried something, newest first.
fn by_day(portal: &Portal, now: &Metered, today: chrono::NaiveDate) -> (Bars, Table) {
    let lang = portal.frame.lang;
    let moved: HashMap<_, _> = now.days.iter().map(|day| (day.on, day.down_bytes + day.up_bytes)).collect();
    let shown: Vec<_> = now.from.iter_days().take_while(|day| *day < now.to && *day <= today).collect();
    let figures: Vec<_> = shown.iter().map(|day| moved.get(day).copied().unwrap_or_default()).collect();
    let end = |day: Option<&chrono::NaiveDate>| day.map(|day| format::date(lang, *day)).unwrap_or_default();
    let bars = Bars::of(&figures, portal.t("portal-usage-bars"), (end(shown.first()), end(shown.last())));
    let rows = now.days.iter().rev().map(|day| {
        vec![
            Cell::Text(format::date(lang, day.on)),
            Cell::Number(format::bytes(lang, day.down_bytes)),
            Cell::Number(format::bytes(lang, day.up_bytes)),
        ]
    });
    let names = ["portal-day", "down", "up"].map(|key| portal.t(key)).to_vec();
    (bars, Table::new(names, rows.collect()))
}

fn earlier(portal: &Portal, periods: &[Metered]) -> Table {
    let lang = portal.frame.lang;
    let rows = periods.iter().rev().map(|period| {
        // How much there was for all of them together is no line's own.
        let included = match period.allowance_bytes {
            Some(_) if period.shared => portal.t("fair-use-shared-short"),
            Some(bytes) => format::bytes(lang, bytes),
            None => "—".into(),
        };
        let charged = period.charge.map(|charge| match period.tax_included {
            true => unit_price(lang, charge.amount, true),
            false => portal.frame.t1("portal-charged-before-tax", "amount", &money(lang, charge.amount)),
        });
        vec![
            Cell::Text(days(lang, period.from, period.to)),
            Cell::Text(period.plan.clone()),
            Cell::Number(format::bytes(lang, period.used_bytes)),
            Cell::Number(included),
            Cell::Number(charged.unwrap_or_else(|| "—".into())),
        ]
    });
    let names = ["period", "plan", "portal-used-name", "allowance", "portal-charged"].map(|key| portal.t(key)).to_vec();
    Table::new(names, rows.collect())
}
