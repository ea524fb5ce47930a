//! Takes a queueing discipline out of a running kernel's sight, through the emulator's debugger.
//!
//! Debian builds fq_codel into its kernel, so it cannot be left out of an image. The kernel finds it by the name in its
//! description, and with another name there it answers as one without: nothing of this kind.

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

const NAME: &[u8] = b"fq_codel\0";
const HIDDEN: &[u8] = b"-fqcodel\0";
/// `struct Qdisc_ops` begins with two pointers, then its name.
const NAME_AT: u64 = 16;
const PATIENCE: Duration = Duration::from_secs(10);

/// Renames it, given the address of its description in hexadecimal.
pub fn hide(socket: &Path, address: &str) -> Result<()> {
    let address = u64::from_str_radix(address, 16).with_context(|| format!("{address} is no address"))? + NAME_AT;
    let mut debugger = Debugger(UnixStream::connect(socket).context("the emulator's debugger")?);
    debugger.0.set_read_timeout(Some(PATIENCE))?;
    let found = debugger.ask(&format!("m{address:x},{:x}", NAME.len()))?;
    ensure!(found == hexadecimal(NAME), "there is no fq_codel at {address:x}, but {found}");
    let done = debugger.ask(&format!("M{address:x},{:x}:{}", HIDDEN.len(), hexadecimal(HIDDEN)))?;
    ensure!(done == "OK", "the kernel's memory could not be written: {done}");
    // Detaching lets the machine run on.
    debugger.ask("D").map(drop)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Speaks GDB's remote protocol: `$`, words, `#`, a sum of two digits; each packet is acknowledged with `+`.
struct Debugger(UnixStream);

impl Debugger {
    fn ask(&mut self, words: &str) -> Result<String> {
        let sum = words.bytes().fold(0u8, u8::wrapping_add);
        self.0.write_all(format!("${words}#{sum:02x}").as_bytes())?;
        loop {
            let answer = self.packet()?;
            // That the machine stopped is told unasked.
            if !answer.starts_with(['T', 'S']) {
                return Ok(answer);
            }
        }
    }

    fn packet(&mut self) -> Result<String> {
        while self.byte()? != b'$' {}
        let mut words = Vec::new();
        loop {
            match self.byte()? {
                b'#' => break,
                byte => words.push(byte),
            }
            if words.len() > 4096 {
                bail!("the debugger talks nonsense");
            }
        }
        // The sum: a local socket loses nothing.
        self.byte()?;
        self.byte()?;
        self.0.write_all(b"+")?;
        Ok(String::from_utf8(words)?)
    }

    fn byte(&mut self) -> Result<u8> {
        let mut byte = [0];
        self.0.read_exact(&mut byte).context("the debugger does not answer")?;
        Ok(byte[0])
    }
}
