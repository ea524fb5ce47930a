//! What a person logs in with, told from what it says of itself.

use std::net::IpAddr;

/// Programs by what stands in their user agent; the first that is found counts, for most claim to be others too.
const PROGRAMS: [(&str, &str); 10] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
    ("python", "Python"),
];
/// Systems, likewise.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// A browser or a program, as a request shows it.
#[derive(Clone, Debug, Default)]
pub struct Device {
    /// What it says of itself.
    pub user_agent: String,
    /// From where it asks, if that is known.
    pub address: Option<IpAddr>,
}

impl From<&str> for Device {
    fn from(user_agent: &str) -> Self {
        Self { user_agent: user_agent.to_owned(), address: None }
    }
}

/// Browser and system in two words, or the beginning of what it said.
pub fn name(user_agent: &str) -> String {
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(sign, _)| user_agent.contains(sign)).map(|(_, name)| *name)
    };
    match (find(&PROGRAMS), find(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => user_agent.chars().take(40).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_by_their_agents() {
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36 Edg/130.0";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1";
        let agents = [edge, phone, "curl/8.5.0", "billing-sync 1.0", ""].map(name);
        assert_eq!(agents, ["Edge · Windows", "Safari · iPhone", "curl", "billing-sync 1.0", ""]);
    }
}
