-- Fair use: what a plan does when its allowance is used up and by the time of the day, what is bought on top, and what
-- routers said they did about it.

-- A version charges beyond its allowance, or throttles, or neither. Windows: `days`, `from`, `to`, rates, `free`.
ALTER TABLE plan_versions
    ADD COLUMN throttle_down_bps bigint CONSTRAINT plan_versions_throttle_down_is_positive CHECK (throttle_down_bps > 0),
    ADD COLUMN throttle_up_bps bigint CONSTRAINT plan_versions_throttle_up_is_positive CHECK (throttle_up_bps > 0),
    ADD COLUMN windows jsonb NOT NULL DEFAULT '[]' CONSTRAINT plan_versions_windows_are_a_list CHECK (jsonb_typeof(windows) = 'array'),
    ADD CONSTRAINT plan_versions_throttle_is_whole CHECK ((throttle_down_bps IS NULL) = (throttle_up_bps IS NULL)),
    ADD CONSTRAINT plan_versions_throttle_needs_allowance CHECK (throttle_down_bps IS NULL OR allowance_bytes IS NOT NULL),
    ADD CONSTRAINT plan_versions_charge_or_throttle CHECK (throttle_down_bps IS NULL OR overage_block_bytes IS NULL);

-- Whether what was moved up to an instant was moved in a free window: by the wall clock of the zone, and by the first
-- window that holds. The router decides the same way.
CREATE FUNCTION is_free_time(end_at timestamptz, zone text, windows jsonb) RETURNS boolean
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT coalesce((
        SELECT coalesce((w.rule ->> 'free')::boolean, false)
        FROM jsonb_array_elements(windows) WITH ORDINALITY AS w (rule, place)
        CROSS JOIN LATERAL (SELECT (end_at - interval '1 microsecond') AT TIME ZONE zone AS at) AS l
        CROSS JOIN LATERAL (SELECT (w.rule ->> 'from')::time AS begins, (w.rule ->> 'to')::time AS ends,
                                   w.rule -> 'days' ? trim(to_char(l.at, 'day')) AS today,
                                   w.rule -> 'days' ? trim(to_char(l.at - interval '1 day', 'day')) AS yesterday) AS d
        WHERE CASE WHEN d.begins < d.ends THEN d.today AND l.at::time >= d.begins AND l.at::time < d.ends
                   ELSE (d.today AND l.at::time >= d.begins) OR (d.yesterday AND l.at::time < d.ends) END
        ORDER BY w.place LIMIT 1), false) $$;

-- The running count an agent keeps of its own; its records say which one they are part of.
ALTER TABLE agents ADD COLUMN tally bytea CONSTRAINT agents_tally_is_whole CHECK (length(tally) = 8);
ALTER TABLE usage_records ADD COLUMN tally bytea CONSTRAINT usage_records_tally_is_whole CHECK (length(tally) = 8);

CREATE TABLE top_up_products (
    tenant_id  uuid NOT NULL REFERENCES tenants,
    id         uuid NOT NULL,
    name       text NOT NULL CONSTRAINT top_up_products_have_a_name CHECK (btrim(name) <> ''),
    bytes      bigint NOT NULL CONSTRAINT top_up_products_bytes_are_positive CHECK (bytes > 0),
    price      numeric(18,4) NOT NULL CONSTRAINT top_up_products_price_is_not_negative CHECK (price >= 0),
    currency   char(3) NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT top_up_products_name_unique UNIQUE (tenant_id, name)
);
SELECT isolate_by_tenant('top_up_products');
SELECT never_deleted('top_up_products');

-- Sold: bytes on top of the allowance of the period they were sold in.
CREATE TABLE top_ups (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    product_id      uuid NOT NULL,
    -- The plan version that was topped up.
    plan_version_id uuid NOT NULL,
    name            text NOT NULL,
    bytes           bigint NOT NULL CONSTRAINT top_ups_bytes_are_positive CHECK (bytes > 0),
    price           numeric(18,4) NOT NULL CONSTRAINT top_ups_price_is_not_negative CHECK (price >= 0),
    currency        char(3) NOT NULL,
    -- The account's local day.
    sold_on         date NOT NULL,
    sold_at         timestamptz NOT NULL,
    sold_by         text NOT NULL,
    -- First local day it no longer counts.
    until_on        date NOT NULL,
    -- The same for a sale that is sent again.
    reference       text NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT top_ups_reference_unique UNIQUE (tenant_id, subscription_id, reference),
    CONSTRAINT top_ups_last_a_day CHECK (until_on > sold_on),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    FOREIGN KEY (tenant_id, product_id) REFERENCES top_up_products (tenant_id, id),
    FOREIGN KEY (tenant_id, plan_version_id) REFERENCES plan_versions (tenant_id, id)
);
SELECT isolate_by_tenant('top_ups');
SELECT append_only('top_ups');

ALTER TABLE invoice_lines
    DROP CONSTRAINT invoice_lines_kind_exists,
    ADD CONSTRAINT invoice_lines_kind_exists CHECK (kind IN ('recurring', 'credit', 'usage', 'late_fee', 'top_up')),
    -- Of the bytes counted, those moved in free windows.
    ADD COLUMN free_bytes bigint;

-- A top-up is charged once.
CREATE TABLE billed_top_ups (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    top_up_id       uuid NOT NULL,
    invoice_line_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, top_up_id),
    FOREIGN KEY (tenant_id, top_up_id) REFERENCES top_ups (tenant_id, id),
    FOREIGN KEY (tenant_id, invoice_line_id) REFERENCES invoice_lines (tenant_id, id)
);
SELECT isolate_by_tenant('billed_top_ups');
SELECT append_only('billed_top_ups');

-- How a line stands with its fair use, as its router said last.
CREATE TABLE fair_use_standings (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    period          tstzrange,
    used_bytes      bigint NOT NULL,
    limit_bytes     bigint NOT NULL,
    rule            text NOT NULL CONSTRAINT fair_use_standings_rule_exists CHECK (rule IN ('sold', 'window', 'exhausted')),
    since_at        timestamptz,
    next_at         timestamptz,
    reported_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
SELECT isolate_by_tenant('fair_use_standings');

-- What rules did and when: a turn told again is one turn.
CREATE TABLE fair_use_turns (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    at              timestamptz NOT NULL,
    rule            text NOT NULL CONSTRAINT fair_use_turns_rule_exists CHECK (rule IN ('sold', 'window', 'exhausted')),
    used_bytes      bigint NOT NULL,
    reported_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, at, rule),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
SELECT isolate_by_tenant('fair_use_turns');
SELECT append_only('fair_use_turns');

-- Shares of an allowance whose reaching was told; once a period.
CREATE TABLE fair_use_thresholds (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    subscription_id uuid NOT NULL,
    period_start_at timestamptz NOT NULL,
    percent         integer NOT NULL CONSTRAINT fair_use_thresholds_percent_exists CHECK (percent IN (80, 100)),
    told_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, subscription_id, period_start_at, percent),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
SELECT isolate_by_tenant('fair_use_thresholds');
SELECT append_only('fair_use_thresholds');
