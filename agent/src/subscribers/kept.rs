//! The leases on disk, so that a restart or a reboot enforces at once who had what.

use std::io;

use uuid::Uuid;

use super::book::{Book, Kept};
use crate::store::disk::Disk;

const FILE: &str = "leases.json";

/// The book as it was left. One that cannot be read is begun anew: the servers' files bring back what they hold.
pub fn open(disk: &impl Disk, boot: Uuid) -> Book {
    let kept = match disk.read(FILE) {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|error| {
            tracing::error!(%error, "{FILE} is damaged; leases are learned anew");
            Kept::default()
        }),
        Err(error) => {
            if error.kind() != io::ErrorKind::NotFound {
                tracing::error!(%error, "{FILE} cannot be read; leases are learned anew");
            }
            Kept::default()
        }
    };
    Book::open(kept, boot)
}

/// Keeps the book.
pub fn save(disk: &mut impl Disk, book: &Book, boot: Uuid) -> io::Result<()> {
    disk.replace(FILE, &serde_json::to_vec(&book.keep(boot))?)
}
