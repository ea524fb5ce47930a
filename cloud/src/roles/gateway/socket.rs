//! The socket agents' datagrams come to.

use std::net::{SocketAddr, UdpSocket};

use nix::sys::socket::{getsockopt, setsockopt, sockopt::RcvBuf};

/// Bytes of datagrams that wait while the gateway is busy. The kernel counts two for each that it gives, and more than two KiB
/// for the first datagram of a handshake: what it gives by itself is full with ninety of them.
const BUFFER: usize = 4 * 1024 * 1024;

/// Binds it. What the kernel does not give is said: what comes when the buffer is full is lost, and sent again only seconds later.
pub(super) fn bind(at: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = UdpSocket::bind(at)?;
    setsockopt(&socket, RcvBuf, &BUFFER)?;
    let given = getsockopt(&socket, RcvBuf)? / 2;
    if given < BUFFER {
        tracing::info!(
            given,
            asked = BUFFER,
            "the kernel keeps fewer bytes for the gateway's socket than asked; net.core.rmem_max limits them"
        );
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_gives_as_much_as_it_may() {
        let most: usize = std::fs::read_to_string("/proc/sys/net/core/rmem_max").unwrap().trim().parse().unwrap();
        let socket = bind(([127, 0, 0, 1], 0).into()).unwrap();
        assert_eq!(getsockopt(&socket, RcvBuf).unwrap() / 2, BUFFER.min(most));
    }
}
