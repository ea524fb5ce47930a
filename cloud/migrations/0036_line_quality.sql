-- How well lines are served, by the hour, as routers tell every few minutes. Kept as sums, so that reports add up; `told_ms` is
-- the end of the last report a row took in, by the router's own clock: one that comes again adds nothing. Forgotten after two
-- weeks.

-- How much of an hour a router told of; a line there is nothing to say of was idle meanwhile.
CREATE TABLE quality_hours (
    tenant_id uuid NOT NULL REFERENCES tenants,
    router_id uuid NOT NULL,
    hour_at   timestamptz NOT NULL,
    told_ms   bigint NOT NULL,
    span_ms   bigint NOT NULL CONSTRAINT quality_hours_speak_of_some_time CHECK (span_ms > 0),
    PRIMARY KEY (tenant_id, router_id, hour_at),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id)
);
SELECT isolate_by_tenant('quality_hours');

CREATE TABLE line_quality (
    tenant_id            uuid NOT NULL REFERENCES tenants,
    subscription_id      uuid NOT NULL,
    hour_at              timestamptz NOT NULL,
    router_id            uuid NOT NULL,
    told_ms              bigint NOT NULL,
    -- Mean times in the queue, microseconds, each times the milliseconds it is the mean of.
    down_delay_sum       bigint NOT NULL,
    up_delay_sum         bigint NOT NULL,
    down_delay_max_us    bigint NOT NULL,
    up_delay_max_us      bigint NOT NULL,
    -- Milliseconds at the line's rate, and milliseconds it would have taken at that rate to move what was moved.
    down_full_ms         bigint NOT NULL,
    up_full_ms           bigint NOT NULL,
    down_used_ms         bigint NOT NULL,
    up_used_ms           bigint NOT NULL,
    down_dropped_packets bigint NOT NULL,
    up_dropped_packets   bigint NOT NULL,
    asked                bigint NOT NULL,
    answered             bigint NOT NULL CONSTRAINT line_quality_answers_were_asked_for CHECK (answered BETWEEN 0 AND asked),
    -- Each report's median, times its answers.
    rtt_p50_sum          bigint NOT NULL,
    rtt_p95_us           bigint NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, hour_at),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, router_id, hour_at) REFERENCES quality_hours (tenant_id, router_id, hour_at) ON DELETE CASCADE
) WITH (fillfactor = 70);
SELECT isolate_by_tenant('line_quality');
CREATE INDEX line_quality_by_hour ON line_quality (tenant_id, router_id, hour_at);

-- A router's own way to the internet, by the hour.
CREATE TABLE uplink_quality (
    tenant_id   uuid NOT NULL REFERENCES tenants,
    router_id   uuid NOT NULL,
    hour_at     timestamptz NOT NULL,
    role        text NOT NULL CONSTRAINT uplink_quality_role_exists CHECK (role IN ('gateway', 'anchor')),
    address     text NOT NULL,
    told_ms     bigint NOT NULL,
    asked       bigint NOT NULL,
    answered    bigint NOT NULL CONSTRAINT uplink_quality_answers_were_asked_for CHECK (answered BETWEEN 0 AND asked),
    rtt_p50_sum bigint NOT NULL,
    rtt_p95_us  bigint NOT NULL,
    PRIMARY KEY (tenant_id, router_id, hour_at, role, address),
    FOREIGN KEY (tenant_id, router_id, hour_at) REFERENCES quality_hours (tenant_id, router_id, hour_at) ON DELETE CASCADE
);
SELECT isolate_by_tenant('uplink_quality');

-- "Is it me or the network": a line measured on its router because somebody asked. Forgotten after two weeks, too.
CREATE TABLE line_probes (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    router_id       uuid NOT NULL,
    -- Who is asked; none where the router has no agent.
    agent_id        uuid,
    asked_at        timestamptz NOT NULL,
    asked_by        text NOT NULL,
    -- When a gateway passed it on.
    sent_at         timestamptz,
    state           text NOT NULL CONSTRAINT line_probes_state_exists CHECK (state IN ('asked', 'away', 'too_old', 'refused', 'answered')),
    ended_at        timestamptz,
    detail          text NOT NULL DEFAULT '',
    verdict         text CONSTRAINT line_probes_verdict_exists CHECK (verdict IN
                    ('router_away', 'held', 'network', 'slowed', 'line_full', 'shared', 'subscriber', 'silent', 'unasked',
                     'unmeasured', 'well')),
    measured        jsonb,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT line_probes_end_with_an_outcome CHECK ((state = 'asked') = (ended_at IS NULL)),
    CONSTRAINT line_probes_measure_what_they_answer CHECK ((state = 'answered') = (measured IS NOT NULL)),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, router_id) REFERENCES routers (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents (tenant_id, id)
);
SELECT isolate_by_tenant('line_probes');
CREATE INDEX line_probes_of_a_line ON line_probes (tenant_id, subscription_id, id);
CREATE INDEX line_probes_of_a_router ON line_probes (tenant_id, router_id, asked_at);
CREATE INDEX line_probes_waiting ON line_probes (tenant_id, agent_id) WHERE state = 'asked';
