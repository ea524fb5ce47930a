//! Placeholder.
pub mod money { #[derive(Debug,thiserror::Error)] #[error("x")] pub struct E; pub struct Currency; impl std::str::FromStr for Currency { type Err=E; fn from_str(_:&str)->Result<Self,E>{Ok(Self)} } }
