-- What a plan does beyond its allowance step by step, and what of it is carried over into the next period.

-- Steps: `over_bytes`, rates, `cap`; ascending. A version charges beyond its allowance, or has any of these.
ALTER TABLE plan_versions
    ADD COLUMN steps jsonb NOT NULL DEFAULT '[]' CONSTRAINT plan_versions_steps_are_a_list CHECK (jsonb_typeof(steps) = 'array'),
    ADD COLUMN carry_over_bytes bigint CONSTRAINT plan_versions_carry_over_is_positive CHECK (carry_over_bytes > 0),
    ADD CONSTRAINT plan_versions_steps_need_allowance CHECK (steps = '[]' OR allowance_bytes IS NOT NULL),
    ADD CONSTRAINT plan_versions_charge_or_steps CHECK (steps = '[]' OR overage_block_bytes IS NULL),
    ADD CONSTRAINT plan_versions_carry_over_needs_allowance CHECK (carry_over_bytes IS NULL OR allowance_bytes IS NOT NULL),
    ADD CONSTRAINT plan_versions_charge_or_carry_over CHECK (carry_over_bytes IS NULL OR overage_block_bytes IS NULL);

-- What routers told of them.
ALTER TABLE fair_use_standings
    ADD COLUMN step integer NOT NULL DEFAULT 0 CONSTRAINT fair_use_standings_step_is_not_negative CHECK (step >= 0),
    ADD COLUMN carried_bytes bigint NOT NULL DEFAULT 0,
    DROP CONSTRAINT fair_use_standings_rule_exists,
    ADD CONSTRAINT fair_use_standings_rule_exists CHECK (rule IN ('sold', 'window', 'exhausted', 'boost', 'capped'));
ALTER TABLE fair_use_turns
    ADD COLUMN step integer NOT NULL DEFAULT 0 CONSTRAINT fair_use_turns_step_is_not_negative CHECK (step >= 0),
    DROP CONSTRAINT fair_use_turns_rule_exists,
    ADD CONSTRAINT fair_use_turns_rule_exists CHECK (rule IN ('sold', 'window', 'exhausted', 'boost', 'capped'));
