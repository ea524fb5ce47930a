//! `/tickets/{id}`: one conversation, what is likely wrong, and what can be done.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Response;
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::Value;
use weir_rules::support::answer::{Evidence, Finding, Weight};
use weir_rules::support::priority::{Impact, Priority};
use weir_rules::support::status::TicketStatus;
use weir_ui::blocks::{Action, Cell, Input, Tone};
use weir_ui::conversation::{Attached, Conversation, FirstAnswer, Look, Said, Writing};
use weir_ui::pages::Inset;
use weir_ui::{format, i18n};

use super::tickets::{choices, colleagues, priority, promise, status};
use super::{Asking, form_status};
use crate::app::App;
use crate::db::TenantTx;
use crate::error::Problem;
use crate::http::page::{Fields, Screen, Upload, html, is_about_the_form};
use crate::http::permission::{ManageTickets, Needs, ViewTickets};
use crate::http::toast::see_saying;
use crate::http::{ApiPath, ApiQuery};
use crate::ids::{AttachmentId, StaffId, TicketId};
use crate::tickets::{self, Entry, EntryKind, File, Side, Ticket, TicketChange, TicketFilter};
use crate::{billing, network, subscribers, subscriptions};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/tickets/{id}", get(show).post(change))
        .route("/tickets/{id}/reply", post(reply))
        .route("/tickets/{id}/note", post(note))
        .route("/tickets/{id}/merge", post(merge))
        .route("/ticket-attachments/{id}", get(attachment))
        .layer(DefaultBodyLimit::max(tickets::api::UPLOAD_MAX))
}

#[derive(Deserialize)]
struct Wanted {
    /// Begins the reply with the first answer.
    draft: Option<String>,
}

/// Which of the page's forms was sent, with what, and what was wrong with it.
struct Refused<'a> {
    form: &'static str,
    fields: &'a Fields,
    problem: &'a Problem,
}

async fn show(
    screen: Screen<ViewTickets>,
    ApiPath(id): ApiPath<TicketId>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Response, Problem> {
    shown(&screen, id, wanted.draft.is_some(), None).await
}

async fn shown<P: Needs>(
    screen: &Screen<P>,
    id: TicketId,
    draft: bool,
    refused: Option<Refused<'_>>,
) -> Result<Response, Problem> {
    let mut tx = screen.read().await?;
    let conversation = tickets::conversation(&mut tx, id).await?;
    let ticket = &conversation.ticket;
    let findings = tickets::diagnosis(&mut tx, ticket).await?;
    let writes = screen.may::<ManageTickets>();
    let replies = writes && ticket.status != TicketStatus::Closed;
    let drafted = match (draft, ticket.subscriber_id) {
        (true, Some(subscriber)) => {
            let lang = subscribers::subscriber(&mut tx, subscriber).await?.language;
            tickets::told(&lang, screen.zone, &findings[0])
        }
        _ => String::new(),
    };
    let facts = facts(screen, &mut tx, ticket).await?;
    let manage = match replies {
        true => Some(manage(screen, &mut tx, ticket, &refused).await?),
        false => None,
    };
    let outage = outage(&mut tx, &findings).await?;
    let page = Conversation {
        frame: &screen.frame,
        up: ("/tickets".into(), screen.t("nav-tickets")),
        title: format!("{} · {}", ticket.number, ticket.title),
        lede: screen.t(&format!("ticket-lede-{}", ticket.status.name())),
        states: vec![priority(screen, ticket.priority), status(screen, ticket.status)],
        answer: answer(screen, ticket, &findings, outage, replies && ticket.subscriber_id.is_some()),
        entries: conversation.entries.iter().map(|entry| said(screen, entry)).collect(),
        reply: (replies && ticket.subscriber_id.is_some()).then(|| reply_form(screen, ticket, drafted, &refused)),
        note: writes.then(|| note_form(screen, id, &refused)),
        facts,
        manage,
        merge: replies.then(|| merge_form(screen, id, &refused)),
    };
    html(form_status(refused.as_ref().map(|refused| refused.problem)), &page)
}

/// The address of the ticket about the same problem, if one was found.
async fn outage(tx: &mut TenantTx, findings: &[Finding]) -> Result<Option<String>, Problem> {
    let Some(found) = findings.iter().find(|finding| finding.evidence == Evidence::Outage) else { return Ok(None) };
    let number = found.arguments.iter().find_map(|(name, value)| match value {
        weir_rules::support::answer::Value::Text(text) if *name == "ticket" => Some(text.clone()),
        _ => None,
    });
    let filter = TicketFilter { text: number.clone(), ..TicketFilter::default() };
    let rows = tickets::tickets(tx, super::MANY, &filter).await?;
    let one = rows.into_iter().find(|ticket| Some(&ticket.number) == number.as_ref());
    Ok(one.map(|ticket| format!("/tickets/{}", ticket.id)))
}

fn answer<P: Needs>(
    screen: &Screen<P>,
    ticket: &Ticket,
    findings: &[Finding],
    outage: Option<String>,
    draft: bool,
) -> FirstAnswer {
    let see = |finding: &Finding| {
        let (href, key) = match finding.evidence {
            Evidence::Account => (format!("/accounts/{}", ticket.account_id?), "ticket-see-account"),
            Evidence::Line => (format!("/subscriptions/{}", ticket.subscription_id?), "ticket-see-line"),
            Evidence::Router => (format!("/routers/{}", ticket.router_id?), "ticket-see-router"),
            Evidence::Outage => (outage.clone()?, "ticket-see-outage"),
            Evidence::Nothing => return None,
        };
        Some((href, screen.t(key)))
    };
    let told = |finding: &Finding| tickets::told(screen.frame.lang, screen.zone, finding);
    let first = &findings[0];
    let (tone, key) = match first.weight {
        Weight::Cause => (Tone::Bad, "ticket-answer-cause"),
        Weight::Hint => (Tone::Warn, "ticket-answer-hint"),
        Weight::Clear => (Tone::Ok, "ticket-answer-clear"),
    };
    FirstAnswer {
        tone,
        word: screen.t(key),
        text: told(first),
        evidence: see(first),
        draft: draft.then(|| {
            Action::go(format!("/tickets/{}?draft=answer#reply-form", ticket.id), screen.t("ticket-answer-draft"))
        }),
        others: findings[1..].iter().map(|finding| (told(finding), see(finding))).collect(),
    }
}

fn said<P: Needs>(screen: &Screen<P>, entry: &Entry) -> Said {
    let lang = screen.frame.lang;
    let channel = screen.t(&format!("ticket-channel-{}", entry.channel.name()));
    let (look, how) = match (entry.kind, entry.side) {
        (EntryKind::Note, _) => (Look::Note, screen.t("ticket-note")),
        (EntryKind::Change, _) => (Look::Change, String::new()),
        (EntryKind::Reply, Side::Subscriber) => {
            (Look::Theirs, screen.frame.t1("ticket-side-subscriber", "channel", &channel))
        }
        (EntryKind::Reply, _) => (Look::Ours, screen.t("ticket-side-staff")),
    };
    let author = match entry.side {
        Side::System => screen.t("ticket-by-system"),
        Side::Staff | Side::Subscriber => entry.author_name.clone(),
    };
    let files = entry.attachments.iter().map(|file| Attached {
        href: format!("/ticket-attachments/{}", file.id),
        name: file.name.clone(),
        size: format::bytes(lang, file.size_bytes.into()),
    });
    Said {
        look,
        author,
        how,
        at: format::instant(lang, entry.at, screen.zone),
        body: if look.is_change() { changed(screen, &entry.change) } else { entry.body.clone() },
        quoted: entry.quoted.clone(),
        files: files.collect(),
    }
}

/// What changed, in words.
fn changed<P: Needs>(screen: &Screen<P>, change: &Value) -> String {
    let word = |field: &str, value: &Value| match (field, value.as_str()) {
        ("status" | "priority" | "impact", Some(name)) => screen.t(&format!("ticket-{field}-{name}")),
        (_, Some(text)) => text.to_owned(),
        (_, None) => screen.t("ticket-nobody"),
    };
    let pairs = change.as_object().into_iter().flatten();
    let told = pairs.map(|(field, pair)| {
        let (from, to) = (word(field, &pair[0]), word(field, &pair[1]));
        i18n::t(screen.frame.lang, &format!("ticket-change-{field}"), &[("from", &from), ("to", &to)])
    });
    told.collect::<Vec<_>>().join(" · ")
}

async fn facts<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    ticket: &Ticket,
) -> Result<Vec<(String, Cell)>, Problem> {
    let mut facts = vec![
        (screen.t("ticket-response"), promise(screen, &ticket.response)),
        (screen.t("ticket-resolution"), promise(screen, &ticket.resolution)),
        (screen.t("ticket-assignee"), Cell::Text(ticket.assignee.clone().unwrap_or_else(|| screen.t("ticket-nobody")))),
        (screen.t("ticket-impact"), Cell::Text(screen.t(&format!("ticket-impact-{}", ticket.impact.name())))),
    ];
    if let Some(id) = ticket.subscriber_id {
        let name = ticket.subscriber.clone().unwrap_or_default();
        facts.push((screen.t("subscriber"), Cell::link(format!("/subscribers/{id}"), name)));
    }
    if let Some(id) = ticket.account_id {
        let number = subscribers::account(tx, id).await?.number;
        facts.push((screen.t("account"), Cell::link(format!("/accounts/{id}"), number)));
    }
    if let Some(id) = ticket.subscription_id {
        let sold = subscriptions::subscription(tx, id).await?;
        facts.push((screen.t("ticket-line"), Cell::link(format!("/subscriptions/{id}"), sold.plan_name)));
        let (tone, key) = (super::access_tone(&sold.access), format!("access-{}", sold.access));
        facts.push((screen.t("access"), Cell::status(tone, screen.t(&key))));
    }
    if let Some(id) = ticket.router_id {
        let name = network::router(tx, id).await?.name;
        facts.push((screen.t("router"), Cell::link(format!("/routers/{id}"), name)));
    }
    if let Some(id) = ticket.invoice_id {
        let number = billing::invoice(tx, id).await?.summary.number;
        facts.push((screen.t("ticket-invoice"), Cell::link(format!("/invoices/{id}"), number)));
    }
    if let Some(id) = ticket.merged_into {
        let kept = tickets::ticket(tx, id).await?;
        facts.push((screen.t("ticket-merged"), Cell::link(format!("/tickets/{id}"), kept.number)));
    }
    let opened = format::instant(screen.frame.lang, ticket.opened_at, screen.zone);
    facts.push((screen.t("ticket-opened"), Cell::Text(opened)));
    facts.push((screen.t("id"), Cell::Code(ticket.id.to_string())));
    Ok(facts)
}

/// What was refused, if it was this form.
fn of<'a>(form: &str, refused: &'a Option<Refused<'_>>) -> (Option<&'a Fields>, Option<&'a Problem>) {
    let refused = refused.as_ref().filter(|refused| refused.form == form);
    (refused.map(|refused| refused.fields), refused.map(|refused| refused.problem))
}

fn reply_form<P: Needs>(screen: &Screen<P>, ticket: &Ticket, draft: String, refused: &Option<Refused<'_>>) -> Writing {
    let (given, problem) = of("reply", refused);
    let fresh = Fields::of([("reply", draft), ("then", TicketStatus::Open.name().to_owned())]);
    let then = [TicketStatus::Open, TicketStatus::Waiting, TicketStatus::Solved].map(TicketStatus::name);
    let form = Asking::new(&screen.frame, given.unwrap_or(&fresh), problem)
        .ask("reply", "ticket-reply-words", Input::Lines)
        .ask("then", "ticket-then", choices(screen, "ticket-status", then))
        .inset(screen.t("ticket-reply"), format!("/tickets/{}/reply", ticket.id), "ticket-reply-send");
    Writing { form, files: "reply-files", files_error: String::new() }
}

fn note_form<P: Needs>(screen: &Screen<P>, id: TicketId, refused: &Option<Refused<'_>>) -> Writing {
    let (given, problem) = of("note", refused);
    let fresh = Fields::default();
    let form = Asking::new(&screen.frame, given.unwrap_or(&fresh), problem)
        .ask("note", "ticket-note", Input::Lines)
        .inset(screen.t("ticket-note-new"), format!("/tickets/{id}/note"), "ticket-note-add");
    Writing { form, files: "note-files", files_error: String::new() }
}

async fn manage<P: Needs>(
    screen: &Screen<P>,
    tx: &mut TenantTx,
    ticket: &Ticket,
    refused: &Option<Refused<'_>>,
) -> Result<Inset, Problem> {
    let (given, problem) = of("manage", refused);
    let fresh = Fields::of([
        ("assignee_id", ticket.assignee_id.map(|id| id.to_string()).unwrap_or_default()),
        ("status", ticket.status.name().to_owned()),
        ("priority", ticket.priority.name().to_owned()),
        ("impact", ticket.impact.name().to_owned()),
    ]);
    let ways = TicketStatus::ALL.into_iter().filter(|to| *to == ticket.status || ticket.status.may_become(*to));
    let ways = ways.map(|to| (to.name().to_owned(), screen.t(&format!("ticket-status-{}", to.name()))));
    let colleagues = colleagues(screen, tx).await?;
    Ok(Asking::new(&screen.frame, given.unwrap_or(&fresh), problem)
        .ask("assignee_id", "ticket-assignee", colleagues)
        .ask("status", "status", Input::Choice(ways.collect()))
        .ask("priority", "ticket-priority", choices(screen, "ticket-priority", Priority::ALL.map(Priority::name)))
        .ask("impact", "ticket-impact", choices(screen, "ticket-impact", Impact::ALL.map(Impact::name)))
        .inset(screen.t("ticket-manage"), format!("/tickets/{}", ticket.id), "save"))
}

fn merge_form<P: Needs>(screen: &Screen<P>, id: TicketId, refused: &Option<Refused<'_>>) -> Inset {
    let (given, problem) = of("merge", refused);
    let fresh = Fields::default();
    Asking::new(&screen.frame, given.unwrap_or(&fresh), problem)
        .ask("into", "ticket-merge-into", Input::Line("text"))
        .inset(screen.t("ticket-merge"), format!("/tickets/{id}/merge"), "ticket-merge-do")
}

async fn reply(
    screen: Screen<ManageTickets>,
    ApiPath(id): ApiPath<TicketId>,
    upload: Upload,
) -> Result<Response, Problem> {
    let then = TicketStatus::from_name(upload.fields.get("then"));
    written(&screen, id, ("reply", EntryKind::Reply), then, upload).await
}

async fn note(
    screen: Screen<ManageTickets>,
    ApiPath(id): ApiPath<TicketId>,
    upload: Upload,
) -> Result<Response, Problem> {
    written(&screen, id, ("note", EntryKind::Note), None, upload).await
}

async fn written(
    screen: &Screen<ManageTickets>,
    id: TicketId,
    (form, kind): (&'static str, EntryKind),
    then: Option<TicketStatus>,
    Upload { fields, files }: Upload,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = tickets::ticket(&mut tx, id).await?;
    let then = then.filter(|to| *to != before.status);
    let files = files.into_iter().map(|(name, content)| File { name, content }).collect();
    match tickets::write_with(&mut tx, id, kind, fields.get(form), then, files).await.map_err(Problem::from) {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(
                &format!("/tickets/{id}"),
                if form == "reply" { "done-ticket-reply" } else { "done-ticket-note" },
            ))
        }
        Err(mut problem) if is_about_the_form(&problem) => {
            drop(tx);
            // The form calls its question by what it is.
            problem.errors.iter_mut().filter(|error| error.field == "body").for_each(|error| error.field = form.into());
            shown(screen, id, false, Some(Refused { form, fields: &fields, problem: &problem })).await
        }
        Err(problem) => Err(problem),
    }
}

async fn change(
    screen: Screen<ManageTickets>,
    ApiPath(id): ApiPath<TicketId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    let before = tickets::ticket(&mut tx, id).await?;
    let status = TicketStatus::from_name(fields.get("status"));
    let priority = Priority::from_name(fields.get("priority"));
    let impact = Impact::from_name(fields.get("impact"));
    for (name, missing) in
        [("status", status.is_none()), ("priority", priority.is_none()), ("impact", impact.is_none())]
    {
        if missing {
            fields.refuse(name, "error-choose");
        }
    }
    let assignee = fields.read_option::<StaffId>("assignee_id", "error-choose");
    let problem = fields.problem();
    let changed = match problem.errors.is_empty() {
        true => {
            let change = TicketChange {
                status: status.filter(|to| *to != before.status),
                // Another impact brings its own priority, unless that was chosen, too.
                priority: priority.filter(|to| *to != before.priority),
                impact: impact.filter(|to| *to != before.impact),
                assignee_id: Some(assignee).filter(|to| *to != before.assignee_id),
            };
            tickets::change(&mut tx, id, change).await.map_err(Problem::from)
        }
        false => Err(problem),
    };
    match changed {
        Ok(_) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/tickets/{id}"), "done-saved"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, id, false, Some(Refused { form: "manage", fields: &fields, problem: &problem })).await
        }
        Err(problem) => Err(problem),
    }
}

async fn merge(
    screen: Screen<ManageTickets>,
    ApiPath(id): ApiPath<TicketId>,
    mut fields: Fields,
) -> Result<Response, Problem> {
    let mut tx = screen.begin().await?;
    tickets::ticket(&mut tx, id).await?;
    let number = fields.text("into").to_uppercase();
    let filter = TicketFilter { text: Some(number.clone()), ..TicketFilter::default() };
    let rows = tickets::tickets(&mut tx, super::MANY, &filter).await?;
    let merged = match rows.into_iter().find(|ticket| !number.is_empty() && ticket.number == number) {
        Some(kept) => tickets::merge(&mut tx, id, kept.id).await.map_err(Problem::from),
        None => {
            fields.refuse("into", "error-not-found-one");
            Err(fields.problem())
        }
    };
    match merged {
        Ok(kept) => {
            tx.commit().await?;
            Ok(see_saying(&format!("/tickets/{}", kept.ticket.id), "done-ticket-merged"))
        }
        Err(problem) if is_about_the_form(&problem) => {
            drop(tx);
            shown(&screen, id, false, Some(Refused { form: "merge", fields: &fields, problem: &problem })).await
        }
        Err(problem) => Err(problem),
    }
}

async fn attachment(screen: Screen<ViewTickets>, ApiPath(id): ApiPath<AttachmentId>) -> Result<Response, Problem> {
    let (name, media_type, content) = tickets::attachment(&mut screen.read().await?, id).await?;
    Ok(tickets::api::saved(&name, &media_type, content))
}
