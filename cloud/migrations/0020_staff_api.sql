-- The audit log as a chain: every link's hash covers its entry and the link before, so nothing in the log can be changed,
-- removed or put in between unseen. A job links entries after they were written: no change waits for its place in the chain.
CREATE TABLE audit_links (
    tenant_id uuid NOT NULL REFERENCES tenants,
    position  bigint NOT NULL CONSTRAINT audit_links_count_from_one CHECK (position > 0),
    entry_id  uuid NOT NULL,
    hash      bytea NOT NULL CONSTRAINT audit_links_hash_is_whole CHECK (length(hash) = 32),
    PRIMARY KEY (tenant_id, position),
    CONSTRAINT audit_links_once UNIQUE (tenant_id, entry_id),
    FOREIGN KEY (tenant_id, entry_id) REFERENCES audit_entries (tenant_id, id)
);
SELECT isolate_by_tenant('audit_links');
SELECT append_only('audit_links');

-- How the log is read: newest first, by whom, by what was done.
CREATE INDEX audit_entries_in_time ON audit_entries (tenant_id, at, id);
CREATE INDEX audit_entries_by_actor ON audit_entries (tenant_id, actor, at);
CREATE INDEX audit_entries_by_action ON audit_entries (tenant_id, action, at);

-- People see and end their sessions, so sessions have a name of their own and say from where they are used.
ALTER TABLE platform.staff_sessions
    ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN address text NOT NULL DEFAULT '',
    ADD CONSTRAINT staff_sessions_one_each UNIQUE (tenant_id, id);
ALTER TABLE platform.staff_sessions ALTER COLUMN id DROP DEFAULT;

-- Attempts to log in, by the hash of the normalised address, whether anybody has it or not: who guesses learns nothing from
-- having to wait. Each is counted as wrong before its password is looked at, and forgotten when it was right.
CREATE TABLE platform.log_in_attempts (
    address_hash bytea PRIMARY KEY CONSTRAINT log_in_attempts_hash_is_whole CHECK (length(address_hash) = 32),
    failures     integer NOT NULL,
    waits_until  timestamptz,
    last_at      timestamptz NOT NULL
);
ALTER TABLE platform.log_in_attempts OWNER TO weir_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.log_in_attempts TO weir_platform;
CREATE INDEX log_in_attempts_by_age ON platform.log_in_attempts (last_at);
ALTER TABLE platform.staff_logins DROP COLUMN failed_attempts, DROP COLUMN locked_until;
