//! People who want to become subscribers: they place an order, staff approve it, which makes them one, or decline.
//!
//! What is sold at last, on which router and with which addresses, staff decide after [`approve`].

pub mod api;
pub mod error;
mod model;
mod service;
mod store;

pub use error::Error;
pub use model::{Decline, Order, OrderFilter, OrderStatus, OrderWish, Place};
pub use service::{approve, decline, order, orders, place, waiting};
