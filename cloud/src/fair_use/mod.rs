//! Fair use: what a line used of its allowance, what its router did about it, and what can be bought on top.
//!
//! The rules are a plan's ([`crate::catalog`]), the router acts on them alone ([`crate::fleet::desired`]); here is what it
//! told, and the sale of top-ups and boosts. Either is charged on the account's next invoice by `billing`.

pub mod api;
pub mod boosts;
pub mod error;
mod metered;
mod model;
mod products;
mod report;
mod service;
mod store;

pub use boosts::{boost, boosts, cancel_boost, sell_boost};
pub use error::Error;
pub use model::{
    Boost, BoostProduct, BoostProductWish, BoostStatus, BoostWish, Rule, Standing, TopUp, TopUpProduct,
    TopUpProductWish, TopUpWish, Turn,
};
pub use products::{
    add_boost_product, add_product, boost_product, boost_products, product, products, retire_boost_product,
    retire_product,
};
pub use report::report;
pub use service::{sell, standing};
