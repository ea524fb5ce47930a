//! The Linux southbound on a real kernel.

mod boot;
mod change;
mod diagnoses;
mod disk;
mod drift;
mod fair_use;
mod garden;
mod leases;
mod lost;
mod measure;
mod names;
mod net;
mod nodes;
mod port_blocks;
mod quality;
mod shaping;
mod shards;
mod sharing;
mod unknown;
mod untracked;
