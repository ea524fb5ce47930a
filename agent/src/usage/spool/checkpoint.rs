//! The newest checkpoint: two files written over in turn, so that a torn write leaves the one before.

use super::format::{self, PositionColumns, Sealed};
use super::{Error, Findings, Spool, replay};
use crate::store::disk::Disk;
use crate::store::frame;
use crate::usage::Positions;
use prost::Message;
use weir_protocol::usage::Record;

/// The two files. Logs of revision 1 have the first alone, replaced as a whole.
const FILES: [&str; 2] = ["open", "open-2"];

/// What is known of the two files.
#[derive(Debug, Default)]
pub(super) struct Open {
    /// Bytes they take.
    sizes: [u64; 2],
    /// The one that holds the newest.
    newest: usize,
    /// Its number.
    number: u64,
}

impl Open {
    pub fn bytes(&self) -> u64 {
        self.sizes.iter().sum()
    }
}

impl<D: Disk> Spool<D> {
    /// Writes the open record over the one before the newest, in case the next seal never comes.
    pub fn checkpoint(&mut self, record: Record, positions: &Positions) -> Result<(), Error> {
        // What was reported as failed may be there all the same, and this goes on from before it.
        self.leave_failed()?;
        let (number, n) = (self.open.number + 1, 1 - self.open.newest);
        let record = self.chained(record).encode_to_vec();
        let sealed = Sealed { record, positions: Some(PositionColumns::from(positions)), number };
        let bytes = frame::encode(format::CHECKPOINT, &sealed.encode_to_vec());
        let length = bytes.len() as u64;
        if self.open.sizes[n] < length {
            // Some room for lines that come: growing costs the file system more than writing over.
            let grown = length.next_power_of_two();
            self.make_room(grown - self.open.sizes[n])?;
            self.open.sizes[n] = self.allocate(FILES[n], grown, length)?;
        }
        self.disk.write_at(FILES[n], 0, &bytes)?;
        self.disk.sync(FILES[n])?;
        (self.open.newest, self.open.number) = (n, number);
        Ok(())
    }

    /// Finds the newest checkpoint that goes on where the log ends.
    pub(super) fn take_checkpoint(&mut self, findings: &mut Findings) {
        for (n, name) in FILES.into_iter().enumerate() {
            // What cannot be read keeps nobody from enforcing.
            let Ok(bytes) = self.disk.read(name) else { continue };
            self.open.sizes[n] = bytes.len() as u64;
            let sealed = frame::at(&bytes, 0).and_then(|found| Sealed::decode(found.body).ok());
            let Some(sealed) = sealed.filter(|sealed| sealed.number >= self.open.number) else { continue };
            (self.open.newest, self.open.number) = (n, sealed.number);
            if let Some((record, _, positions)) = replay::parts(sealed)
                && self.follows(&record)
                && record.boot_id == self.boot.as_bytes()
            {
                findings.checkpoint = Some((record, positions));
            }
        }
    }
}
