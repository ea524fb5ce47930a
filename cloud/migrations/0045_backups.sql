-- Backups that `weir backup` made. Routers keep records of their usage until one has them.
CREATE TABLE platform.backups (
    began_at    timestamptz PRIMARY KEY,
    -- NULL: it is being written, or never was whole.
    finished_at timestamptz,
    CONSTRAINT backups_end_after_they_begin CHECK (finished_at >= began_at)
);
ALTER TABLE platform.backups OWNER TO weir_owner;
GRANT SELECT ON platform.backups TO weir_app;

-- The beginning of the backup that `trim_seq` was last reckoned for.
ALTER TABLE usage_epochs ADD COLUMN trimmed_for timestamptz;
