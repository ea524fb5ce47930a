//! The product's life as stories: real programs, a real database, a real kernel, real packets; nothing is played.
//!
//! One file a story, in the order of an ISP's life. [`world`] holds the ISP most of them happen to; each story brings its
//! own households and leaves the rest as it found it, so any of them can be told alone.

mod s01_first_boot;
mod s02_enroll;
mod s03_sell_and_shape;
mod s04_usage;
mod s05_bill_a_month;
mod s06_suspend_and_restore;
mod s07_cloud_away;
mod s08_killed_agent;
mod s09_killed_gateway;
mod s10_reboot_without_cloud;
mod s11_roles_apart;
mod s12_second_isp;
mod s13_fair_use;
mod s14_known_by_name;
mod s15_probe;
mod s16_who_had_this_port;
mod world;
