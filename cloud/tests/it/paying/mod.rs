//! Paying: cards through a provider, transfers, refunds, and what must stay true whatever goes wrong on the way.

mod bank;
mod cards;
mod contract;
mod convergence;
mod disputes;
mod localstripe;
mod races;
mod shop;
mod trouble;
mod visible;
mod year;
