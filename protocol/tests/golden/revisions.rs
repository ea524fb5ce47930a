//! Golden bytes: `protocol/golden/<revision>/{messages,frames,hashes,numbers}.txt`, each line a name and a value.
//!
//! The files of a revision are never changed. A change of the messages is a new revision: raise `PROTO_REV`, run this
//! test once with `WEIR_GOLDEN_NEW=1`, and commit the new folder; the older ones must still be readable.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use weir_protocol::control::{GoAwayReason, Severity, Verdict};
use weir_protocol::desired::{Access, Kind};
use weir_protocol::quality::Role;
use weir_protocol::state::{AddressSource, Rule, Status};
use weir_protocol::token::Token;
use weir_protocol::usage::{Outcome, SealReason};
use weir_protocol::{PROTO_REV, enroll, frame, hash, stream, usage};

use super::messages::{self, Visit};
use super::source::{Counting, Sample, Source};

type Lines = BTreeMap<String, String>;

fn folder(revision: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(revision.to_string())
}

fn read(revision: u32, file: &str) -> Lines {
    let path = folder(revision).join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines().map(|line| line.split_once(' ').map(|(name, value)| (name.into(), value.into())).unwrap()).collect()
}

/// Samples as bytes.
#[derive(Default)]
struct Encoded(Lines);

impl Visit for Encoded {
    fn visit<M: Message + Default + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &'static str,
        make: fn(&mut dyn Source) -> M,
    ) {
        self.0.insert(name.into(), hex::encode(make(&mut Counting::default()).encode_to_vec()));
    }
}

fn encoded() -> Lines {
    let mut encoded = Encoded::default();
    messages::every(&mut encoded);
    encoded.0
}

fn large() -> usage::Up {
    usage::Up { record: b"weir".repeat(1_000), ..usage::Up::default() }
}

fn frames() -> Lines {
    let small = usage::Up { record: vec![1, 2, 3], ..usage::Up::default() };
    let frame = frame::encode(&small).unwrap();
    let large = frame::encode(&large()).unwrap();
    [("plain", frame), ("compressed", large)].map(|(name, frame)| (name.into(), hex::encode(frame))).into()
}

fn hashes() -> Lines {
    let token = Token::sample(&mut Counting::default());
    let token = Token { id: vec![1; 16], secret: vec![2; 16], root_fingerprint: vec![3; 32], ..token };
    let secret = enroll::secret_digest(&[2; 16]);
    let mut folded = hash::object(2, &[7; 16], 9, b"body");
    hash::fold(&mut folded, &hash::object(1, &[8; 16], 1, b""));
    [
        ("usage_record", hex::encode(hash::usage_record(b"record"))),
        ("object", hex::encode(hash::object(2, &[7; 16], 9, b"body"))),
        ("set_of_two_objects", hex::encode(folded)),
        ("secret_digest", hex::encode(secret)),
        ("proof", hex::encode(enroll::proof(&secret, &[4; 32], b"csr"))),
        ("token", token.to_text()),
    ]
    .map(|(name, value)| (name.into(), value))
    .into()
}

fn numbers() -> Lines {
    let mut numbers = Lines::new();
    let mut add = |name: &str, number: i32, text: String| drop(numbers.insert(format!("{name}.{number}"), text));
    for n in 0..32 {
        let named = [
            ("Verdict", Verdict::try_from(n).map(|value| format!("{value:?}"))),
            ("Severity", Severity::try_from(n).map(|value| format!("{value:?}"))),
            ("GoAwayReason", GoAwayReason::try_from(n).map(|value| format!("{value:?}"))),
            ("Access", Access::try_from(n).map(|value| format!("{value:?}"))),
            ("Status", Status::try_from(n).map(|value| format!("{value:?}"))),
            ("AddressSource", AddressSource::try_from(n).map(|value| format!("{value:?}"))),
            ("Rule", Rule::try_from(n).map(|value| format!("{value:?}"))),
            ("Role", Role::try_from(n).map(|value| format!("{value:?}"))),
            ("SealReason", SealReason::try_from(n).map(|value| format!("{value:?}"))),
            ("Outcome", Outcome::try_from(n).map(|value| format!("{value:?}"))),
        ];
        for (name, text) in named.into_iter().filter_map(|(name, text)| Some((name, text.ok()?))) {
            add(name, n, text);
        }
        if let Some(kind) = Kind::from_u32(n as u32) {
            add("desired.Kind", n, format!("{kind:?}"));
        }
        if let Some(kind) = stream::Kind::from_byte(n as u8) {
            add("stream.Kind", n, format!("{kind:?}"));
        }
    }
    let names =
        [weir_protocol::ALPN_SESSION, weir_protocol::ALPN_ENROLL, weir_protocol::ENROLL_EXPORTER_LABEL].concat();
    add("names", 0, String::from_utf8(names).unwrap());
    add("names", 1, weir_protocol::GATEWAY_SERVER_NAME.to_owned());
    add("names", 2, String::from_utf8(weir_protocol::ALPN_RENEW.to_vec()).unwrap());
    numbers
}

/// Writes the folder of a revision that has none; never touches one that is there.
fn found(revision: u32) {
    if std::env::var_os("WEIR_GOLDEN_NEW").is_none() || folder(revision).exists() {
        return;
    }
    fs::create_dir_all(folder(revision)).unwrap();
    for (file, lines) in
        [("messages.txt", encoded()), ("frames.txt", frames()), ("hashes.txt", hashes()), ("numbers.txt", numbers())]
    {
        let text: String = lines.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
        fs::write(folder(revision).join(file), text).unwrap();
    }
}

#[track_caller]
fn assert_same(file: &str, ours: &Lines) {
    let golden = read(PROTO_REV, file);
    for (name, value) in ours {
        let expected = golden.get(name).unwrap_or_else(|| panic!("{name} is not in revision {PROTO_REV}: a new one?"));
        assert_eq!(value, expected, "{name} is encoded as it was not in revision {PROTO_REV}");
    }
    for name in golden.keys() {
        assert!(ours.contains_key(name), "{name} is gone");
    }
}

#[test]
fn this_revision_is_encoded_as_ever() {
    found(PROTO_REV);
    assert_same("messages.txt", &encoded());
    assert_same("hashes.txt", &hashes());
    assert_same("numbers.txt", &numbers());
    // How well zstd packs is its own business; how a frame looks is ours.
    assert_eq!(read(PROTO_REV, "frames.txt")["plain"], frames()["plain"]);
}

/// Golden bytes against what is read from them.
struct Decoded(Lines);

impl Visit for Decoded {
    fn visit<M: Message + Default + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &'static str,
        _: fn(&mut dyn Source) -> M,
    ) {
        // A message newer than the revision has no bytes in it.
        let Some(text) = self.0.remove(name) else { return };
        let bytes = hex::decode(text).unwrap();
        let read = M::decode(bytes.as_slice()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(hex::encode(read.encode_to_vec()), hex::encode(&bytes), "{name}: something was not understood");
    }
}

#[tokio::test]
async fn every_revision_ever_spoken_is_understood() {
    found(PROTO_REV);
    for revision in 1..=PROTO_REV {
        let mut golden = Decoded(read(revision, "messages.txt"));
        messages::every(&mut golden);
        assert!(golden.0.is_empty(), "nobody reads {:?} of revision {revision}", golden.0.keys());
        let frames = read(revision, "frames.txt");
        let frame = |name: &str| hex::decode(&frames[name]).unwrap();
        let small: usage::Up = frame::read(&mut frame("plain").as_slice()).await.unwrap();
        assert_eq!(small.record, [1, 2, 3]);
        let packed: usage::Up = frame::read(&mut frame("compressed").as_slice()).await.unwrap();
        assert_eq!(packed, large());
        let token = Token::from_text(&read(revision, "hashes.txt")["token"]).unwrap();
        assert_eq!((token.id, token.secret), (vec![1; 16], vec![2; 16]));
    }
}

/// Which messages the samples cover.
#[derive(Default)]
struct Names(Vec<&'static str>);

impl Visit for Names {
    fn visit<M: Message + Default + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &'static str,
        _: fn(&mut dyn Source) -> M,
    ) {
        self.0.push(name);
    }
}

#[test]
fn no_message_of_the_crate_is_left_out() {
    let mut covered = Names::default();
    messages::every(&mut covered);
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for entry in fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with("#[derive(") && pair[0].contains("Message")) {
            let Some(name) = pair[1].strip_prefix("pub struct ") else { continue };
            let name = format!("{module}.{}", name.trim_end_matches(" {"));
            let listed = covered.0.iter().any(|covered| *covered == name || covered.starts_with(&format!("{name}.")));
            assert!(listed, "{name} has no sample");
            seen += 1;
        }
    }
    assert!(seen > 30, "only {seen} messages were found");
}
