//! Staff, their sessions, and the record of what they changed. Subscribers log in elsewhere.
//!
//! Start at [`log_in`] and [`who_is`]; what a person may do stands in [`crate::http::permission`].

pub mod api;
pub(crate) mod api_keys;
mod device;
pub mod error;
pub mod jobs;
mod log_in;
mod members;
mod model;
pub(crate) mod password;
mod second_step;
mod service;
mod sessions;
mod store;
mod totp;

pub use api_keys::{ApiKey, MadeApiKey, NewApiKey, api_key, api_keys, make_api_key, revoke_api_key, scopes_of};
pub use device::Device;
pub use error::Error;
pub use log_in::{LogIn, begin_log_in, finish_log_in, forget_old_attempts, log_in, log_in_at_once};
pub(crate) use log_in::{count_attempt, forget_attempts};
pub use members::{
    answering_for_money, change_member, change_password, invitation, invitations, invite, join, member, members,
    withdraw,
};
pub use model::{
    By, Caller, Correspondent, Enrolment, Invitation, Member, MemberChange, NewInvitation, NewStaff, Person,
    SecondStep, SentInvitation, Session, SessionView,
};
pub use second_step::{
    begin_second_step, begun_second_step, confirm_second_step, is_second_step_required, remove_second_step,
    renew_recovery_codes, require_second_step, reset_second_step, second_step,
};
pub use service::{add_staff, change_preferences, log_out, name_of, who_is};
pub(crate) use service::{digest, new_token, normalise};
pub use sessions::{end_session, end_sessions, session_owner, sessions, still_may};
