-- Invitations to a tenant's staff. The link alone holds the token; an invitation that was used, withdrawn or replaced is gone.
CREATE TABLE platform.staff_invitations (
    token_hash  bytea PRIMARY KEY CONSTRAINT staff_invitations_hash_is_whole CHECK (length(token_hash) = 32),
    tenant_id   uuid NOT NULL,
    id          uuid NOT NULL,
    name        text NOT NULL CONSTRAINT staff_invitations_have_a_name CHECK (btrim(name) <> ''),
    email       text NOT NULL,
    role        text NOT NULL CONSTRAINT staff_invitations_role_exists CHECK (role IN ('owner', 'billing', 'support', 'network', 'read_only')),
    invited_by  uuid,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    CONSTRAINT staff_invitations_one_each UNIQUE (tenant_id, id),
    CONSTRAINT staff_invitations_one_an_address UNIQUE (tenant_id, email),
    FOREIGN KEY (tenant_id, invited_by) REFERENCES staff (tenant_id, id)
);
SELECT share_with_platform('platform.staff_invitations');
