-- Whether what the missing records came to is in the record after them, which the agent made of its totals: it is billed, and
-- only when it was moved is not known so closely.
ALTER TABLE usage_gaps ADD COLUMN filled boolean NOT NULL DEFAULT false;
