-- Since when the database is of an earlier time than its routers, until somebody says that what it wants is right.
ALTER TABLE tenants ADD COLUMN restored_at timestamptz;

-- Lines a router keeps that nobody here knows: sold after the backup this database is from.
ALTER TABLE agents ADD COLUMN unknown_held integer NOT NULL DEFAULT 0,
    ADD CONSTRAINT agents_hold_some_or_none CHECK (unknown_held >= 0);
CREATE INDEX applied_objects_held ON applied_objects (tenant_id, agent_id) WHERE code LIKE '%-held';

-- Two machines that speak as one: the boot a session began in and the one before it, what tells of two within an hour, and
-- when that was too much.
ALTER TABLE agents ADD COLUMN boot_id bytea,
    ADD COLUMN boot_before bytea,
    ADD COLUMN clone_signs smallint NOT NULL DEFAULT 0,
    ADD COLUMN clone_signs_since timestamptz,
    ADD COLUMN clone_suspected_at timestamptz;
