-- Boosts: a time with rates of its own, offered, sold and charged as a top-up is. A row of either table is a volume or a
-- boost, never both.

ALTER TABLE top_up_products
    ALTER COLUMN bytes DROP NOT NULL,
    ADD COLUMN rate_down_bps bigint CONSTRAINT top_up_products_rate_down_is_positive CHECK (rate_down_bps > 0),
    ADD COLUMN rate_up_bps bigint CONSTRAINT top_up_products_rate_up_is_positive CHECK (rate_up_bps > 0),
    ADD COLUMN minutes integer CONSTRAINT top_up_products_minutes_are_in_bounds CHECK (minutes BETWEEN 15 AND 44640),
    ADD CONSTRAINT top_up_products_are_a_volume_or_a_boost CHECK ((bytes IS NULL) = (minutes IS NOT NULL)),
    ADD CONSTRAINT top_up_products_boosts_have_a_rate CHECK ((minutes IS NULL) = (rate_down_bps IS NULL AND rate_up_bps IS NULL));

ALTER TABLE top_ups
    ALTER COLUMN bytes DROP NOT NULL,
    ADD COLUMN rate_down_bps bigint CONSTRAINT top_ups_rate_down_is_positive CHECK (rate_down_bps > 0),
    ADD COLUMN rate_up_bps bigint CONSTRAINT top_ups_rate_up_is_positive CHECK (rate_up_bps > 0),
    -- When it runs; its `until_on` is the first local day it does not.
    ADD COLUMN runs tstzrange CONSTRAINT top_ups_runs_are_whole CHECK (NOT isempty(runs) AND NOT lower_inf(runs) AND NOT upper_inf(runs)),
    ADD CONSTRAINT top_ups_are_a_volume_or_a_boost CHECK ((bytes IS NULL) = (runs IS NOT NULL)),
    ADD CONSTRAINT top_ups_boosts_have_a_rate CHECK ((runs IS NULL) = (rate_down_bps IS NULL AND rate_up_bps IS NULL));

-- A boost that was stopped before its end. It stays sold, and is charged as it would have been.
CREATE TABLE cancelled_boosts (
    tenant_id    uuid NOT NULL REFERENCES tenants,
    top_up_id    uuid NOT NULL,
    cancelled_at timestamptz NOT NULL,
    cancelled_by text NOT NULL,
    PRIMARY KEY (tenant_id, top_up_id),
    FOREIGN KEY (tenant_id, top_up_id) REFERENCES top_ups (tenant_id, id)
);
SELECT isolate_by_tenant('cancelled_boosts');
SELECT append_only('cancelled_boosts');

ALTER TABLE invoice_lines
    DROP CONSTRAINT invoice_lines_kind_exists,
    ADD CONSTRAINT invoice_lines_kind_exists CHECK (kind IN ('recurring', 'credit', 'usage', 'late_fee', 'top_up', 'boost'));
