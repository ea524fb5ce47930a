//! The names agents' packets have here. Each is marked with a key of the installation, so that a gateway knows those that the
//! one before it gave, and nothing else is answered; and there are so many that no two connections of thousands, of now and
//! of before, have the same one: a packet would go to the wrong of them, and its agent would never hear why it is not answered.

use quinn::{ConnectionId, ConnectionIdGenerator};
use quinn_proto::{InvalidCid, RandomConnectionIdGenerator};
use ring::hmac;

/// Bytes by chance, and of the mark on them. Agents pay for them with each packet.
const CHANCE: usize = 6;
const MARK: usize = 2;

/// Gives names.
pub(super) struct MarkedIds {
    key: hmac::Key,
    chance: RandomConnectionIdGenerator,
}

impl MarkedIds {
    /// Marked with this key.
    pub fn new(key: &[u8; 32]) -> Self {
        let chance = RandomConnectionIdGenerator::new(CHANCE);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key), chance }
    }

    fn marked(&self, chance: &[u8]) -> ConnectionId {
        let mark = hmac::sign(&self.key, chance);
        let name: Vec<u8> = chance.iter().chain(mark.as_ref().iter().take(MARK)).copied().collect();
        ConnectionId::new(&name)
    }
}

impl ConnectionIdGenerator for MarkedIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let chance = self.chance.generate_cid();
        self.marked(&chance)
    }

    fn validate(&self, id: &ConnectionId) -> Result<(), InvalidCid> {
        let own = id.first_chunk::<CHANCE>().is_some_and(|chance| self.marked(chance) == *id);
        own.then_some(()).ok_or(InvalidCid)
    }

    fn cid_len(&self) -> usize {
        CHANCE + MARK
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_gateway_knows_the_ids_of_the_one_before_and_no_two_of_many_are_the_same() {
        let (mut before, mut now, other) =
            (MarkedIds::new(&[1; 32]), MarkedIds::new(&[1; 32]), MarkedIds::new(&[2; 32]));
        let ids: HashSet<_> = (0..20_000).map(|_| before.generate_cid()).collect();
        assert!(ids.iter().all(|id| now.validate(id).is_ok()));
        // By chance alone a few of them.
        assert!(ids.iter().filter(|id| other.validate(id).is_ok()).count() < 10);
        let both: HashSet<_> = (0..20_000).map(|_| now.generate_cid()).chain(ids).collect();
        assert_eq!(both.len(), 40_000);
        assert!(now.validate(&ConnectionId::new(&[0; 4])).is_err());
    }
}
