-- How long the price of a plan version is for, and whether it is asked for when a period begins or when it is over.

ALTER TABLE plan_versions
    -- What was sold until now is for a month.
    ADD COLUMN period_months smallint DEFAULT 1,
    ADD COLUMN period_days smallint,
    ADD COLUMN in_arrears boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT plan_versions_period_is_months_or_days CHECK (num_nonnulls(period_months, period_days) = 1),
    ADD CONSTRAINT plan_versions_period_months_are_known CHECK (period_months IN (1, 3, 6, 12)),
    ADD CONSTRAINT plan_versions_period_days_are_a_year CHECK (period_days BETWEEN 1 AND 365),
    -- Who is due is found by the billing day alone.
    ADD CONSTRAINT plan_versions_in_arrears_by_month CHECK (NOT in_arrears OR period_months = 1),
    -- Allowances are counted from billing day to billing day.
    ADD CONSTRAINT plan_versions_allowance_by_month CHECK (allowance_bytes IS NULL OR period_months IS NOT NULL);

-- The last day on or before another on which a month begins for accounts with a billing day.
CREATE FUNCTION last_billing_day(day smallint, seen_on date) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN here <= seen_on THEN here
                ELSE (first - 1) - greatest(0, extract(day FROM first - 1)::int - day) END
    FROM (SELECT first, first + least(day::int, extract(day FROM (first + interval '1 month')::date - 1)::int) - 1 AS here
          FROM (SELECT date_trunc('month', seen_on::timestamp)::date AS first) m) d
$$;

-- What a price comes to for a month; a month has a twelfth of the 365 days of a year.
CREATE FUNCTION price_a_month(price numeric, months smallint, days smallint) RETURNS numeric LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN months = 1 THEN price WHEN months IS NOT NULL THEN price / months ELSE price * 365 / (12 * days) END
$$;

-- The first day of terms whose price is not asked for yet on a day: the next one, or for what is paid afterwards the last billing day,
-- unless the terms ended before.
CREATE FUNCTION asked_until(valid daterange, in_arrears boolean, day smallint, seen_on date) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN NOT in_arrears THEN seen_on + 1
                WHEN upper(valid) <= seen_on THEN upper(valid)
                ELSE last_billing_day(day, seen_on) END
$$;
