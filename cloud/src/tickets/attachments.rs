//! Files that come with entries: what they are is decided by their content, and by nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Error, File, FileWish};

/// Bytes of a file at most.
pub const SIZE_MAX: usize = 10 * 1024 * 1024;
/// Files of an entry at most.
pub const FILES_MAX: usize = 10;
/// Characters of a name at most.
const NAME_MAX: usize = 150;
/// What is taken, and how such files are called.
const TAKEN: [(&str, &[&str]); 5] = [
    ("application/pdf", &["pdf"]),
    ("image/png", &["png"]),
    ("image/jpeg", &["jpg", "jpeg"]),
    ("image/webp", &["webp"]),
    ("text/plain", &["txt", "log"]),
];

/// A file that may be kept.
pub(super) struct Checked {
    pub name: String,
    pub media_type: &'static str,
    pub content: Vec<u8>,
}

impl Checked {
    pub(super) fn into_file(self) -> File {
        File { name: self.name, content: self.content }
    }
}

/// The files as they were sent.
pub(super) fn decode(wishes: &[FileWish]) -> Result<Vec<File>, Error> {
    let decode = |(n, wish): (usize, &FileWish)| {
        let content = STANDARD
            .decode(&wish.content_base64)
            .map_err(|_| Error::field(&format!("attachments.{n}.content_base64"), "is not Base64"))?;
        Ok(File { name: wish.name.clone(), content })
    };
    wishes.iter().enumerate().map(decode).collect()
}

/// All files, or why one of them cannot be kept.
pub(super) fn check_all(files: Vec<File>) -> Result<Vec<Checked>, Error> {
    if files.len() > FILES_MAX {
        return Err(Error::field("attachments", format!("must be at most {FILES_MAX} files")));
    }
    files.into_iter().map(check).collect()
}

/// A file, or why it cannot be kept.
pub(super) fn check(file: File) -> Result<Checked, Error> {
    let name = plain_name(&file.name);
    if file.content.is_empty() || file.content.len() > SIZE_MAX {
        return Err(Error::TooLarge(name, file.content.len()));
    }
    let found = media_type(&file.content).ok_or_else(|| Error::TypeRefused(name.clone()))?;
    let (media_type, endings) =
        TAKEN.into_iter().find(|(taken, _)| *taken == found).ok_or_else(|| Error::TypeRefused(name.clone()))?;
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    if !endings.contains(&ending.as_str()) {
        return Err(Error::Disguised { name, found: media_type });
    }
    Ok(Checked { name, media_type, content: file.content })
}

fn media_type(content: &[u8]) -> Option<&'static str> {
    match infer::get(content) {
        Some(kind) => Some(kind.mime_type()),
        None => is_text(content).then_some("text/plain"),
    }
}

/// Whether it is a text and no program's words.
fn is_text(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let begin = text.trim_start_matches('\u{feff}').trim_start();
    !begin.starts_with('<')
        && !begin.starts_with("#!")
        && !text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}'))
}

/// A name without folders, controls and what could turn its reading around.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let plain: String = last.chars().filter(|c| !c.is_control() && !turns(*c)).collect();
    let plain = plain.trim();
    let length = plain.chars().count();
    // What a long name ends with says what it is.
    let kept: String = plain.chars().skip(length.saturating_sub(NAME_MAX)).collect();
    if kept.is_empty() { "attachment".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    fn checked(name: &str, content: &[u8]) -> Result<(String, &'static str), Error> {
        check(File { name: name.into(), content: content.into() }).map(|file| (file.name, file.media_type))
    }

    #[test]
    fn the_content_decides_what_a_file_is() {
        assert_eq!(checked("a.PNG", PNG).ok(), Some(("a.PNG".into(), "image/png")));
        assert_eq!(checked("a.jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF").ok(), Some(("a.jpeg".into(), "image/jpeg")));
        assert_eq!(checked("a.webp", b"RIFF\x24\0\0\0WEBPVP8 ").ok(), Some(("a.webp".into(), "image/webp")));
        assert_eq!(checked("a.pdf", b"%PDF-1.7\n").ok(), Some(("a.pdf".into(), "application/pdf")));
        assert_eq!(checked("n.txt", "ping 12 ms\nñ".as_bytes()).ok(), Some(("n.txt".into(), "text/plain")));
    }

    #[test]
    fn what_is_disguised_or_dangerous_is_refused() {
        assert!(matches!(checked("a.pdf", PNG), Err(Error::Disguised { found: "image/png", .. })));
        assert!(matches!(checked("a", PNG), Err(Error::Disguised { .. })));
        assert!(matches!(checked("photo.png", b"MZ\x90\0\x03\0\0\0"), Err(Error::TypeRefused(_))));
        assert!(matches!(checked("photo.png.exe", PNG), Err(Error::Disguised { .. })));
        for script in [
            "<!doctype html><script>x()</script>",
            "<svg onload=\"x()\"/>",
            "#!/bin/sh\nrm",
            "  <?xml version=\"1.0\"?>",
        ] {
            assert!(matches!(checked("note.txt", script.as_bytes()), Err(Error::TypeRefused(_))), "{script}");
        }
        assert!(matches!(checked("a.txt", b"a\0b"), Err(Error::TypeRefused(_))));
        assert!(matches!(checked("a.txt", b"caf\xe9"), Err(Error::TypeRefused(_))), "not UTF-8");
        assert!(matches!(checked("a.zip", b"PK\x03\x04"), Err(Error::TypeRefused(_))));
        assert!(matches!(checked("a.txt", b""), Err(Error::TooLarge(_, 0))));
        assert!(matches!(checked("a.txt", &vec![b'a'; SIZE_MAX + 1]), Err(Error::TooLarge(..))));
    }

    #[test]
    fn names_lose_folders_and_tricks() {
        assert_eq!(checked("../../etc/a\u{202e}.txt", b"x").ok(), Some(("a.txt".into(), "text/plain")));
        assert_eq!(checked("C:\\x\\b.txt", b"x").ok(), Some(("b.txt".into(), "text/plain")));
        let long = format!("{}.txt", "x".repeat(300));
        assert_eq!(checked(&long, b"x").ok().map(|(name, _)| name.len()), Some(NAME_MAX));
    }
}
