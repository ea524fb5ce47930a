//! What an ISP writes to people: by e-mail through any mail server, by short message through any HTTP gateway.
//!
//! A message is a row written in the transaction of its cause and sent later by a job: never lost, and written once per
//! cause however often its news arrives. Start with [`send`]; [`listen`] turns events into messages, `deliver` sends.

pub mod api;
mod compose;
mod deliver;
mod email;
pub mod error;
pub mod jobs;
mod listen;
mod model;
mod service;
mod settings;
mod sms;
mod store;
mod template;
mod wording;

pub use compose::{Fact, Facts, SAMPLE_NAME, preview};
pub use error::Error;
pub use listen::listen;
pub use model::{
    Attempt, Channel, EmailSettings, EmailWish, Message, MessageFilter, MessageStatus, MessageText, Preview, Security,
    Settings, SmsMethod, SmsSettings, SmsType, SmsWish, TemplateSettings, TemplateWish, Tested, Wording,
};
pub use service::{Notice, Recipient, cause_of, message, messages, send, send_again};
pub use settings::{change_email, change_sms, settings, test};
pub use template::Template;
pub use wording::{change_template, template, templates};
