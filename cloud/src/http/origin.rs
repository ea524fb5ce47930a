//! Where a request comes from, as far as that is known.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The other end of the connection; the accept loop puts it beside every request.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The address a request comes from; a proxy on this machine is believed about whom it speaks for.
pub struct Origin(pub Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        let forwarded = parts.headers.get_all("x-forwarded-for").into_iter().next_back();
        let forwarded = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
        Ok(Self(peer.map(|peer| forwarded.filter(|_| peer.is_loopback()).unwrap_or(peer))))
    }
}
