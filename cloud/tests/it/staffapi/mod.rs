//! Staff and API: the audit log, sessions, the second step, API keys, webhooks, imports.

mod api_keys;
mod audit;
mod imports;
mod second_step;
mod sessions;
pub mod webhooks;
