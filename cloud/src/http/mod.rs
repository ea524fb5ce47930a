//! How a request becomes a call: server, router, who is asking, what may be read from a request, paging.

pub mod csv;
pub mod dev_clock;
pub mod download;
pub mod extract;
pub mod middleware;
pub mod page;
pub mod paging;
pub mod peer;
pub mod permission;
pub mod router;
pub mod server;
pub mod staff;
pub mod toast;

pub use extract::{ApiJson, ApiPath, ApiQuery};
pub use staff::Staff;
