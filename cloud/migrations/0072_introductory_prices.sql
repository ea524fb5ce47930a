-- What a plan costs in the first months of a line on it: phases one after another, each with its months and the price of a full
-- period, before the version's own price holds.
ALTER TABLE plan_versions
    ADD COLUMN phases jsonb NOT NULL DEFAULT '[]' CONSTRAINT plan_versions_phases_are_a_list CHECK (jsonb_typeof(phases) = 'array');
-- Most ISPs have none, and ask for every line.
CREATE INDEX plan_versions_with_phases ON plan_versions (tenant_id) WHERE phases <> '[]';

-- The billing day of a month: the last one if it is shorter.
CREATE FUNCTION billing_day_of(day smallint, months integer) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT last_billing_day(day, (make_date((months + 1) / 12, (months + 1) % 12 + 1, 1)) - 1)
$$;

-- The days on which a line costs another price than its plan's own because it is new on it. Months are those between billing
-- days; the days before the first belong to the first. Only the plan a line began with has them, while it has that plan.
CREATE FUNCTION introductory_prices(line uuid) RETURNS TABLE (days daterange, price numeric) LANGUAGE sql STABLE AS $$
    WITH began AS (
        SELECT t.valid, v.phases, a.billing_day,
               extract(year FROM first)::int * 12 + extract(month FROM first)::int - 1 + (first < lower(t.valid))::int AS month
        FROM subscriptions s
        JOIN accounts a ON a.tenant_id = s.tenant_id AND a.id = s.account_id
        JOIN LATERAL (SELECT * FROM subscription_terms o WHERE o.subscription_id = s.id ORDER BY lower(o.valid) LIMIT 1) t ON true
        JOIN plan_versions v ON v.tenant_id = t.tenant_id AND v.id = t.plan_version_id AND v.phases <> '[]'
        CROSS JOIN LATERAL (SELECT last_billing_day(a.billing_day, lower(t.valid)) AS first) f
        WHERE s.id = line AND EXISTS (SELECT FROM plan_versions WHERE phases <> '[]')),
    phases AS (
        SELECT began.*, (p.value->'price'->>'amount')::numeric AS price, (p.value->>'months')::int AS months,
               sum((p.value->>'months')::int) OVER (ORDER BY p.ordinality)::int AS until
        FROM began CROSS JOIN LATERAL jsonb_array_elements(began.phases) WITH ORDINALITY p)
    SELECT held.days, phases.price
    FROM phases
    CROSS JOIN LATERAL (SELECT valid * daterange(CASE WHEN until > months THEN billing_day_of(billing_day, month + until - months) END,
                                                 billing_day_of(billing_day, month + until)) AS days) held
    WHERE NOT isempty(held.days)
$$;

-- What the plan a line has on a day costs on it, paused or not.
CREATE FUNCTION plan_price_on(line uuid, price numeric, seen_on date) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT i.price FROM introductory_prices(line) i WHERE i.days @> seen_on), price)
$$;

CREATE OR REPLACE FUNCTION price_on(line uuid, price numeric, seen_on date) RETURNS numeric LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT 0 FROM introductory_prices(line) i WHERE i.price = 0 AND i.days @> seen_on),
                    (SELECT coalesce(p.price, 0) FROM pauses p
                     WHERE p.subscription_id = line AND p.cancelled_at IS NULL AND p.days @> seen_on),
                    plan_price_on(line, price, seen_on))
$$;

-- The days of a line that nothing is charged for: it is paused, or costs nothing yet.
CREATE OR REPLACE FUNCTION days_not_charged(line uuid) RETURNS datemultirange LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT range_agg(p.days) FROM pauses p WHERE p.subscription_id = line AND p.price IS NULL AND p.cancelled_at IS NULL), '{}')
         + coalesce((SELECT range_agg(i.days) FROM introductory_prices(line) i WHERE i.price = 0), '{}')
$$;

CREATE OR REPLACE FUNCTION is_billed_beside_pauses(line uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM pauses p WHERE p.subscription_id = line AND p.price IS NOT NULL) AND EXISTS (
        SELECT FROM billed_periods b
        JOIN invoice_lines l ON l.id = b.invoice_line_id
        JOIN plan_versions v ON v.id = l.plan_version_id
        CROSS JOIN LATERAL (SELECT range_agg(p.days) AS days, bool_or(p.price <> l.unit_price) AS differs FROM pauses p
                            WHERE p.subscription_id = line AND p.price IS NOT NULL AND p.cancelled_at IS NULL AND p.days && b.period) h
        WHERE b.subscription_id = line AND b.component = 'recurring'
          AND (h.differs OR (l.unit_price <> plan_price_on(line, v.price, lower(b.period)) AND b.period <@ h.days IS NOT TRUE)))
$$;
