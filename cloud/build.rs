//! Unpacks the fonts of invoices from their npm packages, so that the program carries them.
//!
//! The packages hold WOFF 1.0 files: an OpenType font whose tables are deflated one by one.

use std::io::Read;
use std::path::Path;
use std::process::Command;

const FONTS: [(&str, &str); 4] = [
    ("plex-sans", "IBMPlexSans-Regular"),
    ("plex-sans", "IBMPlexSans-Bold"),
    ("plex-sans-arabic", "IBMPlexSansArabic-Regular"),
    ("plex-sans-arabic", "IBMPlexSansArabic-Bold"),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=package-lock.json");
    println!("cargo::rerun-if-changed=migrations");
    let packages = Path::new("node_modules/@ibm");
    if !packages.join("plex-sans-arabic").exists() {
        let installed = Command::new("npm").args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).status();
        assert!(
            installed.is_ok_and(|status| status.success()),
            "the fonts are missing: run `npm ci` in the folder cloud"
        );
    }
    let out = std::env::var_os("OUT_DIR").expect("cargo names OUT_DIR");
    for (package, font) in FONTS {
        let path = packages.join(package).join("fonts/complete/woff").join(font).with_extension("woff");
        let woff = std::fs::read(&path).unwrap_or_else(|error| panic!("read {}: {error}", path.display()));
        let unpacked = unpack(&woff).unwrap_or_else(|| panic!("{} is not a WOFF 1.0 font", path.display()));
        std::fs::write(Path::new(&out).join(font).with_extension("ttf"), unpacked).expect("OUT_DIR is writable");
    }
}

fn unpack(woff: &[u8]) -> Option<Vec<u8>> {
    let u16_at = |at: usize| Some(u16::from_be_bytes(woff.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_be_bytes(woff.get(at..at + 4)?.try_into().ok()?));
    if woff.get(..4)? != b"wOFF" {
        return None;
    }
    let tables = u16_at(12)?;
    let selector = tables.ilog2() as u16;
    let range = 16u16 << selector;
    let mut font = woff.get(4..8)?.to_vec();
    for field in [tables, range, selector, tables * 16 - range] {
        font.extend(field.to_be_bytes());
    }
    let mut body = Vec::new();
    let start = 12 + usize::from(tables) * 16;
    for entry in (0..usize::from(tables)).map(|index| 44 + index * 20) {
        let (offset, packed, length) =
            (u32_at(entry + 4)? as usize, u32_at(entry + 8)? as usize, u32_at(entry + 12)? as usize);
        let data = woff.get(offset..offset + packed)?;
        let place = start + body.len();
        if packed < length {
            flate2::read::ZlibDecoder::new(data).read_to_end(&mut body).ok()?;
        } else {
            body.extend(data);
        }
        (start + body.len() == place + length).then_some(())?;
        font.extend(woff.get(entry..entry + 4)?);
        font.extend(woff.get(entry + 16..entry + 20)?);
        font.extend(u32::try_from(place).ok()?.to_be_bytes());
        font.extend(u32::try_from(length).ok()?.to_be_bytes());
        body.resize(body.len().next_multiple_of(4), 0);
    }
    font.extend(body);
    Some(font)
}
