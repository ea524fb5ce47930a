-- Agents' certificates are renewed, and the installation may trust several roots while one takes the place of another.
ALTER TABLE platform.authorities
    -- The trusted root that began to issue last issues certificates; NULL: it never did.
    ADD COLUMN issuing_since timestamptz,
    -- From then on neither its certificates are taken nor agents told to trust it.
    ADD COLUMN retired_at timestamptz;
UPDATE platform.authorities SET issuing_since = created_at;
GRANT UPDATE (issuing_since, retired_at) ON platform.authorities TO weir_platform;

ALTER TABLE agents
    -- The root of the newest certificate; NULL: that from before there could be several.
    ADD COLUMN authority_id uuid REFERENCES platform.authorities,
    -- What the roots the agent trusts hash to; NULL: it cannot be told of others.
    ADD COLUMN trust_digest bytea CONSTRAINT agents_trust_digest_is_whole CHECK (length(trust_digest) = 8),
    -- When its newest certificate took the place of another; NULL: it is the one it was enrolled with.
    ADD COLUMN certificate_renewed_at timestamptz;

-- Before a root goes, it is counted whose certificates are of it.
GRANT SELECT (authority_id, trust_digest, certificate_renewed_at, connected_at) ON agents TO weir_platform;
-- Before a root issues, a backup has it.
GRANT SELECT ON platform.backups TO weir_platform;
