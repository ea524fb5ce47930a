//! Rules a tenant brings as WebAssembly components. A plugin only decides; this slice asks it, checks the answer against
//! guard rails, records the call, and leaves the doing to the core.
//!
//! Guests never run in this process: [`Runners`] keeps processes that do. Start with [`upload`], then [`activate`];
//! billing asks [`quote`], events reach [`listen`].

mod answers;
pub mod api;
mod calls;
mod dry_run;
mod effects;
pub mod error;
pub mod jobs;
mod listening;
mod model;
mod pricing;
mod runners;
mod service;
mod store;
mod versions;

pub use calls::{invocation, invocations, replay, retry};
pub use dry_run::dry_run;
pub use error::Error;
pub use listening::listen;
pub use model::{
    Difference, DryRun, EFFECTS, Invocation, InvocationSummary, NewPlugin, Outcome, Plugin, PluginStatus, PricedBy,
    Settings, SettingsWish, Stats, Version, VersionState,
};
pub use pricing::{Quote, Quoted, Rule, pricing_rule, quote, still_holds};
pub use runners::Runners;
pub use service::{add, notes, plugin, plugins, resume, set, stats};
pub use versions::{activate, disable, roll_back, upload, version, versions};
