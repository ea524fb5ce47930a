//! What a sold rate means to HTB, which also counts the link header.

/// Layer-3 bytes of a full packet.
const FULL_PACKET: u64 = 1500;
/// What every line has of its own on a full port, in bytes per second: enough to never starve, too little for the sum
/// of thousands to matter.
pub const GUARANTEED: u64 = 1_000;
/// Seconds of its rate a line may send at once at most.
pub const BURST_SECONDS_MAX: u64 = 60;
/// The longest turn, in bytes.
pub const TURN_MAX: u32 = 60_000;

/// The HTB rate, in bytes per second with link headers, that lets `rate_bps` of layer 3 through in full packets.
pub fn htb_bytes_per_second(rate_bps: u64, link_header: u64) -> u64 {
    let bytes = u128::from(rate_bps) * u128::from(FULL_PACKET + link_header) / u128::from(FULL_PACKET * 8);
    u64::try_from(bytes).unwrap_or(u64::MAX).max(1)
}

/// The layer-3 rate an HTB rate lets through: the inverse of [`htb_bytes_per_second`], rounded to the nearest kbit/s.
pub fn layer3_bps(htb_bytes_per_second: u64, link_header: u64) -> u64 {
    let bits = u128::from(htb_bytes_per_second) * u128::from(FULL_PACKET * 8) / u128::from(FULL_PACKET + link_header);
    u64::try_from((bits + 500) / 1000 * 1000).unwrap_or(u64::MAX)
}

/// Bytes a class may send at once: a scheduler tick's worth, never less than one segmented packet run.
pub fn burst_bytes(htb_bytes_per_second: u64) -> u32 {
    u32::try_from(htb_bytes_per_second / 250).unwrap_or(u32::MAX).clamp(16 * 1024, 1024 * 1024)
}

/// Bytes a line may send at once that was sold `burst_bytes` of it: never less than any class, nor more than a minute of
/// its rate, for the kernel remembers no longer that a class was idle.
pub fn line_burst_bytes(htb_bytes_per_second: u64, burst_bytes: u64) -> u32 {
    let minute = htb_bytes_per_second.saturating_mul(BURST_SECONDS_MAX);
    let sold = u32::try_from(burst_bytes.min(minute)).unwrap_or(u32::MAX);
    sold.max(self::burst_bytes(htb_bytes_per_second))
}

/// Bytes a class may send in its turn on a full port: a millisecond's worth, from a full packet to what HTB bears, so
/// that lines share in proportion to what they were sold.
pub fn turn_bytes(htb_bytes_per_second: u64) -> u32 {
    u32::try_from(htb_bytes_per_second / 1000).unwrap_or(u32::MAX).clamp(1514, TURN_MAX)
}

/// Bytes a plain queue may hold: 50 ms of the rate, never less than two offloaded packets.
pub fn queue_bytes(htb_bytes_per_second: u64) -> u32 {
    u32::try_from(htb_bytes_per_second / 20).unwrap_or(u32::MAX).max(128 * 1024)
}

/// Time to send `bytes`, in the packet scheduler's ticks of 64 ns.
pub fn ticks(bytes: u32, htb_bytes_per_second: u64) -> u32 {
    let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(htb_bytes_per_second.max(1));
    u32::try_from(nanoseconds >> 6).unwrap_or(u32::MAX)
}

/// Layer-3 bytes of what a class counted with link headers.
pub fn layer3_bytes(bytes: u64, packets: u64, link_header: u64) -> u64 {
    bytes.saturating_sub(packets.saturating_mul(link_header))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_survives_the_way_to_the_kernel_and_back() {
        for rate in [64_000, 1_000_000, 10_000_000, 123_456_000, 1_000_000_000, 100_000_000_000] {
            assert_eq!(layer3_bps(htb_bytes_per_second(rate, 14), 14), rate);
        }
    }

    #[test]
    fn a_burst_is_bounded_on_both_sides() {
        assert_eq!(line_burst_bytes(1_000_000, 0), burst_bytes(1_000_000));
        assert_eq!(line_burst_bytes(1_000_000, 5_000_000), 5_000_000);
        assert_eq!(line_burst_bytes(1_000_000, u64::MAX), 60_000_000);
        assert_eq!(line_burst_bytes(u64::MAX, u64::MAX), u32::MAX);
    }

    #[test]
    fn the_link_header_is_paid_on_top() {
        assert_eq!(htb_bytes_per_second(12_000_000, 0), 1_500_000);
        assert_eq!(htb_bytes_per_second(12_000_000, 14), 1_514_000);
        assert_eq!(layer3_bytes(1_514_000, 1_000, 14), 1_500_000);
    }
}
