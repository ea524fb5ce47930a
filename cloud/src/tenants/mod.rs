//! The ISPs that use this service: what they say of themselves on invoices, in the walled garden, in their own colour.

pub mod api;
pub mod error;
mod model;
pub mod numbering;
mod service;
mod store;

pub use error::Error;
pub use model::{LANGUAGES, NewTenant, Recognition, TaxRounding, Tenant, TenantChange};
pub use service::{change, create, named, slug, tenant};
