//! The screens: above every slice, so any slice may be called from here. Each file is an area of the navigation.
//!
//! A page reads through the slices' own verbs and hands plain texts to `weir_ui`; it holds no SQL and no HTML.

mod access_point_changes;
mod access_points;
mod accounts;
mod analytics;
mod api_keys;
mod audit;
mod bank;
mod billing_previews;
mod billing_runs;
mod book_checks;
mod boosts;
mod catalog;
mod charges;
mod closings;
mod contracts;
mod credit_notes;
mod crediting;
mod deferred;
mod diagnosis_forms;
mod diagnostics;
mod discounts;
mod dunning;
mod dunning_cases;
mod dunning_form;
mod dunning_policy;
mod fair_use;
mod gallery;
mod held_changes;
mod identities;
mod imports;
mod invoice_taxes;
mod invoices;
mod journal;
mod ledger;
mod line_boosts;
mod line_probes;
mod locations;
mod message_settings;
mod message_templates;
mod messages;
mod orders;
mod overview;
mod pauses;
mod pay;
mod payers;
mod paying;
mod payments;
mod phases;
mod plan_preview;
mod plans;
mod plugin_calls;
mod plugin_versions;
mod plugins;
mod port_blocks;
pub(crate) mod portal;
mod portal_settings;
mod proformas;
mod quality;
mod reference;
mod router_changes;
mod router_told;
mod routers;
mod sales;
mod search;
mod second_step;
mod session;
mod sessions;
mod settings;
mod sites;
mod staff;
mod statements;
mod steps;
mod subscribers;
mod subscription_changes;
mod subscriptions;
mod support;
mod tax_exemptions;
mod tax_starters;
mod taxes;
mod ticket;
mod tickets;
mod top_ups;
mod traffic_price;
mod unknown_hosts;
mod unmatched_mail;
mod usage_quarantine;
mod webhooks;
mod windows;

use std::borrow::Cow;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::NaiveDate;
use weir_rules::money::Money;
use weir_ui::blocks::{Chart, Field, Input, Table, Tone};
use weir_ui::pages::{Inset, Section};
use weir_ui::{Frame, assets, format, pages};

use crate::app::App;
use crate::error::{self, Problem};
use crate::http::page::{Fields, anonymous_frame, html};
use crate::http::paging::Page;

/// Rows a page of a list shows.
const ROWS: u32 = 50;
/// How messages of the services about fields begin, and how readers are told.
const TOLD: &[(&str, &str)] = &[
    ("must be another account", "error-payer-self"),
    ("must be an account there is", "error-payer-unknown"),
    ("must pay for itself", "error-payer-paid"),
    ("must not pay for an account that pays", "error-payer-pays"),
    ("must be billed in the same currency", "error-payer-currency"),
    ("must have the same billing day", "error-payer-day"),
    ("must have the same time zone", "error-payer-zone"),
    ("must not be before from, ", "error-statement-order"),
    ("must be at most 366 days from the first", "error-statement-long"),
    ("these days have more than", "error-statement-many"),
    ("must be after the first day", "error-tax-days"),
    ("must name a country", "error-tax-country"),
    ("overlaps another", "error-tax-overlap"),
    ("rate ", "error-tax-rate"),
    ("must be S, Z, E", "error-tax-category"),
    ("must be a postcode", "error-tax-postcode"),
    ("must be between 0 and 99", "error-tax-turn"),
    ("must be a VAT identifier", "error-vat-number"),
    ("must be of another country", "error-vat-abroad"),
    ("is more than one rate", "error-tax-settled"),
    ("must be between -60", "dunning-error-days"),
    ("must be after the due date", "dunning-error-notice"),
    ("must be after the first hour", "dunning-error-hours"),
    ("must be after the", "dunning-error-grace"),
    ("must not be the day of another", "dunning-error-same-day"),
    ("must be before the walled garden", "dunning-error-order"),
    ("must be there once", "dunning-error-once"),
    ("must not be below the least fee", "dunning-error-max"),
    ("must be at most what is owed", "dunning-error-owed"),
    ("must be between today", "dunning-error-day"),
    ("must be between 0 and 100 with", "dunning-error-percent"),
    ("must be at most 10 rising", "dunning-error-retries"),
    ("must be given, or rate_up_bps", "error-boost-rate"),
    ("must be from 15 to", "error-boost-minutes"),
    ("must not be in the past", "error-past"),
    ("must be at most 31 days ahead", "error-boost-ahead"),
    ("must be at most 31 days ago", "error-pause-back"),
    ("must be in the subscription", "error-pause-start"),
    ("must be below the plan", "error-pause-price"),
    ("is not faster than the line", "error-boost-slow"),
    ("would be one too many", "error-boost-many"),
    ("must say how much", "error-required"),
    ("must be above 0 and at most 100,", "error-discount-percent"),
    ("must be given, or an amount", "error-discount-either"),
    ("must not be beside a percent", "error-discount-both"),
    ("must not be beside an end", "error-discount-both"),
    ("must be beside a percent", "error-discount-most"),
    ("must be from 1 to 120", "error-discount-periods"),
    ("must not be before", "error-discount-billed"),
    ("must be after its first day", "error-discount-days"),
    ("must be before the day it ends", "error-discount-ends"),
    ("must be before the subscription ends", "error-discount-subscription"),
    ("must be above 0 and at most 10000", "error-charge-quantity"),
    ("must come to something", "error-charge-nothing"),
    ("is no subscription of this account", "error-charge-about"),
    ("must be beside a fee", "error-contract-most"),
    ("must be from 0 to 366", "error-contract-cooling-off"),
    ("must be one of at most 16", "error-discount-many"),
    ("must name at least one line", "credit-note-error-line"),
    ("must be at most the", "credit-note-error-left"),
    ("must be a host’s name or address", "error-diagnosis-host"),
    ("must be a name of the domain name", "error-diagnosis-name"),
    ("must be the address of a name server", "error-diagnosis-server"),
    ("is no line of this router", "error-diagnosis-line"),
    ("must be a number from", "error-diagnosis-range"),
    ("must be one line", "messages-error-line"),
    ("must be given again for another server", "messages-error-again"),
    ("must be an IBAN", "error-iban"),
    ("must be 1, 3, 6 or 12", "plan-period-error-months"),
    ("must be 1 to 365", "plan-period-error-days"),
    ("must not be beside blocks or a throttle", "error-traffic-beside"),
    ("must have from 1 to 10 entries", "error-traffic-count"),
    ("must be above the tier before", "error-traffic-order"),
    ("must be absent in the last tier", "error-traffic-last"),
    ("must be given but in the last tier", "error-traffic-last"),
    ("must have at most 6 decimals", "error-traffic-decimals"),
    ("must be at most 1000, found", "error-traffic-most"),
    ("must be from today, ", "error-proforma-day"),
    ("must be from 1 to 36 months", "error-plan-phase-months"),
    ("must be less than the plan's own", "error-plan-phase-price"),
    ("must cost something else than", "error-plan-phase-same"),
    ("must have a price or a percent,", "error-plan-phase"),
    ("must be between 1 and 31", "error-billing-day"),
    ("must be in the years from", "error-date"),
    ("must be in months", "plan-period-error-allowance"),
    ("must be in_advance", "plan-period-error-timing"),
    ("needs an allowance", "error-needs-allowance"),
    ("must not be beside a charge", "error-fair-use-charge"),
    ("must change a rate or be free", "error-fair-use-window"),
    ("must change a rate or be a cap", "error-fair-use-step"),
    ("must be the last step", "error-fair-use-step"),
    ("must not be faster than what holds", "error-fair-use-faster"),
    ("must be above the step before", "error-fair-use-step"),
    ("must be the last day of a month", "closing-error-month"),
    ("must be the end of a month that is over", "closing-error-month"),
    ("must not be what it is already", "closing-error-same"),
    ("must not be empty", "error-required"),
    ("must be above zero", "error-positive"),
    ("must not be below zero", "error-negative"),
    ("must not be after today", "error-future"),
    ("must be at most 31 days after today", "error-too-far"),
    ("must have at most", "error-too-long"),
    ("must end after it begins", "error-hours"),
    ("must have a working day", "error-working-day"),
    ("must be an e-mail address without", "error-mail-address"),
    ("must be between the first response", "error-target"),
    ("must have at least 12", "error-too-short"),
    ("must be an e-mail address", "error-email"),
    ("is no access point of this router", "error-access-point-elsewhere"),
    ("hangs on this one already", "error-access-point-cycle"),
    ("would make more than", "error-access-point-deep"),
    ("must not be above the peak", "error-committed-above-peak"),
    ("is more than what it hangs on", "error-committed-above-parent"),
    ("is less than what hangs on it", "error-committed-below-children"),
    ("is less than access points are", "error-capacity-committed"),
    ("must be at most a minute of", "error-burst"),
    ("cannot be with nat", "error-untracked-nat"),
    ("cannot be without nat", "error-public-networks-nat"),
    ("must be an IPv4 network", "error-public-networks-ipv4"),
    ("overlaps with", "error-public-networks-taken"),
    ("overlaps a line", "error-public-networks-line"),
    ("overlaps the own network", "error-public-networks-own"),
    ("overlaps the public network", "error-prefix-public"),
    ("must be between 128 and", "error-ports-per-line"),
    ("must be between 1 and 84", "error-port-block-months"),
    ("must be an IPv4 address,", "error-lookup-address"),
    ("must be between 1 and 65535", "error-lookup-port"),
    ("must be in the past", "error-lookup-at"),
    ("must say why", "error-lookup-reason"),
    ("must name at most 32 networks", "error-networks-many"),
    ("must name at most 64 networks", "error-networks-many"),
    ("is not offered", "error-not-offered"),
    ("must begin with mac:", "error-identity-kind"),
    ("must be an Ethernet address", "error-identity-mac"),
    ("must be 1 to 255 bytes", "error-identity-relay"),
    ("must be 1 to 253 bytes", "error-identity-user"),
    ("must be 3 to 130 bytes", "error-identity-duid"),
    ("must not be named twice", "error-identity-twice"),
    ("must name at most 16 identities", "error-identities-many"),
    ("must name at least one, for", "error-identities-none"),
    ("must name 1 to 16 prefixes", "error-prefixes-count"),
];
/// Rows a choice of a form, or a part of a page, shows.
const MANY: Page = Page { after: None, limit: 200 };

pub(crate) fn routes(app: &App) -> Router<App> {
    Router::new()
        .route("/assets/{*path}", get(asset))
        .route("/errors/{slug}", get(kind))
        .merge(session::routes())
        .merge(sessions::routes())
        .merge(second_step::routes())
        .merge(overview::routes())
        .merge(search::routes())
        .merge(sites::routes())
        .merge(routers::routes())
        .merge(held_changes::routes())
        .merge(router_changes::routes())
        .merge(router_told::routes())
        .merge(access_points::routes())
        .merge(access_point_changes::routes())
        .merge(subscribers::routes())
        .merge(locations::routes())
        .merge(accounts::routes().merge(payers::routes()))
        .merge(catalog::routes())
        .merge(plans::routes())
        .merge(top_ups::routes())
        .merge(boosts::routes())
        .merge(line_boosts::routes())
        .merge(discounts::routes().merge(charges::routes()).merge(contracts::routes()).merge(pauses::routes()))
        .merge(subscriptions::routes())
        .merge(subscription_changes::routes())
        .merge(identities::routes())
        .merge(invoices::routes())
        .merge(credit_notes::routes().merge(proformas::routes()))
        .merge(crediting::routes())
        .merge(payments::routes())
        .merge(paying::routes())
        .merge(bank::routes())
        .merge(pay::routes())
        .merge(billing_runs::routes())
        .merge(dunning::routes())
        .merge(dunning_policy::routes())
        .merge(dunning_form::routes())
        .merge(dunning_cases::routes())
        .merge(ledger::routes().merge(statements::routes()))
        .merge(taxes::routes())
        .merge(line_probes::routes())
        .merge(diagnostics::routes())
        .merge(diagnosis_forms::routes())
        .merge(port_blocks::routes())
        .merge(plugins::routes())
        .merge(plugin_versions::routes())
        .merge(plugin_calls::routes())
        .merge(analytics::routes())
        .merge(settings::routes())
        .merge(gallery::routes())
        .merge(reference::routes())
        .merge(staff::routes())
        .merge(messages::routes())
        .merge(message_settings::routes())
        .merge(message_templates::routes())
        .merge(audit::routes())
        .merge(tickets::routes())
        .merge(ticket::routes())
        .merge(unmatched_mail::routes())
        .merge(usage_quarantine::routes())
        .merge(support::routes())
        .merge(api_keys::routes())
        .merge(webhooks::routes())
        .merge(imports::routes())
        .merge(orders::routes())
        .merge(portal_settings::routes())
        .merge(portal::routes(app))
}

async fn asset(Path(path): Path<String>) -> Result<Response, Problem> {
    let asset = assets::get(&path).ok_or_else(|| Problem::new(&error::NOT_FOUND, "there is no such file"))?;
    let mut response = asset.body.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}

async fn kind(headers: HeaderMap, Path(slug): Path<String>) -> Result<Response, Problem> {
    let kind = error::all_kinds().find(|kind| kind.slug == slug);
    let kind = kind.ok_or_else(|| Problem::new(&error::NOT_FOUND, "there is no such kind of problem"))?;
    let frame = anonymous_frame(&headers);
    let (title, help, slug) = (kind.title.to_owned(), kind.help.to_owned(), kind.slug.to_owned());
    html(
        StatusCode::OK,
        &pages::Problem { frame: &frame, title, detail: String::new(), help, slug, request: String::new() },
    )
}

/// The address of the next page, when there are more rows than are shown; drops the one too many.
fn next_page<R>(rows: &mut Vec<R>, page: Page, here: &str, id: impl Fn(&R) -> uuid::Uuid) -> Option<String> {
    let more = rows.len() > page.limit as usize;
    rows.truncate(page.limit as usize);
    let last = rows.last().filter(|_| more)?;
    let joint = if here.contains('?') { '&' } else { '?' };
    Some(format!("{here}{joint}after={}", id(last).simple()))
}

/// An address with these parameters, those without a value left out.
fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let given: Vec<_> = parameters
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", encoded(value)))
        .collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

/// A text as it stands in an address.
fn encoded(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.bytes().map(|byte| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// An amount, as readers write it.
fn money(lang: &str, amount: Money) -> String {
    format::money(lang, amount.amount(), amount.currency().code())
}

/// Days from the first up to the one before `to`.
fn days(lang: &str, from: NaiveDate, to: NaiveDate) -> String {
    let last = to.pred_opt().unwrap_or(to);
    if last <= from {
        return format::date(lang, from);
    }
    format!("{} – {}", format::date(lang, from), format::date(lang, last))
}

/// A page of a list, from the address.
fn page_of(after: Option<String>) -> Result<Page, Problem> {
    crate::http::paging::PageQuery { after, limit: Some(ROWS) }.page()
}

/// Builds the fields of a form from what it holds and what was wrong with it.
struct Asking<'a> {
    frame: &'a Frame,
    fields: &'a Fields,
    problem: Option<&'a Problem>,
    asked: Vec<Field>,
}

impl<'a> Asking<'a> {
    fn new(frame: &'a Frame, fields: &'a Fields, problem: Option<&'a Problem>) -> Self {
        Self { frame, fields, problem, asked: Vec::new() }
    }

    /// Asks for `name` under the message `key`; `<key>-hint` explains it, if there is such a message.
    fn ask(self, name: impl Into<Cow<'static, str>>, key: &str, input: Input) -> Self {
        let hint_key = format!("{key}-hint");
        let hint = Some(self.frame.t(&hint_key)).filter(|hint| *hint != hint_key).unwrap_or_default();
        let label = self.frame.t(key);
        self.ask_in(name, label, hint, input)
    }

    /// Begins a part of the form.
    fn part(self, key: &str) -> Self {
        let label = self.frame.t(key);
        self.part_in(label, String::new())
    }

    /// Begins a part of the form in these words.
    fn part_in(mut self, label: String, hint: String) -> Self {
        let (value, error) = (String::new(), String::new());
        self.asked.push(Field { name: "".into(), label, hint, input: Input::Heading, value, error });
        self
    }

    /// Asks for `name` in these words.
    fn ask_in(mut self, name: impl Into<Cow<'static, str>>, label: String, hint: String, input: Input) -> Self {
        let name = name.into();
        let errors = self.problem.map_or(&[][..], |problem| &problem.errors);
        let wrong: Vec<_> = errors
            .iter()
            .filter(|error| is_about(&error.field, &name))
            .map(|error| self.told(&error.message))
            .collect();
        let (value, error) = (self.fields.text(&name), wrong.join("; "));
        self.asked.push(Field { name, label, hint, input, value, error });
        self
    }

    fn told(&self, message: &str) -> String {
        told_in(self.frame.lang, message)
    }

    /// A problem of the whole form: by its kind where that says enough, else in the problem's own words.
    fn told_of(&self, problem: &Problem) -> String {
        let key = format!("problem-{}", problem.kind.slug);
        let words = Some(self.frame.t(&key)).filter(|words| *words != key);
        words.unwrap_or_else(|| format!("{}: {}", problem.kind.title, problem.detail))
    }

    fn inset(self, title: String, action: impl Into<String>, submit: &str) -> Inset {
        let own = |field: &str| self.asked.iter().any(|asked| is_about(field, &asked.name));
        let problem = match self.problem {
            Some(problem) if problem.errors.is_empty() => self.told_of(problem),
            Some(problem) if problem.errors.iter().all(|error| own(&error.field)) => self.frame.t("error-form"),
            Some(problem) => problem.detail.clone(),
            None => String::new(),
        };
        Inset { title, action: action.into(), submit: self.frame.t(submit), problem, fields: self.asked }
    }
}

/// What a service said of a field, in a language.
fn told_in(lang: &str, message: &str) -> String {
    let known = TOLD.iter().find(|(begin, _)| message.starts_with(begin)).map(|(_, key)| *key);
    match known.or_else(|| message.starts_with("error-").then_some(message)) {
        Some(key) => weir_ui::i18n::t(lang, key, &[]),
        None => message.to_owned(),
    }
}

/// Whether a problem's field is this one of the form: a part of it, the same in another unit, or what it is a part of.
fn is_about(field: &str, name: &str) -> bool {
    let whole = name.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'));
    whole || field.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_']))
}

/// The status of a form's page.
fn form_status(problem: Option<&Problem>) -> StatusCode {
    if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }
}

/// A part of a page that shows what a topic of the live stream moves right now.
fn traffic(frame: &Frame, topic: String) -> Section {
    let table = Table::live(Chart::of(topic, frame));
    Section { title: frame.t("traffic"), action: None, table, empty: String::new() }
}

/// How good it is when a line may do this.
fn access_tone(access: &str) -> Tone {
    match access {
        "open" => Tone::Ok,
        "throttled" | "walled_garden" => Tone::Warn,
        _ => Tone::Bad,
    }
}
