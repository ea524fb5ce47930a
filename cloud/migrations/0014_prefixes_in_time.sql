-- Addresses are a line's from the day it is sold or begins until it ends: what an ended line had can be sold again.
ALTER TABLE subscription_prefixes ADD COLUMN valid daterange;
UPDATE subscription_prefixes p SET valid = daterange(s.starts_on, s.ends_on)
    FROM subscriptions s WHERE s.tenant_id = p.tenant_id AND s.id = p.subscription_id;
ALTER TABLE subscription_prefixes
    ALTER COLUMN valid SET NOT NULL,
    DROP CONSTRAINT subscription_prefixes_never_overlap,
    ADD CONSTRAINT subscription_prefixes_never_overlap
        EXCLUDE USING gist (tenant_id WITH =, router_id WITH =, prefix inet_ops WITH &&, valid WITH &&);
