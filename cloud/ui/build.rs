//! Assembles the browser files into one table with content-hashed names.
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::{env, fs};

const THIRD_PARTY: [(&str, &str); 5] = [
    ("uplot.js", "uplot/dist/uPlot.iife.min.js"),
    ("uplot.css", "uplot/dist/uPlot.min.css"),
    ("sans.woff2", "@fontsource-variable/ibm-plex-sans/files/ibm-plex-sans-latin-wght-normal.woff2"),
    ("mono.woff2", "@fontsource/ibm-plex-mono/files/ibm-plex-mono-latin-400-normal.woff2"),
    ("arabic.woff2", "@ibm/plex-sans-arabic/fonts/complete/woff2/IBMPlexSansArabic-Regular.woff2"),
];

fn main() {
    for path in ["assets", "locales", "package-lock.json", "node_modules"] {
        println!("cargo:rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    let mut table = String::from("&[\n");
    let mut faces = String::new();
    for (name, path) in THIRD_PARTY {
        let body = fs::read(Path::new("node_modules").join(path))
            .unwrap_or_else(|error| panic!("node_modules/{path}: {error}; run `cargo xtask setup`"));
        let hashed = add(&out, &mut table, name, &body);
        let family = match name {
            "sans.woff2" => "\"Plex\";font-weight:100 700",
            "mono.woff2" => "\"PlexMono\"",
            "arabic.woff2" => "\"Plex Arabic\"",
            _ => continue,
        };
        writeln!(faces, "@font-face{{font-family:{family};src:url(/assets/{hashed});font-display:swap}}")
            .expect("memory");
    }
    add(&out, &mut table, "app.css", (faces + &joined("assets/css")).as_bytes());
    add(&out, &mut table, "weir.js", joined("assets/js").as_bytes());
    table.push(']');
    fs::write(out.join("assets.rs"), table).expect("OUT_DIR is writable");
}

/// The files of a folder one after the other, by name.
fn joined(folder: &str) -> String {
    let mut files: Vec<_> = fs::read_dir(folder).expect(folder).map(|entry| entry.expect(folder).path()).collect();
    files.sort();
    files.iter().map(|file| fs::read_to_string(file).expect("a file in UTF-8")).collect()
}

fn add(out: &Path, table: &mut String, name: &str, body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    body.hash(&mut hasher);
    let (stem, extension) = name.rsplit_once('.').expect("a name with an extension");
    let hashed = format!("{stem}-{:016x}.{extension}", hasher.finish());
    fs::write(out.join(&hashed), body).expect("OUT_DIR is writable");
    writeln!(table, "({name:?}, {hashed:?}, include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{hashed}\"))),")
        .expect("memory");
    hashed
}
