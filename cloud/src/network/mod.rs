//! Where the network stands: sites, and the routers at them. What runs on a router is `fleet`'s.

pub mod api;
pub mod error;
mod model;
mod routers;
mod service;
mod store;

pub use error::Error;
pub use model::{Router, RouterWish, Site, SiteWish};
pub use routers::{add_router, change_router, find_routers, lock_router, remove_router, router, routers};
pub use service::{add_site, change_site, find_sites, remove_site, site, sites};
