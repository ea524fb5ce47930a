//! What is added to a ticket: replies, notes, changes. Every change of a ticket is an entry of its history.

use serde_json::{Map, Value, json};
use weir_rules::support::priority::priority;
use weir_rules::support::status::{TicketStatus, after_subscriber_reply};

use super::attachments::Checked;
use super::service::{self, Links};
use super::{
    Channel, Conversation, EntryKind, EntryWish, Error, File, Side, Ticket, TicketChange, attachments, clocks, events,
    policy, store,
};
use crate::audit;
use crate::db::TenantTx;
use crate::error::FieldError;
use crate::ids::{StaffId, SubscriberId, TicketEntryId, TicketId};

/// Characters of an entry at most.
pub(super) const BODY_MAX: usize = 20_000;

/// Who writes.
#[derive(Clone, Debug)]
pub(super) struct Author {
    pub side: Side,
    pub id: String,
    pub name: String,
    pub channel: Channel,
}

impl Author {
    pub(super) fn staff(id: StaffId, name: String) -> Self {
        Self { side: Side::Staff, id: id.to_string(), name, channel: Channel::Staff }
    }

    pub(super) fn system(id: String) -> Self {
        Self { side: Side::System, id, name: String::new(), channel: Channel::Staff }
    }

    pub(super) fn subscriber(id: SubscriberId, name: String, channel: Channel) -> Self {
        Self { side: Side::Subscriber, id: id.to_string(), name, channel }
    }
}

/// What is written, and what it repeats of those before it.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub body: String,
    pub quoted: String,
}

impl Words {
    pub(super) fn plain(text: &str) -> Self {
        Self { body: text.replace("\r\n", "\n").trim().to_owned(), quoted: String::new() }
    }

    pub(super) fn check(&self, errors: &mut Vec<FieldError>) {
        if self.body.trim().is_empty() {
            errors.push(FieldError::new("body", "must not be empty"));
        } else if self.body.chars().count() > BODY_MAX {
            errors.push(FieldError::new("body", format!("must have at most {BODY_MAX} characters")));
        }
    }
}

/// An entry to be appended.
pub(super) struct NewEntry {
    pub kind: EntryKind,
    pub author: Author,
    pub words: Words,
    pub change: Value,
}

/// What opens a ticket.
pub(super) fn first(author: &Author, words: Words) -> NewEntry {
    NewEntry { kind: EntryKind::Reply, author: author.clone(), words, change: json!({}) }
}

/// Appends an entry with its files to a ticket that is locked or new.
pub(super) async fn append(
    tx: &mut TenantTx,
    ticket: &Ticket,
    entry: NewEntry,
    files: Vec<Checked>,
) -> Result<TicketEntryId, Error> {
    let id = tx.new_id();
    store::entries::insert(tx, ticket.id, id, &entry).await?;
    for file in files {
        store::entries::insert_attachment(tx, id, &file).await?;
    }
    Ok(id)
}

/// Adds a reply or a note of the staff's.
pub async fn write(tx: &mut TenantTx, id: TicketId, wish: EntryWish) -> Result<Conversation, Error> {
    let files = attachments::decode(&wish.attachments)?;
    write_with(tx, id, wish.kind, &wish.body, wish.status, files).await
}

/// As [`write`], with files as they were sent.
pub async fn write_with(
    tx: &mut TenantTx,
    id: TicketId,
    kind: EntryKind,
    body: &str,
    status: Option<TicketStatus>,
    files: Vec<File>,
) -> Result<Conversation, Error> {
    let (words, mut errors) = (Words::plain(body), Vec::new());
    words.check(&mut errors);
    if kind == EntryKind::Change {
        errors.push(FieldError::new("kind", "must be reply or note"));
    }
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let files = attachments::check_all(files)?;
    let mut ticket = service::locked(tx, id).await?;
    if kind == EntryKind::Reply && ticket.status == TicketStatus::Closed {
        return Err(Error::Closed(ticket.number));
    }
    let author = Author::acting(tx).await?;
    clocks::note_missed(tx, &mut ticket).await?;
    let entry = NewEntry { kind, author: author.clone(), words: words.clone(), change: json!({}) };
    let entry_id = append(tx, &ticket, entry, files).await?;
    let mut wanted = status;
    if kind == EntryKind::Reply {
        clocks::answered(&mut ticket, tx.at());
        let opens = ticket.status == TicketStatus::New && wanted.is_none();
        wanted = if opens { Some(TicketStatus::Open) } else { wanted };
    }
    let change = TicketChange { status: wanted.filter(|to| *to != ticket.status), ..TicketChange::default() };
    alter(tx, &mut ticket, change, &author).await?;
    let action = if kind == EntryKind::Reply { "reply to ticket" } else { "note on ticket" };
    audit::record(tx, action, id, json!({ "entry": entry_id })).await?;
    if kind == EntryKind::Reply {
        events::replied(tx, &ticket, entry_id, &author, &words.body).await?;
    }
    service::conversation(tx, id).await
}

/// Changes where a ticket stands, whose it is, how much it matters.
pub async fn change(tx: &mut TenantTx, id: TicketId, wish: TicketChange) -> Result<Conversation, Error> {
    let mut ticket = service::locked(tx, id).await?;
    let author = Author::acting(tx).await?;
    clocks::note_missed(tx, &mut ticket).await?;
    alter(tx, &mut ticket, wish, &author).await?;
    service::conversation(tx, id).await
}

/// Makes a change, writes it down, and saves the ticket; a change of nothing writes nothing down.
pub(super) async fn alter(
    tx: &mut TenantTx,
    ticket: &mut Ticket,
    wish: TicketChange,
    author: &Author,
) -> Result<(), Error> {
    let (before, now) = (ticket.clone(), tx.at());
    if let Some(assignee) = wish.assignee_id {
        let member = match assignee {
            Some(id) => Some(service::assignable(tx, id).await?),
            None => None,
        };
        ticket.assignee_id = member.as_ref().map(|member| member.id);
        ticket.assignee = member.map(|member| member.name);
    }
    if let Some(impact) = wish.impact.filter(|impact| *impact != ticket.impact) {
        ticket.impact = impact;
        let links = Links { account: ticket.account_id, subscription: ticket.subscription_id, ..Links::default() };
        ticket.priority = priority(service::weight(tx, links).await?, impact);
    }
    ticket.priority = wish.priority.unwrap_or(ticket.priority);
    let rules = policy::policy(tx).await?;
    let hours = policy::hours(tx, &rules).await?;
    if ticket.priority != before.priority {
        clocks::retarget(ticket, rules.target(ticket.priority), &hours, now);
    }
    if let Some(to) = wish.status.filter(|to| *to != ticket.status) {
        if !ticket.status.may_become(to) {
            return Err(Error::StatusBlocked { from: ticket.status.name(), to: to.name() });
        }
        ticket.status = to;
        ticket.solved_at = if to == TicketStatus::Solved { Some(now) } else { ticket.solved_at };
        ticket.closed_at = if to == TicketStatus::Closed { Some(now) } else { None };
        clocks::follow(ticket, &hours, now);
    }
    let change = difference(&before, ticket);
    if change.is_empty() {
        ticket.changed_at = now;
        return Ok(store::update(tx, ticket).await?);
    }
    ticket.changed_at = now;
    let entry = NewEntry {
        kind: EntryKind::Change,
        author: author.clone(),
        words: Words::default(),
        change: Value::Object(change.clone()),
    };
    append(tx, ticket, entry, Vec::new()).await?;
    store::update(tx, ticket).await?;
    audit::record(tx, "change ticket", ticket.id, Value::Object(change)).await?;
    if ticket.status == TicketStatus::Solved && before.status != TicketStatus::Solved {
        events::solved(tx, ticket).await?;
    }
    Ok(())
}

/// What differs, `[from, to]` by field.
fn difference(before: &Ticket, after: &Ticket) -> Map<String, Value> {
    let pairs = [
        ("status", json!(before.status), json!(after.status)),
        ("priority", json!(before.priority), json!(after.priority)),
        ("impact", json!(before.impact), json!(after.impact)),
        ("assignee", json!(before.assignee), json!(after.assignee)),
    ];
    let changed = pairs.into_iter().filter(|(_, from, to)| from != to);
    changed.map(|(field, from, to)| (field.to_owned(), json!([from, to]))).collect()
}

/// Adds what a subscriber wrote to a ticket, or to the one it was merged into; tells which. `None` when the ticket is over
/// and the words begin another one.
pub(super) async fn hear(
    tx: &mut TenantTx,
    id: TicketId,
    author: &Author,
    words: Words,
    files: Vec<Checked>,
) -> Result<Option<TicketId>, Error> {
    let mut errors = Vec::new();
    words.check(&mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let mut ticket = service::locked(tx, id).await?;
    while let Some(kept) = ticket.merged_into {
        ticket = service::locked(tx, kept).await?;
    }
    let id = ticket.id;
    let reopen_days = policy::policy(tx).await?.reopen_days.unsigned_abs();
    let Some(status) = after_subscriber_reply(ticket.status, ticket.solved_at, tx.at(), reopen_days) else {
        return Ok(None);
    };
    clocks::note_missed(tx, &mut ticket).await?;
    let body = words.body.clone();
    let entry = NewEntry { kind: EntryKind::Reply, author: author.clone(), words, change: json!({}) };
    let entry = append(tx, &ticket, entry, files).await?;
    alter(tx, &mut ticket, TicketChange { status: Some(status), ..TicketChange::default() }, author).await?;
    audit::record(tx, "reply to ticket", id, json!({ "entry": entry, "author": author.id })).await?;
    events::replied(tx, &ticket, entry, author, &body).await?;
    Ok(Some(id))
}

/// Closes what was solved and stayed so.
pub(super) async fn close_by_itself(tx: &mut TenantTx, id: TicketId) -> Result<(), Error> {
    let mut ticket = service::locked(tx, id).await?;
    let author = Author::acting(tx).await?;
    let close = TicketChange { status: Some(TicketStatus::Closed), ..TicketChange::default() };
    alter(tx, &mut ticket, close, &author).await
}

/// Closes a ticket because another one is about the same; what comes for it is added to that one.
pub async fn merge(tx: &mut TenantTx, id: TicketId, into: TicketId) -> Result<Conversation, Error> {
    // Always in the same order, so that two who merge crosswise do not wait for each other.
    for one in [id.min(into), id.max(into)] {
        store::lock(tx, one).await?;
    }
    let (mut duplicate, kept) = (service::ticket(tx, id).await?, service::ticket(tx, into).await?);
    let alike = duplicate.subscriber_id == kept.subscriber_id || duplicate.subscriber_id.is_none();
    let over = kept.status == TicketStatus::Closed || duplicate.status == TicketStatus::Closed;
    if id == into || !alike || over {
        return Err(Error::MergeBlocked(duplicate.number, kept.number));
    }
    let author = Author::acting(tx).await?;
    clocks::note_missed(tx, &mut duplicate).await?;
    duplicate.merged_into = Some(into);
    let close = TicketChange { status: Some(TicketStatus::Closed), ..TicketChange::default() };
    alter(tx, &mut duplicate, close, &author).await?;
    for (ticket, change) in [
        (&duplicate, json!({ "merged_into": [null, kept.number] })),
        (&kept, json!({ "merged_from": [null, duplicate.number] })),
    ] {
        let entry = NewEntry { kind: EntryKind::Change, author: author.clone(), words: Words::default(), change };
        append(tx, ticket, entry, Vec::new()).await?;
    }
    audit::record(tx, "merge ticket", id, json!({ "into": into })).await?;
    service::conversation(tx, into).await
}
