//! What holds of every decoder, whatever it is given.

use prost::Message;

/// Bytes as a message, if they are one: then it survives being written again.
pub fn read<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8]) -> Option<M> {
    let read = M::decode(bytes).ok()?;
    let again = M::decode(read.encode_to_vec().as_slice());
    assert!(again.as_ref() == Ok(&read), "{read:?} became {again:?}");
    Some(read)
}
