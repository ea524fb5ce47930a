-- The generation with which somebody last confirmed that lines go whose removal the agent held back for their number.
ALTER TABLE agents ADD COLUMN removals_confirmed_gen bigint NOT NULL DEFAULT 0;
