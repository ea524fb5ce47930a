-- What a plan asks for traffic by the gigabyte, in tiers, as `catalog::TrafficPrice` is written: for all of it, or for what is beyond
-- the allowance.
ALTER TABLE plan_versions
    ADD COLUMN traffic_price jsonb,
    ADD CONSTRAINT plan_versions_traffic_price_by_month CHECK (traffic_price IS NULL OR period_months IS NOT NULL),
    ADD CONSTRAINT plan_versions_traffic_is_priced_once CHECK (traffic_price IS NULL OR overage_block_bytes IS NULL);

-- How the traffic of a line was priced in tiers, as `billing::LineTiers` is written; frozen with the line.
ALTER TABLE invoice_lines ADD COLUMN tiers jsonb;
