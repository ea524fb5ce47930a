//! The tokens' contrast by WCAG 2.2, over every hue a tenant may choose, in both themes: 4.5 for text, 3 for what is drawn.

use std::collections::HashMap;

const THEMES: [&str; 2] = ["light", "dark"];
const TEXT: f64 = 4.5;
const DRAWN: f64 = 3.0;

/// Words, and what they stand on.
const TEXTS: [(&str, &[&str]); 8] = [
    ("ink", &["canvas", "surface", "sunken", "brand-tint", "warn-tint", "bad-tint"]),
    ("ink-2", &["canvas", "surface", "sunken", "brand-tint"]),
    ("ink-3", &["canvas", "surface", "sunken", "brand-tint"]),
    ("on-brand", &["brand"]),
    ("brand", &["canvas", "surface"]),
    ("ok", &["canvas", "surface", "sunken", "brand-tint"]),
    ("warn", &["canvas", "surface", "sunken", "brand-tint", "warn-tint"]),
    ("bad", &["canvas", "surface", "sunken", "brand-tint", "bad-tint"]),
];

/// Edges of fields, rings of focus, lines of charts, and what they stand on.
const SHAPES: [(&str, &[&str]); 3] =
    [("line-strong", &["canvas", "surface"]), ("brand", &["canvas", "surface", "sunken"]), ("ink-3", &["canvas"])];

/// A colour in linear light.
type Linear = [f64; 3];

/// Lightness, chroma and hue, where `None` is the tenant's hue.
#[derive(Clone, Copy)]
struct Oklch(f64, f64, Option<f64>);

impl Oklch {
    fn read(text: &str) -> Self {
        let numbers: Vec<_> = text.split_whitespace().map(|part| part.parse().ok()).collect();
        match numbers[..] {
            [Some(lightness), Some(chroma), hue, ..] => Self(lightness, chroma, hue),
            _ => panic!("not a colour: {text}"),
        }
    }

    /// As a screen shows it: what is outside of sRGB is clipped.
    fn linear(self, tenant: f64) -> Linear {
        let Self(lightness, chroma, hue) = self;
        let angle = hue.unwrap_or(tenant).to_radians();
        let (a, b) = (chroma * angle.cos(), chroma * angle.sin());
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
        [
            4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
            -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
            -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s,
        ]
        .map(|channel| channel.clamp(0.0, 1.0))
    }
}

fn contrast(one: Linear, other: Linear) -> f64 {
    let luminance = |[red, green, blue]: Linear| 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05;
    let (one, other) = (luminance(one), luminance(other));
    one.max(other) / one.min(other)
}

/// Each token's colour, light and dark, as the style sheet has them.
fn tokens() -> HashMap<String, [Oklch; 2]> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/css/1-tokens.css");
    let text = std::fs::read_to_string(path).expect("the tokens").replace("var(--hue, 255)", "tenant");
    let declared = text.lines().flat_map(|line| line.split(';')).filter_map(|declaration| {
        let (name, value) = declaration.trim().strip_prefix("--")?.split_once(": light-dark(")?;
        let mut colours = value.split("oklch(").skip(1).map(|rest| rest.split(')').next().unwrap_or(rest));
        Some((name.to_owned(), [Oklch::read(colours.next()?), Oklch::read(colours.next()?)]))
    });
    declared.collect()
}

fn least(pairs: &[(&str, &[&str])], wanted: f64) -> f64 {
    let tokens = tokens();
    let mut least = f64::INFINITY;
    for (front, backs) in pairs {
        for (back, theme) in backs.iter().flat_map(|back| [(back, 0), (back, 1)]) {
            for hue in 0..360 {
                let shown = |name: &str| tokens[name][theme].linear(f64::from(hue));
                let found = contrast(shown(front), shown(back));
                assert!(found >= wanted, "{front} on {back}, {}, hue {hue}: {found:.2}", THEMES[theme]);
                least = least.min(found);
            }
        }
    }
    least
}

#[test]
fn every_hue_reads_in_both_themes() {
    assert!(least(&TEXTS, TEXT) < 21.0);
}

#[test]
fn every_hue_is_seen_in_both_themes() {
    assert!(least(&SHAPES, DRAWN) < 21.0);
}

#[test]
fn the_yardstick_is_right() {
    let (white, black) = (Oklch(1.0, 0.0, Some(0.0)).linear(0.0), Oklch(0.0, 0.0, Some(0.0)).linear(0.0));
    assert!((contrast(white, black) - 21.0).abs() < 0.01);
    // sRGB red is oklch(0.628 0.2577 29.23); its contrast on white is 4.0 by WCAG.
    let red = Oklch(0.627_96, 0.257_68, Some(29.234)).linear(0.0);
    assert!((contrast(red, white) - 3.998).abs() < 0.02, "{}", contrast(red, white));
}
