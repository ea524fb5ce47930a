//! The installation's key: made at the first start, readable by us alone.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use ring::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
use ring::hmac;

use super::Error;

/// The key that seals, and the one made from it that signs.
pub(super) struct Keys {
    pub sealing: LessSafeKey,
    pub signing: hmac::Key,
}

/// Where the key is.
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join("secrets/installation.key")
}

pub(super) fn open(data_dir: &Path) -> Result<Keys, Error> {
    let file = file(data_dir);
    let bytes = match std::fs::read(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make(&file)?;
            std::fs::read(&file)
        }
        read => read,
    };
    let bytes = bytes.map_err(|error| told(&file, &error))?;
    let key =
        UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| Error::Key(format!("{} is not a key", file.display())))?;
    // Another use has another key, and neither tells the other.
    let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &bytes), b"weir signing key");
    Ok(Keys { sealing: LessSafeKey::new(key), signing: hmac::Key::new(hmac::HMAC_SHA256, made.as_ref()) })
}

/// Makes the file whole or not at all. Of two processes that start at once, one makes it and both read it.
fn make(file: &Path) -> Result<(), Error> {
    let folder = file.parent().unwrap_or(file);
    let bytes: [u8; 32] = super::random()?;
    std::fs::create_dir_all(folder).map_err(|error| told(folder, &error))?;
    let draft = folder.join(format!("installation.key.{}", std::process::id()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut opened| opened.write_all(&bytes).and_then(|()| opened.sync_all()));
    let linked = written.and_then(|()| std::fs::hard_link(&draft, file));
    let removed = std::fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        made => made.map_err(|error| told(file, &error))?,
    }
    removed.map_err(|error| told(&draft, &error))
}

fn told(path: &Path, error: &std::io::Error) -> Error {
    Error::Key(format!("{}: {error}", path.display()))
}
