-- When a kind of work was last done for a tenant; done work is forgotten after a month.
CREATE INDEX jobs_done ON platform.jobs (tenant_id, kind, done_at) WHERE done_at IS NOT NULL;
