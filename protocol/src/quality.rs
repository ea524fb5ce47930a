//! How well lines are served: what an agent measures and tells now and then. Lossy by design, never billed.

use crate::usage::ColumnError;

/// Agent to cloud: the last minutes, columnar: the n-th entry of each column speaks of the n-th handle. Lines of which
/// there is nothing to say are left out.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Report {
    /// First instant spoken of, Unix milliseconds.
    #[prost(uint64, tag = "1")]
    pub start_ms: u64,
    /// Instant spoken of up to, Unix milliseconds.
    #[prost(uint64, tag = "2")]
    pub end_ms: u64,
    /// Handles, ascending, each as the difference to the one before.
    #[prost(uint32, repeated, tag = "3")]
    pub handle_deltas: Vec<u32>,
    /// Mean time a byte toward the subscriber waited in the line's queue, microseconds.
    #[prost(uint32, repeated, tag = "4")]
    pub down_delay_us: Vec<u32>,
    /// The same from the subscriber.
    #[prost(uint32, repeated, tag = "5")]
    pub up_delay_us: Vec<u32>,
    /// The longest such time seen toward the subscriber, microseconds.
    #[prost(uint32, repeated, tag = "6")]
    pub down_delay_max_us: Vec<u32>,
    /// The same from the subscriber.
    #[prost(uint32, repeated, tag = "7")]
    pub up_delay_max_us: Vec<u32>,
    /// Share of the time at the line's rate toward the subscriber, thousandths.
    #[prost(uint32, repeated, tag = "8")]
    pub down_full_permille: Vec<u32>,
    /// The same from the subscriber.
    #[prost(uint32, repeated, tag = "9")]
    pub up_full_permille: Vec<u32>,
    /// Share of the line's rate that was used toward the subscriber, thousandths.
    #[prost(uint32, repeated, tag = "10")]
    pub down_used_permille: Vec<u32>,
    /// The same from the subscriber.
    #[prost(uint32, repeated, tag = "11")]
    pub up_used_permille: Vec<u32>,
    /// Packets toward the subscriber that the line's queue dropped.
    #[prost(uint64, repeated, tag = "12")]
    pub down_dropped_packets: Vec<u64>,
    /// The same from the subscriber.
    #[prost(uint64, repeated, tag = "13")]
    pub up_dropped_packets: Vec<u64>,
    /// Echoes the subscriber was asked for.
    #[prost(uint32, repeated, tag = "14")]
    pub asked: Vec<u32>,
    /// Echoes that came.
    #[prost(uint32, repeated, tag = "15")]
    pub answered: Vec<u32>,
    /// Half of them came within this time, microseconds; 0 if none came.
    #[prost(uint32, repeated, tag = "16")]
    pub rtt_p50_us: Vec<u32>,
    /// 95 of a hundred came within this time, microseconds; 0 if none came.
    #[prost(uint32, repeated, tag = "17")]
    pub rtt_p95_us: Vec<u32>,
    /// The router's own way to the internet.
    #[prost(message, repeated, tag = "18")]
    pub uplinks: Vec<Echoes>,
    /// Packets toward the subscriber that the line's queue marked instead of dropping (ECN, RFC 3168); empty if not told.
    #[prost(uint64, repeated, tag = "19")]
    pub down_marked_packets: Vec<u64>,
    /// The same from the subscriber.
    #[prost(uint64, repeated, tag = "20")]
    pub up_marked_packets: Vec<u64>,
}

/// Echoes a host was asked for.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Echoes {
    /// What the host is to the router.
    #[prost(enumeration = "Role", tag = "1")]
    pub role: i32,
    /// Its address, 4 or 16 bytes.
    #[prost(bytes = "vec", tag = "2")]
    pub address: Vec<u8>,
    /// Echoes asked for.
    #[prost(uint32, tag = "3")]
    pub asked: u32,
    /// Echoes that came.
    #[prost(uint32, tag = "4")]
    pub answered: u32,
    /// Half of them came within this time, microseconds; 0 if none came.
    #[prost(uint32, tag = "5")]
    pub rtt_p50_us: u32,
    /// 95 of a hundred came within this time, microseconds; 0 if none came.
    #[prost(uint32, tag = "6")]
    pub rtt_p95_us: u32,
}

/// What a host is to the router that asks it for echoes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
pub enum Role {
    /// A line's host.
    Subscriber = 0,
    /// The next router on the way to the internet.
    Gateway = 1,
    /// A host of the internet the operator named.
    Anchor = 2,
}

/// Cloud to agent, in a [`crate::control::Command`]: measure how a line is served now. Nothing is changed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Probe {
    /// The line's object ([`crate::desired::Line`]), 16 bytes.
    #[prost(bytes = "vec", tag = "1")]
    pub line: Vec<u8>,
}

/// Agent to cloud: what a line was like while it was probed.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Probed {
    /// How long its queue was watched, milliseconds; 0 if it could not be.
    #[prost(uint32, tag = "1")]
    pub span_ms: u32,
    /// Toward the subscriber.
    #[prost(message, optional, tag = "2")]
    pub down: Option<Way>,
    /// From the subscriber.
    #[prost(message, optional, tag = "3")]
    pub up: Option<Way>,
    /// What the line may do on the router.
    #[prost(enumeration = "crate::desired::Access", tag = "4")]
    pub access: i32,
    /// Its rate there now, toward the subscriber, bits per second of layer 3.
    #[prost(uint64, tag = "5")]
    pub rate_down_bps: u64,
    /// The same from the subscriber.
    #[prost(uint64, tag = "6")]
    pub rate_up_bps: u64,
    /// The subscriber's host, the gateway and the anchors, as far as they can be asked.
    #[prost(message, repeated, tag = "7")]
    pub echoes: Vec<Echoes>,
}

/// One direction of a line over some time.
#[derive(Clone, Copy, PartialEq, Eq, prost::Message)]
pub struct Way {
    /// Mean time in the queue, microseconds.
    #[prost(uint32, tag = "1")]
    pub delay_us: u32,
    /// Longest time in the queue, microseconds.
    #[prost(uint32, tag = "2")]
    pub delay_max_us: u32,
    /// Share of the time at the line's rate, thousandths.
    #[prost(uint32, tag = "3")]
    pub full_permille: u32,
    /// Share of the rate that was used, thousandths.
    #[prost(uint32, tag = "4")]
    pub used_permille: u32,
    /// Packets the queue dropped; of a probe, those counted since the last report.
    #[prost(uint64, tag = "5")]
    pub dropped_packets: u64,
    /// Packets the queue marked instead of dropping (ECN); of a probe, those counted since the last report.
    #[prost(uint64, tag = "6")]
    pub marked_packets: u64,
}

/// What a [`Report`] says of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LineQuality {
    /// The line.
    pub handle: u32,
    /// Toward the subscriber.
    pub down: Way,
    /// From the subscriber.
    pub up: Way,
    /// Echoes the subscriber was asked for.
    pub asked: u32,
    /// Echoes that came.
    pub answered: u32,
    /// Half of them came within this time, microseconds.
    pub rtt_p50_us: u32,
    /// 95 of a hundred came within this time, microseconds.
    pub rtt_p95_us: u32,
}

impl Report {
    /// Fills the columns; `lines` must be strictly ascending by handle.
    pub fn set_lines(&mut self, lines: &[LineQuality]) {
        let column = |of: fn(&LineQuality) -> u32| -> Vec<u32> { lines.iter().map(of).collect() };
        let packets = |of: fn(&LineQuality) -> u64| -> Vec<u64> { lines.iter().map(of).collect() };
        let mut previous = 0;
        self.handle_deltas =
            lines.iter().map(|line| line.handle - std::mem::replace(&mut previous, line.handle)).collect();
        self.down_delay_us = column(|line| line.down.delay_us);
        self.up_delay_us = column(|line| line.up.delay_us);
        self.down_delay_max_us = column(|line| line.down.delay_max_us);
        self.up_delay_max_us = column(|line| line.up.delay_max_us);
        self.down_full_permille = column(|line| line.down.full_permille);
        self.up_full_permille = column(|line| line.up.full_permille);
        self.down_used_permille = column(|line| line.down.used_permille);
        self.up_used_permille = column(|line| line.up.used_permille);
        self.down_dropped_packets = packets(|line| line.down.dropped_packets);
        self.up_dropped_packets = packets(|line| line.up.dropped_packets);
        self.down_marked_packets = packets(|line| line.down.marked_packets);
        self.up_marked_packets = packets(|line| line.up.marked_packets);
        self.asked = column(|line| line.asked);
        self.answered = column(|line| line.answered);
        self.rtt_p50_us = column(|line| line.rtt_p50_us);
        self.rtt_p95_us = column(|line| line.rtt_p95_us);
    }

    /// Reads the columns.
    pub fn lines(&self) -> Result<Vec<LineQuality>, ColumnError> {
        let handles = self.handle_deltas.len();
        let columns = [
            &self.down_delay_us,
            &self.up_delay_us,
            &self.down_delay_max_us,
            &self.up_delay_max_us,
            &self.down_full_permille,
            &self.up_full_permille,
            &self.down_used_permille,
            &self.up_used_permille,
            &self.asked,
            &self.answered,
            &self.rtt_p50_us,
            &self.rtt_p95_us,
        ];
        let packets = [&self.down_dropped_packets, &self.up_dropped_packets];
        // Agents of before say nothing of marks.
        let marked =
            [&self.down_marked_packets, &self.up_marked_packets].into_iter().filter(|column| !column.is_empty());
        if columns.iter().any(|column| column.len() != handles)
            || packets.into_iter().chain(marked).any(|column| column.len() != handles)
        {
            return Err(ColumnError::Length { handles });
        }
        let mut handle = 0u32;
        let mut lines = Vec::with_capacity(handles);
        for (n, delta) in self.handle_deltas.iter().enumerate() {
            if *delta == 0 && n > 0 {
                return Err(ColumnError::Handles);
            }
            handle = handle.checked_add(*delta).ok_or(ColumnError::Handles)?;
            let down = Way {
                delay_us: self.down_delay_us[n],
                delay_max_us: self.down_delay_max_us[n],
                full_permille: self.down_full_permille[n],
                used_permille: self.down_used_permille[n],
                dropped_packets: self.down_dropped_packets[n],
                marked_packets: self.down_marked_packets.get(n).copied().unwrap_or_default(),
            };
            let up = Way {
                delay_us: self.up_delay_us[n],
                delay_max_us: self.up_delay_max_us[n],
                full_permille: self.up_full_permille[n],
                used_permille: self.up_used_permille[n],
                dropped_packets: self.up_dropped_packets[n],
                marked_packets: self.up_marked_packets.get(n).copied().unwrap_or_default(),
            };
            lines.push(LineQuality {
                handle,
                down,
                up,
                asked: self.asked[n],
                answered: self.answered[n],
                rtt_p50_us: self.rtt_p50_us[n],
                rtt_p95_us: self.rtt_p95_us[n],
            });
        }
        Ok(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_return_what_was_put_in_and_one_too_short_is_refused() {
        let way = Way {
            delay_us: 1,
            delay_max_us: 2,
            full_permille: 3,
            used_permille: 4,
            dropped_packets: 5,
            marked_packets: 7,
        };
        let line =
            LineQuality { down: way, asked: 6, answered: 5, rtt_p50_us: 8, rtt_p95_us: 9, ..LineQuality::default() };
        let lines = [3u32, 4, 900].map(|handle| LineQuality { handle, ..line });
        let mut report = Report::default();
        report.set_lines(&lines);
        assert_eq!(report.lines().unwrap(), lines);
        let unmarked = Report { down_marked_packets: Vec::new(), up_marked_packets: Vec::new(), ..report.clone() };
        let marks: u64 = unmarked.lines().unwrap().iter().map(|line| line.down.marked_packets).sum();
        assert_eq!(marks, 0, "who tells of none is read as before");
        report.up_marked_packets.pop();
        assert_eq!(report.lines(), Err(ColumnError::Length { handles: 3 }));
        report.set_lines(&lines);
        report.up_dropped_packets.pop();
        assert_eq!(report.lines(), Err(ColumnError::Length { handles: 3 }));
    }
}
