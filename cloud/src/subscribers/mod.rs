//! Who buys access, what is billed, and where access ends. What is sold to them is `subscriptions`.

pub mod api;
pub mod error;
mod model;
mod payers;
mod search;
mod service;
mod store;

pub use error::Error;
pub use model::{
    Account, AccountWish, Holder, Location, LocationWish, PaidAccount, PayerWish, Subscriber, SubscriberWish,
};
pub use payers::{end_payer, paid_by, set_payer};
pub use search::{AccountHit, LocationHit, find_accounts, find_locations, find_subscribers};
pub use service::{
    account, account_numbered, accounts, add_account, add_location, add_subscriber, change_subscriber, holders,
    location, locations, normalise, pay_address, subscriber, subscribers,
};
