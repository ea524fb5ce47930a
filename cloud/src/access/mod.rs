//! Staff, their sessions, and the record of what they changed. Subscribers log in elsewhere.
//!
//! Start at [`log_in`] and [`who_is`]; what a person may do stands in [`crate::http::permission`].

pub mod api;
pub mod error;
pub mod jobs;
mod members;
mod model;
pub(crate) mod password;
mod service;
mod store;

pub use error::Error;
pub use members::{change_member, change_password, invitation, invitations, invite, join, member, members, withdraw};
pub use model::{Invitation, Member, MemberChange, NewInvitation, NewStaff, Person, SentInvitation, Session};
pub use service::{add_staff, change_preferences, log_in, log_out, name_of, who_is};
pub(crate) use service::{digest, new_token, normalise, wait_until};
