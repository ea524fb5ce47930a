//! The few file operations durability is built from, as a trait so that tests can fail each of them.
//!
//! Names are plain file names inside one folder. Nothing is durable before [`Disk::sync`] or [`Disk::replace`].

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

/// Files of a folder kept open.
const OPEN: usize = 8;
/// Bytes written at once where there is nothing yet.
const ZEROS: usize = 64 * 1024;

/// One folder of files.
pub trait Disk {
    /// Names of all files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// `length` bytes from `offset`.
    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// Bytes of a file.
    fn length(&self, name: &str) -> io::Result<u64>;
    /// Adds bytes at the end, creating the file if it is not there.
    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Writes over what is there.
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file `length` bytes long with zeros, on the disk: what is written over them costs a file system no
    /// bookkeeping.
    fn allocate(&mut self, name: &str, length: u64) -> io::Result<()>;
    /// Gives a file another name.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;
    /// Makes the names of all files durable.
    fn sync_names(&mut self) -> io::Result<()>;
    /// Makes everything written to a file, and the names of all files, durable.
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
    /// Whether names were changed since the folder was synced; whoever was here before may have left some.
    renamed: bool,
    durable: bool,
}

impl Folder {
    /// Opens a folder, creating it (mode 0700) if it is not there.
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        Ok(Self { path: path.to_path_buf(), open: HashMap::new(), renamed: true, durable: true })
    }

    /// Opens a folder whose content need not survive a power cut: nothing is synced.
    pub fn volatile(path: &Path) -> io::Result<Self> {
        Ok(Self { durable: false, ..Self::open(path)? })
    }

    /// A file, made if that is asked for and it is not there; some stay open.
    fn handle(&mut self, name: &str, made: bool) -> io::Result<&mut File> {
        if !self.open.contains_key(name) {
            let path = self.path.join(name);
            self.renamed |= !path.exists();
            let file = OpenOptions::new().write(true).create(made).truncate(false).mode(0o600).open(path)?;
            if self.open.len() >= OPEN {
                self.open.clear();
            }
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
        let mut bytes = vec![0; length];
        File::open(self.path.join(name))?.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.path.join(name))?.len())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.handle(name, true)?;
        let at = file.metadata()?.len();
        file.write_all_at(bytes, at)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.handle(name, false)?.write_all_at(bytes, offset)
    }

    fn allocate(&mut self, name: &str, length: u64) -> io::Result<()> {
        let durable = self.durable;
        let file = self.handle(name, true)?;
        let mut at = file.metadata()?.len();
        let zeros = vec![0; ZEROS];
        while at < length {
            let some = usize::try_from(length - at).map_or(ZEROS, |left| left.min(ZEROS));
            file.write_all_at(&zeros[..some], at)?;
            at += some as u64;
        }
        if durable { file.sync_all() } else { Ok(()) }
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.open.remove(from);
        self.open.remove(to);
        self.renamed = true;
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        if self.durable && self.renamed {
            self.sync_folder()?;
        }
        self.renamed = false;
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        if !self.durable {
            return Ok(());
        }
        self.handle(name, false)?.sync_data()?;
        self.sync_names()
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path.join(name))?;
        file.set_len(length)?;
        file.sync_data()
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.open.remove(name);
        self.renamed = true;
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
