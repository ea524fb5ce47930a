//! The table: each fault the sync must survive, and the tests that make it happen.

/// A fault.
pub struct Row {
    /// Its number.
    pub number: u8,
    /// What happens.
    pub fault: &'static str,
    /// Whether every byte must be billed; otherwise never one too many, and what may be missing is in the test.
    pub exact: bool,
    /// What is done about it here.
    pub how: How,
}

/// What is done about a fault.
pub enum How {
    /// These tests make it happen.
    Tests(&'static [(Binary, &'static str)]),
    /// No machine like this one can, for a reason.
    Cannot(&'static str),
}

/// Where a test is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Binary {
    /// The agent's unit tests.
    Agent,
    /// The agent against a gateway of the test's own.
    Gateway,
    /// The agent against this machine's kernel.
    Kernel,
    /// The control plane against PostgreSQL.
    Cloud,
    /// The protocol's unit tests.
    Protocol,
    /// The transport's unit tests.
    Transport,
    /// The protocol's golden bytes.
    Golden,
    /// The whole in a lab.
    Stories,
    /// A fleet against a gateway.
    Restart,
    /// The model.
    Model,
}

impl Binary {
    /// The program's name, without its hash.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "weir_agent",
            Self::Gateway => "gateway",
            Self::Kernel => "kernel",
            Self::Cloud | Self::Model => "it",
            Self::Protocol => "weir_protocol",
            Self::Transport => "weir_transport",
            Self::Golden => "golden",
            Self::Stories => "stories",
            Self::Restart => "restart",
        }
    }

    /// What tells cargo to run it alone.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Agent => &["--package", "weir-agent", "--lib"],
            Self::Gateway => &["--package", "weir-agent", "--test", "gateway"],
            Self::Kernel => &["--package", "weir-agent", "--test", "kernel"],
            Self::Cloud => &["--package", "weir-cloud", "--test", "it"],
            Self::Protocol => &["--package", "weir-protocol", "--lib"],
            Self::Transport => &["--package", "weir-transport", "--lib"],
            Self::Golden => &["--package", "weir-protocol", "--test", "golden"],
            Self::Stories => &["--package", "weir-lab", "--test", "stories"],
            Self::Model => &["--package", "weir-model", "--test", "it"],
            Self::Restart => &["--package", "weir-fleet", "--test", "restart"],
        }
    }
}

impl Row {
    /// Its tests, if there are any.
    pub fn tests(&self) -> &'static [(Binary, &'static str)] {
        match self.how {
            How::Tests(tests) => tests,
            How::Cannot(_) => &[],
        }
    }
}

const fn exact(number: u8, fault: &'static str, tests: &'static [(Binary, &'static str)]) -> Row {
    Row { number, fault, exact: true, how: How::Tests(tests) }
}

/// A fault that destroys what nobody has twice.
const fn lossy(number: u8, fault: &'static str, tests: &'static [(Binary, &'static str)]) -> Row {
    Row { number, fault, exact: false, how: How::Tests(tests) }
}

const fn cannot(number: u8, fault: &'static str, why: &'static str) -> Row {
    Row { number, fault, exact: true, how: How::Cannot(why) }
}

use Binary::{Agent, Cloud, Gateway, Golden, Kernel, Model, Protocol, Restart, Stories, Transport};

/// All of them.
pub const ROWS: &[Row] = &[
    exact(
        1,
        "agent killed at any write",
        &[
            (Agent, "usage::tests::a_crash_at_any_write_loses_nothing_and_bills_nothing_twice"),
            (
                Agent,
                "usage::spool::ring_tests::a_crash_at_every_call_of_two_hundred_commits_recovers_what_was_acknowledged",
            ),
            (Agent, "usage::tally::tests::every_record_is_counted_once_whatever_is_deleted_and_whoever_is_killed"),
            (Stories, "s08_killed_agent::traffic_flows_and_is_counted_once_through_a_killed_agent"),
        ],
    ),
    exact(
        2,
        "agent killed while its desired state changes",
        &[
            (
                Agent,
                "store::desired::tests::a_crash_at_any_write_leaves_a_whole_generation_not_older_than_the_last_stored",
            ),
            (Gateway, "desired_state_is_kept_applied_and_reported"),
        ],
    ),
    exact(
        3,
        "agent killed after a command began",
        &[
            (Agent, "diagnosis::journal::tests::a_command_is_done_once_or_unknown_wherever_the_agent_dies"),
            (Gateway, "diagnoses::what_was_begun_before_a_crash_is_unknown_and_never_begun_again"),
            (Cloud, "diagnostics::a_router_that_is_away_too_old_silent_or_restarted_is_named"),
        ],
    ),
    lossy(
        4,
        "power cut at any write, sectors torn and reordered",
        &[
            (Agent, "usage::tests::a_power_cut_at_any_write_keeps_every_acknowledged_record"),
            (Agent, "usage::spool::ring_tests::what_a_power_cut_brings_back_was_not_written_over"),
        ],
    ),
    lossy(
        5,
        "reboot, counters at zero",
        &[
            (Agent, "usage::tests::a_reboot_seals_the_newest_checkpoint"),
            (Stories, "s10_reboot_without_cloud::a_rebooted_router_enforces_its_last_state_before_it_has_a_connection"),
        ],
    ),
    exact(
        6,
        "counters made anew by somebody else",
        &[
            (Agent, "usage::tests::a_counter_running_backwards_opens_a_new_epoch"),
            (Kernel, "lost::losing_one_ports_tree_bills_nothing_twice"),
            (Kernel, "lost::a_flushed_ruleset_is_put_back"),
        ],
    ),
    cannot(7, "a counter of 32 bits wraps", "every counter that is read has 64 bits"),
    exact(
        8,
        "disk full",
        &[
            (Agent, "usage::tests::a_full_log_keeps_usage_in_the_kernel_and_recovers"),
            (Gateway, "absence::a_log_too_small_for_three_days_stays_so_and_nothing_is_lost"),
        ],
    ),
    exact(
        9,
        "a write that fails once; a disk gone read-only",
        &[
            (Agent, "usage::tests::a_write_that_fails_once_is_made_up_for"),
            (Kernel, "boot::a_disk_gone_read_only_keeps_nobody_from_enforcing"),
        ],
    ),
    lossy(
        10,
        "any bit of the log flipped",
        &[(Agent, "usage::tests::a_flipped_bit_never_panics_and_never_adds_volume")],
    ),
    exact(11, "log lost", &[(Agent, "usage::tests::a_lost_log_goes_on_from_the_marker")]),
    exact(
        12,
        "log and marker lost; enrolled anew",
        &[
            (Agent, "usage::tests::without_log_and_marker_the_first_sweep_is_the_baseline"),
            (Cloud, "ingest::positions::a_router_enrolled_anew_bills_nothing_twice"),
        ],
    ),
    exact(13, "disk put back in time", &[(Agent, "usage::tests::a_disk_put_back_in_time_never_bills_twice")]),
    lossy(
        14,
        "disk put back in time, and a reboot",
        &[
            (Model, "the_product_bills_no_byte_twice_and_loses_none_unexplained"),
            (Agent, "usage::tests::after_a_fork_nothing_that_may_overlap_is_in_the_new_epoch"),
            (Cloud, "ingest::positions::a_log_put_back_behind_a_newer_one_is_never_believed_again"),
        ],
    ),
    lossy(15, "memory of a virtual machine put back", &[(Model, "every_scenario_shows_what_it_should")]),
    lossy(
        16,
        "a virtual machine cloned, both run",
        &[
            (Cloud, "ingest::positions::a_router_and_its_copy_that_both_run_bill_nothing_twice"),
            (Cloud, "gateway::two_machines_that_speak_as_one_are_told_of_once_a_day"),
        ],
    ),
    exact(17, "a record a hundred times", &[(Cloud, "ingest::outcomes::a_record_sent_a_hundred_times_has_one_effect")]),
    exact(
        18,
        "records out of turn",
        &[(Cloud, "ingest::outcomes::a_record_out_of_turn_changes_nothing_and_is_asked_for_again")],
    ),
    exact(
        19,
        "a record that makes no sense",
        &[(Cloud, "fair_use::reports::a_record_no_line_can_have_moved_is_refused_and_told_once")],
    ),
    exact(20, "acknowledgement lost", &[(Gateway, "usage_survives_lost_acks_lost_connections_and_restarts")]),
    exact(
        21,
        "acknowledgement of what was never sent",
        &[(Agent, "northbound::sender::tests::nothing_is_trimmed_past_what_was_sent")],
    ),
    exact(
        22,
        "gateway killed",
        &[
            (Stories, "s09_killed_gateway::traffic_flows_and_is_counted_once_through_a_killed_gateway"),
            (Restart, "records_are_counted_once_though_the_gateway_is_killed"),
        ],
    ),
    exact(
        23,
        "two gateways hold one agent",
        &[
            (Cloud, "ingest::outcomes::an_older_session_writes_nothing"),
            (Restart, "agents_go_from_one_gateway_to_another_and_nothing_is_lost_or_doubled"),
            (Gateway, "ways::a_gateway_that_stops_names_another_and_nothing_on_its_way_is_counted_twice"),
        ],
    ),
    exact(
        24,
        "database fails over and loses commits",
        &[(Cloud, "ingest::failover::a_database_that_fails_over_bills_every_byte_once")],
    ),
    exact(25, "database away", &[(Restart, "records_are_counted_once_though_the_database_was_away")]),
    exact(
        26,
        "cloud restored from its latest backup",
        &[
            (Cloud, "ingest::positions::what_a_restored_cloud_lacks_and_the_agent_has_is_applied_once"),
            (Cloud, "ingest::backed_up::a_cloud_restored_from_its_newest_backup_misses_nothing"),
        ],
    ),
    exact(
        27,
        "cloud restored from an older backup",
        &[
            (Cloud, "ingest::positions::what_is_gone_on_both_sides_is_billed_as_the_router_added_it_up"),
            (Agent, "usage::spool::tests::what_records_came_to_that_are_gone_or_cannot_be_read_is_told_exactly"),
            (Agent, "northbound::sender::tests::a_gap_is_told_before_anything_else_of_its_epoch_and_holds_nothing"),
        ],
    ),
    exact(
        28,
        "cloud restored, its desired state older",
        &[
            (Restart, "restored::a_restored_cloud_takes_nothing_away_until_somebody_releases_it"),
            (Gateway, "guards::what_a_restored_cloud_takes_away_waits_in_its_sessions_and_through_a_restart"),
            (Cloud, "removals::a_restored_database_says_so_until_somebody_releases_it"),
        ],
    ),
    exact(
        29,
        "no network for days",
        &[
            (Gateway, "absence::three_days_without_a_cloud_and_everything_happens"),
            (
                Stories,
                "s07_cloud_away::without_the_cloud_lines_stay_as_they_are_and_usage_arrives_once_when_it_is_back",
            ),
        ],
    ),
    exact(
        30,
        "packets pass one way only",
        &[(Gateway, "ways::what_passes_one_way_only_is_counted_once_and_the_connection_given_up")],
    ),
    cannot(31, "loss, delay and a narrow link", "this kernel has no netem"),
    cannot(32, "a path that drops large packets", "no packet is larger than 1,200 bytes: MTU discovery is off"),
    exact(
        33,
        "source address changes",
        &[
            (Gateway, "ways::a_session_goes_on_when_the_routers_address_changes"),
            (
                Agent,
                "northbound::keep::tests::a_connection_over_tcp_is_closed_once_the_router_sends_from_another_address",
            ),
        ],
    ),
    exact(
        34,
        "address translation forgets an idle mapping",
        &[(Gateway, "ways::a_session_goes_on_from_another_port_when_a_translation_forgets_it")],
    ),
    exact(
        35,
        "UDP blocked",
        &[
            (Agent, "northbound::reach::tests::the_second_way_has_three_seconds_less_and_whoever_is_first_wins"),
            (Gateway, "ways::without_udp_a_session_is_over_tcp_in_three_seconds_and_returns_to_quic"),
            (Gateway, "ways::without_udp_a_router_is_enrolled_over_tcp"),
            (Restart, "agents_go_from_one_gateway_to_another_and_nothing_is_lost_or_doubled"),
        ],
    ),
    exact(
        36,
        "clocks in 1970, ahead, set back",
        &[
            (Agent, "usage::tests::a_clock_that_was_ahead_does_not_hold_what_comes_after_it_is_put_right"),
            (Agent, "usage::tests::what_a_clock_that_was_behind_measured_is_dated_when_it_is_put_right"),
            (Agent, "northbound::trust::tests::a_router_whose_clock_is_behind_believes_its_cloud_and_nobody_else"),
            (Gateway, "clock::usage_of_a_router_that_boots_in_1970_is_dated_by_the_cloud"),
            (Cloud, "ingest::outcomes::usage_of_a_clock_that_cannot_be_right_is_billed_when_it_arrives"),
            (Cloud, "ingest::quarantine::what_a_clock_months_behind_dated_is_the_lines_that_were_sold_by_then"),
        ],
    ),
    exact(
        37,
        "summer time, and where a period ends",
        &[
            (Agent, "usage::tests::no_record_straddles_a_cut_point"),
            (Agent, "plan::policy_tests::an_hour_left_out_is_in_no_window_and_one_repeated_twice"),
        ],
    ),
    exact(
        38,
        "agent's certificate ends while connected",
        &[
            (Agent, "northbound::renew::tests::a_crash_at_any_point_of_a_renewal_leaves_a_certificate_that_is_good"),
            (
                Agent,
                "northbound::renew::tests::certificates_are_renewed_after_two_thirds_of_their_life_and_those_of_ten_years_soon",
            ),
            (Gateway, "renewal::a_certificate_is_renewed_in_its_session_and_the_next_session_shows_the_new_one"),
            (Gateway, "renewal::a_new_certificate_the_gateway_refuses_locks_no_router_out"),
            (Cloud, "certificates::a_session_renews_its_own_agents_certificate_and_the_one_before_stays_good"),
        ],
    ),
    exact(
        39,
        "agent's certificate ended while away",
        &[
            (
                Gateway,
                "renewal::a_certificate_that_has_ended_is_renewed_on_a_connection_of_its_own_or_the_router_says_why_not",
            ),
            (
                Cloud,
                "certificates::a_certificate_that_ended_while_the_router_was_away_opens_no_session_and_is_renewed_for_400_days",
            ),
        ],
    ),
    exact(
        40,
        "root changed while away",
        &[
            (Gateway, "renewal::roots_change_in_a_session_and_a_gateway_of_none_of_them_is_told_of_and_never_believed"),
            (Cloud, "certificates::one_root_takes_the_place_of_another_and_no_agent_is_lost_but_those_somebody_loses"),
        ],
    ),
    exact(
        41,
        "enrollment's answer lost; token used, old, of another key",
        &[
            (Gateway, "a_token_becomes_an_identity_even_if_the_first_answer_is_lost"),
            (Cloud, "refusals::enrollment::a_used_or_old_token_is_refused_and_changes_nothing"),
            (Cloud, "refusals::enrollment::a_wrong_token_is_refused_and_changes_nothing"),
        ],
    ),
    exact(42, "agent revoked", &[(Cloud, "gateway::an_agent_that_is_revoked_or_replaced_is_dropped_at_once")]),
    exact(
        43,
        "one bad object among many",
        &[
            (Gateway, "desired_state_is_kept_applied_and_reported"),
            (Agent, "plan::check::tests::siblings_of_a_bad_line_are_kept"),
        ],
    ),
    exact(
        44,
        "an object for a newer agent",
        &[(Gateway, "refused::a_body_for_a_newer_agent_changes_nothing_but_its_siblings")],
    ),
    exact(
        45,
        "thousands of lines taken away or suspended",
        &[
            (Gateway, "guards::suspensions_of_many_wait_for_a_person_though_they_come_a_few_at_a_time"),
            (Cloud, "removals::what_routers_hold_back_is_listed_and_released_with_one_word"),
            (Gateway, "refused::thousands_of_removals_wait_for_a_person"),
            (Cloud, "removals::removals_held_back_are_shown_and_go_once_confirmed"),
        ],
    ),
    exact(
        46,
        "a setting that cuts the router off",
        &[
            (Gateway, "trials::settings_that_cut_the_router_off_are_taken_back_and_tried_three_times"),
            (Gateway, "trials::settings_the_kernel_refuses_are_taken_back_and_the_session_stays"),
            (Agent, "store::guard_tests::settings_are_tried_three_times_and_a_restart_comes_up_with_those_before"),
        ],
    ),
    exact(
        47,
        "a plugin that loops, takes all memory or traps",
        &[(Cloud, "plugins::hostile::whatever_a_plugin_does_wrong_is_stopped_and_named")],
    ),
    cannot(48, "an update cut off", "the agent is a Debian package, which dpkg updates"),
    cannot(49, "an update taken back", "the agent is a Debian package, which dpkg updates"),
    exact(
        50,
        "a fleet loses its gateway at once",
        &[(Restart, "records_are_counted_once_though_the_gateway_is_killed")],
    ),
    exact(51, "one tenant floods", &[(Cloud, "gateway::a_tenant_whose_agents_flood_keeps_nobody_elses_waiting")]),
    exact(
        52,
        "a stream that is not read",
        &[
            (
                Gateway,
                "ways::a_gateway_that_does_not_read_usage_is_sent_a_window_of_it_and_the_rest_of_the_session_goes_on",
            ),
            (Transport, "mux::tests::a_stream_that_is_not_read_holds_a_window_and_delays_no_other"),
        ],
    ),
    exact(
        53,
        "a hostile agent",
        &[
            (Protocol, "frame::tests::a_decompression_bomb_is_refused"),
            (Protocol, "frame::tests::a_frame_longer_than_the_limit_is_refused_before_it_is_read"),
            (Cloud, "fair_use::reports::an_agent_tells_nothing_of_another_routers_lines"),
            (Cloud, "ingest::hostile::a_forged_handle_is_refused_until_a_line_has_it"),
            (Cloud, "ingest::hostile::more_than_could_be_moved_is_refused"),
            (Cloud, "ingest::hostile::more_lines_than_a_router_has_are_refused"),
            (Cloud, "ingest::hostile::frames_no_agent_sends_close_the_connection_on_every_stream"),
            (Cloud, "ingest::hostile::a_record_that_cannot_be_read_closes_the_connection_at_once"),
            (Cloud, "ingest::hostile::a_session_that_does_not_begin_or_begins_twice_is_over"),
            (Cloud, "ingest::hostile::a_log_that_always_begins_anew_is_not_taken"),
            (Cloud, "ingest::hostile::a_flood_of_refusals_is_no_flood_of_rows"),
            (Cloud, "ingest::hostile::usage_that_comes_too_fast_waits_and_is_not_refused"),
            (Cloud, "ingest::foreign::what_an_agent_tells_of_others_lines_is_kept_nowhere"),
            (Gateway, "refused::a_record_the_cloud_cannot_read_is_held_and_newer_ones_go_on"),
        ],
    ),
    exact(
        54,
        "old and new versions together",
        &[
            (Golden, "revisions::every_revision_ever_spoken_is_understood"),
            (Gateway, "probes::a_cloud_of_before_hears_nothing_of_quality_and_one_of_now_does"),
            (Gateway, "addresses::an_older_cloud_is_told_nothing_it_does_not_know"),
        ],
    ),
    exact(
        55,
        "what is counted against what passed",
        &[(Agent, "southbound::audit::tests::what_passes_the_shaper_by_and_what_is_counted_but_not_sent_is_told")],
    ),
];
