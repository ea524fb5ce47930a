-- Over what an agent is connected, or was last; NULL = it never was since this is noted.
ALTER TABLE agents ADD COLUMN transport text CONSTRAINT agents_transport_exists CHECK (transport IN ('quic', 'tcp'));

-- Gateways that run, so that one that stops can say where else to go. A row is one process's; it says every few seconds that it
-- is there, and takes its row away when it stops.
CREATE TABLE platform.gateways (
    id      uuid PRIMARY KEY,
    -- Where agents dial it, host:port.
    address text NOT NULL,
    seen_at timestamptz NOT NULL
);
ALTER TABLE platform.gateways OWNER TO weir_owner;
GRANT SELECT, INSERT, UPDATE, DELETE ON platform.gateways TO weir_platform;
