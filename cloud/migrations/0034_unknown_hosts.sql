-- What becomes of hosts behind a router whose address is no line's, and which networks there are the ISP's own.
ALTER TABLE routers
    ADD COLUMN unknown_hosts text NOT NULL DEFAULT 'let_through'
        CONSTRAINT routers_unknown_hosts_known CHECK (unknown_hosts IN ('let_through', 'garden', 'closed')),
    ADD COLUMN own_networks cidr[] NOT NULL DEFAULT '{}';
