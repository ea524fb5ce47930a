//! Where the network stands: sites, and the routers at them. What runs on a router is `fleet`'s.

pub mod api;
pub mod error;
mod model;
mod service;
mod store;

pub use error::Error;
pub use model::{Site, SiteWish};
pub use service::{add_site, change_site, remove_site, site, sites};
