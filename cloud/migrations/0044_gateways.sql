-- What all desired objects of an agent hash to together, kept with them; NULL = not reckoned yet.
ALTER TABLE agents ADD COLUMN desired_digest bytea CONSTRAINT agents_desired_digest_is_whole CHECK (length(desired_digest) = 16);

-- A gateway asks for all its sessions at once which of them have something new, and notes at once who spoke.
CREATE POLICY gateways ON agents FOR ALL TO weir_platform USING (true);
GRANT SELECT (id, session_id, revoked_at, disconnected_at, desired_gen, last_seen_at), UPDATE (last_seen_at) ON agents TO weir_platform;
