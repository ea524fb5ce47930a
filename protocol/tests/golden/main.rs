//! What is on the wire stays on the wire: golden bytes of every revision, and properties of every message.
//!
//! [`messages`] has a sample of every message with every field set; a field added there or a message added to the
//! crate does not compile, or does not pass, before it is listed. [`revisions`] compares with the files under
//! `protocol/golden/<revision>/`; [`properties`] throws arbitrary bytes and arbitrary messages at the code.

mod messages;
mod properties;
mod revisions;
mod source;
