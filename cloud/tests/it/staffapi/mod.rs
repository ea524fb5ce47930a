//! Staff and API: the audit log, sessions, the second step, API keys, webhooks, imports.

mod audit;
mod sessions;
