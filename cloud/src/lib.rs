//! The control plane of Weir: what an ISP's staff, routers and subscribers talk to.
//!
//! Read in this order: [`app`] (what everything is handed), [`db`] (transactions that belong to a tenant),
//! [`http`] (how a request becomes a call), then the slices, each a concept of the business in one folder.
//! A slice calls only those before it in this order: audit, events, idempotency, tenants, access, network, subscribers, catalog,
//! translation, fleet, subscriptions, usage, fair_use, quality, diagnostics, plugins, ledger, taxes, billing, deals, dunning, payments, books, statements, notifications, webhooks, imports,
//! analytics, live, tickets, orders, portal, pages. News travels the other way as events.

pub mod app;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod links;
pub mod outward;
pub mod roles;
pub mod secrets;

pub mod access;
pub mod analytics;
pub mod audit;
pub mod billing;
pub mod books;
pub mod catalog;
pub mod deals;
pub mod diagnostics;
pub mod dunning;
pub mod events;
pub mod fair_use;
pub mod fleet;
pub mod idempotency;
pub mod imports;
pub mod ledger;
pub mod live;
pub mod network;
pub mod notifications;
pub mod orders;
pub mod pages;
pub mod payments;
pub mod plugins;
pub mod portal;
pub mod quality;
pub mod statements;
pub mod subscribers;
pub mod subscriptions;
pub mod taxes;
pub mod tenants;
pub mod tickets;
pub mod translation;
pub mod usage;
pub mod webhooks;
