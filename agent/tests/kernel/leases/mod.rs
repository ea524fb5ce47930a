//! Real DHCP servers and the real hooks on a router whose lines are known by name: who is leased an address is a line.

mod dnsmasq;
mod kea;
mod pppd;
mod story;
