//! From which address a request comes: the connection's, or what a proxy we trust says.

use std::convert::Infallible;
use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use crate::access::Device;
use crate::app::App;

/// The address at the other end of the connection, as the server noted it.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

impl FromRequestParts<App> for Device {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Self { user_agent: agent.to_owned(), address: address(parts, app) })
    }
}

/// From where a request comes, if that is known.
pub fn address(parts: &Parts, app: &App) -> Option<IpAddr> {
    let Peer(peer) = *parts.extensions.get::<Peer>()?;
    let trusted = |address: &IpAddr| app.config.trusted_proxies.iter().any(|net| net.contains(address));
    let peer = peer.to_canonical();
    if !trusted(&peer) {
        return Some(peer);
    }
    // The nearest proxy writes last: the last address that is not a proxy of ours is the caller's.
    Some(forwarded(&parts.headers).into_iter().rev().find(|address| !trusted(address)).unwrap_or(peer))
}

fn forwarded(headers: &HeaderMap) -> Vec<IpAddr> {
    let values = headers.get_all("x-forwarded-for").into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).filter_map(|text| text.trim().parse().ok()).collect()
}
