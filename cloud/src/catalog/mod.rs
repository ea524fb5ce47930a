//! What is sold: plans, and their versions. A version never changes; a better offer is a new version.

pub mod api;
pub mod error;
mod fair_use;
mod model;
mod phases;
mod service;
mod store;
mod traffic;

pub use error::Error;
pub use fair_use::{NotATime, Step, Throttle, TimeOfDay, Weekday, Window};
pub use model::{Amount, BillingPeriod, BillingTiming, Overage, Plan, PlanChange, PlanVersion, PlanWish, VersionWish};
pub use phases::{Phase, PhaseWish};
pub use service::{add_plan, add_version, change_plan, offered, plan, plans, proposed, retire, version};
pub(crate) use service::{check_amount as check_price, check_bytes as check_volume, check_rate};
pub use traffic::{TrafficMode, TrafficPrice, TrafficTier};
