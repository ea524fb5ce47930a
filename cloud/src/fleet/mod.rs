//! Agents: their identity, what they should hold, what they hold. How they are spoken to is `roles::gateway`.

pub mod access_points;
pub mod api;
pub mod authority;
pub mod certificates;
pub mod clocks;
mod clones;
pub mod desired;
mod drift;
pub mod enrollment;
pub mod error;
pub mod events;
mod fair_use;
pub mod gateways;
pub mod held;
pub mod jobs;
mod model;
mod pay_hosts;
pub mod pools;
mod port_blocks;
pub(crate) mod positions;
pub mod refusals;
pub mod renewal;
pub mod roots;
mod routers;
mod service;
pub mod sessions;
mod store;
pub mod unknown_hosts;

pub use error::Error;
pub use model::{Agent, EnforcedLine, Enforcement};
pub use routers::change_router;
pub use service::{agent, agent_of, agents, confirm_removals, enforcement, revoke};
