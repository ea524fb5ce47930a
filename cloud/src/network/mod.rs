//! Where the network stands: sites, the routers at them, and the access points below those. What runs on a router is `fleet`'s.

mod access_points;
pub mod api;
pub mod error;
mod model;
mod routers;
mod service;
mod store;

pub use access_points::{
    access_point, access_points, access_points_of, add_access_point, change_access_point, find_access_points,
    lines_behind, remove_access_point,
};
pub use error::Error;
pub use model::{AccessPoint, AccessPointChange, AccessPointWish, Router, RouterWish, Site, SiteWish, UnknownHosts};
pub use routers::{
    add_router, change_router, check_not_public, find_routers, lock_router, remove_router, router, routers,
};
pub use service::{add_site, change_site, find_sites, remove_site, site, sites};
