//! What people ask for, and whether it can be.

use std::net::IpAddr;

use serde::Deserialize;
use utoipa::ToSchema;

use super::model::Tool;
use crate::error::FieldError;
use crate::ids::SubscriptionId;

/// Characters of a reason.
const REASON: std::ops::RangeInclusive<usize> = 3..=500;
/// Characters of a name of the domain name system, and of one of its parts.
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;
/// Seconds, packets and bytes of a packet that a capture may have.
const SECONDS: std::ops::RangeInclusive<i32> = 1..=60;
const PACKETS: std::ops::RangeInclusive<i32> = 1..=10_000;
const SNAP_BYTES: std::ops::RangeInclusive<i32> = 64..=2_048;
/// Enough for the headers of a packet, and little of what people say.
const SNAP_BYTES_DEFAULT: i32 = 96;

/// Something to ask a router.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnosisWish {
    /// With what; captures are asked for by themselves.
    pub tool: Tool,
    /// The host of `ping` and `traceroute`, a name or an address; the name of `dns`. Others have none.
    #[serde(default)]
    #[schema(example = "one.one.one.one")]
    pub target: String,
    /// The address of the name server `dns` asks; those of the router itself unless given.
    #[serde(default)]
    #[schema(example = "1.1.1.1")]
    pub server: String,
    /// The line whose classes `shaper` shows; all unless given. Others have none.
    #[serde(default)]
    pub subscription_id: Option<SubscriptionId>,
}

/// Packets of a line to be taken on its router.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureWish {
    /// The line.
    pub subscription_id: SubscriptionId,
    /// Why somebody's packets are looked at, 3-500 characters; written into the audit log.
    #[schema(example = "Ticket T-2026-000014: calls break off, agreed with the subscriber")]
    pub reason: String,
    /// For so long, 1-60 seconds; 10 unless given.
    pub seconds: Option<i32>,
    /// At most so many packets, 1-10000; 1000 unless given.
    pub packets: Option<i32>,
    /// Bytes kept of each packet from its IP header on, 64-2048; 96 unless given: headers, and next to nothing of what was
    /// said.
    pub snap_bytes: Option<i32>,
}

/// A capture that can be.
pub(super) struct Checked {
    pub reason: String,
    pub seconds: i32,
    pub packets: i32,
    pub snap_bytes: i32,
}

impl DiagnosisWish {
    /// The host or name and the server, if they can be.
    pub(super) fn check(&self) -> Result<(String, String), Vec<FieldError>> {
        let (target, server) = (self.target.trim().to_lowercase(), self.server.trim().to_owned());
        let mut errors = Vec::new();
        let wrong = match self.tool {
            Tool::Capture => {
                errors.push(FieldError::new("tool", "must not be capture: captures are asked for by themselves"));
                None
            }
            Tool::Ping | Tool::Traceroute if target.parse::<IpAddr>().is_ok() => None,
            Tool::Ping | Tool::Traceroute => (!is_name(&target)).then_some("must be a host’s name or address"),
            Tool::Dns => (!is_name(&target)).then_some("must be a name of the domain name system"),
            Tool::Shaper | Tool::Log | Tool::Talkers => {
                (!target.is_empty()).then_some("must be left out with this tool")
            }
        };
        errors.extend(wrong.map(|wrong| FieldError::new("target", wrong)));
        if !server.is_empty() && (self.tool != Tool::Dns || server.parse::<IpAddr>().is_err()) {
            let wrong = if self.tool == Tool::Dns {
                "must be the address of a name server"
            } else {
                "must be left out with this tool"
            };
            errors.push(FieldError::new("server", wrong));
        }
        if self.subscription_id.is_some() && self.tool != Tool::Shaper {
            errors.push(FieldError::new("subscription_id", "must be left out with this tool"));
        }
        if errors.is_empty() { Ok((target, server)) } else { Err(errors) }
    }
}

impl CaptureWish {
    /// What is asked for, if it can be.
    pub(super) fn check(&self) -> Result<Checked, Vec<FieldError>> {
        let (seconds, packets) = Tool::Capture.limits();
        let checked = Checked {
            reason: self.reason.trim().to_owned(),
            seconds: self.seconds.unwrap_or(seconds),
            packets: self.packets.unwrap_or(packets),
            snap_bytes: self.snap_bytes.unwrap_or(SNAP_BYTES_DEFAULT),
        };
        let mut errors = Vec::new();
        if !REASON.contains(&checked.reason.chars().count()) {
            let message = format!("must say why this is asked, in {} to {} characters", REASON.start(), REASON.end());
            errors.push(FieldError::new("reason", message));
        }
        for (field, value, range) in [
            ("seconds", checked.seconds, SECONDS),
            ("packets", checked.packets, PACKETS),
            ("snap_bytes", checked.snap_bytes, SNAP_BYTES),
        ] {
            if !range.contains(&value) {
                let message = format!("must be a number from {} to {}", range.start(), range.end());
                errors.push(FieldError::new(field, message));
            }
        }
        if errors.is_empty() { Ok(checked) } else { Err(errors) }
    }
}

fn is_name(name: &str) -> bool {
    let whole = name.strip_suffix('.').unwrap_or(name);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let label =
        |label: &str| (1..=LABEL_MAX).contains(&label.len()) && label.bytes().all(plain) && !label.starts_with('-');
    whole.len() <= NAME_MAX && whole.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_asked_is_named() {
        let wish = |tool, target: &str, server: &str| DiagnosisWish {
            tool,
            target: target.to_owned(),
            server: server.to_owned(),
            subscription_id: None,
        };
        let fields = |wish: DiagnosisWish| -> Vec<String> {
            wish.check().err().into_iter().flatten().map(|error| error.field).collect()
        };
        for (tool, target, server) in [
            (Tool::Ping, "2001:db8::1", ""),
            (Tool::Traceroute, "Example.NET.", ""),
            (Tool::Dns, "_dmarc.example.net", "192.0.2.53"),
            (Tool::Log, "", ""),
        ] {
            assert_eq!(fields(wish(tool, target, server)), Vec::<String>::new(), "{tool:?} {target}");
        }
        for (tool, target, server, wrong) in [
            (Tool::Ping, "", "", "target"),
            (Tool::Ping, "-f", "", "target"),
            (Tool::Ping, "a b", "", "target"),
            (Tool::Traceroute, "a..b", "", "target"),
            (Tool::Ping, "example.net", "192.0.2.53", "server"),
            (Tool::Dns, "example.net", "ns.example.net", "server"),
            (Tool::Talkers, "example.net", "", "target"),
            (Tool::Capture, "", "", "tool"),
        ] {
            assert_eq!(fields(wish(tool, target, server)), [wrong], "{tool:?} {target} {server}");
        }
        assert!(!is_name(&"a".repeat(64)) && !is_name(&["abcdefgh"; 40].join(".")));
    }
}
