//! What happens to those who do not pay: reminders, late fees, throttled and walled lines, promises, and being let go.
//!
//! Decisions are `weir_rules::dunning`'s; here standings are read ([`standing`]), plans carried out ([`check_account`]),
//! and asked what they will be ([`forecast`]). Fees are documents of billing; no other money is touched. Start with [`check`].

pub mod api;
mod cases;
mod check;
pub mod error;
mod fees;
mod forecast;
mod holds;
pub mod jobs;
mod model;
mod news;
mod policies;
mod policy_check;
mod preview;
mod standing;
mod store;

pub use cases::{CaseFilter, case, case_of, cases, pause, promise, resume};
pub use check::{check, check_account, listen, released_at};
pub use error::Error;
pub use fees::waive;
pub use forecast::{forecast, next_of};
pub use model::{
    Case, CaseStep, CaseSummary, Checked, ExpectedStep, FeeBody, Forecast, LateFee, Pause, PauseWish, PolicyBody,
    PolicyVersion, PolicyWish, Preview, PreviewStep, Promise, PromiseStatus, PromiseWish, RestDaysName, RetriesBody,
    StepBody, StepName, WaiveWish,
};
pub use policies::{policy, restore, save, version, versions};
pub use preview::preview;
