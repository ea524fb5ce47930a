//! What subscribers ask and staff answer: tickets with their history, promises in working time, a computed first answer, and
//! e-mail as a way in.
//!
//! Start with [`open`] and [`write`]; what is likely wrong is [`diagnosis`]'s, what was promised `clocks`', what comes by
//! e-mail [`mail::receive`]'s. The subscribers' own pages go through [`portal`]. Replies are told, not sent, from here.

mod answer;
pub mod api;
mod attachments;
mod clocks;
mod conversation;
pub mod error;
mod events;
mod facts;
pub mod jobs;
pub mod mail;
mod model;
pub mod policy;
pub mod portal;
mod service;
mod store;

pub use answer::{Answer, answer, told};
pub use attachments::{FILES_MAX, SIZE_MAX};
pub use conversation::{change, merge, write, write_with};
pub use error::Error;
pub use facts::{diagnosis, diagnosis_now};
pub use model::{
    Attachment, Channel, Conversation, Entry, EntryKind, EntryWish, File, FileWish, Promise, Side, Ticket,
    TicketChange, TicketCounts, TicketFilter, TicketWish,
};
pub use service::{SOON, attachment, conversation, counts, open, ticket, tickets};
