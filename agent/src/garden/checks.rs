//! What phones and computers ask by themselves to learn whether they are on the internet. Pure.
//!
//! They show a sign-in window when such a question is redirected. An error, as any other request is answered, says to some
//! of them (Android) that the network is broken, and they leave it without a word.

/// Paths no web page has that somebody reads.
const PATHS: [&str; 10] = [
    // Android, ChromeOS.
    "/generate_204",
    "/gen_204",
    // Apple.
    "/hotspot-detect.html",
    "/library/test/success.html",
    // Windows: what it asks, and what it opens then.
    "/connecttest.txt",
    "/ncsi.txt",
    "/redirect",
    // Firefox.
    "/canonical.html",
    "/success.txt",
    // Linux desktops.
    "/check_network_status.txt",
];

/// Whether a request asks just that.
pub fn is_check(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    PATHS.iter().any(|check| path.eq_ignore_ascii_case(check))
}
