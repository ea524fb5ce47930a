//! What subscribers may do by themselves: sign in, see what is theirs, change their plan, buy more volume or a faster time. Its pages are in `pages::portal`.
//!
//! Start at [`sign_in`] and [`who_is`]. Everything here and there is asked on behalf of one subscriber, and [`own`]
//! answers for nobody else: what belongs to another is not there.

pub mod api;
mod boosts;
pub mod error;
pub mod jobs;
mod links;
mod model;
mod own;
mod plans;
mod settings;
mod sign_in;
mod store;
mod top_ups;

pub use boosts::{boosts, buy_boost};
pub use error::Error;
pub use links::{LinkState, link, make_link, request_link, set_password};
pub use model::{Door, Link, PortalLogin, PortalSettings, PortalSettingsChange, Session};
pub use own::{account, accounts, credit_note, invoice, line, lines, proforma};
pub use plans::{Changed, change_plan, choices};
pub use settings::{address, change_settings, door, door_of_host, settings};
pub use sign_in::{login, sign_in, sign_out, sign_out_everywhere, who_is};
pub use top_ups::{buy_top_up, top_ups};
