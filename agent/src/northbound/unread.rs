//! Usage records the cloud cannot read: it can only close the connection over one, so it is remembered here which came to
//! nothing again and again. Pure.

use std::collections::BTreeMap;

use crate::usage::spool::Epoch;

/// Connections that are closed over a record before its epoch is held: an answer may be lost with one.
const TRIES: u32 = 3;

/// What is known of such records since the agent started.
#[derive(Debug, Default)]
pub struct Unread {
    /// The record the last connection was closed over, and how many in a row were.
    last: Option<(Epoch, u64, u32)>,
    held: BTreeMap<Epoch, u64>,
}

impl Unread {
    /// Notes that a connection was closed over this record, which nobody answered.
    pub fn note(&mut self, epoch: Epoch, seq: u64) {
        let times = match self.last {
            Some((of, at, times)) if (of, at) == (epoch, seq) => times + 1,
            Some(_) | None => 1,
        };
        self.last = Some((epoch, seq, times));
        if times >= TRIES {
            self.held.insert(epoch, seq);
        }
    }

    /// Epochs that are held, each with its record.
    pub fn held(&self) -> impl Iterator<Item = (&Epoch, u64)> {
        self.held.iter().map(|(epoch, seq)| (epoch, *seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_held_after_three_tries_of_the_same_record() {
        let mut unread = Unread::default();
        for (epoch, seq) in [([1; 8], 4), ([1; 8], 5), ([1; 8], 5), ([2; 8], 5), ([1; 8], 5), ([1; 8], 5)] {
            unread.note(epoch, seq);
            assert_eq!(unread.held().count(), 0);
        }
        unread.note([1; 8], 5);
        assert_eq!(unread.held().collect::<Vec<_>>(), [(&[1; 8], 5)]);
    }
}
