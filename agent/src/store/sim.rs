//! A disk for tests: forgets what was not synced, tears the write a crash falls into, fails on demand.

use super::disk::Disk;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

#[derive(Debug, Default, Clone)]
struct File {
    data: Vec<u8>,
    synced: usize,
}

#[derive(Debug, Default)]
struct Inner {
    files: BTreeMap<String, File>,
    operations: usize,
    fail_at: Option<usize>,
    dead: bool,
    stay_dead: bool,
}

/// Handles share one disk.
#[derive(Debug, Default, Clone)]
pub struct Sim(Rc<RefCell<Inner>>);

impl Sim {
    /// Mutating operations so far.
    pub fn operations(&self) -> usize {
        self.0.borrow().operations
    }

    /// The n-th operation from now is cut short; everything after it fails too.
    pub fn die_after(&self, n: usize) {
        let mut inner = self.0.borrow_mut();
        inner.fail_at = Some(inner.operations + n);
        inner.stay_dead = true;
    }

    /// The n-th operation from now is cut short; those after it work.
    pub fn fail_once_after(&self, n: usize) {
        let mut inner = self.0.borrow_mut();
        inner.fail_at = Some(inner.operations + n);
        inner.stay_dead = false;
    }

    /// Works again, as the process left it.
    pub fn revive(&self) {
        let mut inner = self.0.borrow_mut();
        (inner.dead, inner.fail_at) = (false, None);
    }

    /// Works again after the power was cut: of what was not synced a prefix is left, its end perhaps garbage.
    pub fn cut_power(&self, seed: u64) {
        self.revive();
        let mut inner = self.0.borrow_mut();
        inner.files.retain(|_, file| file.synced > 0 || !seed.is_multiple_of(3));
        for file in inner.files.values_mut() {
            let unsynced = file.data.len() - file.synced;
            let kept = if unsynced == 0 { 0 } else { seed as usize % (unsynced + 1) };
            file.data.truncate(file.synced + kept);
            if seed % 2 == 1 {
                let from = file.data.len() - kept / 2;
                file.data[from..].fill(0);
            }
            file.synced = file.data.len();
        }
    }

    /// A copy that shares nothing.
    pub fn image(&self) -> Self {
        let files = self.0.borrow().files.clone();
        Self(Rc::new(RefCell::new(Inner { files, ..Inner::default() })))
    }

    /// Flips one bit.
    pub fn flip(&self, name: &str, bit: usize) {
        let mut inner = self.0.borrow_mut();
        inner.files.get_mut(name).unwrap().data[bit / 8] ^= 1 << (bit % 8);
    }

    /// Length of a file.
    pub fn length(&self, name: &str) -> usize {
        self.0.borrow().files[name].data.len()
    }

    /// Whether this operation is the one cut short.
    fn step(&self) -> io::Result<bool> {
        let mut inner = self.0.borrow_mut();
        if inner.dead {
            return Err(io::Error::other("dead"));
        }
        let cut = inner.fail_at == Some(inner.operations);
        inner.operations += 1;
        if cut {
            inner.dead = inner.stay_dead;
            inner.fail_at = None;
        }
        Ok(cut)
    }
}

fn cut_short() -> io::Error {
    io::Error::other("cut short")
}

impl Disk for Sim {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().files.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let inner = self.0.borrow();
        inner.files.get(name).map(|file| file.data.clone()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let data = self.read(name)?;
        let range = offset as usize..offset as usize + length;
        data.get(range).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let cut = self.step()?;
        let mut inner = self.0.borrow_mut();
        let length = if cut { (bytes.len() * 2) / 3 } else { bytes.len() };
        inner.files.entry(name.to_owned()).or_default().data.extend_from_slice(&bytes[..length]);
        if cut { Err(cut_short()) } else { Ok(()) }
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        if self.step()? {
            return Err(cut_short());
        }
        let mut inner = self.0.borrow_mut();
        let file = inner.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        file.synced = file.data.len();
        Ok(())
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        let cut = self.step()?;
        let mut inner = self.0.borrow_mut();
        let file = inner.files.get_mut(name).ok_or(io::ErrorKind::NotFound)?;
        if !cut {
            file.data.truncate(length as usize);
            file.synced = file.data.len();
        }
        if cut { Err(cut_short()) } else { Ok(()) }
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        if self.step()? {
            return Err(cut_short());
        }
        self.0.borrow_mut().files.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let cut = self.step()?;
        // Cut short after the rename as often as before it.
        if !cut || bytes.len().is_multiple_of(2) {
            let file = File { data: bytes.to_vec(), synced: bytes.len() };
            self.0.borrow_mut().files.insert(name.to_owned(), file);
        }
        if cut { Err(cut_short()) } else { Ok(()) }
    }
}
