//! A folder that counts what is written to it.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use weir_agent::store::disk::{Disk, Folder};

/// A folder, and the bytes written to its files so far; not those of files made in advance.
#[derive(Debug)]
pub struct Counted {
    folder: Folder,
    written: Rc<Cell<usize>>,
}

impl Counted {
    /// Counts what is written to a folder.
    pub fn new(folder: Folder) -> (Self, Rc<Cell<usize>>) {
        let written = Rc::new(Cell::new(0));
        (Self { folder, written: Rc::clone(&written) }, written)
    }

    fn count(&self, bytes: &[u8]) {
        self.written.set(self.written.get() + bytes.len());
    }
}

impl Disk for Counted {
    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.folder.read(name)
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        self.folder.read_at(name, offset, length)
    }

    fn length(&self, name: &str) -> io::Result<u64> {
        self.folder.length(name)
    }

    fn append(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.count(bytes);
        self.folder.append(name, bytes)
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.count(bytes);
        self.folder.write_at(name, offset, bytes)
    }

    fn allocate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.folder.allocate(name, length)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn sync_names(&mut self) -> io::Result<()> {
        self.folder.sync_names()
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.folder.sync(name)
    }

    fn truncate(&mut self, name: &str, length: u64) -> io::Result<()> {
        self.folder.truncate(name, length)
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.count(bytes);
        self.folder.replace(name, bytes)
    }
}
