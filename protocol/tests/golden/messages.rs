//! A sample of every message, with every field: a struct literal leaves none out.

use weir_protocol::{control, desired, diagnosis, enroll, live, quality, state, token, usage};

use super::source::{Sample, Source};

/// Something done to every message type.
pub trait Visit {
    /// Does it to one; `name` is `module.Message`, or `module.Message.variant` for each kind a message can be.
    fn visit<M: prost::Message + Default + PartialEq + std::fmt::Debug>(
        &mut self,
        name: &'static str,
        make: fn(&mut dyn Source) -> M,
    );
}

macro_rules! messages {
    ($($module:ident::$message:ident { $($field:ident),* })*) => {
        $(impl Sample for $module::$message {
            fn sample(source: &mut dyn Source) -> Self {
                Self { $($field: Sample::sample(source)),* }
            }
        })*

        /// Every message that is a plain set of fields.
        fn plain(visit: &mut impl Visit) {
            $(visit.visit(concat!(stringify!($module), ".", stringify!($message)), $module::$message::sample);)*
        }
    };
}

macro_rules! choices {
    ($($module:ident::$message:ident . $field:ident: $choice:ident $kind:ident { $($variant:ident),* })*) => {
        /// Every kind of every message that is one of several.
        fn chosen(visit: &mut impl Visit) {
            $($(visit.visit(
                concat!(stringify!($module), ".", stringify!($message), ".", stringify!($variant)),
                |source| $module::$message { $field: Some($module::$choice::$kind::$variant(Sample::sample(source))) },
            );)*)*
        }
    };
}

/// Does something to every message.
pub fn every(visit: &mut impl Visit) {
    plain(visit);
    chosen(visit);
}

impl Sample for desired::Identity {
    fn sample(source: &mut dyn Source) -> Self {
        use desired::identity::Who;
        let who = match source.number() % 6 {
            1 => Who::CircuitId(Sample::sample(source)),
            2 => Who::RemoteId(Sample::sample(source)),
            3 => Who::PppoeUser(Sample::sample(source)),
            4 => Who::Duid(Sample::sample(source)),
            5 => return Self { who: None },
            _ => Who::Mac(Sample::sample(source)),
        };
        Self { who: Some(who) }
    }
}

impl Sample for control::command::What {
    fn sample(source: &mut dyn Source) -> Self {
        match source.number() % 2 {
            1 => Self::Diagnose(Sample::sample(source)),
            _ => Self::Probe(Sample::sample(source)),
        }
    }
}

impl Sample for control::command_result::Outcome {
    fn sample(source: &mut dyn Source) -> Self {
        match source.number() % 4 {
            1 => Self::Refused(Sample::sample(source)),
            2 => Self::Diagnosed(Sample::sample(source)),
            3 => Self::Unknown(Sample::sample(source)),
            _ => Self::Probed(Sample::sample(source)),
        }
    }
}

impl Sample for enroll::certificate_renewed::Outcome {
    fn sample(source: &mut dyn Source) -> Self {
        match source.number() % 2 {
            1 => Self::Renewed(Sample::sample(source)),
            _ => Self::Refused(Sample::sample(source)),
        }
    }
}

impl Sample for diagnosis::diagnose::Tool {
    fn sample(source: &mut dyn Source) -> Self {
        match source.number() % 7 {
            1 => Self::Traceroute(Sample::sample(source)),
            2 => Self::LookUp(Sample::sample(source)),
            3 => Self::Shaper(Sample::sample(source)),
            4 => Self::Log(Sample::sample(source)),
            5 => Self::Talkers(Sample::sample(source)),
            6 => Self::Capture(Sample::sample(source)),
            _ => Self::Ping(Sample::sample(source)),
        }
    }
}

messages! {
    control::Hello { proto_rev, agent_version, boot_id, mono_ms, wall_ms, state_lineage, state_gen, state_digest, epochs, capabilities, kernel, tally, trust_digest }
    control::EpochPosition { epoch, first_seq, last_seq, first_prev_hash, last_hash }
    control::Welcome { session_id, proto_rev, cloud_time_ms, state_lineage, streams, usage_interval_ms, heartbeat_interval_ms, reconnect_spread_ms, restored, gateways }
    control::StreamPosition { epoch, applied_seq, applied_hash, trim_seq, verdict }
    control::Heartbeat { mono_ms, wall_ms, pending_records }
    control::Event { id, kind, severity, wall_ms, text }
    control::GoAway { reason, reconnect_after_min_ms, reconnect_after_max_ms, gateways }
    control::LiveInterest { for_ms, interval_ms }
    control::Command { id, what }
    control::CommandResult { id, outcome }
    control::Refused { code, text }
    desired::Router { lan_interface, wan_interface, nat, capacity_down_bps, capacity_up_bps, garden, unknown_hosts, own_networks, untracked, public_networks, metered }
    desired::Garden { isp_name, pay_url, contact, hue, reachable, language, resolvers, reachable_names }
    desired::Prefix { address, length }
    desired::Line { handle, prefixes, rate_down_bps, rate_up_bps, access, throttled_down_bps, throttled_up_bps, hold_kind, fair_use, pay_url, identities, node, burst_down_bytes, burst_up_bytes, public_ports }
    desired::PortBlock { address, first_port, last_port }
    desired::Node { name, parent, committed_down_bps, committed_up_bps, peak_down_bps, peak_up_bps }
    desired::FairUse { time_zone, allowances, exhausted_down_bps, exhausted_up_bps, windows, tally, steps, boosts, pool }
    desired::Step { over_bytes, rate_down_bps, rate_up_bps, garden }
    desired::Boost { from_ms, until_ms, rate_down_bps, rate_up_bps }
    desired::Allowance { start_ms, end_ms, bytes, elsewhere_bytes, top_ups, carry_max_bytes }
    desired::TopUp { bytes, until_ms }
    desired::Window { weekdays, from_minute, to_minute, rate_down_bps, rate_up_bps, free }
    desired::CutPoints { at_ms }
    diagnosis::Diagnose { not_after_ms, seconds, packets, bytes, tool }
    diagnosis::Ping { host }
    diagnosis::Traceroute { host }
    diagnosis::LookUp { name, server }
    diagnosis::Shaper { line }
    diagnosis::Log { lines }
    diagnosis::Talkers { lines }
    diagnosis::Capture { line, snap_bytes }
    diagnosis::Part { id, number, data }
    diagnosis::Diagnosed { parts, cut_short }
    diagnosis::UnknownOutcome { began_ms }
    diagnosis::Cancel { id }
    enroll::Request { token_id, proof, csr, proto_rev, agent_version, hostname }
    enroll::Enrolled { tenant_id, agent_id, chain, trust_bundle, gateways, cloud_time_ms }
    enroll::Refused { code, text }
    enroll::RenewCertificate { csr }
    enroll::CertificateRenewed { outcome }
    enroll::Renewed { chain, trust_bundle, gateways }
    enroll::TrustBundle { roots }
    live::Sample { wall_ms, down_bps, up_bps, lines }
    live::LineRate { handle, down_bps, up_bps }
    quality::Report { start_ms, end_ms, handle_deltas, down_delay_us, up_delay_us, down_delay_max_us, up_delay_max_us, down_full_permille, up_full_permille, down_used_permille, up_used_permille, down_dropped_packets, up_dropped_packets, asked, answered, rtt_p50_us, rtt_p95_us, uplinks, down_marked_packets, up_marked_packets }
    quality::Probe { line }
    quality::Probed { span_ms, down, up, access, rate_down_bps, rate_up_bps, echoes }
    quality::Way { delay_us, delay_max_us, full_permille, used_permille, dropped_packets, marked_packets }
    quality::Echoes { role, address, asked, answered, rtt_p50_us, rtt_p95_us }
    state::Down { lineage, from_gen, to_gen, snapshot, upserts, removes, digest_after, removals_confirmed }
    state::Object { kind, id, revision, body, needs_rev }
    state::ObjectKey { kind, id }
    state::Ack { lineage, gen_held, persisted }
    state::ApplyReport { generation, complete, results, persisted }
    state::ObjectResult { kind, id, revision, status, code, detail, observed }
    state::ObservedLine { rate_down_bps, rate_up_bps, access, public_ports }
    state::FairUseReport { lines }
    state::LineFairUse { id, start_ms, end_ms, used_bytes, limit_bytes, rule, since_ms, next_ms, turns, carried_bytes }
    state::Turn { rule, at_ms, used_bytes, step }
    state::UnknownReport { hosts, more, from_bytes, to_bytes }
    state::UnknownHost { address, mac, seen_ms }
    state::AddressReport { lines, unclaimed, complete }
    state::LineAddresses { id, prefixes }
    state::LearnedPrefix { prefix, source, since_ms, until_ms }
    token::Token { gateway, id, secret, root_fingerprint }
    usage::Up { record, gap_fill, quarantine }
    usage::GapFill { last_hash, totals }
    usage::Record { epoch, seq, prev_hash, boot_id, start_ms, end_ms, seal_reason, handle_deltas, down_bytes, up_bytes, down_packets, up_packets, tally, down_v6_bytes, up_v6_bytes, down_dropped_packets, up_dropped_packets }
    usage::Down { epoch, applied_seq, trim_seq, outcome }
}

choices! {
    control::Up.message: up Message { Hello, Heartbeat, Event, Quality, CommandResult, RenewCertificate, DiagnosisPart }
    control::Down.message: down Message { Welcome, GoAway, LiveInterest, Command, CertificateRenewed, TrustBundle, Cancel }
    desired::Identity.who: identity Who { Mac, CircuitId, RemoteId, PppoeUser, Duid }
    enroll::Reply.outcome: reply Outcome { Enrolled, Refused }
    state::Up.message: up Message { Ack, Applied, FairUse, Addresses, Unknown }
}
