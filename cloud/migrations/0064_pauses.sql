-- Pauses: days on which a subscriber wants no service. What is billed for them is one thing, that the line is closed another.
CREATE TABLE pauses (
    tenant_id       uuid NOT NULL REFERENCES tenants,
    id              uuid NOT NULL,
    subscription_id uuid NOT NULL,
    -- Open while nobody knows when service goes on.
    days            daterange NOT NULL CONSTRAINT pauses_last_a_day CHECK (NOT isempty(days) AND NOT lower_inf(days)),
    -- What a full period costs meanwhile; none = nothing is charged, and what was is given back.
    price           numeric(18,4) CONSTRAINT pauses_price_is_positive CHECK (price > 0),
    currency        char(3) NOT NULL,
    reason          text NOT NULL DEFAULT '',
    planned_at      timestamptz NOT NULL,
    planned_by      text NOT NULL,
    -- Billing looks at the line again after a change.
    changed_at      timestamptz NOT NULL,
    changed_by      text NOT NULL,
    cancelled_at    timestamptz,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT pauses_change_after_they_are_planned CHECK (changed_at >= planned_at),
    CONSTRAINT pauses_never_overlap EXCLUDE USING gist (tenant_id WITH =, subscription_id WITH =, days WITH &&) WHERE (cancelled_at IS NULL),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX pauses_by_subscription ON pauses (tenant_id, subscription_id);
SELECT isolate_by_tenant('pauses');
SELECT never_deleted('pauses');

-- The hold of a pause begins and ends with it.
ALTER TABLE holds
    ADD COLUMN pause_id uuid,
    ADD CONSTRAINT holds_of_pauses_close CHECK (pause_id IS NULL OR (kind = 'seasonal' AND effect = 'closed' AND until IS NULL)),
    ADD FOREIGN KEY (tenant_id, pause_id) REFERENCES pauses (tenant_id, id);
CREATE UNIQUE INDEX holds_pause_once ON holds (tenant_id, pause_id) WHERE pause_id IS NOT NULL AND released_at IS NULL;

-- The days a line is paused and nothing is charged for.
CREATE FUNCTION days_not_charged(line uuid) RETURNS datemultirange LANGUAGE sql STABLE AS $$
    SELECT coalesce(range_agg(p.days), '{}') FROM pauses p WHERE p.subscription_id = line AND p.price IS NULL AND p.cancelled_at IS NULL
$$;

-- Whether days of a line are billed at another price than its pauses say.
CREATE FUNCTION is_billed_beside_pauses(line uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pauses p WHERE p.subscription_id = line AND p.price IS NOT NULL) AND EXISTS (
        SELECT FROM billed_periods b
        JOIN invoice_lines l ON l.id = b.invoice_line_id
        JOIN plan_versions v ON v.id = l.plan_version_id
        CROSS JOIN LATERAL (SELECT range_agg(p.days) AS days, bool_or(p.price <> l.unit_price) AS differs FROM pauses p
                            WHERE p.subscription_id = line AND p.price IS NOT NULL AND p.cancelled_at IS NULL AND p.days && b.period) h
        WHERE b.subscription_id = line AND b.component = 'recurring'
          AND (h.differs OR (l.unit_price <> v.price AND b.period <@ h.days IS NOT TRUE)))
$$;

-- What a line's plan costs on a day: nothing or less while it is paused.
CREATE FUNCTION price_on(line uuid, price numeric, seen_on date) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT coalesce(p.price, 0) FROM pauses p
                     WHERE p.subscription_id = line AND p.cancelled_at IS NULL AND p.days @> seen_on), price)
$$;
