//! The few file operations durability is built from, as a trait so that tests can fail each of them.
//!
//! Names are plain file names inside one folder. Nothing is durable before [`Disk::sync`] or [`Disk::replace`].

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

/// One folder of files.
pub trait Disk {
    /// Names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// `length` bytes from `offset`.
    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// Adds bytes at the end, creating the file if it is not there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Makes everything appended, and the file's existence, durable.
    fn sync(&mut self, name: &str) -> io::Result<()>;
    /// Cuts a file.
    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()>;
    /// Removes a file.
    fn remove(&mut self, name: &str) -> io::Result<()>;
    /// Replaces a file's content as a whole, durably; readable by its owner only.
    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
}

/// Whether a change was made; a disk that has gone read-only makes none, and what is on it can be read all the same.
pub fn made(change: io::Result<()>) -> io::Result<bool> {
    match change {
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => Ok(false),
        other => other.map(|()| true),
    }
}

/// Becomes the owner of a folder, if run by root: what is put there belongs to whoever the agent runs as.
pub fn become_owner_of(folder: &Path) -> io::Result<()> {
    let Ok(found) = fs::metadata(folder) else { return Ok(()) };
    if geteuid().is_root() && found.uid() != 0 {
        setgroups(&[])?;
        setgid(Gid::from_raw(found.gid()))?;
        setuid(Uid::from_raw(found.uid()))?;
    }
    Ok(())
}

/// A folder of the real file system.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    open: HashMap<String, File>,
    created: bool,
    durable: bool,
}

impl Folder {
    /// Opens a folder, creating it (mode 0700) if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self { path: path.to_path_buf(), open: HashMap::new(), created: false, durable: true })
    }

    /// Opens a folder whose content need not survive a power cut: whole files are replaced without syncing.
    pub fn volatile(path: &Path) -> io::Result<Self> {
        Ok(Self { durable: false, ..Self::open(path)? })
    }

    fn appender(&mut self, name: &str) -> io::Result<&mut File> {
        if !self.open.contains_key(name) {
            let path = self.path.join(name);
            self.created |= !path.exists();
            let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
            self.open.insert(name.to_owned(), file);
        }
        self.open.get_mut(name).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }
}

impl Disk for Folder {
    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path.join(name))
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path.join(name))?;
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = vec![0; length];
        file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.appender(name)?.write_all(bytes)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.appender(name)?.sync_data()?;
        if self.created {
            self.sync_folder()?;
            self.created = false;
        }
        Ok(())
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path.join(name))?;
        file.set_len(length)?;
        file.sync_data()
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.open.remove(name);
        fs::remove_file(self.path.join(name))
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.open.remove(name);
        let temporary = self.path.join(format!("{name}.new"));
        let _ = fs::remove_file(&temporary);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        if !self.durable {
            return fs::rename(&temporary, self.path.join(name));
        }
        file.sync_all()?;
        fs::rename(&temporary, self.path.join(name))?;
        self.sync_folder()
    }
}
