//! Those who do not pay: policies, cases, forecasts, fees, promises, and being let go.

mod fees;
mod forecast;
mod life;
mod pages;
mod policy;
mod promises;
mod world;
