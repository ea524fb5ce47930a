//! `/webhooks`: programs elsewhere that are told what happens, and the log of what was sent to them.

use axum::Router;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use chrono::TimeDelta;
use serde::Deserialize;
use weir_ui::blocks::{Action, Cell, Chip, Confirm, Input, Table, Tone};
use weir_ui::format;
use weir_ui::pages::{Form, List, Register, Section, Show};

use super::{Asking, address, form_status, next_page, page_of};
use crate::app::App;
use crate::error::Problem;
use crate::events::EventKind;
use crate::http::page::{Fields, Screen, html, is_about_the_form};
use crate::http::permission::ManageWebhooks;
use crate::http::toast::{see_counting, see_saying};
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{DeliveryId, WebhookId};
use crate::webhooks::{self, Attempt, Delivery, DeliveryStatus, NewWebhook, Webhook, WebhookChange};

/// Days back from which what failed is sent again.
const REPLAYED_DAYS: i64 = 30;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/webhooks", get(list).post(add))
        .route("/webhooks/new", get(new))
        .route("/webhooks/{id}", get(show))
        .route("/webhooks/{id}/edit", get(edit).post(change))
        .route("/webhooks/{id}/test", post(test))
        .route("/webhooks/{id}/pause", post(pause))
        .route("/webhooks/{id}/resume", post(resume))
        .route("/webhooks/{id}/rotate-secret", post(rotate))
        .route("/webhooks/{id}/replay", post(replay_failed))
        .route("/webhooks/{id}/remove", post(remove))
        .route("/webhook-deliveries/{id}", get(delivery))
        .route("/webhook-deliveries/{id}/replay", post(replay))
}

type Manager = Screen<ManageWebhooks>;

async fn list(screen: Manager) -> Result<Response, Problem> {
    let webhooks = webhooks::webhooks(&mut screen.read().await?).await?;
    let rows = webhooks.iter().map(|webhook| {
        vec![
            Cell::link(format!("/webhooks/{}", webhook.id), &webhook.url),
            standing(&screen, webhook),
            Cell::Text(kinds(&screen, webhook)),
            Cell::Text(webhook.description.clone()),
        ]
    });
    let names = ["webhooks-url", "status", "webhooks-kinds", "webhooks-description"];
    let page = List {
        frame: &screen.frame,
        title: screen.t("nav-webhooks"),
        lede: screen.t("webhooks-lede"),
        action: Some(Action::go("/webhooks/new", screen.t("webhooks-new"))),
        search: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), rows.collect()),
        empty: screen.t("webhooks-empty"),
        next: None,
    };
    html(StatusCode::OK, &page)
}

fn standing(screen: &Manager, webhook: &Webhook) -> Cell {
    match webhook.paused_because {
        None => Cell::status(Tone::Ok, screen.t("webhooks-in-force")),
        Some(because) => {
            let tone = if because == webhooks::Pause::ByHand { Tone::Mute } else { Tone::Bad };
            Cell::status(tone, screen.t(&format!("webhooks-paused-{}", because.name())))
        }
    }
}

fn kinds(screen: &Manager, webhook: &Webhook) -> String {
    if webhook.kinds.is_empty() {
        return screen.t("webhooks-all-kinds");
    }
    webhook.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ")
}

async fn new(screen: Manager) -> Result<Response, Problem> {
    form(&screen, None, &Fields::default(), None)
}

/// The form of a new webhook, or of one that is there.
fn form(
    screen: &Manager,
    of: Option<WebhookId>,
    fields: &Fields,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let mut asked = Asking::new(&screen.frame, fields, problem).ask("url", "webhooks-url", Input::Line("url")).ask(
        "description",
        "webhooks-description",
        Input::Line("text"),
    );
    for kind in EventKind::ALL {
        asked = asked.ask_in(kind.name(), kind.name().to_owned(), String::new(), Input::Tick);
    }
    let (up, title, action) = match of {
        None => (("/webhooks".into(), screen.t("nav-webhooks")), "webhooks-new", "/webhooks".to_owned()),
        Some(id) => {
            let here = format!("/webhooks/{id}");
            ((here.clone(), screen.t("webhook")), "webhooks-edit", format!("{here}/edit"))
        }
    };
    let page = Form {
        frame: &screen.frame,
        up,
        title: screen.t(title),
        lede: screen.t("webhooks-new-lede"),
        form: asked.inset(String::new(), action, "save"),
    };
    html(form_status(problem), &page)
}

fn chosen(fields: &Fields) -> Vec<EventKind> {
    EventKind::ALL.iter().copied().filter(|kind| fields.get(kind.name()) == "yes").collect()
}

async fn add(screen: Manager, fields: Fields) -> Result<Response, Problem> {
    let wish = NewWebhook { url: fields.text("url"), description: fields.text("description"), kinds: chosen(&fields) };
    let mut tx = screen.begin().await?;
    match webhooks::add(&screen.app, &mut tx, wish).await.map_err(Problem::from) {
        Ok(made) => {
            tx.commit().await?;
            shown(&screen, made.webhook, Some(made.secret), Wanted::default()).await
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, None, &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

async fn edit(screen: Manager, ApiPath(id): ApiPath<WebhookId>) -> Result<Response, Problem> {
    let webhook = webhooks::webhook(&mut screen.read().await?, id).await?;
    let mut fields = Fields::of([("url", webhook.url), ("description", webhook.description)]);
    for kind in webhook.kinds {
        fields.set(kind.name(), "yes");
    }
    form(&screen, Some(id), &fields, None)
}

async fn change(screen: Manager, ApiPath(id): ApiPath<WebhookId>, fields: Fields) -> Result<Response, Problem> {
    let wish = WebhookChange {
        url: Some(fields.text("url")),
        description: Some(fields.text("description")),
        kinds: Some(chosen(&fields)),
        paused: None,
    };
    let mut tx = screen.begin().await?;
    match webhooks::change(&screen.app, &mut tx, id, wish).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/webhooks/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => form(&screen, Some(id), &fields, Some(&problem)),
        Err(problem) => Err(problem),
    }
}

#[derive(Default, Deserialize)]
struct Wanted {
    status: Option<DeliveryStatus>,
    after: Option<String>,
}

async fn show(
    screen: Manager,
    ApiPath(id): ApiPath<WebhookId>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Problem> {
    let webhook = webhooks::webhook(&mut screen.read().await?, id).await?;
    shown(&screen, webhook, None, wanted).await
}

/// A webhook's page with its log; with its secret right after it was made.
async fn shown(
    screen: &Manager,
    webhook: Webhook,
    secret: Option<String>,
    wanted: Wanted,
) -> Result<Response, Problem> {
    let here = format!("/webhooks/{}", webhook.id);
    if let Some(secret) = secret {
        let page = Show {
            frame: &screen.frame,
            up: ("/webhooks".into(), screen.t("nav-webhooks")),
            title: screen.t("webhooks-secret"),
            lede: webhook.url.clone(),
            actions: vec![Action::go(here, screen.t("webhooks-log"))],
            command: Some((secret, screen.t("webhooks-secret-once"))),
            facts: Vec::new(),
            sections: Vec::new(),
            form: None,
        };
        return html(StatusCode::OK, &page);
    }
    let page = page_of(wanted.after)?;
    let mut sent = webhooks::deliveries(&mut screen.read().await?, webhook.id, page, wanted.status).await?;
    let status = wanted.status.map_or("", DeliveryStatus::name);
    let at = |status: &str| address(&here, &[("status", status)]);
    let next = next_page(&mut sent, page, &at(status), |delivery| delivery.id.uuid());
    let mut chips = vec![Chip { href: at(""), text: screen.t("webhooks-status-all"), chosen: status.is_empty() }];
    chips.extend(DeliveryStatus::ALL.map(|one| Chip {
        href: at(one.name()),
        text: screen.t(&format!("webhooks-status-{}", one.name())),
        chosen: status == one.name(),
    }));
    let names = ["webhooks-kind", "when", "status", "webhooks-attempts", "webhooks-answer", "webhooks-took"];
    let page = Register {
        frame: &screen.frame,
        up: Some(("/webhooks".into(), screen.t("nav-webhooks"))),
        title: webhook.url.clone(),
        lede: screen.t(lede_of(&webhook)),
        actions: actions(screen, &webhook),
        figures: Vec::new(),
        sections: vec![facts(screen, &webhook)],
        heading: screen.t("webhooks-log"),
        chips,
        search: None,
        table: Table::new(names.map(|key| screen.t(key)).to_vec(), sent.iter().map(|one| row(screen, one)).collect()),
        empty: screen.t("webhooks-log-empty"),
        next,
    };
    html(StatusCode::OK, &page)
}

fn lede_of(webhook: &Webhook) -> &'static str {
    match webhook.paused_because {
        None => "webhooks-in-force-lede",
        Some(webhooks::Pause::ByHand) => "webhooks-paused-lede",
        Some(webhooks::Pause::Failing) => "webhooks-failing-lede",
        Some(webhooks::Pause::Gone) => "webhooks-gone-lede",
    }
}

fn facts(screen: &Manager, webhook: &Webhook) -> Section {
    let instant = |at| format::instant(screen.frame.lang, at, screen.zone);
    let mut rows = vec![
        (screen.t("status"), standing(screen, webhook)),
        (screen.t("webhooks-kinds"), Cell::Text(kinds(screen, webhook))),
        (screen.t("since"), Cell::Text(instant(webhook.created_at))),
    ];
    if !webhook.description.is_empty() {
        rows.insert(0, (screen.t("webhooks-description"), Cell::Text(webhook.description.clone())));
    }
    if let Some(until) = webhook.old_secret_until.filter(|until| *until > screen.app.clock.now()) {
        rows.push((screen.t("webhooks-old-secret"), Cell::Text(instant(until))));
    }
    Section {
        title: screen.t("webhook"),
        action: Some(Action::go(format!("/webhooks/{}/edit", webhook.id), screen.t("edit"))),
        table: Table::facts(rows),
        empty: String::new(),
    }
}

fn actions(screen: &Manager, webhook: &Webhook) -> Vec<Action> {
    let to = |verb: &str| format!("/webhooks/{}/{verb}", webhook.id);
    let asking = |verb: &str, key: &str| {
        Action::post(to(verb), screen.t(key)).asking(Confirm {
            title: screen.t(key),
            consequence: screen.t(&format!("{key}-lede")),
            yes: screen.t(key),
            no: screen.t("leave-it"),
        })
    };
    let mut actions = match webhook.paused_at {
        None => vec![
            Action::post(to("test"), screen.t("webhooks-test")),
            asking("replay", "webhooks-replay-failed"),
            asking("pause", "webhooks-pause"),
        ],
        Some(_) => vec![Action::post(to("resume"), screen.t("webhooks-resume"))],
    };
    actions.push(asking("rotate-secret", "webhooks-rotate"));
    actions.push(asking("remove", "webhooks-remove"));
    actions
}

fn row(screen: &Manager, delivery: &Delivery) -> Vec<Cell> {
    let lang = screen.frame.lang;
    let answer = match (delivery.last_status, &delivery.last_error) {
        (Some(status), _) => status.to_string(),
        (None, Some(error)) => error.clone(),
        (None, None) => "—".into(),
    };
    vec![
        Cell::link(format!("/webhook-deliveries/{}", delivery.id), &delivery.kind),
        Cell::Text(format::instant(lang, delivery.created_at, screen.zone)),
        status(screen, delivery),
        Cell::Number(delivery.attempts.to_string()),
        Cell::Text(answer),
        Cell::Number(delivery.last_duration_ms.map_or("—".into(), |ms| took(lang, ms))),
    ]
}

fn took(lang: &str, ms: i32) -> String {
    format!("{}\u{a0}ms", format::number(lang, ms.into()))
}

fn status(screen: &Manager, delivery: &Delivery) -> Cell {
    let tone = match delivery.status {
        DeliveryStatus::Pending => Tone::Mute,
        DeliveryStatus::Delivered => Tone::Ok,
        DeliveryStatus::Failed => Tone::Bad,
    };
    Cell::status(tone, screen.t(&format!("webhooks-status-{}", delivery.status.name())))
}

async fn delivery(screen: Manager, ApiPath(id): ApiPath<DeliveryId>) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let detail = webhooks::delivery(&mut tx, id).await?;
    let delivery = &detail.delivery;
    let webhook = webhooks::webhook(&mut tx, delivery.webhook_id).await?;
    let instant = |at| format::instant(screen.frame.lang, at, screen.zone);
    let mut facts = vec![
        (screen.t("status"), status(&screen, delivery)),
        (screen.t("when"), Cell::Text(instant(delivery.created_at))),
        (screen.t("webhook"), Cell::link(format!("/webhooks/{}", webhook.id), &webhook.url)),
    ];
    if let Some(next) = delivery.next_attempt_at {
        facts.push((screen.t("webhooks-next"), Cell::Text(instant(next))));
    }
    facts.push((screen.t("id"), Cell::Code(delivery.event_id.map_or(id.to_string(), |event| event.to_string()))));
    let names = ["when", "webhooks-answer", "webhooks-took", "webhooks-error", "webhooks-body"];
    let tried = Section {
        title: screen.t("webhooks-attempts"),
        action: None,
        table: Table::new(
            names.map(|key| screen.t(key)).to_vec(),
            detail.tried.iter().rev().map(|one| attempt(&screen, one)).collect(),
        ),
        empty: screen.t("webhooks-attempts-none"),
    };
    let again = Action::post(format!("/webhook-deliveries/{id}/replay"), screen.t("webhooks-replay"));
    let page = Show {
        frame: &screen.frame,
        up: (format!("/webhooks/{}", webhook.id), webhook.url.clone()),
        title: delivery.kind.clone(),
        lede: screen.t("webhooks-delivery-lede"),
        actions: webhook.paused_at.is_none().then_some(again).into_iter().collect(),
        command: Some((detail.payload.clone(), screen.t("webhooks-payload"))),
        facts,
        sections: vec![tried],
        form: None,
    };
    html(StatusCode::OK, &page)
}

fn attempt(screen: &Manager, one: &Attempt) -> Vec<Cell> {
    vec![
        Cell::Text(format::instant(screen.frame.lang, one.at, screen.zone)),
        Cell::Number(one.status.map_or("—".into(), |status| status.to_string())),
        Cell::Number(took(screen.frame.lang, one.duration_ms)),
        Cell::Text(one.error.clone()),
        Cell::Code(one.body.clone()),
    ]
}

async fn test(screen: Manager, ApiPath(id): ApiPath<WebhookId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let delivery = webhooks::send_test(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/webhook-deliveries/{}", delivery.id), "done-webhook-test"))
}

async fn pause(screen: Manager, ApiPath(id): ApiPath<WebhookId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let wish = WebhookChange { paused: Some(true), ..WebhookChange::default() };
    webhooks::change(&screen.app, &mut tx, id, wish).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/webhooks/{id}"), "done-webhook-paused"))
}

async fn resume(screen: Manager, ApiPath(id): ApiPath<WebhookId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    webhooks::resume(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/webhooks/{id}"), "done-webhook-resumed"))
}

async fn rotate(screen: Manager, ApiPath(id): ApiPath<WebhookId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let made = webhooks::rotate_secret(&screen.app, &mut tx, id).await?;
    tx.commit().await?;
    shown(&screen, made.webhook, Some(made.secret), Wanted::default()).await
}

async fn replay_failed(screen: Manager, ApiPath(id): ApiPath<WebhookId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let since = tx.at() - TimeDelta::days(REPLAYED_DAYS);
    let count = webhooks::replay_failed(&mut tx, id, since).await?;
    tx.commit().await?;
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    Ok(see_counting(&format!("/webhooks/{id}"), "done-webhook-replayed", &[count]))
}

async fn remove(screen: Manager, ApiPath(id): ApiPath<WebhookId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    webhooks::remove(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying("/webhooks", "done-removed"))
}

async fn replay(screen: Manager, ApiPath(id): ApiPath<DeliveryId>) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    webhooks::replay(&mut tx, id).await?;
    tx.commit().await?;
    Ok(see_saying(&format!("/webhook-deliveries/{id}"), "done-webhook-replay"))
}
