//! The internet's servers: a small HTTP server and a UDP echo. Bulk traffic is iperf3's.
//!
//! `GET /generate_204` answers 204 as captive-portal checks expect, `GET /who` the address and port it came from, anything
//! else 200.

use anyhow::{Context, Result};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// Where HTTP is served.
pub const HTTP_PORT: u16 = 80;
/// Where UDP datagrams come back from.
pub const ECHO_PORT: u16 = 7;

/// Serves until the process is ended; prints `ready` first.
pub fn run() -> Result<()> {
    let http = TcpListener::bind((Ipv6Addr::UNSPECIFIED, HTTP_PORT)).context("HTTP")?;
    let echo = UdpSocket::bind((Ipv6Addr::UNSPECIFIED, ECHO_PORT)).context("echo")?;
    println!("ready");
    std::thread::spawn(move || {
        let mut datagram = [0; 2048];
        loop {
            if let Ok((length, from)) = echo.recv_from(&mut datagram) {
                let _gone = echo.send_to(&datagram[..length], from);
            }
        }
    });
    for stream in http.incoming().flatten() {
        std::thread::spawn(move || serve(stream));
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    reader.read_line(&mut request)?;
    let (mut header, mut length) = (String::new(), 0);
    while reader.read_line(&mut header)? > 2 {
        if let Some(("content-length", told)) = header.to_ascii_lowercase().split_once(':') {
            length = told.trim().parse().unwrap_or(0);
        }
        header.clear();
    }
    std::io::copy(&mut reader.take(length), &mut std::io::sink())?;
    let answer = if request.contains(" /generate_204 ") {
        "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n".to_owned()
    } else {
        let body = if request.contains(" /who ") {
            let from = stream.peer_addr()?;
            format!("{} {}\n", from.ip().to_canonical(), from.port())
        } else {
            "the internet\n".to_owned()
        };
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
    };
    stream.write_all(answer.as_bytes())?;
    Ok(())
}
