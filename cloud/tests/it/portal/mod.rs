//! The portal: signing in, what is one's own and nobody else's, plans, orders, a host name of one's own.

mod boosts;
mod harness;
mod home;
mod orders;
mod own;
mod sign_in;
mod top_ups;
