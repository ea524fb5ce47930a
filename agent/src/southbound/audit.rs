//! Whether what the classes counted is what the ports sent. Pure.
//!
//! Both count the same packets with different rulers. A class counts segments as they will be on the wire. A port may
//! count what an offloading card is handed, one header for many segments, or what the card sent, with checksums,
//! padding and tags. What these explain is no difference.

use super::Total;

/// The most headers of a segment, link to TCP with options, that an offloaded packet has but once.
const SEGMENT_HEADERS: u64 = 128;
/// The most a port counts on top of a packet: padding to 60 bytes, a tag, a checksum.
const FRAME: u64 = 24;
/// The largest packet an offloading port is handed.
const PACKET_MAX: u64 = 65_536;
/// Differences up to this share of what the port sent are its counters' lateness.
const SHARE: u64 = 100;
/// And up to so many bytes, whatever it sent.
const FLOOR: u64 = 1_000_000;
/// Cards tell what they sent every second or two.
const LATENESS_MS: u64 = 2_000;

/// Cumulative counts of a port at one instant; bytes with link headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// All classes packets leave from.
    pub shaped: Total,
    /// All that left our tree, its classes or not.
    pub left: Total,
    /// Packets that left it through no class.
    pub direct_packets: u64,
    /// How many classes these are.
    pub classes: usize,
    /// What the port sent.
    pub sent: Total,
    /// Packets it was handed and did not send.
    pub lost_packets: u64,
}

/// A port's counts of a time compared.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Audit {
    /// The port.
    pub port: String,
    /// How long was compared, milliseconds.
    pub span_ms: u64,
    /// Bytes the classes counted, with link headers, and what left our tree through none.
    pub shaped_bytes: u64,
    /// Bytes the port counted.
    pub sent_bytes: u64,
    /// Bytes the port sent beyond what was shaped (below zero: fewer) that nothing explains; 0 = all is well.
    pub unexplained_bytes: i64,
}

/// Compares two standings of a port; `None` if some count began anew between them.
pub fn compare(port: &str, before: &Standing, now: &Standing, span_ms: u64) -> Option<Audit> {
    let grown = |now: u64, before: u64| now.checked_sub(before);
    let mut shaped = grown(now.shaped.bytes, before.shaped.bytes)?;
    let mut shaped_packets = grown(now.shaped.packets, before.shaped.packets)?;
    let left = grown(now.left.bytes, before.left.bytes)?;
    let direct = grown(now.direct_packets, before.direct_packets)?;
    if direct > 0 {
        shaped = shaped.max(left);
        shaped_packets = shaped_packets.saturating_add(direct);
    }
    let sent = grown(now.sent.bytes, before.sent.bytes)?;
    let sent_packets = grown(now.sent.packets, before.sent.packets)?;
    let lost = grown(now.lost_packets, before.lost_packets)?;
    if now.classes < before.classes {
        return None;
    }
    let late = sent.max(shaped).saturating_mul(LATENESS_MS) / span_ms.max(LATENESS_MS);
    let tolerance = FLOOR.max(sent / SHARE).saturating_add(late);
    let above = sent_packets.saturating_mul(FRAME).saturating_add(tolerance);
    let once = shaped_packets.saturating_sub(sent_packets).saturating_mul(SEGMENT_HEADERS);
    let below = once.saturating_add(lost.saturating_mul(PACKET_MAX)).saturating_add(tolerance);
    let unexplained_bytes = if sent > shaped {
        signed((sent - shaped).saturating_sub(above))
    } else {
        -signed((shaped - sent).saturating_sub(below))
    };
    Some(Audit { port: port.to_owned(), span_ms, shaped_bytes: shaped, sent_bytes: sent, unexplained_bytes })
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTES: u64 = 300_000;

    fn standing(shaped: (u64, u64), sent: (u64, u64)) -> Standing {
        let total = |(bytes, packets)| Total { bytes, packets };
        Standing { shaped: total(shaped), left: total(shaped), classes: 3, sent: total(sent), ..Standing::default() }
    }

    fn unexplained(shaped: (u64, u64), sent: (u64, u64)) -> i64 {
        compare("lan0", &Standing { classes: 3, ..Standing::default() }, &standing(shaped, sent), MINUTES)
            .unwrap()
            .unexplained_bytes
    }

    #[test]
    fn offloading_checksums_and_late_counters_are_no_difference() {
        let (gigabyte, segments) = (1_514_000_000, 1_000_000);
        assert_eq!(unexplained((gigabyte, segments), (gigabyte, segments)), 0);
        // 44 segments at once: the port counts their headers once.
        assert_eq!(unexplained((gigabyte, segments), (gigabyte - 66 * (segments - segments / 44), segments / 44)), 0);
        // A card that counts checksums; small packets padded.
        assert_eq!(unexplained((gigabyte, segments), (gigabyte + 4 * segments, segments)), 0);
        assert_eq!(unexplained((42_000_000, segments), (64_000_000, segments)), 0);
        // A second not told yet.
        assert_eq!(unexplained((gigabyte, segments), (gigabyte - gigabyte / 300, segments - segments / 300)), 0);
    }

    #[test]
    fn what_passes_the_shaper_by_and_what_is_counted_but_not_sent_is_told() {
        let (gigabyte, segments) = (1_514_000_000, 1_000_000);
        let past = unexplained((gigabyte, segments), (gigabyte + gigabyte / 10, segments + segments / 10));
        assert!((80_000_000..151_000_000).contains(&past), "{past}");
        let missing = unexplained((gigabyte, segments), (gigabyte / 2, segments / 2));
        assert!(missing < -500_000_000, "{missing}");
        let mut lost = standing((gigabyte, segments), (gigabyte / 2, segments / 2));
        lost.lost_packets = segments / 2;
        let audit = compare("lan0", &Standing::default(), &lost, MINUTES).unwrap();
        assert_eq!(audit.unexplained_bytes, 0, "the port says that it lost them");
    }

    #[test]
    fn packets_of_no_class_are_told_by_the_root() {
        let now = Standing {
            left: Total { bytes: 900_000_000, packets: 600_000 },
            direct_packets: 100_000,
            ..standing((750_000_000, 500_000), (900_000_000, 600_000))
        };
        let audit = compare("lan0", &Standing::default(), &now, MINUTES).unwrap();
        assert_eq!((audit.shaped_bytes, audit.unexplained_bytes), (900_000_000, 0));
        let hidden = Standing { direct_packets: 0, ..now };
        assert!(compare("lan0", &Standing::default(), &hidden, MINUTES).unwrap().unexplained_bytes > 100_000_000);
    }

    #[test]
    fn a_count_that_began_anew_is_not_compared() {
        let before = standing((1_000, 10), (1_000, 10));
        assert_eq!(compare("lan0", &before, &standing((10, 1), (2_000, 20)), MINUTES), None);
        assert_eq!(compare("lan0", &before, &standing((2_000, 20), (10, 1)), MINUTES), None);
        let fewer = Standing { classes: 2, ..standing((2_000, 20), (2_000, 20)) };
        assert_eq!(compare("lan0", &before, &fewer, MINUTES), None);
    }
}
