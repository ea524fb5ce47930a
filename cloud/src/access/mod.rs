//! Staff, their sessions, and the record of what they changed. Subscribers log in elsewhere.
//!
//! Start at [`log_in`] and [`who_is`]; what a person may do stands in [`crate::http::permission`].

pub mod api;
mod device;
pub mod error;
pub mod jobs;
mod members;
mod model;
pub(crate) mod password;
mod service;
mod sessions;
mod store;

pub use device::Device;
pub use error::Error;
pub use members::{change_member, change_password, invitation, invitations, invite, join, member, members, withdraw};
pub use model::{
    Caller, Invitation, Member, MemberChange, NewInvitation, NewStaff, Person, SentInvitation, Session, SessionView,
};
pub use service::{add_staff, change_preferences, forget_old_attempts, log_in, log_out, name_of, who_is};
pub(crate) use service::{count_attempt, digest, forget_attempts, new_token, normalise};
pub use sessions::{end_session, end_sessions, session_owner, sessions, still_may};
