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
