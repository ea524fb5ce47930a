//! Files to be saved, sent piece by piece; and documents to be looked at.

use std::fs::File;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::BytesMut;
use futures_util::{StreamExt, stream};
use tokio::io::AsyncReadExt;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// The rest of a file, to be saved under `name`.
pub fn file(file: File, name: &str, kind: &'static str) -> Response {
    let pieces = stream::unfold(Some(tokio::fs::File::from_std(file)), |file| async move {
        let mut file = file?;
        let mut piece = BytesMut::with_capacity(PIECE);
        match file.read_buf(&mut piece).await {
            Ok(0) => None,
            Ok(_) => Some((Ok(piece.freeze()), Some(file))),
            Err(error) => Some((Err(error), None)),
        }
    });
    // Whoever compresses it asks once more after the last.
    let mut response = Body::from_stream(pieces.fuse()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(named) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, named);
    }
    response
}

/// A PDF to be looked at, that is called `name` when it is saved.
pub fn shown(name: &str, pdf: Vec<u8>) -> Response {
    let name = HeaderValue::from_str(&format!("inline; filename=\"{name}.pdf\""));
    let name = name.unwrap_or(HeaderValue::from_static("inline"));
    let headers =
        [(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf")), (header::CONTENT_DISPOSITION, name)];
    (headers, pdf).into_response()
}
