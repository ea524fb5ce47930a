//! Pages work from right to left too, and under a strict content security policy.

use super::{Breach, File};

const SIDED: &[&str] = &[
    "margin-left",
    "margin-right",
    "padding-left",
    "padding-right",
    "border-left",
    "border-right",
    "left",
    "right",
    "border-top-left-radius",
    "border-top-right-radius",
    "border-bottom-left-radius",
    "border-bottom-right-radius",
];

/// Style sheets and templates.
pub fn check(file: &File) -> Vec<Breach> {
    if file.is("css") {
        style_sheet(file)
    } else if file.is("html") {
        template(file)
    } else {
        Vec::new()
    }
}

fn style_sheet(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        for declaration in line.split(['{', '}', ';']) {
            let Some((property, value)) = declaration.split_once(':') else { continue };
            let (property, value) = (property.trim(), value.trim());
            let sided = SIDED.iter().any(|side| property == *side || property.starts_with(&format!("{side}-")));
            let aligned = ["text-align", "float", "clear"].contains(&property) && ["left", "right"].contains(&value);
            if sided || aligned {
                let rule = format!("`{property}` knows left and right: use the logical property (inline, start, end)");
                breaches.push(file.breach(number + 1, rule));
            }
        }
    }
    breaches
}

fn template(file: &File) -> Vec<Breach> {
    let mut breaches = Vec::new();
    for (number, line) in file.text.lines().enumerate() {
        let lower = line.to_lowercase();
        let scripts = lower.split("<script").skip(1).map(|rest| rest.split('>').next().unwrap_or(rest));
        if scripts.into_iter().any(|attributes| !attributes.contains("src=") && !attributes.contains("application/")) {
            breaches.push(file.breach(number + 1, "no inline script"));
        }
        // A mail carries its styles with it.
        let page = !file.path.contains("/templates/mail/");
        if page && (lower.contains("<style") || lower.contains(" style=")) {
            breaches.push(file.breach(number + 1, "no inline style"));
        }
        if has_event_attribute(&lower) {
            breaches.push(file.breach(number + 1, "no event attributes"));
        }
    }
    breaches
}

fn has_event_attribute(line: &str) -> bool {
    line.split_whitespace().any(|word| {
        let name = word.split('=').next().unwrap_or_default();
        word.contains('=') && name.len() > 3 && name.starts_with("on") && name.chars().all(|c| c.is_ascii_lowercase())
    })
}
