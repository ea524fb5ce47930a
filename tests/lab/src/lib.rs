//! The lab: an ISP in a box, on real packets.
//!
//! One process tree in its own user, process, mount and network namespaces holds a router, subscribers, an internet and
//! a cloud, each in its own network namespace. It works as root and without, can't reach the host's network, and is gone
//! when the program that made it is gone, whatever ended it.
//! It is not a simulation: the programs and the kernel are the real ones.
//! Start at [`Lab`]; `enclosure` makes the namespaces, `inside` runs in them, `outside` talks to it.

mod api;
mod clock;
mod cloud;
pub mod demo;
pub mod enclosure;
pub mod inside;
mod isp;
mod lab;
pub mod origin;
mod outside;
pub mod pilot;
mod programs;
pub mod provider;
mod subscriber;
mod topology;
mod traffic;
mod wire;

pub use api::{Api, Problem, slug};
pub use clock::{Limit, local_day, now_us, until};
pub use cloud::Role;
pub use isp::{Crossing, Faults, Isp, Line, PlanTerms, StaffLogin, bytes_of, ms_between};
pub use lab::{Lab, Options, Router};
pub use outside::{Inside, Output, Process};
pub use programs::program;
pub use subscriber::Subscriber;
pub use topology::{
    CLOUD_ADDRESS, GATEWAY_PORT, INTERNET_V4, INTERNET_V6, PUBLIC_NETWORK, Place, subscriber_mac, subscriber_v4,
    subscriber_v6,
};
pub use traffic::{Amount, Carried, Direction, Family, Flow, Load};
pub use wire::{Answer, Counters, Probe};
