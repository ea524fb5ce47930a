//! Embedded browser files under content-hashed names, served below `/assets/`.

/// One file, as it is sent.
#[derive(Debug, Clone)]
pub struct Asset {
    /// The body, uncompressed.
    pub body: std::borrow::Cow<'static, [u8]>,
    /// The `Content-Type`.
    pub content_type: &'static str,
}

const TABLE: &[(&str, &str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The file behind `/assets/<path>`: a hashed name, or `hue-<0..359>.css`. All may be cached for ever.
#[must_use]
pub fn get(path: &str) -> Option<Asset> {
    if let Some(hue) = path.strip_prefix("hue-").and_then(|rest| rest.strip_suffix(".css")) {
        let hue: u16 = hue.parse().ok().filter(|hue| *hue < 360)?;
        let body = format!(":root{{--hue:{hue}}}").into_bytes().into();
        return Some(Asset { body, content_type: "text/css; charset=utf-8" });
    }
    let (_, name, body) = TABLE.iter().find(|(_, hashed, _)| *hashed == path)?;
    let content_type = match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        _ => "font/woff2",
    };
    Some(Asset { body: (*body).into(), content_type })
}

/// The address of an asset by its plain name, such as `app.css`; unknown names give an address that answers 404.
#[must_use]
pub fn url(name: &str) -> String {
    let hashed = TABLE.iter().find(|(plain, _, _)| *plain == name).map_or(name, |(_, hashed, _)| hashed);
    format!("/assets/{hashed}")
}
