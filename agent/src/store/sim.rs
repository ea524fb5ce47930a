//! A disk for tests: forgets what was not synced, tears the write a crash falls into, fails on demand.
//!
//! What was not synced when the power goes is there or not, sector by sector in any order; names of files come and go
//! in their order. Every operation that changes something is one step or more, and any of them can be the last.

use super::disk::Disk;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

/// What a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

#[derive(Debug, Default, Clone)]
struct File {
    data: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug, Clone)]
enum Naming {
    Created(String, usize),
    Renamed(String, String),
    Removed(String),
}

#[derive(Debug, Default)]
struct Inner {
    files: BTreeMap<usize, File>,
    names: BTreeMap<String, usize>,
    synced_names: BTreeMap<String, usize>,
    unsynced_names: Vec<Naming>,
    made: usize,
    operations: usize,
    fail_at: Option<usize>,
    dead: bool,
    stay_dead: bool,
}

/// Handles share one disk.
#[derive(Debug, Default, Clone)]
pub struct Sim(Rc<RefCell<Inner>>);

impl Naming {
    fn apply(self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Created(name, file) => drop(names.insert(name, file)),
            Self::Renamed(from, to) => {
                if let Some(file) = names.remove(&from) {
                    names.insert(to, file);
                }
            }
            Self::Removed(name) => drop(names.remove(&name)),
        }
    }
}

impl Inner {
    fn name(&mut self, naming: Naming) {
        naming.clone().apply(&mut self.names);
        self.unsynced_names.push(naming);
    }

    fn sync_names(&mut self) {
        self.synced_names = self.names.clone();
        self.unsynced_names.clear();
        let named: Vec<usize> = self.names.values().copied().collect();
        self.files.retain(|file, _| named.contains(file));
    }

    fn create(&mut self, name: &str) -> usize {
        if let Some(file) = self.names.get(name) {
            return *file;
        }
        self.made += 1;
        self.files.insert(self.made, File::default());
        self.name(Naming::Created(name.to_owned(), self.made));
        self.made
    }

    fn file(&mut self, name: &str) -> io::Result<&mut File> {
        let file = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(self.files.get_mut(file).unwrap())
    }
}

impl File {
    fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.data.resize(self.data.len().max(offset + bytes.len()), 0);
        self.data[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// What the power left: each sector as it was synced or as it was written since.
    fn cut(&mut self, chance: &mut impl FnMut() -> u64) {
        let grown = self.data.len().saturating_sub(self.synced.len());
        let length = self.data.len() - grown + chance() as usize % (grown + 1);
        self.synced.resize(length.max(self.synced.len()), 0);
        self.synced.truncate(length);
        for (old, new) in self.synced.chunks_mut(SECTOR).zip(self.data.chunks(SECTOR)) {
            if old != new && chance() % 2 == 1 {
                let length = old.len().min(new.len());
                old[..length].copy_from_slice(&new[..length]);
            }
        }
        self.data.clone_from(&self.synced);
    }
}

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

    /// Works again after the power was cut. What was not synced is gone (`seed` 0), or there in part.
    pub fn cut_power(&self, seed: u64) {
        self.revive();
        let mut inner = self.0.borrow_mut();
        let mut state = seed;
        let mut chance = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            if seed == 0 { 0 } else { (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 20 }
        };
        let namings = std::mem::take(&mut inner.unsynced_names);
        let kept = chance() as usize % (namings.len() + 1);
        let mut names = inner.synced_names.clone();
        namings.into_iter().take(kept).for_each(|naming| naming.apply(&mut names));
        inner.names = names;
        inner.files.values_mut().for_each(|file| file.cut(&mut chance));
        inner.sync_names();
    }

    /// A copy that shares nothing.
    pub fn image(&self) -> Self {
        let inner = self.0.borrow();
        let copy = Inner {
            files: inner.files.clone(),
            names: inner.names.clone(),
            synced_names: inner.synced_names.clone(),
            unsynced_names: inner.unsynced_names.clone(),
            made: inner.made,
            ..Inner::default()
        };
        Self(Rc::new(RefCell::new(copy)))
    }

    /// Flips one bit.
    pub fn flip(&self, name: &str, bit: usize) {
        let mut inner = self.0.borrow_mut();
        let file = inner.file(name).unwrap();
        file.data[bit / 8] ^= 1 << (bit % 8);
        file.synced.clone_from(&file.data);
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

    /// Writes all, or two thirds if it is cut short.
    fn write(&self, name: &str, offset: Option<usize>, bytes: &[u8]) -> io::Result<()> {
        let cut = self.step()?;
        let mut inner = self.0.borrow_mut();
        let length = if cut { (bytes.len() * 2) / 3 } else { bytes.len() };
        if offset.is_none() {
            inner.create(name);
        }
        let file = inner.file(name)?;
        file.write(offset.unwrap_or(file.data.len()), &bytes[..length]);
        if cut { Err(cut_short()) } else { Ok(()) }
    }

    fn sync_data(&self, name: &str) -> io::Result<()> {
        let mut inner = self.0.borrow_mut();
        let file = inner.file(name)?;
        file.synced.clone_from(&file.data);
        Ok(())
    }

    fn whole_step(&self) -> io::Result<()> {
        if self.step()? { Err(cut_short()) } else { Ok(()) }
    }
}

fn cut_short() -> io::Error {
    io::Error::other("cut short")
}

impl Disk for Sim {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.borrow().names.keys().cloned().collect())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.0.borrow_mut().file(name)?.data.clone())
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let range = offset as usize..offset as usize + length;
        let mut inner = self.0.borrow_mut();
        inner.file(name)?.data.get(range).map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        Ok(self.0.borrow_mut().file(name)?.data.len() as u64)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write(name, None, bytes)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write(name, Some(offset as usize), bytes)
    }

    fn allocate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.whole_step()?;
        self.0.borrow_mut().create(name);
        let at = self.length(name)?;
        self.write(name, Some(at as usize), &vec![0; length.saturating_sub(at) as usize])?;
        self.whole_step()?;
        self.sync_data(name)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.whole_step()?;
        self.0.borrow_mut().file(from)?;
        self.0.borrow_mut().name(Naming::Renamed(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn sync_names(&mut self) -> io::Result<()> {
        if !self.0.borrow().unsynced_names.is_empty() {
            self.whole_step()?;
            self.0.borrow_mut().sync_names();
        }
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.whole_step()?;
        self.sync_data(name)?;
        self.sync_names()
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.whole_step()?;
        let mut inner = self.0.borrow_mut();
        let file = inner.file(name)?;
        file.data.truncate(length as usize);
        file.synced.clone_from(&file.data);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.whole_step()?;
        let mut inner = self.0.borrow_mut();
        inner.file(name)?;
        inner.name(Naming::Removed(name.to_owned()));
        Ok(())
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let cut = self.step()?;
        // Cut short after the rename as often as before it.
        if !cut || bytes.len().is_multiple_of(2) {
            let mut inner = self.0.borrow_mut();
            inner.name(Naming::Removed(name.to_owned()));
            let file = inner.create(name);
            inner.files.insert(file, File { data: bytes.to_vec(), synced: bytes.to_vec() });
            inner.sync_names();
        }
        if cut { Err(cut_short()) } else { Ok(()) }
    }
}
