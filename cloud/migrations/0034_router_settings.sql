-- What becomes of hosts behind a router whose address is no line's, which networks there are the ISP's own, and whether
-- connections of open lines are left untracked.
ALTER TABLE routers
    ADD COLUMN unknown_hosts text NOT NULL DEFAULT 'let_through'
        CONSTRAINT routers_unknown_hosts_known CHECK (unknown_hosts IN ('let_through', 'garden', 'closed')),
    ADD COLUMN own_networks cidr[] NOT NULL DEFAULT '{}',
    ADD COLUMN untracked boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT routers_track_what_they_masquerade CHECK (NOT (nat AND untracked));
