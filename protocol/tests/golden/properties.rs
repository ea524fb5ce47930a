//! For every message: what is encoded is decoded again, and no bytes whatsoever make a decoder panic.

use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;
use weir_protocol::token::Token;
use weir_protocol::usage::{BothWays, LineUsage, Record};
use weir_protocol::{frame, stream};

use super::messages::{self, Visit};
use super::source::{Arbitrary, Counting, Source};

/// Encodes arbitrary messages and reads them back, bare and framed.
struct RoundTrip<'a>(&'a [u8]);

impl Visit for RoundTrip<'_> {
    fn visit<M: Message + Default + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &'static str,
        make: fn(&mut dyn Source) -> M,
    ) {
        let message = make(&mut Arbitrary(self.0));
        assert!(M::decode(message.encode_to_vec().as_slice()).is_ok_and(|read| read == message), "{name}: {message:?}");
        let frame = frame::encode(&message).unwrap();
        let read = frame::decode::<M>(frame[4], &frame[5..]);
        assert!(read.is_ok_and(|read| read == message), "{name} in a frame: {message:?}");
    }
}

/// Reads bytes as every message; what can be read must survive being written again.
struct Read<'a>(&'a [u8]);

impl Visit for Read<'_> {
    fn visit<M: Message + Default + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &'static str,
        _: fn(&mut dyn Source) -> M,
    ) {
        if let Ok(read) = M::decode(self.0) {
            assert!(M::decode(read.encode_to_vec().as_slice()).is_ok_and(|again| again == read), "{name}: {read:?}");
        }
        for flags in [0, 1, 2, 255] {
            let _refused = frame::decode::<M>(flags, self.0);
        }
    }
}

/// Golden bytes with some of them changed: damage that still looks like a message.
struct Damage<'a>(&'a [(usize, u8)]);

impl Visit for Damage<'_> {
    fn visit<M: Message + Default + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &'static str,
        make: fn(&mut dyn Source) -> M,
    ) {
        let mut bytes = make(&mut Counting::default()).encode_to_vec();
        for (at, byte) in self.0 {
            let length = bytes.len();
            bytes[at % length] = *byte;
        }
        Read(&bytes).visit::<M>(name, make);
    }
}

proptest! {
    #[test]
    fn every_message_returns_as_it_was_sent(seed in vec(any::<u8>(), 0..600)) {
        messages::every(&mut RoundTrip(&seed));
    }

    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in vec(any::<u8>(), 0..400)) {
        messages::every(&mut Read(&bytes));
        let _kind = bytes.first().and_then(|byte| stream::Kind::from_byte(*byte));
    }

    #[test]
    fn no_damage_makes_a_decoder_panic(damage in vec(any::<(usize, u8)>(), 1..6)) {
        messages::every(&mut Damage(&damage));
    }

    #[test]
    fn no_stream_of_bytes_makes_the_frame_reader_panic(mut bytes in vec(any::<u8>(), 5..200), short in any::<bool>()) {
        if short {
            // A length that fits, so that the body is reached.
            let length = (bytes.len() - 5) as u32;
            bytes[..4].copy_from_slice(&length.to_le_bytes());
            bytes[4] &= 1;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let _refused = runtime.block_on(frame::read::<Record>(&mut bytes.as_slice()));
    }

    #[test]
    fn no_text_makes_the_token_reader_panic(text in "\\PC{0,80}", letters in "[A-Za-z0-9_-]{0,120}") {
        prop_assert!(Token::from_text(&text).is_err());
        let letters = format!("weir1_{letters}");
        prop_assert!(Token::from_text(&letters).is_err());
    }

    #[test]
    fn columns_never_panic_and_return_what_was_put_in(
        handles in proptest::collection::btree_set(any::<u32>(), 0..50),
        numbers in vec(any::<u64>(), 4),
        deltas in vec(any::<u32>(), 0..8),
        column in vec(any::<u64>(), 0..8),
    ) {
        let line = |handle: &u32| LineUsage {
            handle: *handle,
            down_bytes: numbers[0],
            up_bytes: numbers[1],
            down_packets: numbers[2],
            up_packets: numbers[3],
            v6_bytes: Some(BothWays { down: numbers[0], up: numbers[2] }),
            dropped_packets: Some(BothWays { down: numbers[1], up: numbers[3] }),
        };
        let lines: Vec<LineUsage> = handles.iter().map(line).collect();
        let mut record = Record::default();
        record.set_lines(&lines);
        let read = Record::decode(record.encode_to_vec().as_slice()).unwrap();
        prop_assert_eq!(read.lines().unwrap(), lines);
        let down_v6_bytes = column.clone();
        let [down_bytes, up_bytes, down_packets, up_packets] = [(); 4].map(|()| column.clone());
        let strange = Record { handle_deltas: deltas, down_bytes, up_bytes, down_packets, up_packets, down_v6_bytes, ..Record::default() };
        let _refused = strange.lines();
    }
}
